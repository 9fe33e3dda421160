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


def user_sso_logout_url_of(base_url: str, account_id: str) -> str:
    """Where logout messages of user-based SSO go. It names the account, since a provider may sign people in to
    several, and a logout message does not say which of them it means.
    """
    return f"{base_url}/{account_id}/saml/logout"


def user_sso_logout_url(base_url: str) -> str:
    """The spelling beside the consumer URL, for providers that sign people in to one account only."""
    return f"{base_url}/saml/logout"


def role_sso_logout_url(base_url: str) -> str:
    """Where logout messages of role-based SSO go, the same for all accounts."""
    return f"{base_url}/saml-role/logout"


def signed_out_path(handle: str) -> str:
    """The page on which a sign-out at a SAML provider is offered, and how it went is shown."""
    return f"/saml/signed-out/{handle}"


def sign_out_there_path(handle: str) -> str:
    """Leads on to the provider."""
    return f"/saml/sign-out-there/{handle}"


def role_start_path(account: str, provider_name: str) -> str:
    """Where a login for a role begins here, by the provider's name. `account` may be the alias."""
    return f"/saml-role/start/{account}/{provider_name}"
