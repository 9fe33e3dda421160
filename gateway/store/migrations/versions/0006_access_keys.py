"""Network policies of access keys, and credential reports."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "access_key_policies",
        sa.Column("holder_id", sa.String(), nullable=False),
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("document", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_access_key_policies_account_id_accounts")
        ),
        sa.PrimaryKeyConstraint("holder_id", name=op.f("pk_access_key_policies")),
    )
    op.create_index(op.f("ix_access_key_policies_account_id"), "access_key_policies", ["account_id"])
    op.create_table(
        "credential_reports",
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("generated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("line_count", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_credential_reports_account_id_accounts")),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_credential_reports")),
    )
    op.create_table(
        "credential_report_parts",
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["credential_reports.account_id"],
            name=op.f("fk_credential_report_parts_account_id_credential_reports"),
        ),
        sa.PrimaryKeyConstraint("account_id", "number", name=op.f("pk_credential_report_parts")),
    )


def downgrade() -> None:
    op.drop_table("credential_report_parts")
    op.drop_table("credential_reports")
    op.drop_index(op.f("ix_access_key_policies_account_id"), table_name="access_key_policies")
    op.drop_table("access_key_policies")
