"""What was told about things that lapse."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "expiry_settings",
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("rotation_days", sa.Integer(), nullable=False),
        sa.Column("rotation_set_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("calendar_hash", sa.String(), nullable=True),
        sa.Column("calendar_made_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("webhook_url", sa.String(), nullable=True),
        sa.Column("webhook_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("webhook_not_before", sa.DateTime(timezone=True), nullable=True),
        sa.Column("webhook_held_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("webhook_tried_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("webhook_told_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("webhook_failures", sa.Integer(), nullable=False),
        sa.Column("webhook_outcome", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_expiry_settings_account_id_accounts")),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_expiry_settings")),
        sa.UniqueConstraint("calendar_hash", name=op.f("uq_expiry_settings_calendar_hash")),
    )
    op.create_index(op.f("ix_expiry_settings_rotation_days"), "expiry_settings", ["rotation_days"])
    op.create_index(op.f("ix_expiry_settings_webhook_not_before"), "expiry_settings", ["webhook_not_before"])
    op.create_table(
        "expiry_notices",
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("event_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("threshold_days", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_expiry_notices_account_id_accounts")),
        sa.PrimaryKeyConstraint("account_id", "event_id", name=op.f("pk_expiry_notices")),
    )
    op.create_index(op.f("ix_expiry_notices_expires_at"), "expiry_notices", ["expires_at"])
    op.create_index("ix_expiry_notices_state_account_id", "expiry_notices", ["state", "account_id"])
    op.add_column("oidc_sign_ins", sa.Column("secret_expires_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index(op.f("ix_oidc_sign_ins_secret_expires_at"), "oidc_sign_ins", ["secret_expires_at"])
    op.create_index(op.f("ix_provider_certificates_not_after"), "provider_certificates", ["not_after"])
    op.create_index("ix_access_keys_account_id_status_created_at", "access_keys", ["account_id", "status", "created_at"])
    op.create_index("ix_access_keys_status_created_at", "access_keys", ["status", "created_at"])


def downgrade() -> None:
    op.drop_index("ix_access_keys_status_created_at", "access_keys")
    op.drop_index("ix_access_keys_account_id_status_created_at", "access_keys")
    op.drop_index(op.f("ix_provider_certificates_not_after"), "provider_certificates")
    op.drop_index(op.f("ix_oidc_sign_ins_secret_expires_at"), "oidc_sign_ins")
    op.drop_column("oidc_sign_ins", "secret_expires_at")
    op.drop_table("expiry_notices")
    op.drop_table("expiry_settings")
