"""OpenID Providers for workloads on loopback: a server, and issuers at paths of it, each with keys of its own.

with issuer_server() as server:                     # plain HTTP; with a server context of an authority it speaks TLS
    issuer = server.new_issuer()
    issuer.token(sub="pod-7")                       # signed with a key that it publishes

What an issuer publishes can be replaced, or held back, to be as broken as anybody wants it.
"""

import json
import secrets
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

from tests.oidc_factory import PrivateKey, key_set_json, private_key, public_jwk, signed

CLIENT = "workload"
DISCOVERY = "/.well-known/openid-configuration"
JWKS = "/jwks"


@dataclass(frozen=True)
class Answer:
    body: bytes
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    media_type: str = "application/json"


Page = Callable[[BaseHTTPRequestHandler], Answer | None]  # None: it answered by itself, or not at all


class LiveIssuer:
    """`keys` are those it publishes, by `kid`; `pages` replace what it publishes, by path below its URL."""

    def __init__(self, url: str, key: PrivateKey | None = None) -> None:
        self.url = url
        self.keys: dict[str, PrivateKey] = {"k1": key or private_key()}
        self.headers: dict[str, str] = {}
        self.pages: dict[str, Page] = {}
        self.heard: list[str] = []

    def token(self, *, kid: str = "k1", key: PrivateKey | None = None, **changes: Any) -> str:
        """A token that passes. Claims are added, or taken away where they are None."""
        now = int(time.time())
        claims = {"iss": self.url, "sub": "pod", "aud": CLIENT, "iat": now, "exp": now + 600, **changes}
        payload = {name: value for name, value in claims.items() if value is not None}
        header = {"alg": "RS256", "kid": kid, "typ": "JWT"}
        return signed(json.dumps(header).encode(), json.dumps(payload).encode(), key or self.keys[kid])

    def rotate(self, kid: str) -> None:
        """Publish this key instead of those so far."""
        self.keys = {kid: private_key("RSA", kid)}

    def discovery(self, **changes: Any) -> bytes:
        document = {
            "issuer": self.url,
            "jwks_uri": self.url + JWKS,
            "response_types_supported": ["id_token"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
        }
        return json.dumps({**document, **changes}).encode()

    def key_set(self) -> bytes:
        return key_set_json(*(public_jwk(key, kid=kid, use="sig") for kid, key in self.keys.items()))

    def answer(self, path: str, request: BaseHTTPRequestHandler) -> Answer | None:
        self.heard.append(path)
        if path in self.pages:
            return self.pages[path](request)
        if path == DISCOVERY:
            return Answer(self.discovery(), headers=self.headers)
        return Answer(self.key_set(), headers=self.headers) if path == JWKS else Answer(b"{}", 404)


def publish(
    body: bytes,
    status: int = 200,
    *,
    media_type: str = "application/json",
    headers: Mapping[str, str] = MappingProxyType({}),
) -> Page:
    """A page that always says the same."""
    return lambda _request: Answer(body, status, headers, media_type)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False  # a page that holds its answer back must not hold the end of the test
    issuers: dict[str, LiveIssuer]
    tls: ssl.SSLContext | None = None

    def get_request(self) -> tuple[Any, Any]:
        connection, address = super().get_request()
        connection.settimeout(30)
        return connection, address

    def finish_request(self, request: Any, client_address: Any) -> None:
        with suppress(OSError):  # a client that refuses goes away
            if self.tls is None:
                super().finish_request(request, client_address)
                return
            with self.tls.wrap_socket(request, server_side=True) as secure:  # in the connection's own thread
                super().finish_request(secure, client_address)

    def shutdown_request(self, request: Any) -> None:
        with suppress(OSError):  # TLS may have taken the connection over
            super().shutdown_request(request)


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        name, slash, path = urlsplit(self.path).path[1:].partition("/")
        issuer = self.server.issuers.get(name)
        answer = Answer(b"{}", 404) if issuer is None else issuer.answer(slash + path, self)
        if answer is None:
            return
        self.send_response(answer.status)
        for header, value in {"Content-Type": answer.media_type, **answer.headers}.items():
            self.send_header(header, value)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)

    def log_message(self, *args: Any) -> None:
        pass


class IssuerServer:
    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.issuers, self._server.tls = {}, tls
        scheme = "http" if tls is None else "https"
        self.origin = f"{scheme}://127.0.0.1:{self._server.server_address[1]}"

    def new_issuer(self, key: PrivateKey | None = None) -> LiveIssuer:
        """All have the same key unless told: making one takes a while."""
        name = secrets.token_hex(6)
        issuer = self._server.issuers[name] = LiveIssuer(f"{self.origin}/{name}", key)
        return issuer

    def serve(self) -> None:
        self._server.serve_forever(poll_interval=0.05)

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@contextmanager
def issuer_server(tls: ssl.SSLContext | None = None) -> Iterator[IssuerServer]:
    server = IssuerServer(tls)
    thread = threading.Thread(target=server.serve, name="issuers", daemon=True)
    thread.start()
    yield server
    server.stop()
    thread.join(10)
