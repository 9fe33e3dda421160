"""A small OpenID Provider on loopback: it does what the standards ask, or whatever a test wants it to do wrong."""

import hashlib
import json
import secrets
import ssl
import threading
from base64 import b64decode
from collections.abc import Callable, Mapping
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, unquote_plus, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import KeySet

from gateway.clock import Clock
from gateway.oidc.logout import LOGOUT_EVENT
from tests.oidc_factory import b64, half_hash, key_set_json, private_key, public_jwk, signed

CLIENT = "ramgate-web"
SECRET = "a secret: with+odd/signs"
Answer = tuple[int, Any]


class OpenIdProvider:
    """Everything that a test may want to change is an attribute."""

    def __init__(self, clock: Clock, name: str = "op", context: ssl.SSLContext | None = None) -> None:
        self.clock = clock
        self.key = private_key("RSA", name)
        self.kid = f"{name}-1"
        self.method = "client_secret_basic"
        self.client_keys: Callable[[], Any] = dict  # the client's JWK set
        self.person: dict[str, Any] = {
            "sub": "248289761001",
            "email": "alice@acme.onaliyun.com",
            "email_verified": True,
        }
        self.claims: dict[str, Any] = {}  # of the ID token: added, or taken away where they are None
        self.user_info: dict[str, Any] = {}
        self.document: dict[str, Any] = {}  # of discovery, likewise
        self.answers: dict[str, Callable[[], Answer]] = {}  # by path, instead of the right one
        self.gate = threading.Event()  # closed: the token endpoint waits
        self.gate.set()
        self.entered = threading.Semaphore(0)  # the token endpoint was reached
        self.calls: list[tuple[str, dict[str, str]]] = []  # path and form
        self.last: tuple[dict[str, str], str] = ({}, "")  # form and Authorization header of the last call
        self.pushed: dict[str, dict[str, str]] = {}
        self.codes: dict[str, dict[str, str]] = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._scheme = "http" if context is None else "https"
        if context is not None:
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.gate.set()
        self._server.shutdown()
        self._server.server_close()

    @property
    def issuer(self) -> str:
        return f"{self._scheme}://127.0.0.1:{self._server.server_address[1]}"

    def paths(self) -> list[str]:
        return [path for path, _ in self.calls]

    # What a browser does there.

    def authorize(self, url: str, **changes: Any) -> str:
        """Consent to a request; where the browser is sent. `changes` are parameters of the answer, or take them away."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        if "request_uri" in asked:
            asked = self.pushed.pop(asked["request_uri"])
        code = secrets.token_urlsafe(16)
        self.codes[code] = asked
        answer = {"code": code, "state": asked["state"], "iss": self.issuer, **changes}
        sent = urlencode({name: value for name, value in answer.items() if value is not None}, doseq=True)
        return f"{asked['redirect_uri']}?{sent}"

    def logout_token(self, header: Mapping[str, Any] | None = None, **changes: Any) -> str:
        now = int(self.clock.now().timestamp())
        claims = {
            "iss": self.issuer,
            "aud": CLIENT,
            "iat": now,
            "exp": now + 120,
            "jti": secrets.token_urlsafe(12),
            "sub": self.person["sub"],
            "events": {LOGOUT_EVENT: {}},
            **changes,
        }
        return self.sign(claims, {"typ": "logout+jwt", **(header or {})})

    def sign(self, claims: Mapping[str, Any], header: Mapping[str, Any] | None = None) -> str:
        whole = {"alg": "RS256", "kid": self.kid, "typ": "JWT", **(header or {})}
        payload = {name: value for name, value in claims.items() if value is not None}
        return signed(json.dumps(whole).encode(), json.dumps(payload).encode(), self.key)

    # What servers do there.

    def discovery(self) -> Answer:
        document = {
            "issuer": self.issuer,
            "jwks_uri": f"{self.issuer}/jwks",
            "authorization_endpoint": f"{self.issuer}/authorize?tenant=1",
            "token_endpoint": f"{self.issuer}/token",
            "userinfo_endpoint": f"{self.issuer}/userinfo",
            "end_session_endpoint": f"{self.issuer}/logout",
            "id_token_signing_alg_values_supported": ["RS256"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post", "private_key_jwt"],
            "token_endpoint_auth_signing_alg_values_supported": ["ES256"],
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": True,
            "backchannel_logout_supported": True,
            "backchannel_logout_session_supported": True,
            "scopes_supported": ["openid", "profile", "email", "groups"],
            "acr_values_supported": ["gold", "silver"],
            **self.document,
        }
        return 200, {name: value for name, value in document.items() if value is not None}

    def jwks(self) -> Answer:
        return 200, json.loads(key_set_json(public_jwk(self.key, kid=self.kid)))

    def par(self, form: dict[str, str], authorization: str) -> Answer:
        if not self._is_client(form, authorization):
            return 401, {"error": "invalid_client"}
        handle = f"urn:ietf:params:oauth:request_uri:{secrets.token_urlsafe(8)}"
        self.pushed[handle] = form
        return 201, {"request_uri": handle, "expires_in": 60}

    def token(self, form: dict[str, str], authorization: str) -> Answer:
        self.entered.release()
        self.gate.wait(10)
        if not self._is_client(form, authorization):
            return 401, {"error": "invalid_client"}
        asked = self.codes.pop(form.get("code", ""), None)
        challenge = b64(hashlib.sha256(form.get("code_verifier", "").encode()).digest())
        if (
            asked is None
            or form.get("grant_type") != "authorization_code"
            or form.get("redirect_uri") != asked["redirect_uri"]
            or asked["code_challenge_method"] != "S256"
            or challenge != asked["code_challenge"]
        ):
            return 400, {"error": "invalid_grant"}
        access_token = secrets.token_urlsafe(16)
        now = int(self.clock.now().timestamp())
        claims = {
            "iss": self.issuer,
            "aud": CLIENT,
            "iat": now,
            "exp": now + 300,
            "nonce": asked["nonce"],
            "at_hash": half_hash(access_token),
            "c_hash": half_hash(form["code"]),
            **self.person,
            **self.claims,
        }
        return 200, {"access_token": access_token, "token_type": "Bearer", "id_token": self.sign(claims)}

    def _is_client(self, form: dict[str, str], authorization: str) -> bool:
        if self.method == "client_secret_post":
            return (form.get("client_id"), form.get("client_secret")) == (CLIENT, SECRET)
        if self.method == "client_secret_basic":
            pair = b64decode(authorization.removeprefix("Basic ")).decode().partition(":")
            return (unquote_plus(pair[0]), unquote_plus(pair[2])) == (CLIENT, SECRET)
        keys = KeySet.import_key_set(self.client_keys())
        claims = jwt.decode(form["client_assertion"], keys, algorithms=["ES256"]).claims
        return (claims["iss"], claims["sub"], claims["aud"]) == (CLIENT, CLIENT, self.issuer)

    def _answer(self, path: str, form: dict[str, str], authorization: str) -> Answer:
        self.calls.append((path, form))
        self.last = (form, authorization)
        pages: dict[str, Callable[[], Answer]] = {
            "/.well-known/openid-configuration": self.discovery,
            "/jwks": self.jwks,
            "/par": lambda: self.par(form, authorization),
            "/token": lambda: self.token(form, authorization),
            "/userinfo": lambda: (200, {"sub": self.person["sub"], **self.user_info}),
            **self.answers,
        }
        return pages[path]() if path in pages else (404, {})

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._go({})

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                self._go({name: values[0] for name, values in parse_qs(body.decode()).items()})

            def _go(self, form: dict[str, str]) -> None:
                path = urlsplit(self.path).path
                status, content = provider._answer(path, form, self.headers.get("Authorization", ""))
                body = content if isinstance(content, bytes) else json.dumps(content).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                with suppress(OSError):  # a client that refuses goes away
                    self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                """Tests have no log."""

        return Handler
