"""`idpyoidc` as an OpenID Provider in a thread of the tests: a code base of its own, behind many proxies.

Its own classes do everything; what is here carries HTTP to them and back. Whoever comes is the one of `sign_in_as`.
It wants `response_type` beside the address of a pushed request, which RFC 9126 does not, so it is offered none here.
"""

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from cryptojwt.key_jar import build_keyjar
from idpyoidc.server import Server
from idpyoidc.server.configure import OPConfiguration

KEYS = [{"type": "RSA", "key": "", "use": ["sig"]}, {"type": "EC", "crv": "P-256", "use": ["sig"]}]
CLAIMS = ("name", "email", "email_verified", "cloud_groups", "cloud_roles")
PROOFS = ["client_secret_basic", "client_secret_post", "private_key_jwt"]
_COOKIES = [{"type": "OCT", "use": ["enc"], "kid": "enc"}, {"type": "OCT", "use": ["sig"], "kid": "sig"}]


def _configuration(issuer: str, people: Mapping[str, Mapping[str, Any]], folder: Path) -> dict[str, Any]:
    server = "idpyoidc.server"
    wanted = dict.fromkeys(CLAIMS)
    return {
        "issuer": issuer,
        "httpc_params": {"verify": True, "timeout": 4},
        "preference": {"id_token_signing_alg_values_supported": ["RS256", "ES256"]},
        "key_conf": {"key_defs": KEYS, "uri_path": "keys"},
        "token_handler_args": {
            "jwks_def": {
                "private_path": str(folder / "token.json"),
                "read_only": False,
                "key_defs": [{"type": "oct", "bytes": 24, "use": ["enc"], "kid": "code"}],
            },
            "code": {"lifetime": 600},
            "token": {"class": f"{server}.token.jwt_token.JWTToken", "kwargs": {"lifetime": 600}},
            "id_token": {"class": f"{server}.token.id_token.IDToken", "kwargs": {"base_claims": wanted}},
        },
        "endpoint": {
            "provider_config": {
                "path": ".well-known/openid-configuration",
                "class": f"{server}.oidc.provider_config.ProviderConfiguration",
                "kwargs": {},
            },
            "authorization": {
                "path": "authorization",
                "class": f"{server}.oidc.authorization.Authorization",
                "kwargs": {"response_types_supported": ["code"], "response_modes_supported": ["query"]},
            },
            "token": {
                "path": "token",
                "class": f"{server}.oidc.token.Token",
                "kwargs": {"client_authn_method": PROOFS},
            },
            "userinfo": {"path": "userinfo", "class": f"{server}.oidc.userinfo.UserInfo", "kwargs": {}},
            "session": {
                "path": "end_session",
                "class": f"{server}.oidc.session.Session",
                "kwargs": {
                    "signing_alg": "RS256",
                    "logout_verify_url": f"{issuer}/verify_logout",
                    "post_logout_uri_path": "post_logout",
                    "backchannel_logout_supported": True,
                },
            },
        },
        "authentication": {
            "nobody-asks": {
                "acr": "urn:example:nobody-asks",
                "class": f"{server}.user_authn.user.NoAuthn",
                "kwargs": {"user": "alice"},
            }
        },
        "userinfo": {"class": f"{server}.user_info.UserInfo", "kwargs": {"db": dict(people)}},
        "cookie_handler": {
            "class": f"{server}.cookie_handler.CookieHandler",
            "kwargs": {
                "keys": {"key_defs": _COOKIES},
                "name": {"session": "op", "register": "op_rp", "session_management": "op_sman"},
            },
        },
        "add_on": {
            "pkce": {
                "function": f"{server}.oauth2.add_on.pkce.add_support",
                "kwargs": {"essential": True, "code_challenge_method": "S256"},
            }
        },
    }


class IdpyProvider:
    def __init__(self, port: int, clients: Sequence[Mapping[str, Any]], folder: Path) -> None:
        self.issuer = f"http://localhost:{port}"
        self.people: dict[str, dict[str, Any]] = {}
        self.heard: list[str] = []
        configuration = OPConfiguration(_configuration(self.issuer, self.people, folder), base_path="")
        keys = build_keyjar(KEYS)
        keys.import_jwks(keys.export_jwks(private=True), self.issuer)
        self.server = Server(configuration, keyjar=keys)
        self.server.endpoint["token"].allowed_targets.append("")  # what assertions may name: the issuer, too
        context = self.server.context
        context.userinfo.db = self.people
        for client in clients:
            self._enter(dict(client))
        self.method = next(iter(context.authn_broker.db.values()))["method"]

    def _enter(self, client: dict[str, Any]) -> None:
        context, client_id = self.server.context, client["client_id"]
        client["redirect_uris"] = [(uri, {}) for uri in client["redirect_uris"]]
        context.cdb[client_id] = {**client, "allowed_scopes": ["openid", "profile", "email"]}
        if "client_secret" in client:
            self.server.keyjar.add_symmetric(client_id, client["client_secret"])
        if "jwks" in client:
            self.server.keyjar.import_jwks(client["jwks"], client_id)

    def sign_in_as(self, login: str, claims: Mapping[str, Any]) -> None:
        """Whoever comes from now on."""
        self.people[login] = {"sub": login, **claims}
        self.method.user = login

    def end_sessions(self, login: str) -> None:
        """Tell every client of this person that the session has ended."""
        manager = self.server.context.session_manager
        paths = [manager.unpack_branch_key(branch) for branch in list(manager.db.db)]
        path = next(path for path in paths if len(path) == 3 and path[0] == login)
        self.server.get_endpoint("session").do_verified_logout(manager.encrypted_session_id(*path), alla=True)

    def answer(self, request: BaseHTTPRequestHandler) -> tuple[int, list[tuple[str, str]], bytes]:
        parts = urlsplit(request.path)
        self.heard.append(parts.path)
        if parts.path == "/keys":
            return 200, [("Content-Type", "application/json")], self.server.keyjar.export_jwks_as_json().encode()
        endpoint = next(
            (each for each in self.server.endpoint.values() if f"/{each.endpoint_path}" == parts.path), None
        )
        if endpoint is None:
            return 404, [], b""
        length = int(request.headers.get("Content-Length", "0"))
        given = dict(parse_qsl(request.rfile.read(length).decode() if request.command == "POST" else parts.query))
        info = {
            "headers": {name.lower(): value for name, value in request.headers.items()},
            "method": request.command,
            "url": self.issuer + request.path,
        }
        parsed = endpoint.parse_request(given, http_info=info)
        if "error" in parsed:
            return 400, [("Content-Type", "application/json")], parsed.to_json().encode()
        processed = endpoint.process_request(parsed, http_info=info)
        done = endpoint.do_response(request=parsed, **processed)
        body = done["response"]
        if endpoint.response_placement == "url":
            return 303, [("Location", str(body))], b""
        status = 400 if "error" in processed else int(done.get("response_code", 200))
        return status, list(done["http_headers"]), (body if isinstance(body, str) else json.dumps(body)).encode()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    provider: IdpyProvider


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        status, headers, body = self.server.provider.answer(self)
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET  # noqa: N815

    def log_message(self, *args: Any) -> None:
        pass


@contextmanager
def idpy_provider(port: int, clients: Sequence[Mapping[str, Any]], folder: Path) -> Iterator[IdpyProvider]:
    """`folder` is for the keys that it keeps."""
    server = _Server(("127.0.0.1", port), _Handler)
    server.provider = IdpyProvider(port, clients, folder)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield server.provider
    server.shutdown()
    server.server_close()
    thread.join(10)
