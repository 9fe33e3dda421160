"""Whatever reaches the port: the answer is JSON with a Code and a RequestId, and nobody waits for somebody slow."""

import os
import signal
import socket
import ssl
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.saml.certificates import make_keys
from tests.live_gateway import live_gateway
from tests.wire.seed import Seed
from tests.wire.signed import Answer, SignedCall, receive, send

OPERATION = b"Action=GetNothing&Version=2015-04-01"
TLS = (
    "from pathlib import Path; from gateway.server import serve; from gateway.settings import load_settings; "
    "serve(load_settings(), certfile=Path({certfile!r}), keyfile=Path({keyfile!r}))"
)
BREAKING = """
from flask import Flask
from gateway.audit.log import set_up_log
from gateway.server import serve_application
from gateway.settings import load_settings

class Broken(Flask):
    def __call__(self, environ, start_response):
        if environ["PATH_INFO"] == "/split":
            start_response("200 OK", [("A", "b\\r\\nc: d")])
        raise RuntimeError("the secret of the stack")

set_up_log("INFO")
serve_application(Broken("x"), load_settings())
"""

IMPATIENT = """
from gateway.server import serve, worker
from gateway.settings import load_settings

worker.READ_TIMEOUT_S = 0.5
worker.BUFFER_BUDGET_BYTES = 1_000_000
serve(load_settings())
"""


def ask(company: Seed, data: bytes) -> Answer:
    """Send everything, however early the answer comes."""
    with company.gateway.connect() as connection:
        try:
            connection.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            pytest.fail("the server closed before it had read the request")
        answer = receive(connection)
        if answer.headers["connection"] == "close":
            assert connection.recv(1) == b""
        return answer


def request_of(line_length: int) -> bytes:
    start, end = b"POST /?" + OPERATION + b"&X=", b" HTTP/1.1"
    return start + b"a" * (line_length - len(start) - len(end)) + end + b"\r\nHost: h\r\nContent-Length: 0\r\n\r\n"


@pytest.mark.parametrize("length", [300_000, 400_000])
def test_request_line__up_to_the_limit__reaches_the_operation(company: Seed, length: int) -> None:
    assert ask(company, request_of(length)).code == "InvalidAction.NotFound"


@pytest.mark.parametrize("length", [400_001, 500_000, 3_000_000])
def test_request_line__beyond_the_limit__414(company: Seed, length: int) -> None:
    answer = ask(company, request_of(length))
    assert (answer.status, answer.code) == (414, "RequestURITooLong")


@pytest.mark.parametrize(
    ("data", "status", "code"),
    [
        pytest.param(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400, "InvalidRequest", id="tls-hello"),
        pytest.param(b"garbage\r\n\r\n", 400, "InvalidRequest", id="no-request-line"),
        pytest.param(b"GET / HTTP/9.9\r\n\r\n", 400, "InvalidRequest", id="version"),
        pytest.param(b"GET / HTTP/1.1 x\r\n\r\n", 400, "InvalidRequest", id="four-parts"),
        pytest.param(b"GET /\xff HTTP/1.1\r\nHost: h\r\n\r\n", 400, "InvalidRequest", id="raw-bytes"),
        pytest.param(b"get / HTTP/1.1\r\nHost: h\r\n\r\n", 400, "InvalidRequest", id="method"),
        pytest.param(b"GET / HTTP/1.1\nHost: h\n\n", 400, "InvalidRequest", id="bare-lf"),
        pytest.param(b"GET / HTTP/1.1\r\nBad Name: x\r\n\r\n", 400, "InvalidRequest", id="header-name"),
        pytest.param(b"GET / HTTP/1.1\r\nNoColon\r\n\r\n", 400, "InvalidRequest", id="no-colon"),
        pytest.param(b"GET / HTTP/1.1\r\nA: b\r\n c\r\n\r\n", 400, "InvalidRequest", id="folding"),
        pytest.param(b"GET / HTTP/1.1\r\nA: b\x00c\r\n\r\n", 400, "InvalidRequest", id="nul-in-header"),
        pytest.param(b"GET / HTTP/1.1\r\nA: " + b"a" * 20_000 + b"\r\n\r\n", 431, "RequestHeaderTooLarge", id="header"),
        pytest.param(b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 200 + b"\r\n", 431, "RequestHeaderTooLarge", id="headers"),
        pytest.param(b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 20_000, 431, "RequestHeaderTooLarge", id="endless-headers"),
        pytest.param(
            b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\ngarbage",
            411,
            "MissingContentLength",
            id="chunked",
        ),
        pytest.param(
            b"POST / HTTP/1.1\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET / HTTP/1.1\r\n\r\n",
            411,
            "MissingContentLength",
            id="two-lengths",
        ),
        pytest.param(b"POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n", 400, "InvalidRequest", id="length"),
        pytest.param(
            b"POST / HTTP/1.1\r\nContent-Length: 9999999\r\n\r\n", 413, "RequestBodyTooLarge", id="large-body"
        ),
        pytest.param(b"GET / HTTP/1.1\r\nHost: h\r\nExpect: magic\r\n\r\n", 417, "ExpectationFailed", id="expect"),
    ],
)
def test_front__malformed_http__json_and_closed(company: Seed, data: bytes, status: int, code: str) -> None:
    answer = ask(company, data)
    assert (answer.status, answer.code, answer.headers["connection"]) == (status, code, "close")
    assert answer.headers["content-type"] == "application/json;charset=utf-8"
    assert set(answer.json) == {"RequestId", "HostId", "Code", "Message", "Recommend"}
    assert answer.headers["x-request-id"] == answer.headers["x-acs-request-id"] == answer.json["RequestId"]
    assert answer.json["RequestId"] in company.gateway.log_text()


@pytest.mark.parametrize("method", [b"PUT", b"DELETE", b"OPTIONS", b"CONNECT", b"PATCH"])
def test_front__other_method__json_405(company: Seed, method: bytes) -> None:
    answer = ask(company, method + b" / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n")
    assert (answer.status, answer.code) == (405, "UnsupportedHTTPMethod")


def test_front__api_client_at_another_path__json_404(company: Seed) -> None:
    for line in (b"POST /base/ HTTP/1.1\r\nx-acs-action: A", b"GET /base/?" + OPERATION + b" HTTP/1.1"):
        answer = ask(company, line + b"\r\nHost: h\r\nContent-Length: 0\r\n\r\n")
        assert (answer.status, answer.code) == (404, "InvalidApi.NotFound")


def test_front__body_too_large_for_a_call__json_413(company: Seed) -> None:
    size = 1024 * 1024 + 1
    head = b"POST /?" + OPERATION + b" HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n" % size
    answer = ask(company, head + b"a" * size)
    assert (answer.status, answer.code) == (413, "RequestBodyTooLarge")


def test_front__browser_at_the_root__sent_to_the_session_page(company: Seed) -> None:
    answer = ask(company, b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
    assert (answer.status, answer.headers["location"]) == (302, "/session")


def test_front__pipelined_requests__answered_in_order(company: Seed) -> None:
    calls = [SignedCall(company.owner_key).request() for _ in range(3)]
    with company.gateway.connect() as connection:
        connection.sendall(b"".join(calls))
        received = b""
        while received.count(b'"IdentityType":"Account"') < 3:
            received += connection.recv(65536)
    assert received.count(b"HTTP/1.1 200 OK") == 3


def test_front__expects_continue__told_to_go_on(company: Seed) -> None:
    call = SignedCall(company.owner_key, more={"content-type": "application/x-www-form-urlencoded"}, body=b"A=1")
    head = call.but(unsigned=(("Expect", "100-continue"),)).request().removesuffix(b"A=1")
    with company.gateway.connect() as connection:
        connection.sendall(head)
        assert connection.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        assert send(connection, b"A=1").status == 200


def test_front__many_slow_clients__do_not_hold_up_another(company: Seed) -> None:
    with ExitStack() as stack:
        slow = [stack.enter_context(company.gateway.connect()) for _ in range(120)]
        for index, connection in enumerate(slow):
            connection.sendall(
                [b"", b"POST /?", request_of(300_000)[:200_000], b"POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\n"][
                    index % 4
                ]
            )
        started = time.monotonic()
        for _ in range(10):
            assert ask(company, SignedCall(company.owner_key).request()).status == 200
        assert time.monotonic() - started < 5


def test_front__clients_that_do_not_close__do_not_hold_up_another(company: Seed) -> None:
    with ExitStack() as stack:
        for _ in range(40):
            connection = stack.enter_context(company.gateway.connect())
            assert send(connection, b"garbage\r\n\r\n").status == 400
        started = time.monotonic()
        assert ask(company, SignedCall(company.owner_key).request()).status == 200
        assert time.monotonic() - started < 2


def test_log__after_bad_requests__holds_json_lines_only_and_no_secrets(company: Seed) -> None:
    ask(company, SignedCall(company.owner_key, date="x", query={"Policy": "hush-hush"}).request())
    lines = company.gateway.log_text().splitlines()
    assert all(line.startswith('{"at":') for line in lines)
    assert not any("hush-hush" in line or company.owner_key.secret.reveal() in line for line in lines)


def test_serve__application_breaks_outside_flask__json_500_without_a_trace(tmp_path: Path) -> None:
    with live_gateway(tmp_path, program=BREAKING) as gateway:
        for path in (b"/", b"/split"):
            with gateway.connect() as connection:
                answer = send(connection, b"GET " + path + b" HTTP/1.1\r\nHost: h\r\n\r\n")
            assert (answer.status, answer.code) == (500, "InternalError")
            assert b"secret of the stack" not in answer.body
        assert "secret of the stack" in gateway.log_text()


def test_serve__tls__speaks_it_and_survives_those_who_do_not(tmp_path: Path) -> None:
    keys = make_keys("127.0.0.1", datetime.now(UTC))
    certfile, keyfile = tmp_path / "tls.crt", tmp_path / "tls.key"
    certfile.write_text(keys.signing_certificate_pem)
    keyfile.write_text(keys.signing_key_pem.reveal())
    program = TLS.format(certfile=str(certfile), keyfile=str(keyfile))
    context = ssl.create_default_context(cafile=str(certfile))
    context.check_hostname = False
    with live_gateway(tmp_path, program=program) as gateway, ExitStack() as stack:
        for index in range(40):  # handshakes that never end, and plain text
            plain = stack.enter_context(gateway.connect())
            plain.sendall(b"GET / HTTP/1.1\r\n\r\n" if index % 2 else b"\x16\x03\x01")
        connection = stack.enter_context(context.wrap_socket(gateway.connect()))
        connection.sendall(request_of(300_000))
        assert receive(connection).code == "InvalidAction.NotFound"
        assert send(connection, request_of(200)).code == "InvalidAction.NotFound"  # the connection is kept


def test_serve__stopped_during_a_request__finishes_it(tmp_path: Path) -> None:
    with live_gateway(tmp_path) as gateway:
        idle = gateway.connect()
        with gateway.connect() as connection, idle:
            connection.sendall(request_of(300)[:-2])
            time.sleep(0.3)
            gateway.process.send_signal(signal.SIGTERM)
            time.sleep(0.5)
            answer = send(connection, b"\r\n")
            assert (answer.code, answer.headers["connection"]) == ("InvalidAction.NotFound", "close")
        assert gateway.process.wait(10) == 0


def test_serve__worker_killed__another_takes_its_place(tmp_path: Path) -> None:
    with live_gateway(tmp_path, environ={"RAMGATE_WORKERS": "1"}) as gateway:
        children = Path(f"/proc/{gateway.process.pid}/task/{gateway.process.pid}/children")
        with gateway.connect() as connection:
            assert send(connection, request_of(200)).status == 404
        os.kill(int(children.read_text().split()[0]), signal.SIGKILL)
        with socket.create_connection(("127.0.0.1", gateway.settings.port), timeout=20) as connection:
            assert send(connection, request_of(200)).status == 404


def test_serve__request_that_never_ends__json_408(tmp_path: Path) -> None:
    with live_gateway(tmp_path, program=IMPATIENT) as gateway:
        with gateway.connect() as connection:
            answer = send(connection, b"POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\nabc")
            assert (answer.status, answer.code) == (408, "RequestTimeout")
            assert connection.recv(1) == b""
        with gateway.connect() as silent:
            assert silent.recv(1) == b""


def test_serve__more_is_sent_than_is_kept__json_503(tmp_path: Path) -> None:
    environ = {"RAMGATE_WORKERS": "1"}
    with live_gateway(tmp_path, program=IMPATIENT, environ=environ) as gateway, ExitStack() as stack:
        connections = [stack.enter_context(gateway.connect()) for _ in range(4)]
        for connection in connections:
            connection.sendall(request_of(390_000)[:380_000])
        # Those that are not refused run out of time, and free what they held.
        assert {receive(connection).status for connection in connections} == {408, 503}
        with gateway.connect() as connection:
            assert send(connection, request_of(390_000)).status == 404
