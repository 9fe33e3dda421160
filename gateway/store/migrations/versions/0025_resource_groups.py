"""Resource groups, and policies attached within them."""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


_OLD = "uq_policy_attachments_target_kind_target_id_policy_type_policy_key"
_NEW = "uq_policy_attachments_target_kind_target_id_resource_group_id_policy_type_policy_key"


def upgrade() -> None:
    op.create_table(
        "resource_groups",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("name_key", sa.String(), nullable=False),
        sa.Column("display_name", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name="fk_resource_groups_account_id_accounts"),
        sa.PrimaryKeyConstraint("account_id", "id", name="pk_resource_groups"),
        sa.UniqueConstraint("account_id", "name_key", name="uq_resource_groups_account_id_name_key"),
    )
    # Resources could name any group before there were groups: those names become groups of their account, so that
    # nothing loses its place.
    op.execute(
        "INSERT INTO resource_groups (id, account_id, name, name_key, display_name, created_at) "
        "SELECT resource_group_id, account_id, resource_group_id, resource_group_id, '', MIN(created_at) "
        "FROM resources WHERE resource_group_id <> '' GROUP BY account_id, resource_group_id"
    )
    with op.batch_alter_table("policy_attachments") as batch:
        batch.add_column(sa.Column("resource_group_id", sa.String(), server_default="", nullable=False))
        batch.drop_constraint(op.f(_OLD), type_="unique")
        batch.create_unique_constraint(
            op.f(_NEW), ["target_kind", "target_id", "resource_group_id", "policy_type", "policy_key"]
        )


def downgrade() -> None:
    with op.batch_alter_table("policy_attachments") as batch:
        batch.drop_constraint(op.f(_NEW), type_="unique")
        batch.drop_column("resource_group_id")
        batch.create_unique_constraint(op.f(_OLD), ["target_kind", "target_id", "policy_type", "policy_key"])
    op.drop_table("resource_groups")
