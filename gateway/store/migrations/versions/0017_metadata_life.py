"""Where metadata comes from, what is staged, and how certificates are used."""

import sqlalchemy as sa
from alembic import op

ROW_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True)

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

_CERTIFICATES = (
    ("state", sa.String(), False, "active"),
    ("promotes", sa.Boolean(), False, sa.false()),
    ("use_count", sa.BigInteger(), False, "0"),
    ("last_used_at", INSTANT, True, None),
    ("window_began_at", INSTANT, True, None),
    ("window_count", sa.Integer(), False, "0"),
)
# Every provider that is there was registered by a document that somebody brought.
_EXISTING = """
INSERT INTO metadata_sources (provider_key, account_id, kind, url, anchors_pem, trust_tls, etag, outcome, outcome_text,
    failures, lapsed, in_force_since, brought_by, refused_digest, file_digest, trial_failures)
SELECT {key}, account_id, 'pasted', '', '', {false}, '', '', '', 0, {false}, updated_at, '', '', '', 0 FROM {table}
"""


def upgrade() -> None:
    for name, kind, nullable, default in _CERTIFICATES:
        op.add_column(
            "provider_certificates", sa.Column(name, kind, nullable=nullable, server_default=default)
        )
    op.create_table(
        "metadata_documents",
        sa.Column("id", ROW_NUMBER, nullable=False),
        sa.Column("provider_key", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("since", INSTANT, nullable=False),
        sa.Column("xml", sa.LargeBinary(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("origin", sa.String(), nullable=False),
        sa.Column("brought_by", sa.String(), nullable=False),
        sa.Column("why", sa.String(), nullable=False),
        sa.Column("by_hand", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_metadata_documents")),
        sa.UniqueConstraint("provider_key", "state", name=op.f("uq_metadata_documents_provider_key_state")),
    )
    op.create_index(op.f("ix_metadata_documents_state_since"), "metadata_documents", ["state", "since"], unique=False)
    op.create_table(
        "metadata_sources",
        sa.Column("provider_key", sa.String(), nullable=False),
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("url", sa.String(), nullable=False),
        sa.Column("anchors_pem", sa.String(), nullable=False),
        sa.Column("trust_tls", sa.Boolean(), nullable=False),
        sa.Column("etag", sa.String(), nullable=False),
        sa.Column("cache_duration_s", sa.Integer(), nullable=True),
        sa.Column("next_refresh_at", INSTANT, nullable=True),
        sa.Column("tried_at", INSTANT, nullable=True),
        sa.Column("refreshed_at", INSTANT, nullable=True),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("outcome_text", sa.String(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("valid_until", INSTANT, nullable=True),
        sa.Column("lapsed", sa.Boolean(), nullable=False),
        sa.Column("in_force_since", INSTANT, nullable=False),
        sa.Column("brought_by", sa.String(), nullable=False),
        sa.Column("refused_digest", sa.String(), nullable=False),
        sa.Column("file_digest", sa.String(), nullable=False),
        sa.Column("gone_since", INSTANT, nullable=True),
        sa.Column("trial_until", INSTANT, nullable=True),
        sa.Column("trial_began_at", INSTANT, nullable=True),
        sa.Column("trial_failures", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_metadata_sources_account_id_accounts")
        ),
        sa.PrimaryKeyConstraint("provider_key", name=op.f("pk_metadata_sources")),
    )
    for column in ("next_refresh_at", "valid_until", "file_digest"):
        op.create_index(op.f(f"ix_metadata_sources_{column}"), "metadata_sources", [column], unique=False)
    false = "false" if op.get_bind().dialect.name == "postgresql" else "0"
    op.execute(_EXISTING.format(key="'saml:' || id", table="saml_providers", false=false))
    sso = "user_sso_settings WHERE metadata_xml IS NOT NULL"
    op.execute(_EXISTING.format(key="'user-sso:' || account_id", table=sso, false=false))


def downgrade() -> None:
    op.drop_table("metadata_sources")
    op.drop_table("metadata_documents")
    with op.batch_alter_table("provider_certificates") as table:
        for name, *_ in _CERTIFICATES:
            table.drop_column(name)
