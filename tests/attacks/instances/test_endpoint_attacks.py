"""Getting an instance's credentials without being an application on it: borrowed services, pages, other machines."""

import re
import socket
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.errors import ConfigError, InputError
from gateway.instance.calls import RoleCredentials
from gateway.instance.endpoint import Asked, Endpoint, Reply
from gateway.instance.holding import Holder
from gateway.instance.identity import InstanceIdentity, load_identity, make_directory, new_identity, save_identity
from gateway.instance.serving import InstanceServer, parse_listen
from gateway.secret import Secret
from tests.fake_clock import NOON, FakeClock

PORT, HANDLE = 8200, "h" * 43
ROLES, TOKEN = "/latest/meta-data/ram/security-credentials/", "/latest/api/token"
HELD = RoleCredentials("app", "STS.id", Secret("SECRET"), "CAIStoken", NOON, NOON + timedelta(hours=1))


@pytest.fixture
def endpoint(clock: FakeClock) -> Endpoint:
    return Endpoint(lambda: HELD, clock, port=PORT, handle=HANDLE)


def ask(endpoint: Endpoint, method: str, target: str, peer: str = "127.0.0.1", **headers: str) -> Reply:
    told = {name.replace("_", "-"): (value,) for name, value in {"host": "127.0.0.1:8200", **headers}.items()}
    reply = endpoint.answer(Asked(method, target, told, peer))
    if reply.status != 200:
        assert "SECRET" not in reply.body
        assert "CAIS" not in reply.body
    return reply


def token(endpoint: Endpoint, seconds: str = "60") -> str:
    return ask(endpoint, "PUT", TOKEN, x_aliyun_ecs_metadata_token_ttl_seconds=seconds).body


def test_control__an_application__gets_them(endpoint: Endpoint) -> None:
    reply = ask(endpoint, "GET", ROLES + "app", x_aliyun_ecs_metadata_token=token(endpoint))
    assert (reply.status, "SECRET" in reply.body) == (200, True)


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "127.0.0.1.evil.example",
        "127.0.0.1:9",
        "localhost.",
        "0.0.0.0:8200",
        "",
        "127.0.0.1:8200,x",
        "127.0.0.1:",
        "127.1",
        "2130706433",
        "evil@127.0.0.1",
        "127.0.0.1:8200/",
        "[::1",
        "169.254.169.254",
    ],
)
def test_host__that_can_be_led_here__refused(endpoint: Endpoint, host: str) -> None:
    told = token(endpoint)
    assert ask(endpoint, "GET", ROLES + "app", host=host, x_aliyun_ecs_metadata_token=told).status == 403
    assert ask(endpoint, "PUT", TOKEN, host=host, x_aliyun_ecs_metadata_token_ttl_seconds="60").status == 403
    assert ask(endpoint, "GET", f"/credentials/{HANDLE}", host=host).status == 403


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost:8200", "LOCALHOST", "100.100.100.200", "100.100.100.200:80"])
def test_host__this_machine__let_in(endpoint: Endpoint, host: str) -> None:
    assert ask(endpoint, "GET", f"/credentials/{HANDLE}", host=host).status == 200


@pytest.mark.parametrize(
    "name",
    [
        "x_forwarded_for",
        "x_forwarded_host",
        "x_forwarded_proto",
        "forwarded",
        "via",
        "x_real_ip",
        "origin",
        "referer",
        "sec_fetch_site",
        "sec_fetch_mode",
        "transfer_encoding",
    ],
)
def test_passed_on__by_a_proxy_or_a_browser__refused(endpoint: Endpoint, name: str) -> None:
    told = {name: "null", "x_aliyun_ecs_metadata_token": token(endpoint)}
    assert ask(endpoint, "GET", ROLES + "app", **told).status == 403
    assert ask(endpoint, "PUT", TOKEN, **{name: "", "x_aliyun_ecs_metadata_token_ttl_seconds": "60"}).status == 403


@pytest.mark.parametrize("peer", ["192.0.2.1", "10.0.0.1", "", "::ffff:192.0.2.1", "100.100.100.201"])
def test_other_machine__refused(endpoint: Endpoint, peer: str) -> None:
    assert ask(endpoint, "GET", f"/credentials/{HANDLE}", peer=peer).status == 403


def test_without_a_token__or_with_a_wrong_one__refused(endpoint: Endpoint, clock: FakeClock) -> None:
    good = token(endpoint)
    until, _, mac = good.partition(".")
    later = str(int(until) + 3600)
    wrong = ["", "x", good[:-1], f"{later}.{mac}", f"{until}.{'0' * 64}", f"{good} ", good.upper(), f"0{good}"]
    other = Endpoint(lambda: HELD, clock, port=PORT, handle=HANDLE)
    for told in [*wrong, token(other)]:
        assert ask(endpoint, "GET", ROLES + "app", x_aliyun_ecs_metadata_token=told).status == 401
    assert ask(endpoint, "GET", ROLES).status == 401
    clock.advance(60)
    assert ask(endpoint, "GET", ROLES + "app", x_aliyun_ecs_metadata_token=good).status == 401


@pytest.mark.parametrize("seconds", ["0", "-1", "21601", "99999", "1e3", "", "60 ", "١"])
def test_token__for_another_time_than_there_is__refused(endpoint: Endpoint, seconds: str) -> None:
    assert ask(endpoint, "PUT", TOKEN, x_aliyun_ecs_metadata_token_ttl_seconds=seconds).status == 400


def test_token__by_get_or_post__refused(endpoint: Endpoint) -> None:
    for method in ("GET", "POST", "HEAD", "OPTIONS"):
        assert ask(endpoint, method, TOKEN, x_aliyun_ecs_metadata_token_ttl_seconds="60").status == 405


@pytest.mark.parametrize(
    "target",
    [
        ROLES + "App",
        ROLES + "app/",
        ROLES + "app?x",
        ROLES + "../app",
        ROLES + "%61pp",
        "/latest/meta-data/",
        "/",
        "*",
        "http://127.0.0.1:8200" + ROLES + "app",
        "//" + ROLES,
        "/credentials/",
        "/credentials/x",
        "/credentials/" + "é",
    ],
)
def test_other_paths__lead_nowhere(endpoint: Endpoint, target: str) -> None:
    assert ask(endpoint, "GET", target, x_aliyun_ecs_metadata_token=token(endpoint)).status == 404


def test_two_hosts__refused(endpoint: Endpoint) -> None:
    told = {"host": ("127.0.0.1:8200", "evil.example")}
    assert endpoint.answer(Asked("GET", f"/credentials/{HANDLE}", told, "127.0.0.1")).status == 403


@pytest.mark.parametrize(
    "listen", ["0.0.0.0:80", "192.0.2.1:80", "localhost:80", "[::]:80", ":80", "127.0.0.1", "127.0.0.1:99999", "x:1"]
)
def test_listen__where_others_can_reach__refused(listen: str) -> None:
    with pytest.raises(InputError):
        parse_listen(listen)


@pytest.fixture
def port(tmp_path: Path, clock: FakeClock) -> Iterator[int]:
    """Of a server with sockets."""
    make_directory(tmp_path / "state")
    server = InstanceServer(Holder(lambda: HELD, clock), clock, ("127.0.0.1", 0), tmp_path / "state")
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    yield int(server.server_address[1])
    server.shutdown()
    thread.join()


def raw(port: int, request: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(65536), b""))


def test_raw_requests__smuggled_or_malformed__give_nothing(port: int, tmp_path: Path) -> None:
    uri = (tmp_path / "state" / "credentials-uri").read_text().strip()
    path = re.sub(r"^http://[^/]+", "", uri).encode()
    assert (tmp_path / "state" / "credentials-uri").stat().st_mode & 0o077 == 0
    host = f"Host: 127.0.0.1:{port}\r\n".encode()
    assert b"SECRET" in raw(port, b"GET " + path + b" HTTP/1.1\r\n" + host + b"\r\n")  # the control
    for request in (
        b"GET " + path + b" HTTP/1.1\r\n\r\n",
        b"GET " + path + b" HTTP/1.1\r\n" + host + b"Host: evil.example\r\n\r\n",
        b"GET " + path + b" HTTP/1.1\r\n" + host + b"X-Forwarded-For: 127.0.0.1\r\n\r\n",
        b"GET " + path + b" HTTP/1.1\r\n" + host + b"Content-Length: 0\r\nContent-Length: 5\r\n\r\nhello",
        b"GET " + path + b" HTTP/1.1\r\n" + host + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"GET http://127.0.0.1" + path + b" HTTP/1.1\r\n" + host + b"\r\n",
        b"GET " + path + b"\r\n",
        b"POST " + path + b" HTTP/1.1\r\n" + host + b"\r\n",
        b"CONNECT " + path + b" HTTP/1.1\r\n" + host + b"\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ):
        assert b"SECRET" not in raw(port, request), request
    piped = b"GET /x HTTP/1.1\r\n" + host + b"\r\nGET " + path + b" HTTP/1.1\r\n" + host + b"\r\n"
    assert b"SECRET" not in raw(port, piped)  # one request to a connection


def test_key_file__that_others_may_read_or_change__is_not_used(tmp_path: Path) -> None:
    state = tmp_path / "state"
    make_directory(state)
    save_identity(state, InstanceIdentity("https://sso.example.com", "arn", "app", new_identity("x").key))
    assert load_identity(state).role_name == "app"
    file = state / "instance.json"
    file.chmod(0o640)
    with pytest.raises(ConfigError):
        load_identity(state)
    file.chmod(0o600)
    file.write_text('{"gateway": "https://evil.example"}')
    with pytest.raises(ConfigError):
        load_identity(state)
    state.chmod(0o755)
    with pytest.raises(ConfigError):
        make_directory(state)
