"""Password policies, password history and security settings."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "security_preferences",
        sa.Column("account_id", sa.String(), nullable=False),
        *(
            sa.Column(name, sa.Boolean(), nullable=False)
            for name in (
                "allow_user_to_change_password",
                "allow_user_to_manage_access_keys",
                "allow_user_to_manage_mfa_devices",
                "allow_user_to_manage_public_keys",
                "allow_user_to_manage_service_credentials",
                "allow_user_to_manage_personal_dingtalk",
                "allow_user_to_login_with_passkey",
                "enable_save_mfa_ticket",
            )
        ),
        sa.Column("login_network_masks", sa.String(), nullable=False),
        sa.Column("mfa_operation_for_login", sa.String(), nullable=False),
        sa.Column("operation_for_risk_login", sa.String(), nullable=False),
        sa.Column("verification_types", sa.String(), nullable=False),
        sa.Column("max_idle_days_for_users", sa.Integer(), nullable=False),
        sa.Column("max_idle_days_for_access_keys", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_security_preferences_account_id_accounts")
        ),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_security_preferences")),
    )
