"""Nonces and last uses of access keys.

On PostgreSQL they are tables of this database, written without waiting for the disk; beside SQLite they are a file of
their own, which makes its tables itself.
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    if op.get_bind().dialect.name != "postgresql":
        return
    op.create_table(
        "nonces",
        sa.Column("key_hash", sa.LargeBinary(), primary_key=True),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
    )
    op.create_index("ix_nonces_expires_at", "nonces", ["expires_at"])
    op.create_table(
        "key_uses",
        sa.Column("access_key_id", sa.String(), primary_key=True),
        sa.Column("used_at", sa.BigInteger(), nullable=False),
        sa.Column("service", sa.String(), nullable=False),
    )
    op.create_table(
        "server_starts",
        sa.Column("only_row", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("signed_after", sa.BigInteger(), nullable=False),
    )
