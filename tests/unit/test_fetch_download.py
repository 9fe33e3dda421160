"""Large answers, which go to a file and never into memory."""

import gzip
import io
import tracemalloc

import pytest

from gateway.errors import Reason, UpstreamError
from gateway.fetch import Fetched, Fetcher, Limits
from gateway.outbound import OutboundRules
from tests.local_servers import LocalServer, ok

LIMITS = Limits(total_s=5, connect_s=1, header_bytes=4096, body_bytes=5_000_000)
PACKED = "Content-Encoding: gzip\r\n"


def download(answer: bytes, known_tag: str = "", limits: Limits = LIMITS) -> tuple[Fetched, bytes, bytes]:
    """The answer, what came into the file, and the head of the request."""
    with LocalServer(answer) as server:
        into = io.BytesIO()
        url = f"http://127.0.0.1:{server.port}/x"
        fetched = Fetcher(OutboundRules(development=True)).download(
            url, into, accept="application/samlmetadata+xml", known_tag=known_tag, limits=limits
        )
        return fetched, into.getvalue(), server.heard[0]


def refused(answer: bytes, limits: Limits = LIMITS) -> Reason:
    with pytest.raises(UpstreamError) as caught:
        download(answer, limits=limits)
    return caught.value.reason


@pytest.mark.parametrize("size", [0, 1, 16_384, 4_999_999])
def test_download__plain_or_packed__comes_into_the_file(size: int) -> None:
    body = b"a" * size

    plain, into, head = download(ok(body, "text/xml"))
    _, unpacked, _ = download(ok(gzip.compress(body), "text/xml", PACKED))

    assert (into, unpacked, plain.body, plain.status) == (body, body, b"", 200)
    assert b"\r\nAccept: application/samlmetadata+xml\r\n" in head


def test_download__too_large__is_refused_on_the_wire_and_unpacked() -> None:
    body = b"a" * 5_000_001

    assert refused(ok(body, "text/xml")) is Reason.FETCH_TOO_LARGE
    assert refused(ok(gzip.compress(body), "text/xml", PACKED)) is Reason.FETCH_TOO_LARGE


def test_download__packed_bomb__stays_within_memory() -> None:
    answer = ok(gzip.compress(b"\0" * 50_000_000), "text/xml", PACKED)
    tracemalloc.start()
    try:
        assert refused(answer) is Reason.FETCH_TOO_LARGE
        assert tracemalloc.get_traced_memory()[1] < 16_000_000  # 5 of them the file of this test
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("damage", [lambda data: data[:-1], lambda data: data + b"x", lambda data: b"x" + data])
def test_download__packed_badly__is_refused(damage: object) -> None:
    assert callable(damage)
    assert refused(ok(damage(gzip.compress(b"a" * 100_000)), "text/xml", PACKED)) is Reason.FETCH_PROTOCOL


def test_download__other_status__leaves_the_file_empty() -> None:
    fetched, into, _ = download(b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno")

    assert (fetched.status, fetched.body, into) == (404, b"no", b"")


def test_download__known_tag__is_asked_with_and_304_is_a_value() -> None:
    fetched, into, head = download(b'HTTP/1.1 304 Not Modified\r\nETag: "v1"\r\n\r\n', '"v1"')

    assert (fetched.status, into) == (304, b"")
    assert b'\r\nIf-None-Match: "v1"\r\n' in head


@pytest.mark.parametrize("tag", ['"a"\r\nX-Evil: 1', '"a', "v1", '"é"'])
def test_download__tag_that_is_none__is_not_sent(tag: str) -> None:
    _, _, head = download(ok(b"x", "text/xml"), tag)

    assert b"If-None-Match" not in head
    assert b"Evil" not in head


def test_download__endless_answer_of_another_status__is_cut() -> None:
    body = b"a" * 20_000_000
    answer = b"HTTP/1.1 500 Oh\r\nContent-Length: 20000000\r\n\r\n" + body

    assert refused(answer, Limits(total_s=5, body_bytes=256 * 1024 * 1024)) is Reason.FETCH_TOO_LARGE
