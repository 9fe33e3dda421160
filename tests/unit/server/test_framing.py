import time
from collections.abc import Iterator
from contextlib import suppress
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.server.framing import (
    MAX_BODY_BYTES,
    MAX_HEADER_BYTES,
    MAX_REQUEST_LINE_BYTES,
    FramingError,
    RequestFramer,
)

GET = b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\na=1"


def line(length: int) -> bytes:
    return b"POST /?" + b"a" * (length - 16) + b" HTTP/1.1"


def refusal(data: bytes) -> int:
    with pytest.raises(FramingError) as caught:
        RequestFramer().feed(data)
    return caught.value.status


@pytest.mark.parametrize("request_", [GET, POST], ids=["no-body", "body"])
def test_feed__byte_by_byte__complete_at_the_last_one(request_: bytes) -> None:
    framer = RequestFramer()
    told = [framer.feed(bytes([byte])) for byte in request_]
    assert told == [False] * (len(request_) - 1) + [True]
    assert framer.take() == request_
    assert framer.size == 0


def test_take__pipelined_requests__one_after_the_other() -> None:
    framer = RequestFramer()
    assert framer.feed(POST + b"\r\n" + GET + b"PO")
    assert framer.take() == POST
    assert framer.is_complete()
    assert framer.take() == GET
    assert not framer.is_complete()
    assert framer.feed(POST[2:])
    assert framer.take() == POST


@pytest.mark.parametrize(
    ("data", "status"),
    [
        pytest.param(line(MAX_REQUEST_LINE_BYTES + 1) + b"\r\n\r\n", 414, id="long-line"),
        pytest.param(b"A" * (MAX_REQUEST_LINE_BYTES + 2), 414, id="long-line-without-end"),
        pytest.param(b"GET / HTTP/1.1\r\nA: " + b"a" * MAX_HEADER_BYTES, 431, id="long-headers"),
        pytest.param(b"GET / HTTP/1.1\r\nA: " + b"a" * MAX_HEADER_BYTES + b"\r\n\r\n", 431, id="long-headers-whole"),
        pytest.param(b"\x16\x03\x01\x02", 400, id="tls-hello"),
        pytest.param(b"\r\n\r\n", 400, id="only-empty-lines"),
        pytest.param(b"\n", 400, id="line-feed"),
        pytest.param(b"GET / HTTP/1.1\nHost: h\n\n", 400, id="bare-lf-head"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: h\nA: b\r\n\r\n", 400, id="bare-lf-in-header"),
        pytest.param(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", 411, id="chunked"),
        pytest.param(b"POST / HTTP/1.1\r\nTransfer-Encoding : chunked\r\n\r\n", 411, id="chunked-with-space"),
        pytest.param(b"POST / HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: x\r\n\r\n", 411, id="both"),
        pytest.param(b"POST / HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\n", 400, id="two-lengths"),
        pytest.param(b"POST / HTTP/1.1\r\nContent-Length: 3, 3\r\n\r\n", 400, id="length-list"),
        pytest.param(b"POST / HTTP/1.1\r\nContent-Length: +3\r\n\r\n", 400, id="length-sign"),
        pytest.param(b"POST / HTTP/1.1\r\nContent-Length: 0x3\r\n\r\n", 400, id="length-hex"),
        pytest.param(b"POST / HTTP/1.1\r\nContent-Length: \xb2\r\n\r\n", 400, id="length-superscript"),
        pytest.param(b"POST / HTTP/1.1\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n", 400, id="length-endless"),
        pytest.param(b"POST / HTTP/1.1\r\nContent-Length: 2097153\r\n\r\n", 413, id="large-body"),
        pytest.param(b"POST / HTTP/1.1\r\nExpect: 200-ok\r\n\r\n", 417, id="expectation"),
    ],
)
def test_feed__unusable_request__refused(data: bytes, status: int) -> None:
    assert refusal(data) == status


def test_feed__at_the_limits__accepted() -> None:
    framer = RequestFramer()
    head = line(MAX_REQUEST_LINE_BYTES) + b"\r\nContent-Length: %d\r\n\r\n" % MAX_BODY_BYTES
    assert not framer.feed(head)
    assert framer.feed(b"\n" * MAX_BODY_BYTES)  # a body may hold anything


def test_feed__expectation_with_the_body_missing__awaits_continue() -> None:
    framer = RequestFramer()
    assert not framer.feed(b"POST / HTTP/1.1\r\nExpect: 100-Continue\r\nContent-Length: 1\r\n\r\n")
    assert framer.awaits_continue
    assert framer.feed(b"x")
    assert not framer.awaits_continue


def test_feed__long_line_in_single_bytes__costs_no_more_than_linear_time() -> None:
    data = line(100_000) + b"\r\n\r\n"
    framer = RequestFramer()
    started = time.process_time()
    for index in range(len(data)):
        framer.feed(data[index : index + 1])
    assert framer.take() == data
    assert time.process_time() - started < 5  # a quadratic scan takes minutes


def pieces(data: bytes, cuts: list[int]) -> Iterator[bytes]:
    bounds = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    return (data[start:end] for start, end in pairwise(bounds))


@given(st.lists(st.sampled_from([GET, POST, b"\r\n" + GET]), min_size=1, max_size=4), st.lists(st.integers(0, 300)))
def test_feed__any_cut_of_any_sequence__same_requests(requests: list[bytes], cuts: list[int]) -> None:
    framer, taken = RequestFramer(), []
    for piece in pieces(b"".join(requests), cuts):
        complete = framer.feed(piece)
        while complete:
            taken.append(framer.take())
            complete = framer.is_complete()
    assert taken == [request.removeprefix(b"\r\n") for request in requests]


@given(st.binary(max_size=200))
def test_feed__any_bytes__request_or_refusal(data: bytes) -> None:
    framer = RequestFramer()
    with suppress(FramingError):
        if framer.feed(data):
            assert framer.take() in data
