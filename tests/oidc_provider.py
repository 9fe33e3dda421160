"""What a provider publishes, and a stand-in for the network that serves it."""

import json
import threading
from collections.abc import Callable, Mapping
from typing import Any

from gateway.errors import Reason, UpstreamError
from gateway.fetch import Fetched, Limits
from tests.oidc_factory import ISSUER, key_set_json, private_key, public_jwk

JWKS_URI = "https://keys.example.com/jwks"
THUMBPRINT = "ab" * 20


def discovery(**changes: Any) -> dict[str, Any]:
    """The document of a provider that can do everything. Members are added, or taken away where they are None."""
    document: dict[str, Any] = {
        "issuer": ISSUER,
        "jwks_uri": JWKS_URI,
        "authorization_endpoint": "https://idp.example.com/authorize?tenant=1",
        "token_endpoint": "https://idp.example.com/token",
        "userinfo_endpoint": "https://idp.example.com/userinfo",
        "pushed_authorization_request_endpoint": "https://idp.example.com/par",
        "end_session_endpoint": "https://idp.example.com/logout",
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256", "ES256", "none", "HS256"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "private_key_jwt", "tls_client_auth"],
        "token_endpoint_auth_signing_alg_values_supported": ["RS256", "HS256"],
        "code_challenge_methods_supported": ["plain", "S256"],
        "authorization_response_iss_parameter_supported": True,
        "backchannel_logout_supported": True,
        "backchannel_logout_session_supported": True,
        "scopes_supported": ["openid", "email"],
        "acr_values_supported": ["gold"],
    }
    return {name: value for name, value in {**document, **changes}.items() if value is not None}


def discovery_json(**changes: Any) -> bytes:
    return json.dumps(discovery(**changes)).encode()


def answer(url: str, body: bytes, headers: Mapping[str, str] | None = None, status: int = 200) -> Fetched:
    return Fetched(url, status, {"content-type": "application/json", **(headers or {})}, body, (THUMBPRINT,))


class Net:
    """Serves one provider, or fails; counts, and holds fetches back on demand."""

    def __init__(self, *kids: str, issuer: str = ISSUER) -> None:
        self.issuer = issuer
        self.kids = kids or ("k1",)
        self.down = False
        self.calls: list[str] = []
        self.headers: Mapping[str, str] = {}
        self.document: Callable[[], Fetched] | None = None
        self.gate = threading.Event()
        self.gate.set()
        self.entered = threading.Event()

    def get(self, url: str, *, accept: str = "", limits: Limits = Limits()) -> Fetched:  # noqa: B008 - frozen
        self.calls.append(url)
        self.entered.set()
        self.gate.wait(10)
        if self.down:
            raise UpstreamError(Reason.FETCH_CONNECT, "the server can't be reached", "down")
        if not url.endswith("/.well-known/openid-configuration"):
            return answer(url, key_set_json(*(public_jwk(private_key(), kid=kid) for kid in self.kids)), self.headers)
        return self.document() if self.document else answer(url, discovery_json(issuer=self.issuer), self.headers)
