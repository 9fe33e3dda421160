"""What an administrator is told about a provider before it is registered: what was found, and what is missing."""

from dataclasses import dataclass

from gateway.oidc.client_authentication import CLIENT_KEY_ALGORITHM, ClientMethod
from gateway.oidc.discovery import ProviderMetadata
from gateway.oidc.key_cache import KnownProvider


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that matters. `lacks` is empty where all is well; `hurts` says that browsers can't sign in without."""

    topic: str
    found: str
    lacks: str = ""
    hurts: bool = False


def findings_of(known: KnownProvider) -> tuple[Finding, ...]:
    metadata = known.metadata
    return (
        _login_endpoints(metadata),
        Finding("ID tokens are signed with", ", ".join(sorted(metadata.id_token_algorithms))),
        _pkce(metadata),
        _methods(metadata),
        _optional("Issuer in the callback", metadata.names_issuer_in_callback, "mix-ups are told by the address alone"),
        _optional("Pushed requests", metadata.pushed_request_endpoint, "what is asked travels through the browser"),
        _optional("User information", metadata.userinfo_endpoint, "all claims must be in the ID token"),
        _optional("Sign-out by the browser", metadata.end_session_endpoint, "signing out here ends nothing there"),
        _optional("Sign-out told to us", metadata.supports_back_channel_logout, "a sign-out there ends nothing here"),
        Finding("Scopes", ", ".join(sorted(metadata.scopes)) or "not said"),
        Finding("Levels of authentication", ", ".join(metadata.acr_values) or "not said"),
    )


def _login_endpoints(metadata: ProviderMetadata) -> Finding:
    there = metadata.authorization_endpoint is not None and metadata.token_endpoint is not None
    lacks = "" if there else "no login by authorization code: for the exchange of tokens only"
    return Finding("Sign-in", metadata.authorization_endpoint or "none", lacks, hurts=not there)


def _pkce(metadata: ProviderMetadata) -> Finding:
    if metadata.supports_pkce is None:
        return Finding("PKCE", "not said", "codes are bound to our secret alone if it ignores the challenge")
    lacks = "" if metadata.supports_pkce else "it does not do S256"
    return Finding("PKCE", "S256" if metadata.supports_pkce else "another kind", lacks, hurts=bool(lacks))


def _methods(metadata: ProviderMetadata) -> Finding:
    found = ", ".join(method for method in ClientMethod if method in metadata.client_methods)
    if not found:
        return Finding("Clients prove themselves by", "other ways than ours", "none of ours is accepted", hurts=True)
    by_key = ClientMethod.PRIVATE_KEY in metadata.client_methods
    algorithm = CLIENT_KEY_ALGORITHM
    lacks = by_key and algorithm not in metadata.client_assertion_algorithms
    return Finding("Clients prove themselves by", found, f"private_key_jwt without {algorithm}, ours" if lacks else "")


def _optional(topic: str, value: object, otherwise: str) -> Finding:
    if not value:
        return Finding(topic, "no", otherwise)
    return Finding(topic, value if isinstance(value, str) else "yes")
