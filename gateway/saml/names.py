"""What the gateway calls itself towards identity providers: entity IDs, consumer URLs, attribute names.

`base_url` is the gateway's origin without a final slash, such as `https://sso.example.com`.
"""

ROLE_ATTRIBUTE = "https://www.aliyun.com/SAML-Role/Attributes/Role"
ROLE_SESSION_NAME_ATTRIBUTE = "https://www.aliyun.com/SAML-Role/Attributes/RoleSessionName"
SESSION_DURATION_ATTRIBUTE = "https://www.aliyun.com/SAML-Role/Attributes/SessionDuration"


def user_sso_entity_id(base_url: str, account_id: str) -> str:
    """Entity ID and audience of user-based SSO: one per account. Rule: sso-contract §1.1."""
    return f"{base_url}/{account_id}/saml/SSO"


def user_sso_consumer_url(base_url: str) -> str:
    """The consumer URL of user-based SSO that we publish, the same for all accounts. Rule: sso-contract §1.1."""
    return f"{base_url}/saml/SSO"


def user_sso_recipients(base_url: str, account_id: str) -> tuple[str, str]:
    """The consumer URL that we publish, then the spelling with the account ID that older set-ups still send.

    ASSUMPTION: both are accepted, since the platform's documents changed from one to the other (sso-contract §1.1).
    """
    return (user_sso_consumer_url(base_url), f"{base_url}/{account_id}/saml/SSO")


def user_sso_metadata_url(base_url: str, account_id: str) -> str:
    """Where our metadata for user-based SSO of an account is. Rule: sso-contract §1.1."""
    return f"{base_url}/saml/SpMetadata.xml?tenantID={account_id}"


def role_sso_recipient(base_url: str) -> str:
    """The consumer URL of role-based SSO, the same for all accounts. Rule: sso-contract §2.1."""
    return f"{base_url}/saml-role/sso"
