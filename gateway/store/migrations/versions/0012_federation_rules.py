"""Mapping rules, linked identities and assurance."""

import sqlalchemy as sa
from alembic import op

ROW_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "mapping_rules",
        sa.Column("id", ROW_NUMBER, nullable=False),
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("provider_key", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("name_key", sa.String(), nullable=False),
        sa.Column("condition_text", sa.String(), nullable=False),
        sa.Column("role_arns_text", sa.String(), nullable=False),
        sa.Column("session_name", sa.String(), nullable=False),
        sa.Column("max_duration_s", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_mapping_rules_account_id_accounts")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mapping_rules")),
        sa.UniqueConstraint("provider_key", "name_key", name=op.f("uq_mapping_rules_provider_key_name_key")),
    )
    op.create_table(
        "identity_links",
        sa.Column("provider_key", sa.String(), nullable=False),
        sa.Column("subject_hash", sa.String(), nullable=False),
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("user_id", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_login_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_identity_links_account_id_accounts")),
        sa.PrimaryKeyConstraint("provider_key", "subject_hash", name=op.f("pk_identity_links")),
    )
    op.create_index(op.f("ix_identity_links_user_id"), "identity_links", ["user_id"], unique=False)
    op.create_table(
        "claimed_memberships",
        sa.Column("user_id", sa.String(), nullable=False),
        sa.Column("group_id", sa.String(), nullable=False),
        sa.Column("provider_key", sa.String(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["group_id"],
            ["groups.id"],
            name=op.f("fk_claimed_memberships_group_id_groups"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("user_id", "group_id", name=op.f("pk_claimed_memberships")),
    )
    op.create_index(op.f("ix_claimed_memberships_group_id"), "claimed_memberships", ["group_id"], unique=False)
    op.create_table(
        "provider_logins",
        sa.Column("provider_key", sa.String(), nullable=False),
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("use", sa.String(), nullable=False),
        sa.Column("logon_name_key", sa.String(), nullable=False),
        sa.Column("login_with_domain", sa.Boolean(), nullable=False),
        sa.Column("roles_key", sa.String(), nullable=False),
        sa.Column("groups_key", sa.String(), nullable=False),
        sa.Column("session_name", sa.String(), nullable=False),
        sa.Column("creates_users", sa.Boolean(), nullable=False),
        sa.Column("new_user_group", sa.String(), nullable=False),
        sa.Column("new_user_days", sa.Integer(), nullable=False),
        sa.Column("second_factor_text", sa.String(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_provider_logins_account_id_accounts")),
        sa.PrimaryKeyConstraint("provider_key", name=op.f("pk_provider_logins")),
    )
