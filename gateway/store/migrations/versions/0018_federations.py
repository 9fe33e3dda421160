"""Federation aggregates, an entity a row."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    _create_federations()
    _create_entities()
    _create_adoptions()


def _create_federations() -> None:
    op.create_table(
        "federations",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("name_key", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("url", sa.String(), nullable=False),
        sa.Column("anchors_pem", sa.String(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("providers", sa.Integer(), nullable=False),
        sa.Column("entities", sa.Integer(), nullable=False),
        sa.Column("broken", sa.Integer(), nullable=False),
        sa.Column("valid_until", INSTANT, nullable=True),
        sa.Column("published_at", INSTANT, nullable=True),
        sa.Column("etag", sa.String(), nullable=False),
        sa.Column("claim", sa.String(), nullable=False),
        sa.Column("next_refresh_at", INSTANT, nullable=True),
        sa.Column("tried_at", INSTANT, nullable=True),
        sa.Column("refreshed_at", INSTANT, nullable=True),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("outcome_text", sa.String(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name="fk_federations_account_id_accounts"),
        sa.PrimaryKeyConstraint("id", name="pk_federations"),
        sa.UniqueConstraint("account_id", "name_key", name="uq_federations_account_id_name_key"),
    )
    op.create_index("ix_federations_next_refresh_at", "federations", ["next_refresh_at"])


def _create_entities() -> None:
    op.create_table(
        "federation_entities",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("federation_id", NUMBER, nullable=False),
        sa.Column("entity_id", sa.String(), nullable=False),
        sa.Column("since", sa.Integer(), nullable=False),
        sa.Column("until", sa.Integer(), nullable=True),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("display_name", sa.String(), nullable=False),
        sa.Column("search_text", sa.String(), nullable=False),
        sa.Column("sort_key", sa.String(), nullable=False),
        sa.Column("registrar", sa.String(), nullable=False),
        sa.Column("is_provider", sa.Boolean(), nullable=False),
        sa.Column("problem", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_federation_entities"),
        sa.UniqueConstraint(
            "federation_id", "entity_id", "since", name="uq_federation_entities_federation_id_entity_id_since"
        ),
        sa.UniqueConstraint(
            "federation_id", "sort_key", "since", name="uq_federation_entities_federation_id_sort_key_since"
        ),
    )
    op.create_index(
        "ix_federation_entities_federation_id_until", "federation_entities", ["federation_id", "until"]
    )
    op.create_table(
        "federation_documents",
        sa.Column("entity_row", NUMBER, autoincrement=False, nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("entity_row", name="pk_federation_documents"),
    )


def _create_adoptions() -> None:
    op.create_table(
        "federation_adoptions",
        sa.Column("provider_key", sa.String(), nullable=False),
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("federation_id", NUMBER, nullable=False),
        sa.Column("entity_id", sa.String(), nullable=False),
        sa.Column("adopted_at", INSTANT, nullable=False),
        sa.Column("next_query_at", INSTANT, nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("lapses_at", INSTANT, nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name="fk_federation_adoptions_account_id_accounts"),
        sa.ForeignKeyConstraint(
            ["federation_id"], ["federations.id"], name="fk_federation_adoptions_federation_id_federations"
        ),
        sa.PrimaryKeyConstraint("provider_key", name="pk_federation_adoptions"),
    )
    op.create_index(
        "ix_federation_adoptions_federation_id_entity_id", "federation_adoptions", ["federation_id", "entity_id"]
    )
    op.create_index("ix_federation_adoptions_lapses_at", "federation_adoptions", ["lapses_at"])
    op.create_index("ix_federation_adoptions_next_query_at", "federation_adoptions", ["next_query_at"])


def downgrade() -> None:
    op.drop_table("federation_adoptions")
    op.drop_table("federation_documents")
    op.drop_table("federation_entities")
    op.drop_table("federations")
