"""Logouts under way with SAML identity providers, and the sessions of an account found by its id."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "pending_saml_logouts",
        sa.Column("handle_hash", sa.String(), nullable=False),
        sa.Column("provider_key", sa.String(), nullable=False),
        sa.Column("browser_hash", sa.String(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("request_id", sa.String(), nullable=True),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("handle_hash", name="pk_pending_saml_logouts"),
    )
    op.create_index("ix_pending_saml_logouts_provider_key", "pending_saml_logouts", ["provider_key"])
    op.create_index("ix_pending_saml_logouts_request_id", "pending_saml_logouts", ["request_id"])
    op.create_index("ix_pending_saml_logouts_expires_at", "pending_saml_logouts", ["expires_at"])
    op.create_index("ix_browser_sessions_account_id_created_at", "browser_sessions", ["account_id", "created_at"])


def downgrade() -> None:
    op.drop_index("ix_browser_sessions_account_id_created_at", table_name="browser_sessions")
    op.drop_table("pending_saml_logouts")
