"""Forward authentication by a real nginx: signing in, rights, revocation at the next request, and forged headers."""

import json
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from joserfc.errors import SecurityWarning
from joserfc.jwk import KeySet

from gateway.directory.accounts import create_account
from gateway.directory.attachments import attach_policy, detach_policy
from gateway.directory.policies import create_policy
from gateway.directory.revocations import revoke
from gateway.directory.users import User, create_user, get_user
from gateway.principal import RamUser
from gateway.secret import Secret
from gateway.services import Services
from gateway.sts.sessions import end_session, open_session
from tests.live_gateway import LiveGateway, live_gateway
from tests.nginx import SECRET, Nginx, Reply, documented, echo_upstream, free_port, nginx, read_reply

COOKIE = "ramgate_app"  # over plain HTTP on a loopback address: no prefix
ROUTES = """
[[app]]
name = "wiki"
origin = "http://localhost:{port}"
[[app.rule]]
methods = ["GET", "HEAD", "POST"]
path = "/admin/{{page...}}"
action = "wiki:Administer"
resource = "acs:wiki:*:{account}:admin/{{page}}"
[[app.rule]]
methods = ["GET", "HEAD", "POST"]
path = "/pages/{{page...}}"
action = "wiki:ReadPage"
resource = "acs:wiki:*:{account}:page/{{page}}"
"""


@dataclass
class Front:
    gateway: LiveGateway
    services: Services
    proxy: Nginx
    account_id: str
    user: User

    def signed_in_at_the_gateway(self) -> str:
        """The handle of a new session of alice."""
        now = datetime.now(UTC)
        principal = RamUser(self.account_id, self.user.id, "alice")
        with self.services.store.transaction() as session:
            return open_session(
                session,
                self.services.ring,
                principal,
                token=None,
                provenance=None,
                expires_at=now + timedelta(hours=1),
                duration_cap="a test",
                now=now,
            )

    def at_gateway(self, path: str, *lines: str) -> Reply:
        with self.gateway.connect() as connection:
            head = [f"GET {path} HTTP/1.1", f"Host: {self.gateway.endpoint}", "Connection: close", *lines, "", ""]
            connection.sendall("\r\n".join(head).encode("latin-1"))
            return read_reply(connection)

    def sign_in(self, target: str = "/pages/home") -> tuple[dict[str, str], str, Reply]:
        """The way of a browser: application, gateway, application. Cookies there, handle here, the last answer."""
        handle = self.signed_in_at_the_gateway()
        sent_away = self.proxy.get(target)
        assert sent_away.status == 302
        started = self.proxy.get(path_of(sent_away))
        entered = self.at_gateway(path_of(started), f"Cookie: ramgate_session={handle}")
        back = self.proxy.get(path_of(entered), started.cookies)
        assert back.status == 303
        return {COOKIE: back.cookies[COOKIE]}, handle, back


def path_of(reply: Reply) -> str:
    parts = urlsplit(reply.headers["location"])
    return f"{parts.path}?{parts.query}"


def header(reply: Reply, name: str) -> list[str]:
    return [value for key, value in reply.seen["headers"] if key == name]


def claims(front: Front, reply: Reply) -> dict[str, Any]:
    """The identity, verified by the document's own code with the keys that the gateway publishes."""
    (token,) = header(reply, "x-ramgate-identity")
    space: dict[str, Any] = {}
    exec(documented("python: verify"), space)
    keys = KeySet.import_key_set(json.loads(front.at_gateway("/.well-known/ramgate-identity/jwks.json").body))
    host = f"localhost:{front.proxy.port}"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SecurityWarning)  # it would like the algorithm's newer name, which few know
        found: dict[str, Any] = space["who"](token, keys, front.gateway.base_url, host, int(time.time()))
    return found


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    folder, port, now = tmp_path_factory.mktemp("front"), free_port(), datetime.now(UTC)
    routes = folder / "routes.toml"
    account_id = _account(folder)
    routes.write_text(ROUTES.format(port=port, account=account_id[0]))
    environ = {
        "RAMGATE_ROUTES_FILE": str(routes),
        "RAMGATE_PROXY_SECRET": SECRET,
        "RAMGATE_TRUSTED_PROXIES": "127.0.0.1",
        "RAMGATE_WORKERS": "2",
    }
    with live_gateway(folder, environ=environ) as gateway, echo_upstream() as upstream:
        services = gateway.services()
        with services.store.transaction() as session:
            user = get_user(session, account_id[0], "alice")
            document = {"Effect": "Allow", "Action": "wiki:ReadPage", "Resource": "acs:wiki:*:*:page/*"}
            create_policy(
                session, account_id[0], "readers", json.dumps({"Version": "1", "Statement": [document]}), now=now
            )
            attach_policy(session, account_id[0], "Custom", "readers", user, now)
        with nginx(folder, port, gateway.settings.port, upstream) as proxy:
            yield Front(gateway, services, proxy, account_id[0], user)
        services.store.dispose()


def _account(folder: Path) -> tuple[str, str]:
    """Made before the gateway starts: the routes name it."""
    from gateway.app import build_services
    from gateway.clock import SystemClock
    from gateway.settings import load_settings

    environ = {"RAMGATE_VAR_DIR": str(folder / "var"), "RAMGATE_CERTS_DIR": str(folder / "certs")}
    services, now = build_services(load_settings(environ), SystemClock()), datetime.now(UTC)
    with services.store.transaction() as session:
        account = create_account(
            session,
            alias="acme",
            display_name="Acme",
            owner_login="owner@acme.example",
            owner_password=Secret("Correct-Horse-7-Battery"),
            now=now,
        )
        user = create_user(session, account.id, "alice", now=now)
        made = account.id, user.id
    services.store.dispose()
    return made


def test_sign_in__first_visit__comes_back_to_what_was_asked_for(front: Front) -> None:
    cookies, _, back = front.sign_in("/pages/home?x=1")
    assert back.headers["location"] == "/pages/home?x=1"
    reply = front.proxy.get("/pages/home?x=1", cookies)
    assert (reply.status, reply.seen["path"]) == (200, "/pages/home?x=1")
    told = claims(front, reply)
    assert (told["sub"], told["uid"]) == (f"acs:ram::{front.account_id}:user/alice", front.user.id)
    assert (told["action"], told["resource"]) == ("wiki:ReadPage", f"acs:wiki:*:{front.account_id}:page/home")
    assert told["exp"] - told["iat"] == 60


def test_denied__no_right__a_page_says_why(front: Front) -> None:
    cookies, _, _ = front.sign_in()
    before = len(front.proxy.upstream.requests)
    for target in ("/admin/users", "/elsewhere"):
        reply = front.proxy.get(target, cookies)
        assert reply.status == 403
        assert b"Request ID" in reply.body
    assert b"wiki:Administer" in front.proxy.get("/admin/users", cookies).body
    posted = front.proxy.send(
        f"POST /admin/users HTTP/1.1\r\nHost: localhost:{front.proxy.port}\r\nCookie: {COOKIE}={cookies[COOKIE]}\r\n"
        "Connection: close\r\nContent-Length: 3\r\n\r\na=b".encode()
    )
    assert posted.status == 403
    assert len(front.proxy.upstream.requests) == before


def test_session__ended_or_revoked__out_at_the_next_request(front: Front) -> None:
    cookies, handle, _ = front.sign_in()
    assert front.proxy.get("/pages/a", cookies).status == 200
    with front.services.store.transaction() as session:
        end_session(session, handle, datetime.now(UTC))
    assert [front.proxy.get("/pages/a", cookies).status for _ in range(6)] == [302] * 6  # on each worker
    cookies, _, _ = front.sign_in()
    assert front.proxy.get("/pages/a", cookies).status == 200
    with front.services.store.transaction() as session:
        revoke(session, "user", front.user.id, datetime.now(UTC))
    assert [front.proxy.get("/pages/a", cookies).status for _ in range(6)] == [302] * 6


def test_right__taken_away__denied_at_the_next_request(front: Front) -> None:
    cookies, _, _ = front.sign_in()
    assert front.proxy.get("/pages/a", cookies).status == 200
    with front.services.store.transaction() as session:
        user = get_user(session, front.account_id, "alice")
        detach_policy(session, front.account_id, "Custom", "readers", user)
    try:
        assert [front.proxy.get("/pages/a", cookies).status for _ in range(6)] == [403] * 6
    finally:
        with front.services.store.transaction() as session:
            user = get_user(session, front.account_id, "alice")
            attach_policy(session, front.account_id, "Custom", "readers", user, datetime.now(UTC))
    assert front.proxy.get("/pages/a", cookies).status == 200


def test_sign_out__of_the_application__needs_a_post_and_ends_its_cookie(front: Front) -> None:
    cookies, _, _ = front.sign_in()
    assert front.proxy.get("/.ramgate/sign-out", cookies).status == 200
    assert front.proxy.get("/pages/a", cookies).status == 200
    out = front.proxy.get("/.ramgate/sign-out", cookies, "Content-Length: 0", method="POST")
    assert out.status == 200
    assert front.proxy.get("/pages/a", cookies).status == 302


def test_ticket__used_twice_or_by_another_browser__refused(front: Front) -> None:
    handle = front.signed_in_at_the_gateway()
    started = front.proxy.get("/.ramgate/start?rd=/pages/a")
    entered = path_of(front.at_gateway(path_of(started), f"Cookie: ramgate_session={handle}"))
    other = front.proxy.get("/.ramgate/start?rd=/pages/a")
    assert front.proxy.get(entered, other.cookies).status == 401  # login CSRF: the attacker's ticket, my browser
    assert front.proxy.get(entered).status == 401
    assert front.proxy.get(entered, started.cookies).status == 303
    assert front.proxy.get(entered, started.cookies).status == 401
    query = parse_qs(urlsplit(entered).query)
    swapped = f"/.ramgate/callback?ticket={query['ticket'][0]}&state={parse_qs(path_of(other))['/apps/enter?state'][0]}"
    assert front.proxy.get(swapped, other.cookies).status == 401


FORGED = [
    ("X-Ramgate-Identity: forged",),
    ("x-ramgate-identity: forged", "X-RAMGATE-IDENTITY: again"),
    ("X_Ramgate_Identity: forged",),
    ("X-Ramgate-Identity : forged",),
    (f"X-Ramgate-Proxy: {SECRET}",),
    ("X_Ramgate_Proxy: forged",),
    ("X-Ramgate-Proxy: forged", "X-Ramgate-Proxy: again"),
    ("X-Original-URI: /pages/a",),
    ("X_Original_URI: /pages/a",),
    ("X-Original-URI: /pages/a", "X-Original-URI: /pages/b"),
    ("X-Original-Method: GET", "X-Original-Host: elsewhere"),
    ("X-Forwarded-Uri: /pages/a", "X-Forwarded-Method: GET", "X-Forwarded-Host: elsewhere"),
    ("X-Rewrite-URL: /pages/a",),
    ("X-Forwarded-For: 10.0.0.1", "Forwarded: for=10.0.0.1"),
    ("X-Ramgate-Sign-In: https://evil.example/",),
    ("X-HTTP-Method-Override: GET",),
    ("Transfer-Encoding: chunked", "Content-Length: 5"),
    ("X-Padding: " + "a" * 7000,),
    ("Authorization: Bearer forged",),
    ("Connection: close, X-Ramgate-Proxy, X-Original-URI",),
    ("Cookie: ramgate_session=x; ramgate_app=y",),
]


@pytest.mark.parametrize("lines", FORGED, ids=lambda lines: lines[0][:40])
def test_forged_headers__without_a_session__never_reach_the_application(front: Front, lines: tuple[str, ...]) -> None:
    before = len(front.proxy.upstream.requests)
    for target in ("/admin/a", "/pages/a"):
        reply = front.proxy.get(target, None, *lines)
        assert reply.status in {302, 400, 403, 411, 431}, reply
        assert "evil.example" not in reply.headers.get("location", "")
    assert len(front.proxy.upstream.requests) == before


@pytest.mark.parametrize("lines", FORGED, ids=lambda lines: lines[0][:40])
def test_forged_headers__with_a_session__change_nothing(front: Front, lines: tuple[str, ...]) -> None:
    cookies, _, _ = front.sign_in()
    assert front.proxy.get("/admin/a", cookies, *lines).status in {302, 400, 403, 411, 431}
    reply = front.proxy.get("/pages/a", cookies, *lines)
    assert reply.status in {200, 302, 400, 403}
    if reply.status == 200:
        assert claims(front, reply)["sub"].endswith(":user/alice")
        for name in ("x-ramgate-proxy", "x-original-uri", "x-original-host", "x-ramgate-sign-in"):
            assert header(reply, name) == []
        assert header(reply, "x-forwarded-for") == ["127.0.0.1"]
        assert not [name for name, _ in reply.seen["headers"] if "_" in name]


PATHS = [
    "/pages/../admin/a",
    "/pages/%2e%2e/admin/a",
    "/pages/..%2fadmin/a",
    "/pages/%2e%2e%2fadmin%2fa",
    "/pages%2f..%2fadmin/a",
    "/pages/./a",
    "/pages//a",
    "//pages/a",
    "/pages/a;x=1",
    "/pages/..;/admin/a",
    "/pages/%00",
    "/pages/%5c..%5cadmin",
    "/pages/..\\admin",
    "/pages/%252e%252e/admin",
    "/pages/%ff",
    "/pages/%c0%af",
    "/pages/a%0d%0aX: y",
    "/PAGES/a",
    "/Pages/a",
    "/%70ages/%e2%80%aea",
    "/pages/a,/admin/b",
    "/pages/a#/admin",
    "/pages/%",
    "/pages/%zz",
    "/.ramgate/../pages/a",
    "/.RAMGATE/auth",
    "/.ramgate/auth",
    "/.ramgate/denied",
]


@pytest.mark.parametrize("target", PATHS)
def test_path__two_readings__never_reaches_the_application(front: Front, target: str) -> None:
    cookies, _, _ = front.sign_in()
    before = len(front.proxy.upstream.requests)
    assert front.proxy.get(target, cookies).status in {400, 403, 404}
    assert len(front.proxy.upstream.requests) == before


@pytest.mark.parametrize(
    "raw",
    [
        "GET http://localhost:{port}/admin/a HTTP/1.1\r\nHost: localhost:{port}",
        "GET http://elsewhere.example/admin/a HTTP/1.1\r\nHost: localhost:{port}",
        "GET /admin/a HTTP/1.1\r\nHost: elsewhere.example",
        "GET /admin/a HTTP/1.1\r\nHost: localhost:{port}\r\nHost: elsewhere.example",
        "GET /admin/a HTTP/1.0",
        "get /admin/a HTTP/1.1\r\nHost: localhost:{port}",
        "TRACE /admin/a HTTP/1.1\r\nHost: localhost:{port}",
        "PURGE /pages/a HTTP/1.1\r\nHost: localhost:{port}",
        "DELETE /pages/a HTTP/1.1\r\nHost: localhost:{port}",
    ],
)
def test_request_line__odd__never_reaches_the_application(front: Front, raw: str) -> None:
    cookies, _, _ = front.sign_in()
    before = len(front.proxy.upstream.requests)
    head = f"{raw.format(port=front.proxy.port)}\r\nCookie: {COOKIE}={cookies[COOKIE]}\r\nConnection: close\r\n\r\n"
    reply = front.proxy.send(head.encode())
    assert reply.status in {400, 403, 405}, reply
    assert len(front.proxy.upstream.requests) == before


def test_absolute_form__allowed_path__decided_and_served_alike(front: Front) -> None:
    cookies, _, _ = front.sign_in()
    raw = f"GET http://elsewhere.example/pages/a HTTP/1.1\r\nHost: localhost\r\nCookie: {COOKIE}={cookies[COOKIE]}\r\n"
    reply = front.proxy.send(f"{raw}Connection: close\r\n\r\n".encode())
    assert (reply.status, reply.seen["path"]) == (200, "/pages/a")
    assert claims(front, reply)["resource"].endswith(":page/a")


def test_chunked_body__allowed__decided_without_it_and_passed_on(front: Front) -> None:
    cookies, _, _ = front.sign_in()
    head = (
        f"POST /pages/a HTTP/1.1\r\nHost: localhost:{front.proxy.port}\r\nCookie: {COOKIE}={cookies[COOKIE]}\r\n"
        "Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
    )
    reply = front.proxy.send(head.encode())
    assert (reply.status, reply.seen["method"], reply.seen["body"]) == (200, "POST", "hello")


def test_cookie__twice__counts_for_nothing(front: Front) -> None:
    cookies, _, _ = front.sign_in()
    twice = front.proxy.get("/pages/a", None, f"Cookie: {COOKIE}=planted; {COOKIE}={cookies[COOKIE]}")
    assert twice.status == 302


@pytest.mark.parametrize(
    "path",
    ["/auth/nginx", "/auth/traefik", "/auth/envoy/pages/a", "/auth/pages/nginx/start", "/auth/pages/nginx/callback"],
)
@pytest.mark.parametrize("secret", ["", "X-Ramgate-Proxy: wrong", "X_Ramgate_Proxy: " + SECRET])
def test_gateway__asked_directly_without_the_secret__tells_nothing(front: Front, path: str, secret: str) -> None:
    cookies, _, _ = front.sign_in()
    host = f"localhost:{front.proxy.port}"
    lines = [
        f"X-Original-Host: {host}",
        "X-Original-Method: GET",
        "X-Original-URI: /pages/a",
        f"Cookie: {COOKIE}={cookies[COOKIE]}",
    ]
    reply = front.at_gateway(path, *lines, *([secret] if secret else []))
    assert reply.status in {401, 403}
    assert "x-ramgate-identity" not in reply.headers
    assert "set-cookie" not in reply.headers or COOKIE not in reply.headers["set-cookie"]
