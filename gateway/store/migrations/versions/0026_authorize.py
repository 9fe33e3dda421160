"""Resource services and the routes of their proxies."""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "resource_services",
        sa.Column("principal_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("codes", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_resource_services_account_id_accounts")
        ),
        sa.PrimaryKeyConstraint("principal_id", name=op.f("pk_resource_services")),
    )
    op.create_index(op.f("ix_resource_services_account_id"), "resource_services", ["account_id"])
    op.create_table(
        "app_sessions",
        sa.Column("handle_hash", sa.String(), nullable=False),
        sa.Column("host", sa.String(), nullable=False),
        sa.Column("session_hash", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("handle_hash", name=op.f("pk_app_sessions")),
    )
    op.create_index(op.f("ix_app_sessions_expires_at"), "app_sessions", ["expires_at"])


def downgrade() -> None:
    op.drop_table("app_sessions")
    op.drop_table("resource_services")
