"""The tables of the directory, of receipts and of one-time claims."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

ROW_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "accounts",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("alias", sa.String(), nullable=False),
        sa.Column("display_name", sa.String(), nullable=False),
        sa.Column("owner_login", sa.String(), nullable=False),
        sa.Column("owner_password_hash", sa.String(), nullable=False),
        sa.Column("auxiliary_domain", sa.String(), nullable=True),
        sa.Column("login_session_duration_h", sa.Integer(), nullable=False),
        sa.Column("policy_stamp", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_accounts")),
        sa.UniqueConstraint("alias", name=op.f("uq_accounts_alias")),
        sa.UniqueConstraint("owner_login", name=op.f("uq_accounts_owner_login")),
    )
    op.create_table(
        "one_time_claims",
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("key_hash", sa.String(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("kind", "key_hash", name=op.f("pk_one_time_claims")),
    )
    op.create_index(op.f("ix_one_time_claims_expires_at"), "one_time_claims", ["expires_at"], unique=False)
    op.create_table(
        "receipts",
        sa.Column("id", ROW_NUMBER, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("request_id", sa.String(), nullable=False),
        sa.Column("account_id", sa.String(), nullable=True),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("principal_arn", sa.String(), nullable=True),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("details", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_receipts")),
    )
    op.create_index(op.f("ix_receipts_account_id"), "receipts", ["account_id"], unique=False)
    op.create_index(op.f("ix_receipts_at"), "receipts", ["at"], unique=False)
    op.create_index(op.f("ix_receipts_request_id"), "receipts", ["request_id"], unique=False)
    op.create_table(
        "revocations",
        sa.Column("key_hash", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key_hash", name=op.f("pk_revocations")),
    )
    op.create_table(
        "domain_aliases",
        sa.Column("domain", sa.String(), nullable=False),
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_domain_aliases_account_id_accounts")),
        sa.PrimaryKeyConstraint("domain", name=op.f("pk_domain_aliases")),
    )
    op.create_index(op.f("ix_domain_aliases_account_id"), "domain_aliases", ["account_id"], unique=False)
    op.create_table(
        "groups",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("name_key", sa.String(), nullable=False),
        sa.Column("display_name", sa.String(), nullable=False),
        sa.Column("comments", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_groups_account_id_accounts")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_groups")),
        sa.UniqueConstraint("account_id", "name_key", name=op.f("uq_groups_account_id_name_key")),
    )
    op.create_table(
        "policies",
        sa.Column("id", ROW_NUMBER, nullable=False),
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("name_key", sa.String(), nullable=False),
        sa.Column("description", sa.String(), nullable=False),
        sa.Column("default_version", sa.Integer(), nullable=False),
        sa.Column("last_version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_policies_account_id_accounts")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_policies")),
        sa.UniqueConstraint("account_id", "name_key", name=op.f("uq_policies_account_id_name_key")),
    )
    op.create_table(
        "roles",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("name_key", sa.String(), nullable=False),
        sa.Column("description", sa.String(), nullable=False),
        sa.Column("max_session_duration_s", sa.Integer(), nullable=False),
        sa.Column("trust_document", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_roles_account_id_accounts")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_roles")),
        sa.UniqueConstraint("account_id", "name_key", name=op.f("uq_roles_account_id_name_key")),
    )
    op.create_table(
        "saml_providers",
        sa.Column("id", ROW_NUMBER, nullable=False),
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("name_key", sa.String(), nullable=False),
        sa.Column("description", sa.String(), nullable=False),
        sa.Column("entity_id", sa.String(), nullable=False),
        sa.Column("metadata_xml", sa.LargeBinary(), nullable=False),
        sa.Column("authn_sign_algo", sa.String(), nullable=False),
        sa.Column("sso_redirect_url", sa.String(), nullable=True),
        sa.Column("sso_post_url", sa.String(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_saml_providers_account_id_accounts")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_saml_providers")),
        sa.UniqueConstraint("account_id", "name_key", name=op.f("uq_saml_providers_account_id_name_key")),
    )
    op.create_index(op.f("ix_saml_providers_entity_id"), "saml_providers", ["entity_id"], unique=False)
    op.create_table(
        "user_sso_settings",
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("metadata_xml", sa.LargeBinary(), nullable=True),
        sa.Column("entity_id", sa.String(), nullable=True),
        sa.Column("sso_redirect_url", sa.String(), nullable=True),
        sa.Column("sso_post_url", sa.String(), nullable=True),
        sa.Column("login_with_domain", sa.Boolean(), nullable=False),
        sa.Column("authn_sign_algo", sa.String(), nullable=False),
        sa.Column("idp_initiated", sa.Boolean(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_user_sso_settings_account_id_accounts")),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_user_sso_settings")),
    )
    op.create_index(op.f("ix_user_sso_settings_entity_id"), "user_sso_settings", ["entity_id"], unique=False)
    op.create_table(
        "users",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("name_key", sa.String(), nullable=False),
        sa.Column("display_name", sa.String(), nullable=False),
        sa.Column("comments", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_login_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_users_account_id_accounts")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
        sa.UniqueConstraint("account_id", "name_key", name=op.f("uq_users_account_id_name_key")),
    )
    op.create_table(
        "access_keys",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("user_id", sa.String(), nullable=True),
        sa.Column("sealed_secret", sa.LargeBinary(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_access_keys_account_id_accounts")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_access_keys_user_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_access_keys")),
    )
    op.create_index(op.f("ix_access_keys_account_id"), "access_keys", ["account_id"], unique=False)
    op.create_index(op.f("ix_access_keys_user_id"), "access_keys", ["user_id"], unique=False)
    op.create_table(
        "group_memberships",
        sa.Column("group_id", sa.String(), nullable=False),
        sa.Column("user_id", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["group_id"], ["groups.id"], name=op.f("fk_group_memberships_group_id_groups")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_group_memberships_user_id_users")),
        sa.PrimaryKeyConstraint("group_id", "user_id", name=op.f("pk_group_memberships")),
    )
    op.create_index(op.f("ix_group_memberships_user_id"), "group_memberships", ["user_id"], unique=False)
    op.create_table(
        "login_profiles",
        sa.Column("user_id", sa.String(), nullable=False),
        sa.Column("password_hash", sa.String(), nullable=False),
        sa.Column("password_reset_required", sa.Boolean(), nullable=False),
        sa.Column("mfa_bind_required", sa.Boolean(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_login_profiles_user_id_users")),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_login_profiles")),
    )
    op.create_table(
        "policy_attachments",
        sa.Column("id", ROW_NUMBER, nullable=False),
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("target_kind", sa.String(), nullable=False),
        sa.Column("target_id", sa.String(), nullable=False),
        sa.Column("policy_type", sa.String(), nullable=False),
        sa.Column("policy_name", sa.String(), nullable=False),
        sa.Column("policy_key", sa.String(), nullable=False),
        sa.Column("policy_id", ROW_NUMBER, nullable=True),
        sa.Column("attached_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_policy_attachments_account_id_accounts")
        ),
        sa.ForeignKeyConstraint(["policy_id"], ["policies.id"], name=op.f("fk_policy_attachments_policy_id_policies")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_policy_attachments")),
        sa.UniqueConstraint(
            "target_kind",
            "target_id",
            "policy_type",
            "policy_key",
            name=op.f("uq_policy_attachments_target_kind_target_id_policy_type_policy_key"),
        ),
    )
    op.create_index(op.f("ix_policy_attachments_account_id"), "policy_attachments", ["account_id"], unique=False)
    op.create_index(op.f("ix_policy_attachments_policy_id"), "policy_attachments", ["policy_id"], unique=False)
    op.create_table(
        "policy_versions",
        sa.Column("policy_id", ROW_NUMBER, nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("document", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["policy_id"], ["policies.id"], name=op.f("fk_policy_versions_policy_id_policies")),
        sa.PrimaryKeyConstraint("policy_id", "number", name=op.f("pk_policy_versions")),
    )
    op.create_table(
        "provider_certificates",
        sa.Column("id", ROW_NUMBER, nullable=False),
        sa.Column("provider_id", ROW_NUMBER, nullable=True),
        sa.Column("sso_account_id", sa.String(), nullable=True),
        sa.Column("entity_id", sa.String(), nullable=False),
        sa.Column("fingerprint", sa.String(), nullable=False),
        sa.Column("der", sa.LargeBinary(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("not_before", sa.DateTime(timezone=True), nullable=False),
        sa.Column("not_after", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "(provider_id IS NULL) <> (sso_account_id IS NULL)", name=op.f("ck_provider_certificates_one_owner")
        ),
        sa.ForeignKeyConstraint(
            ["provider_id"], ["saml_providers.id"], name=op.f("fk_provider_certificates_provider_id_saml_providers")
        ),
        sa.ForeignKeyConstraint(
            ["sso_account_id"],
            ["user_sso_settings.account_id"],
            name=op.f("fk_provider_certificates_sso_account_id_user_sso_settings"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_provider_certificates")),
    )
    op.create_index(op.f("ix_provider_certificates_entity_id"), "provider_certificates", ["entity_id"], unique=False)
    op.create_index(
        op.f("ix_provider_certificates_fingerprint"), "provider_certificates", ["fingerprint"], unique=False
    )
    op.create_index(
        op.f("ix_provider_certificates_provider_id"), "provider_certificates", ["provider_id"], unique=False
    )
    op.create_index(
        op.f("ix_provider_certificates_sso_account_id"), "provider_certificates", ["sso_account_id"], unique=False
    )


def downgrade() -> None:
    op.drop_index(op.f("ix_provider_certificates_sso_account_id"), table_name="provider_certificates")
    op.drop_index(op.f("ix_provider_certificates_provider_id"), table_name="provider_certificates")
    op.drop_index(op.f("ix_provider_certificates_fingerprint"), table_name="provider_certificates")
    op.drop_index(op.f("ix_provider_certificates_entity_id"), table_name="provider_certificates")
    op.drop_table("provider_certificates")
    op.drop_table("policy_versions")
    op.drop_index(op.f("ix_policy_attachments_policy_id"), table_name="policy_attachments")
    op.drop_index(op.f("ix_policy_attachments_account_id"), table_name="policy_attachments")
    op.drop_table("policy_attachments")
    op.drop_table("login_profiles")
    op.drop_index(op.f("ix_group_memberships_user_id"), table_name="group_memberships")
    op.drop_table("group_memberships")
    op.drop_index(op.f("ix_access_keys_user_id"), table_name="access_keys")
    op.drop_index(op.f("ix_access_keys_account_id"), table_name="access_keys")
    op.drop_table("access_keys")
    op.drop_table("users")
    op.drop_index(op.f("ix_user_sso_settings_entity_id"), table_name="user_sso_settings")
    op.drop_table("user_sso_settings")
    op.drop_index(op.f("ix_saml_providers_entity_id"), table_name="saml_providers")
    op.drop_table("saml_providers")
    op.drop_table("roles")
    op.drop_table("policies")
    op.drop_table("groups")
    op.drop_index(op.f("ix_domain_aliases_account_id"), table_name="domain_aliases")
    op.drop_table("domain_aliases")
    op.drop_table("revocations")
    op.drop_index(op.f("ix_receipts_request_id"), table_name="receipts")
    op.drop_index(op.f("ix_receipts_at"), table_name="receipts")
    op.drop_index(op.f("ix_receipts_account_id"), table_name="receipts")
    op.drop_table("receipts")
    op.drop_index(op.f("ix_one_time_claims_expires_at"), table_name="one_time_claims")
    op.drop_table("one_time_claims")
    op.drop_table("accounts")
