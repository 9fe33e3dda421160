"""What users know beyond their names, and the recycle bin."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


# An earlier version did not keep when somebody joined a group: it was after both were made.
_JOINED = """
UPDATE group_memberships SET joined_at = (
    SELECT CASE WHEN users.created_at > groups.created_at THEN users.created_at ELSE groups.created_at END
    FROM users, groups WHERE users.id = group_memberships.user_id AND groups.id = group_memberships.group_id
)
"""


def upgrade() -> None:
    for column in ("email", "mobile_phone"):
        op.add_column("users", sa.Column(column, sa.String(), nullable=False, server_default=""))
    op.add_column("users", sa.Column("provision_type", sa.String(), nullable=False, server_default="Manual"))
    op.add_column("group_memberships", sa.Column("joined_at", sa.DateTime(timezone=True), nullable=True))
    op.execute(_JOINED)
    with op.batch_alter_table("group_memberships") as batch:
        batch.alter_column("joined_at", existing_type=sa.DateTime(timezone=True), nullable=False)
    _recycled_users()
    _recycled_access_keys()


def _recycled_users() -> None:
    texts = (
        "account_id",
        "name",
        "name_key",
        "display_name",
        "comments",
        "email",
        "mobile_phone",
        "provision_type",
        "belongings",
    )
    op.create_table(
        "recycled_users",
        sa.Column("id", sa.String(), nullable=False),
        *(sa.Column(column, sa.String(), nullable=False) for column in texts),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_login_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("recycled_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_recycled_users_account_id_accounts")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recycled_users")),
    )
    op.create_index(op.f("ix_recycled_users_account_id_name_key"), "recycled_users", ["account_id", "name_key"])
    op.create_index(op.f("ix_recycled_users_expires_at"), "recycled_users", ["expires_at"])


def _recycled_access_keys() -> None:
    op.create_table(
        "recycled_access_keys",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("user_id", sa.String(), nullable=False),
        sa.Column("sealed_secret", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recycled_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_recycled_access_keys_account_id_accounts")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recycled_access_keys")),
    )
    for column in ("account_id", "user_id", "expires_at"):
        op.create_index(op.f(f"ix_recycled_access_keys_{column}"), "recycled_access_keys", [column])


def downgrade() -> None:
    op.drop_table("recycled_access_keys")
    op.drop_table("recycled_users")
    op.drop_column("group_memberships", "joined_at")
    for column in ("provision_type", "mobile_phone", "email"):
        op.drop_column("users", column)
