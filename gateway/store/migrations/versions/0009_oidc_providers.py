"""OpenID Providers."""

import sqlalchemy as sa
from alembic import op

ROW_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "oidc_providers",
        sa.Column("id", ROW_NUMBER, nullable=False),
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("name_key", sa.String(), nullable=False),
        sa.Column("description", sa.String(), nullable=False),
        sa.Column("issuer_url", sa.String(), nullable=False),
        sa.Column("issuer_key", sa.String(), nullable=False),
        sa.Column("client_ids_text", sa.String(), nullable=False),
        sa.Column("fingerprints_text", sa.String(), nullable=False),
        sa.Column("issuance_limit_h", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_oidc_providers_account_id_accounts")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_oidc_providers")),
        sa.UniqueConstraint("account_id", "name_key", name=op.f("uq_oidc_providers_account_id_name_key")),
        sa.UniqueConstraint("account_id", "issuer_key", name=op.f("uq_oidc_providers_account_id_issuer_key")),
    )


def downgrade() -> None:
    op.drop_table("oidc_providers")
