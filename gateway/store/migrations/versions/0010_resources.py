"""Resources that outlive the user who made them."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_TEXTS = (
    "id",
    "account_id",
    "arn",
    "resource_type",
    "resource_group_id",
    "creator_kind",
    "creator_id",
    "creator_name",
    "owner_kind",
    "owner_id",
    "owner_name",
)


def upgrade() -> None:
    op.create_table(
        "resources",
        *(sa.Column(name, sa.String(), nullable=False) for name in _TEXTS),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name="fk_resources_account_id_accounts"),
        sa.PrimaryKeyConstraint("id", name="pk_resources"),
        sa.UniqueConstraint("account_id", "arn", name="uq_resources_account_id_arn"),
    )
    for column in ("creator_id", "owner_id", "resource_group_id"):
        op.create_index(f"ix_resources_account_id_{column}_arn", "resources", ["account_id", column, "arn"])


def downgrade() -> None:
    op.drop_table("resources")
