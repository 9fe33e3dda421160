"""The addresses of the gateway that an OpenID Provider is told. `account_id` and `name` are those of the registration.

Each provider has addresses of its own: an answer of one can't arrive as another's. Rule: RFC 9700 §4.4.2.
"""


def redirect_uri(base_url: str, account_id: str, name: str) -> str:
    """Where the provider sends browsers after a login. It takes nothing but what the protocol puts there."""
    return f"{base_url}/oidc/callback/{account_id}/{name}"


def start_path(account: str, name: str) -> str:
    """Where a login begins; for the provider's portal too. `account` may be the alias."""
    return f"/oidc/start/{account}/{name}"


def client_keys_url(base_url: str, account_id: str, name: str) -> str:
    """The public half of the key that proves to the provider who we are, as a JSON Web Key Set."""
    return f"{base_url}/oidc/jwks/{account_id}/{name}"


def back_channel_logout_url(base_url: str, account_id: str, name: str) -> str:
    """Where the provider tells us that a session has ended."""
    return f"{base_url}/oidc/backchannel-logout/{account_id}/{name}"


def end_session_path(account_id: str, name: str) -> str:
    """Where a browser is sent on to the provider to sign out there."""
    return f"/oidc/logout/{account_id}/{name}"


def signed_out_path(account_id: str, name: str) -> str:
    return f"/oidc/signed-out/{account_id}/{name}"


def post_logout_redirect_uri(base_url: str, account_id: str, name: str) -> str:
    """Where the provider sends browsers that have signed out there."""
    return base_url + signed_out_path(account_id, name)
