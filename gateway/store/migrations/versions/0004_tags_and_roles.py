"""Tags, what roles know beyond their documents, and finding attachments by their policy."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "tags",
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("thing_id", sa.String(), nullable=False),
        sa.Column("key_folded", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("value", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name="fk_tags_account_id_accounts"),
        sa.PrimaryKeyConstraint("account_id", "kind", "thing_id", "key_folded", name="pk_tags"),
    )
    op.create_index("ix_tags_account_id_kind_key_folded_value", "tags", ["account_id", "kind", "key_folded", "value"])
    op.add_column("roles", sa.Column("service_name", sa.String(), nullable=True))
    op.add_column("roles", sa.Column("allow_console_login", sa.Boolean(), nullable=False, server_default=sa.true()))
    op.drop_index("ix_policy_attachments_account_id", table_name="policy_attachments")
    op.create_index(
        "ix_policy_attachments_account_id_policy_type_policy_key",
        "policy_attachments",
        ["account_id", "policy_type", "policy_key"],
    )


def downgrade() -> None:
    op.drop_index("ix_policy_attachments_account_id_policy_type_policy_key", table_name="policy_attachments")
    op.create_index("ix_policy_attachments_account_id", "policy_attachments", ["account_id"])
    with op.batch_alter_table("roles") as batch:
        batch.drop_column("allow_console_login")
        batch.drop_column("service_name")
    op.drop_index("ix_tags_account_id_kind_key_folded_value", table_name="tags")
    op.drop_table("tags")
