"""How rules, links and login settings name the identity provider they belong to, whatever its protocol.

A key is made of the row's own number. A database may give a number a second time, so deleting a provider deletes what
is kept under its key, in the same transaction.
"""


def saml_provider_key(provider_id: int) -> str:
    return f"saml:{provider_id}"


def oidc_provider_key(provider_id: int) -> str:
    return f"oidc:{provider_id}"


def user_sso_key(account_id: str) -> str:
    """The SAML identity provider of an account's user SSO setting, which has no row of its own among the providers."""
    return f"user-sso:{account_id}"
