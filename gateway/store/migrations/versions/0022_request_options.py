"""What is asked of identity providers at a login."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "request_options",
        sa.Column("provider_key", sa.String(), nullable=False),
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("context_text", sa.String(), nullable=False),
        sa.Column("comparison", sa.String(), nullable=False),
        sa.Column("force_authn", sa.Boolean(), nullable=False),
        sa.Column("is_passive", sa.Boolean(), nullable=False),
        sa.Column("name_id_format", sa.String(), nullable=False),
        sa.Column("allow_create", sa.Boolean(), nullable=False),
        sa.Column("response_binding", sa.String(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name="fk_request_options_account_id_accounts"),
        sa.PrimaryKeyConstraint("provider_key", name="pk_request_options"),
    )
    # A login under way when this is installed asked for nothing, and was a user's.
    op.add_column("pending_logins", sa.Column("purpose", sa.String(), nullable=False, server_default="user"))
    op.add_column("pending_logins", sa.Column("provider_key", sa.String(), nullable=False, server_default=""))
    op.add_column("pending_logins", sa.Column("asked_text", sa.String(), nullable=False, server_default=""))
    op.add_column("pending_logins", sa.Column("aim_text", sa.String(), nullable=False, server_default=""))
    op.create_index("ix_pending_logins_provider_key", "pending_logins", ["provider_key"])


def downgrade() -> None:
    op.drop_index("ix_pending_logins_provider_key", "pending_logins")
    for column in ("aim_text", "asked_text", "provider_key", "purpose"):
        op.drop_column("pending_logins", column)
    op.drop_table("request_options")
