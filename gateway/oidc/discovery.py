"""What an OpenID Provider publishes about itself: its discovery document to `ProviderMetadata`.

Members that we don't know are ignored; members that we do know and that can't be right are refused, so that a provider
is either understood or not used. Rule: OpenID Connect Discovery 1.0 §3, §4.3; RFC 8414 §2, §3.3; RFC 9126 §5;
RFC 9207 §3; OpenID Connect RP-Initiated Logout 1.0 §2.1; OpenID Connect Back-Channel Logout 1.0 §2.1.
"""

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from gateway.errors import OidcError, Reason
from gateway.loopback import is_loopback
from gateway.oidc.algorithms import SUPPORTED
from gateway.oidc.client_authentication import ClientMethod
from gateway.oidc.json_text import JsonObject, read_object

MAX_DOCUMENT_BYTES = 256 * 1024
WELL_KNOWN = "/.well-known/openid-configuration"
_MAX_URL = 2048
_MAX_LIST = 200
_URL = re.compile(r"https?://[!-~]+")  # printable ASCII; what it leads to is `fetch`'s to check


@dataclass(frozen=True, slots=True)
class ProviderMetadata:
    """INVARIANT: made by `parse_discovery`, so each URL is https (or loopback in development) without a fragment."""

    issuer: str
    jwks_uri: str
    authorization_endpoint: str | None  # None: tokens can be exchanged, logins can't begin
    token_endpoint: str | None
    userinfo_endpoint: str | None
    pushed_request_endpoint: str | None
    requires_pushed_requests: bool
    end_session_endpoint: str | None
    id_token_algorithms: frozenset[str]  # those that we accept too; at least one
    client_methods: frozenset[ClientMethod]  # those that we speak too
    client_assertion_algorithms: frozenset[str]
    names_issuer_in_callback: bool  # RFC 9207
    supports_pkce: bool | None  # None: it does not say
    supports_back_channel_logout: bool
    sends_session_id_on_logout: bool
    scopes: frozenset[str]
    acr_values: tuple[str, ...]


def discovery_url(issuer: str) -> str:
    """Where the document of an issuer is. Rule: OpenID Connect Discovery 1.0 §4.1."""
    return issuer.removesuffix("/") + WELL_KNOWN


def parse_discovery(data: bytes, issuer: str, *, development: bool = False) -> ProviderMetadata:
    """Read a discovery document, fetched from `discovery_url(issuer)`.

    Refused: more than 256 KB, an issuer that is not exactly the registered one, no key set, URLs that are not https
    (`development` lets http through to loopback), a provider that signs with nothing that we accept.
    Raises: OidcError(OIDC_TOO_LARGE), OidcError(OIDC_DISCOVERY), OidcError(OIDC_DISCOVERY_ISSUER),
    OidcError(OIDC_DISCOVERY_ENDPOINT), OidcError(OIDC_UNSUPPORTED), what `read_object` raises.
    """
    if len(data) > MAX_DOCUMENT_BYTES:
        raise OidcError(Reason.OIDC_TOO_LARGE, "the provider's discovery document is too large")
    document = read_object(data)
    if document.get("issuer") != issuer:
        raise OidcError(
            Reason.OIDC_DISCOVERY_ISSUER,
            "the provider's discovery document is of another issuer",
            repr(document.get("issuer"))[:300],
        )
    reader = _Reader(document, development=development)
    jwks_uri = reader.find_url("jwks_uri")
    if jwks_uri is None:
        raise OidcError(Reason.OIDC_DISCOVERY_ENDPOINT, "the provider's discovery document names no key set")
    algorithms = SUPPORTED.intersection(reader.texts("id_token_signing_alg_values_supported", ("RS256",)))
    if not algorithms:
        raise OidcError(Reason.OIDC_UNSUPPORTED, "the provider signs with no algorithm that is accepted")
    challenges = document.get("code_challenge_methods_supported")
    return ProviderMetadata(
        issuer=issuer,
        jwks_uri=jwks_uri,
        authorization_endpoint=reader.find_url("authorization_endpoint"),
        token_endpoint=reader.find_url("token_endpoint"),
        userinfo_endpoint=reader.find_url("userinfo_endpoint"),
        pushed_request_endpoint=reader.find_url("pushed_authorization_request_endpoint"),
        requires_pushed_requests=reader.truth("require_pushed_authorization_requests"),
        end_session_endpoint=reader.find_url("end_session_endpoint"),
        id_token_algorithms=algorithms,
        client_methods=frozenset(
            method
            for method in ClientMethod
            if method in reader.texts("token_endpoint_auth_methods_supported", (ClientMethod.BASIC,))
        ),
        client_assertion_algorithms=SUPPORTED.intersection(
            reader.texts("token_endpoint_auth_signing_alg_values_supported", ("RS256",))
        ),
        names_issuer_in_callback=reader.truth("authorization_response_iss_parameter_supported"),
        supports_pkce=None if challenges is None else "S256" in reader.texts("code_challenge_methods_supported", ()),
        supports_back_channel_logout=reader.truth("backchannel_logout_supported"),
        sends_session_id_on_logout=reader.truth("backchannel_logout_session_supported"),
        scopes=frozenset(reader.texts("scopes_supported", ())),
        acr_values=reader.texts("acr_values_supported", ()),
    )


def check_login(metadata: ProviderMetadata, method: ClientMethod) -> None:
    """Refuse a provider that no browser login can be begun with, when it is registered or used for one.

    A provider that says that it does PKCE, but not with S256, is refused; one that says nothing is sent the challenge
    all the same, and ignores it at worst.
    Raises: OidcError(OIDC_UNSUPPORTED).
    """
    if metadata.authorization_endpoint is None or metadata.token_endpoint is None:
        raise OidcError(Reason.OIDC_UNSUPPORTED, "the provider offers no login by authorization code")
    if metadata.supports_pkce is False:
        raise OidcError(Reason.OIDC_UNSUPPORTED, "the provider does not support PKCE with S256")
    if method not in metadata.client_methods:
        raise OidcError(Reason.OIDC_UNSUPPORTED, f"the provider does not accept clients by {method}")
    if metadata.requires_pushed_requests and metadata.pushed_request_endpoint is None:
        raise OidcError(Reason.OIDC_UNSUPPORTED, "the provider wants pushed requests and offers no place for them")


class _Reader:
    """Typed members of a document. A member that is null is absent."""

    def __init__(self, document: JsonObject, *, development: bool) -> None:
        self._document = document
        self._development = development

    def find_url(self, name: str) -> str | None:
        """An address; None if there is none. A URN leads nowhere: clusters that only issue tokens name one instead of
        an authorization endpoint.

        Raises: OidcError(OIDC_DISCOVERY_ENDPOINT).
        """
        value = self._document.get(name)
        if value is None or (isinstance(value, str) and value.startswith("urn:")):
            return None
        if isinstance(value, str) and len(value) <= _MAX_URL and _URL.fullmatch(value) and self._is_fine(value):
            return value
        raise OidcError(
            Reason.OIDC_DISCOVERY_ENDPOINT, "an address of the provider can't be used", f"{name} {value!r:.200}"
        )

    def _is_fine(self, url: str) -> bool:
        try:
            parts = urlsplit(url)
        except ValueError:
            return False
        secure = parts.scheme == "https" or (self._development and is_loopback(parts.hostname or ""))
        return secure and bool(parts.hostname) and "@" not in parts.netloc and "#" not in url and "\\" not in url

    def texts(self, name: str, default: tuple[str, ...]) -> tuple[str, ...]:
        """Raises: OidcError(OIDC_DISCOVERY) unless it is a list of at most 200 texts."""
        value = self._document.get(name)
        if value is None:
            return default
        if isinstance(value, list) and len(value) <= _MAX_LIST:
            texts = tuple(each for each in value if isinstance(each, str))
            if len(texts) == len(value):
                return texts
        raise OidcError(Reason.OIDC_DISCOVERY, "the provider's discovery document is malformed", name)

    def truth(self, name: str) -> bool:
        """Raises: OidcError(OIDC_DISCOVERY) unless it is true or false."""
        value = self._document.get(name)
        if value is None:
            return False
        if isinstance(value, bool):
            return value
        raise OidcError(Reason.OIDC_DISCOVERY, "the provider's discovery document is malformed", name)
