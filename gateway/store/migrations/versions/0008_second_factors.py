"""Second factors."""

import sqlalchemy as sa
from alembic import op


revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "browser_sessions", sa.Column("mfa_present", sa.Boolean(), server_default=sa.false(), nullable=False)
    )
    op.create_table(
        "mfa_devices",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("name_key", sa.String(), nullable=False),
        sa.Column("sealed_seed", sa.LargeBinary(), nullable=False),
        sa.Column("user_id", sa.String(), nullable=True),
        sa.Column("owner_of", sa.String(), nullable=True),
        sa.Column("bound_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_step", sa.BigInteger(), nullable=False),
        sa.Column("wrong_codes", sa.Integer(), nullable=False),
        sa.Column("blocked_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name="fk_mfa_devices_account_id_accounts"),
        sa.ForeignKeyConstraint(["owner_of"], ["accounts.id"], name="fk_mfa_devices_owner_of_accounts"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_mfa_devices_user_id_users"),
        sa.PrimaryKeyConstraint("id", name="pk_mfa_devices"),
        sa.UniqueConstraint("account_id", "name_key", name="uq_mfa_devices_account_id_name_key"),
        sa.UniqueConstraint("owner_of", name="uq_mfa_devices_owner_of"),
        sa.UniqueConstraint("user_id", name="uq_mfa_devices_user_id"),
    )
    op.create_table(
        "verifications",
        sa.Column("user_id", sa.String(), nullable=False),
        sa.Column("verify_type", sa.String(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("set_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name="fk_verifications_user_id_users", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", "verify_type", name="pk_verifications"),
    )
    op.create_table(
        "mfa_drafts",
        sa.Column("key_hash", sa.String(), nullable=False),
        sa.Column("sealed_seed", sa.LargeBinary(), nullable=False),
        sa.Column("wrong_tries", sa.Integer(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key_hash", name="pk_mfa_drafts"),
    )
    op.create_index("ix_mfa_drafts_expires_at", "mfa_drafts", ["expires_at"])
    op.create_table(
        "unfinished_logins",
        sa.Column("handle_hash", sa.String(), nullable=False),
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("user_id", sa.String(), nullable=True),
        sa.Column("password_mark", sa.String(), nullable=False),
        sa.Column("must_change", sa.Boolean(), nullable=False),
        sa.Column("second_factor", sa.String(), nullable=False),
        sa.Column("wrong_codes", sa.Integer(), nullable=False),
        sa.Column("target", sa.String(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("handle_hash", name="pk_unfinished_logins"),
    )
    op.create_index("ix_unfinished_logins_expires_at", "unfinished_logins", ["expires_at"])


def downgrade() -> None:
    op.drop_table("unfinished_logins")
    op.drop_table("mfa_drafts")
    op.drop_column("browser_sessions", "mfa_present")
    op.drop_table("verifications")
    op.drop_table("mfa_devices")
