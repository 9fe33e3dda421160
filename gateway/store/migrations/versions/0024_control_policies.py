"""Control policies of the resource directory."""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "resource_directories",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("management_account_id", sa.String(), nullable=False),
        sa.Column("root_id", sa.String(), nullable=False),
        sa.Column("controls_enabled", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["management_account_id"], ["accounts.id"], name="fk_resource_directories_management_account_id_accounts"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_resource_directories"),
        sa.UniqueConstraint("management_account_id", name="uq_resource_directories_management_account_id"),
    )
    op.create_table(
        "directory_folders",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("directory_id", sa.String(), nullable=False),
        sa.Column("parent_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("name_key", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["directory_id"],
            ["resource_directories.id"],
            name="fk_directory_folders_directory_id_resource_directories",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_directory_folders"),
        sa.UniqueConstraint("parent_id", "name_key", name="uq_directory_folders_parent_id_name_key"),
    )
    op.create_index("ix_directory_folders_directory_id", "directory_folders", ["directory_id"])
    op.create_table(
        "directory_members",
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("directory_id", sa.String(), nullable=False),
        sa.Column("folder_id", sa.String(), nullable=False),
        sa.Column("joined_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name="fk_directory_members_account_id_accounts"),
        sa.ForeignKeyConstraint(
            ["directory_id"],
            ["resource_directories.id"],
            name="fk_directory_members_directory_id_resource_directories",
        ),
        sa.PrimaryKeyConstraint("account_id", name="pk_directory_members"),
    )
    op.create_index("ix_directory_members_directory_id", "directory_members", ["directory_id"])
    op.create_index("ix_directory_members_folder_id", "directory_members", ["folder_id"])
    op.create_table(
        "control_policies",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("directory_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("name_key", sa.String(), nullable=False),
        sa.Column("description", sa.String(), nullable=False),
        sa.Column("document", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["directory_id"],
            ["resource_directories.id"],
            name="fk_control_policies_directory_id_resource_directories",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_control_policies"),
        sa.UniqueConstraint("directory_id", "name_key", name="uq_control_policies_directory_id_name_key"),
    )
    op.create_table(
        "control_policy_attachments",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("directory_id", sa.String(), nullable=False),
        sa.Column("node_kind", sa.String(), nullable=False),
        sa.Column("node_id", sa.String(), nullable=False),
        sa.Column("policy_key", sa.String(), nullable=False),
        sa.Column("policy_id", sa.String(), nullable=True),
        sa.Column("attached_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["directory_id"],
            ["resource_directories.id"],
            name="fk_control_policy_attachments_directory_id_resource_directories",
        ),
        sa.ForeignKeyConstraint(
            ["policy_id"], ["control_policies.id"], name="fk_control_policy_attachments_policy_id_control_policies"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_control_policy_attachments"),
        sa.UniqueConstraint("node_id", "policy_key", name="uq_control_policy_attachments_node_id_policy_key"),
    )
    op.create_index("ix_control_policy_attachments_policy_id", "control_policy_attachments", ["policy_id"])


def downgrade() -> None:
    for name in (
        "control_policy_attachments",
        "control_policies",
        "directory_members",
        "directory_folders",
        "resource_directories",
    ):
        op.drop_table(name)
