"""Where identity providers take logout messages and resolve artifacts."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "provider_endpoints",
        sa.Column("provider_key", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("binding", sa.String(), nullable=False),
        sa.Column("location", sa.String(), nullable=False),
        sa.Column("response_location", sa.String(), nullable=False),
        sa.Column("endpoint_index", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("provider_key", "position", name="pk_provider_endpoints"),
    )


def downgrade() -> None:
    op.drop_table("provider_endpoints")
