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
