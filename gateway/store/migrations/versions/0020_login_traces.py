"""Traces of failed and of dry logins, and the dry logins under way."""

import sqlalchemy as sa
from alembic import op

ROW_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "login_traces",
        sa.Column("id", ROW_NUMBER, nullable=False),
        sa.Column("request_id", sa.String(), nullable=False),
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("provider_key", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("consumer", sa.String(), nullable=False),
        sa.Column("evidence", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("body", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_login_traces")),
    )
    for columns in (
        ("request_id",),
        ("provider_key", "evidence", "at"),
        ("evidence", "at"),
        ("account_id", "id"),
        ("provider_key", "id"),
        ("expires_at",),
    ):
        op.create_index(op.f("ix_login_traces_" + "_".join(columns)), "login_traces", list(columns), unique=False)
    op.create_table(
        "connection_tests",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("handle_hash", sa.String(), nullable=False),
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("provider_key", sa.String(), nullable=False),
        sa.Column("starter_hash", sa.String(), nullable=False),
        sa.Column("session_hash", sa.String(), nullable=False),
        sa.Column("caught_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("caught_by", sa.String(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("busy_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_connection_tests")),
    )
    for column in ("handle_hash", "provider_key", "starter_hash", "expires_at"):
        op.create_index(op.f(f"ix_connection_tests_{column}"), "connection_tests", [column], unique=False)


def downgrade() -> None:
    op.drop_table("connection_tests")
    op.drop_table("login_traces")
