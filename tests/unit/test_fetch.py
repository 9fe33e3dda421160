"""Against real servers on loopback. What never connects is in `test_outbound.py`."""

import gzip
import ipaddress
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gateway.errors import ConfigError, Reason, UpstreamError
from gateway.fetch import Fetched, Fetcher, Limits
from gateway.outbound import OutboundRules
from gateway.secret import Secret
from tests.local_servers import Authority, LocalServer, ok

LOOPBACK = OutboundRules((ipaddress.ip_network("127.0.0.0/8"),))
DEVELOPMENT = OutboundRules(development=True)
QUICK = Limits(total_s=2, connect_s=1, header_bytes=4096, body_bytes=10_000)


def to_loopback(_host: str, _port: int, _wait_s: float) -> list[str]:
    return ["127.0.0.1"]


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture
def fetcher() -> Fetcher:
    return Fetcher(DEVELOPMENT)


@pytest.fixture
def secure(authority: Authority) -> Fetcher:
    return Fetcher(LOOPBACK, authority.ca_file, resolve=to_loopback)


def refusal(call: Callable[[], Fetched]) -> Reason:
    with pytest.raises(UpstreamError) as caught:
        call()
    return caught.value.reason


def answer_of(fetcher: Fetcher, answer: bytes | Callable[[socket.socket], None], limits: Limits = QUICK) -> Fetched:
    with LocalServer(answer) as server:
        return fetcher.get(f"http://127.0.0.1:{server.port}/x?y=1", limits=limits)


def test_get__plain_in_development__tells_everything(fetcher: Fetcher) -> None:
    with LocalServer(ok(b"{}", "Application/JSON; charset=utf-8", "Cache-Control: max-age=60\r\n")) as server:
        fetched = fetcher.get(f"http://127.0.0.1:{server.port}/x?y=1")
    assert (fetched.status, fetched.body, fetched.media_type) == (200, b"{}", "application/json")
    assert fetched.headers["cache-control"] == "max-age=60"
    assert fetched.ca_thumbprints == ()
    head = server.heard[0].decode()
    assert head.startswith("GET /x?y=1 HTTP/1.1\r\n")
    assert f"\r\nHost: 127.0.0.1:{server.port}\r\n" in head
    assert "cookie" not in head.lower()


def test_get__other_status__is_a_value(fetcher: Fetcher) -> None:
    fetched = answer_of(fetcher, b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno")
    assert (fetched.status, fetched.body) == (404, b"no")


def test_post__form__sends_body_and_authorization(fetcher: Fetcher) -> None:
    with LocalServer(ok(b"{}")) as server:
        fetcher.post(f"http://127.0.0.1:{server.port}/token", b"a=b", authorization=Secret("Basic abc"))
    head, _, body = server.heard[0].partition(b"\r\n\r\n")
    assert body == b"a=b"
    assert b"\r\nAuthorization: Basic abc\r\n" in head
    assert b"\r\nContent-Length: 3" in head


def test_get__tls__keeps_the_name_and_tells_the_chain(authority: Authority, secure: Fetcher) -> None:
    with LocalServer(ok(b"{}"), authority.server_context("idp.example.com")) as server:
        fetched = secure.get(f"https://idp.example.com:{server.port}/")
    assert fetched.body == b"{}"
    assert server.server_names == ["idp.example.com"]
    assert f"\r\nHost: idp.example.com:{server.port}\r\n".encode() in server.heard[0]
    assert fetched.ca_thumbprints == (authority.middle_thumbprint, authority.root_thumbprint)


def test_get__certificate_of_a_stranger_sent_along__is_not_in_the_chain(
    authority: Authority, secure: Fetcher, tmp_path: Path
) -> None:
    """Anybody can send the certificate of the pinned authority; only the verified chain counts."""
    stranger = Authority(tmp_path)
    context = authority.server_context("idp.example.com", extra=(stranger.root,))
    with LocalServer(ok(b"{}"), context) as server:
        fetched = secure.get(f"https://idp.example.com:{server.port}/")
    assert stranger.root_thumbprint not in fetched.ca_thumbprints


def test_get__wrong_name__refused(authority: Authority, secure: Fetcher) -> None:
    with LocalServer(ok(b"{}"), authority.server_context("other.example.com")) as server:
        assert refusal(lambda: secure.get(f"https://idp.example.com:{server.port}/")) is Reason.FETCH_TLS
    assert server.heard == []


def test_get__expired_certificate__refused(authority: Authority, secure: Fetcher) -> None:
    with LocalServer(ok(b"{}"), authority.server_context("idp.example.com", days=-1)) as server:
        assert refusal(lambda: secure.get(f"https://idp.example.com:{server.port}/")) is Reason.FETCH_TLS


def test_get__unknown_authority__refused(secure: Fetcher, tmp_path: Path) -> None:
    with LocalServer(ok(b"{}"), Authority(tmp_path).server_context("idp.example.com")) as server:
        assert refusal(lambda: secure.get(f"https://idp.example.com:{server.port}/")) is Reason.FETCH_TLS
    assert server.heard == []


def test_get__system_authorities__do_not_know_ours(authority: Authority) -> None:
    with LocalServer(ok(b"{}"), authority.server_context("idp.example.com")) as server:
        stock = Fetcher(LOOPBACK, resolve=to_loopback)
        assert refusal(lambda: stock.get(f"https://idp.example.com:{server.port}/")) is Reason.FETCH_TLS


def test_get__tls_to_a_plain_server__refused(secure: Fetcher) -> None:
    with LocalServer(b"HTTP/1.1 400 Bad Request\r\n\r\n", listens=False) as server:
        assert refusal(lambda: secure.get(f"https://idp.example.com:{server.port}/")) is Reason.FETCH_TLS


def test_get__tls_handshake_that_hangs__ends_in_time(secure: Fetcher) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    begun = time.monotonic()
    limits = Limits(total_s=0.3)
    port = listener.getsockname()[1]
    assert refusal(lambda: secure.get(f"https://idp.example.com:{port}/", limits=limits)) is Reason.FETCH_TIMEOUT
    assert time.monotonic() - begun < 2
    listener.close()


@pytest.mark.parametrize(
    "url",
    [
        "", "idp.example.com", "ftp://idp.example.com/", "file:///etc/passwd", "gopher://x/", "http://idp.example.com/",
        "https://", "https:///x", "https://user@idp.example.com/", "https://a:b@idp.example.com/", "https://idp#f",
        "https://idp.example.com/ x", "https://idp.example.com/\r\nX: y", "https://idp.example.com\\@evil.example/",
        "https://idp.example.com/\tx", " https://idp.example.com/", "https://idp.example.com/ü", "https://ïdp.example/",
        "https://idp.example.com:0/", "https://idp.example.com:65536/", "https://idp.example.com:/", "https://a..b/",
        "https://idp.example.com./", "https://[::1/", "https://[fe80::1%25eth0]/", "HTTPS://idp.example.com/",
        "https://idp.example.com/\x00", "https://idp.example.com/" + "a" * 2048, "http://127.0.0.1.example.com/",
        "http://10.0.0.1/", "https://idp.example.com/\n", "https://%31%32%37.0.0.1/",
    ],
)  # fmt: skip
def test_get__url_that_is_not_plain_https__refused(url: str) -> None:
    fetcher = Fetcher(DEVELOPMENT, resolve=lambda *_: pytest.fail("must not be looked up"))
    assert refusal(lambda: fetcher.get(url)) is Reason.FETCH_URL


def test_get__http_outside_of_development__refused() -> None:
    assert refusal(lambda: Fetcher(LOOPBACK).get("http://127.0.0.1:1/")) is Reason.FETCH_URL


def test_get__http_to_a_localhost_that_is_elsewhere__refused() -> None:
    rules = OutboundRules((ipaddress.ip_network("10.0.0.0/8"),), development=True)
    fetcher = Fetcher(rules, resolve=lambda *_: ["10.0.0.1"])
    assert refusal(lambda: fetcher.get("http://localhost:1/")) is Reason.FETCH_RESOLVE


@pytest.mark.parametrize("address", ["169.254.169.254", "10.0.0.1", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "0.0.0.0"])
def test_get__name_of_a_private_address__refused(address: str) -> None:
    fetcher = Fetcher(OutboundRules(), resolve=lambda *_: [address])
    assert refusal(lambda: fetcher.get("https://idp.example.com/")) is Reason.FETCH_ADDRESS


def test_get__address_written_as_a_number__is_checked_after_resolution() -> None:
    assert refusal(lambda: Fetcher(OutboundRules()).get("https://2130706433/")) is Reason.FETCH_ADDRESS
    assert refusal(lambda: Fetcher(OutboundRules()).get("https://127.1/")) is Reason.FETCH_ADDRESS
    assert refusal(lambda: Fetcher(OutboundRules()).get("https://[::1]/")) is Reason.FETCH_ADDRESS


def test_get__name_that_resolves_differently_each_time__is_asked_once(authority: Authority) -> None:
    """DNS rebinding: the answer that was checked is the one that is connected to."""
    answers: Iterator[list[str]] = iter([["127.0.0.1"], ["169.254.169.254"]])
    fetcher = Fetcher(LOOPBACK, authority.ca_file, resolve=lambda *_: next(answers))
    with LocalServer(ok(b"{}"), authority.server_context("idp.example.com")) as server:
        url = f"https://idp.example.com:{server.port}/"
        assert fetcher.get(url).body == b"{}"
        assert refusal(lambda: fetcher.get(url)) is Reason.FETCH_ADDRESS


def test_get__redirect_to_a_name_that_has_moved__is_checked_again(authority: Authority) -> None:
    answers: Iterator[list[str]] = iter([["127.0.0.1"], ["100.100.100.200"]])
    fetcher = Fetcher(LOOPBACK, authority.ca_file, resolve=lambda *_: next(answers))
    moved = b"HTTP/1.1 302 Found\r\nLocation: /latest/meta-data/\r\nContent-Length: 0\r\n\r\n"
    with LocalServer(moved, authority.server_context("idp.example.com")) as server:
        assert refusal(lambda: fetcher.get(f"https://idp.example.com:{server.port}/")) is Reason.FETCH_ADDRESS


def redirect_to(location: str) -> bytes:
    return f"HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n".encode()


@pytest.mark.parametrize(
    "location",
    [
        "http://169.254.169.254/latest/meta-data/", "https://evil.example/", "//evil.example/x", "relative", "",
        "http://127.0.0.1:1/", "https://127.0.0.1/", "file:///etc/passwd", "/ x", "http://localhost:{port}/",
        "http://127.0.0.1:{port}@evil.example/", "\\\\evil.example",
    ],
)  # fmt: skip
def test_get__redirect_elsewhere__refused(fetcher: Fetcher, location: str) -> None:
    def answer(connection: socket.socket) -> None:
        connection.sendall(redirect_to(location.format(port=connection.getsockname()[1])))

    assert refusal(lambda: answer_of(fetcher, answer)) is Reason.FETCH_REDIRECT


def test_get__redirect_within_the_origin__followed(fetcher: Fetcher) -> None:
    answers = iter([redirect_to("/a"), redirect_to("http://127.0.0.1:{port}/b"), ok(b"done")])

    def answer(connection: socket.socket) -> None:
        connection.sendall(next(answers).replace(b"{port}", str(connection.getsockname()[1]).encode()))

    fetched = answer_of(fetcher, answer)
    assert fetched.body == b"done"
    assert fetched.url.endswith("/b")


def test_get__redirects_without_end__refused(fetcher: Fetcher) -> None:
    with LocalServer(redirect_to("/again")) as server:
        assert refusal(lambda: fetcher.get(f"http://127.0.0.1:{server.port}/")) is Reason.FETCH_REDIRECT
    assert len(server.heard) == 4


def test_fetch__redirect_with_secrets__refused(fetcher: Fetcher) -> None:
    with LocalServer(redirect_to("/again")) as server:
        url = f"http://127.0.0.1:{server.port}/"
        assert refusal(lambda: fetcher.post(url, b"secret")) is Reason.FETCH_REDIRECT
        assert refusal(lambda: fetcher.get(url, authorization=Secret("Bearer x"))) is Reason.FETCH_REDIRECT
    assert len(server.heard) == 2


def test_get__nobody_there__refused(fetcher: Fetcher) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert refusal(lambda: fetcher.get(f"http://127.0.0.1:{port}/")) is Reason.FETCH_CONNECT


def test_get__first_address_is_dead__tries_the_next(authority: Authority) -> None:
    fetcher = Fetcher(LOOPBACK, authority.ca_file, resolve=lambda *_: ["127.0.0.2", "127.0.0.1"])
    with LocalServer(ok(b"{}"), authority.server_context("idp.example.com")) as server:
        assert fetcher.get(f"https://idp.example.com:{server.port}/").status == 200


@pytest.mark.parametrize("drip", [b"HTTP/1.1 200 OK\r\n", ok(b"")[:-4] + b"\r\nX: ", b"HTTP/1.1 100 Continue\r\n\r\n"])
def test_get__slow_drip__ends_in_time(fetcher: Fetcher, drip: bytes) -> None:
    def answer(connection: socket.socket) -> None:
        connection.sendall(drip)
        while not server.wait(0.02):
            connection.sendall(b"x")

    begun = time.monotonic()
    with LocalServer(answer) as server:
        url = f"http://127.0.0.1:{server.port}/"
        assert refusal(lambda: fetcher.get(url, limits=Limits(total_s=0.4))) in {
            Reason.FETCH_TIMEOUT,
            Reason.FETCH_PROTOCOL,  # a status line that is complete and wrong
        }
    assert time.monotonic() - begun < 3


def test_get__slow_body__ends_in_time(fetcher: Fetcher) -> None:
    def answer(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n")
        while not server.wait(0.02):
            connection.sendall(b"x")

    begun = time.monotonic()
    with LocalServer(answer) as server:
        url = f"http://127.0.0.1:{server.port}/"
        assert refusal(lambda: fetcher.get(url, limits=Limits(total_s=0.4))) is Reason.FETCH_TIMEOUT
    assert time.monotonic() - begun < 3


def test_get__server_that_says_nothing__ends_in_time(fetcher: Fetcher) -> None:
    def answer(_connection: socket.socket) -> None:
        server.wait(5)

    with LocalServer(answer) as server:
        url = f"http://127.0.0.1:{server.port}/"
        assert refusal(lambda: fetcher.get(url, limits=Limits(total_s=0.2))) is Reason.FETCH_TIMEOUT


def endless(head: bytes, part: bytes) -> Callable[[socket.socket], None]:
    def answer(connection: socket.socket) -> None:
        connection.sendall(head)
        while True:
            connection.sendall(part * 1000)

    return answer


@pytest.mark.parametrize(
    "answer",
    [
        ok(b"x" * 10_001),
        b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 10_001,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1388\r\n" + b"x" * 5000 + b"\r\n1389\r\n" + b"x" * 5001 + b"\r\n0\r\n\r\n",
        endless(b"HTTP/1.1 200 OK\r\n\r\n", b"x"),
        endless(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1;" + b"e" * 60 + b"\r\nx\r\n"),
        endless(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", b"trailer: x\r\n"),
        endless(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n"),
        endless(b"HTTP/1.1 200 OK\r\nX: ", b"y"),
        endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        ok(gzip.compress(b"\0" * 5_000_000), extra="Content-Encoding: gzip\r\n"),
    ],
    ids=["length", "until close", "chunked", "endless", "chunk extensions", "trailers", "headers", "one header", "continue", "gzip bomb"],
)  # fmt: skip
def test_get__too_much__refused(fetcher: Fetcher, answer: bytes | Callable[[socket.socket], None]) -> None:
    assert refusal(lambda: answer_of(fetcher, answer)) in {Reason.FETCH_TOO_LARGE, Reason.FETCH_PROTOCOL}


@pytest.mark.parametrize("body", [b"", b"x" * 10_000])
@pytest.mark.parametrize("packed", [False, True])
def test_get__just_within_the_limit__passes(fetcher: Fetcher, body: bytes, packed: bool) -> None:
    answer = ok(gzip.compress(body), extra="Content-Encoding: gzip\r\n") if packed else ok(body)
    assert answer_of(fetcher, answer).body == body


@pytest.mark.parametrize(
    "answer",
    [
        b"hello\r\n",
        b"<html>HTTP/0.9 has no status</html>",
        b"",
        b"HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 abc OK\r\n\r\n",
        b"HTTP/1.1 99999 OK\r\n\r\n",
        b"HTTP/2 200\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"\x16\x03\x01\x00\x00",
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc",
        ok(b"abc", extra="Content-Encoding: br\r\n"),
        ok(b"abc", extra="Content-Encoding: gzip\r\n"),
        ok(gzip.compress(b"abc")[:-4], extra="Content-Encoding: gzip\r\n"),
        ok(gzip.compress(b"a") + gzip.compress(b"b"), extra="Content-Encoding: gzip\r\n"),
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n",
    ],
)
def test_get__garbage__refused(fetcher: Fetcher, answer: bytes) -> None:
    assert refusal(lambda: answer_of(fetcher, answer)) is Reason.FETCH_PROTOCOL


def test_get__proxies_and_key_log_of_the_environment__are_not_used(
    authority: Authority, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    log = tmp_path / "keys"
    for name in ("http_proxy", "https_proxy", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    monkeypatch.setenv("SSLKEYLOGFILE", str(log))
    fetcher = Fetcher(LOOPBACK, authority.ca_file, resolve=to_loopback)
    with LocalServer(ok(b"{}"), authority.server_context("idp.example.com")) as server:
        assert fetcher.get(f"https://idp.example.com:{server.port}/").status == 200
    assert not log.exists()


def test_get__cookie_of_an_earlier_answer__is_not_sent(fetcher: Fetcher) -> None:
    with LocalServer(ok(b"{}", extra="Set-Cookie: a=b\r\n")) as server:
        for _ in range(2):
            fetcher.get(f"http://127.0.0.1:{server.port}/")
    assert all(b"cookie" not in heard.lower() for heard in server.heard)


@pytest.mark.parametrize("value", ["Bearer a\r\nX: y", "Bearer ü", "Bearer a\x00"])
def test_get__authorization_that_breaks_the_header__refused(fetcher: Fetcher, value: str) -> None:
    with LocalServer(ok(b"{}")) as server:
        url = f"http://127.0.0.1:{server.port}/"
        assert refusal(lambda: fetcher.get(url, authorization=Secret(value))) is Reason.FETCH_PROTOCOL
    assert server.heard == []


def test_target__good_url__tells_the_origin(fetcher: Fetcher) -> None:
    assert fetcher._target("https://IdP.example.com/x").origin == ("https", "idp.example.com", 443)
    assert fetcher._target("https://[2606:4700::1]:8443?x").origin == ("https", "2606:4700::1", 8443)


@pytest.mark.parametrize("content", [None, b"", b"no certificate"])
def test_fetcher__ca_file_that_is_none__config_error(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        Fetcher(LOOPBACK, path)
    assert caught.value.reason is Reason.CONFIG_INVALID


def test_ca_thumbprints__self_signed_server__its_own(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    fetcher = Fetcher(LOOPBACK, authority.ca_file, resolve=to_loopback)
    with LocalServer(ok(b"{}"), authority.serving_root()) as server:
        fetched = fetcher.get(f"https://idp.example.com:{server.port}/")
    assert fetched.ca_thumbprints == (authority.root_thumbprint,)
