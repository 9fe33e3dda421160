"""Receipts are chained and signed, and decisions are kept in batches."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

ROW_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_ADDED = (
    ("personal", sa.LargeBinary()),
    ("lane", sa.String()),
    ("sequence", sa.BigInteger()),
    ("previous", sa.LargeBinary()),
    ("key_id", sa.String()),
    ("hash", sa.LargeBinary()),
    ("signature", sa.LargeBinary()),
)


def upgrade() -> None:
    for name, kind in _ADDED:
        op.add_column("receipts", sa.Column(name, kind, nullable=True))
    op.create_index("ix_receipts_lane_sequence", "receipts", ["lane", "sequence"], unique=True)
    op.create_table(
        "chain_heads",
        sa.Column("lane", sa.String(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("link", sa.LargeBinary(), nullable=False),
        sa.Column("key_id", sa.String(), nullable=False),
        sa.Column("code", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("lane", name="pk_chain_heads"),
    )
    op.create_table(
        "receipt_keys",
        sa.Column("key_id", sa.String(), nullable=False),
        sa.Column("public", sa.LargeBinary(), nullable=False),
        sa.Column("noted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("vouched_by", sa.String(), nullable=True),
        sa.Column("voucher", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("key_id", name="pk_receipt_keys"),
    )
    op.create_table(
        "decision_batches",
        sa.Column("id", ROW_NUMBER, nullable=False),
        sa.Column("lane", sa.String(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("file", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("first_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("records", sa.Integer(), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("previous", sa.LargeBinary(), nullable=False),
        sa.Column("key_id", sa.String(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_decision_batches"),
    )
    op.create_index("ix_decision_batches_lane_sequence", "decision_batches", ["lane", "sequence"], unique=True)
    op.create_index("ix_decision_batches_account_id_id", "decision_batches", ["account_id", "id"])
    op.create_index("ix_decision_batches_last_at", "decision_batches", ["last_at"])
    op.create_table(
        "decision_requests",
        sa.Column("request_key", sa.BigInteger(), nullable=False),
        sa.Column("batch_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("request_key", "batch_id", name="pk_decision_requests"),
    )
    op.create_index("ix_decision_requests_batch_id", "decision_requests", ["batch_id"])


def downgrade() -> None:
    for name in ("decision_requests", "decision_batches", "receipt_keys", "chain_heads"):
        op.drop_table(name)
    op.drop_index("ix_receipts_lane_sequence", "receipts")
    for name, _kind in reversed(_ADDED):
        op.drop_column("receipts", name)
