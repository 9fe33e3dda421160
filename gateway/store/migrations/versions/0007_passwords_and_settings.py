"""Password policies, password history and security settings."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _make_security_preferences()
    _make_password_policies()
    _make_password_history()
    _date_passwords()
    _make_lockouts()
    op.create_index("ix_browser_sessions_entity_id", "browser_sessions", ["entity_id"])


def _make_security_preferences() -> None:
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


def _make_password_policies() -> None:
    flags = (
        "require_lowercase",
        "require_uppercase",
        "require_numbers",
        "require_symbols",
        "not_contain_user_name",
        "hard_expire",
        "intercept_risk_on_api",
    )
    numbers = (
        "minimum_length",
        "minimum_different_characters",
        "max_age_days",
        "reuse_prevention",
        "max_login_attempts",
        "initial_age_days",
    )
    op.create_table(
        "password_policies",
        sa.Column("account_id", sa.String(), nullable=False),
        *(sa.Column(name, sa.Boolean(), nullable=False) for name in flags),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in numbers),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_password_policies_account_id_accounts")),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_password_policies")),
    )


def _make_password_history() -> None:
    op.create_table(
        "password_history",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("user_id", sa.String(), nullable=False),
        sa.Column("password_hash", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_password_history_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_password_history")),
    )
    op.create_index(op.f("ix_password_history_user_id"), "password_history", ["user_id"])
    op.execute(
        "INSERT INTO password_history (user_id, password_hash, created_at)"
        " SELECT user_id, password_hash, updated_at FROM login_profiles"
    )


def _date_passwords() -> None:
    """Passwords that exist count as set when their profile was last changed, and as used at the user's last sign-in."""
    for name in ("password_set_at", "password_used_at", "initial_since"):
        op.add_column("login_profiles", sa.Column(name, sa.DateTime(timezone=True), nullable=True))
    op.execute(
        "UPDATE login_profiles SET password_set_at = updated_at, password_used_at ="
        " (SELECT last_login_at FROM users WHERE users.id = login_profiles.user_id)"
    )
    with op.batch_alter_table("login_profiles") as batch:
        batch.alter_column("password_set_at", existing_type=sa.DateTime(timezone=True), nullable=False)


def _make_lockouts() -> None:
    for name in ("locked", "kept"):
        column: sa.Column[bool] = sa.Column(name, sa.Boolean(), nullable=False, server_default=sa.false())
        op.add_column("login_attempts", column)
