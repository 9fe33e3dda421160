"""Browser logins through OpenID Providers."""

import sqlalchemy as sa
from alembic import op

ROW_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "pending_oidc_logins",
        sa.Column("state_hash", sa.String(), nullable=False),
        sa.Column("provider_id", ROW_NUMBER, nullable=False),
        sa.Column("browser_hash", sa.String(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("state_hash", name=op.f("pk_pending_oidc_logins")),
    )
    op.create_index(op.f("ix_pending_oidc_logins_expires_at"), "pending_oidc_logins", ["expires_at"], unique=False)
    op.create_table(
        "oidc_sign_ins",
        sa.Column("provider_id", ROW_NUMBER, autoincrement=False, nullable=False),
        sa.Column("client_id", sa.String(), nullable=False),
        sa.Column("method", sa.String(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("key_id", sa.String(), nullable=False),
        sa.Column("scopes_text", sa.String(), nullable=False),
        sa.Column("acr_values_text", sa.String(), nullable=False),
        sa.Column("prompt_text", sa.String(), nullable=False),
        sa.Column("max_age_s", sa.Integer(), nullable=True),
        sa.Column("reads_user_info", sa.Boolean(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["provider_id"],
            ["oidc_providers.id"],
            name=op.f("fk_oidc_sign_ins_provider_id_oidc_providers"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("provider_id", name=op.f("pk_oidc_sign_ins")),
    )
