"""A client that costs less than what it measures: one thread, several kept connections, requests made beforehand."""

import selectors
import socket
import time
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

CONNECTIONS = 8
_LONGEST_S = 60.0


@dataclass(slots=True)
class _Lane:
    """One connection with at most one request under way."""

    address: tuple[str, int]
    connection: socket.socket | None = None
    received: bytes = b""


_OK = frozenset({b"200"})


def rate(address: tuple[str, int], requests: list[bytes], seconds: float, answers: AbstractSet[bytes] = _OK) -> float:
    """Answers a second; every request is sent once, and each must be answered with one of the `answers`.

    Servers that close the connection after an answer are connected to anew, as any client would.
    """
    with selectors.DefaultSelector() as selector:
        lanes = [_Lane(address) for _ in range(CONNECTIONS)]
        remaining = iter(requests)
        started = time.monotonic()
        for lane in lanes:
            _send(selector, lane, next(remaining))
        answered, finished = 0, False
        while not finished:
            for key, _ in selector.select(_LONGEST_S):
                if not _receive(selector, key.data, answers):
                    continue
                answered += 1
                request = next(remaining, None)
                if request is None or time.monotonic() - started > seconds:
                    finished = True
                    break
                _send(selector, key.data, request)
        elapsed = time.monotonic() - started
        for lane in lanes:
            if lane.connection is not None:
                lane.connection.close()
    return answered / elapsed


def repeated(request: bytes, count: int = 200_000) -> list[bytes]:
    return [request] * count


def _send(selector: selectors.BaseSelector, lane: _Lane, request: bytes) -> None:
    if lane.connection is None:
        lane.connection = socket.create_connection(lane.address, timeout=_LONGEST_S)
        selector.register(lane.connection, selectors.EVENT_READ, lane)
    lane.received = b""
    lane.connection.sendall(request)


def _receive(selector: selectors.BaseSelector, lane: _Lane, answers: AbstractSet[bytes]) -> bool:
    """Take in what has arrived; True once the answer is whole."""
    assert lane.connection is not None
    data = lane.connection.recv(65_536)
    lane.received += data
    head, found, body = lane.received.partition(b"\r\n\r\n")
    chunked = b"transfer-encoding: chunked" in head.lower()
    whole = bool(found) and (body.endswith(b"0\r\n\r\n") if chunked else len(body) >= _length(head))
    if not data and not whole:
        raise EOFError("the server closed the connection before its answer was whole")
    if not whole:
        return False
    status = head.split(b" ", 2)[1]
    assert status in answers, lane.received
    if b"connection: close" in head.lower() or head.startswith(b"HTTP/1.0"):
        selector.unregister(lane.connection)
        lane.connection.close()
        lane.connection = None
    return True


def _length(head: bytes) -> int:
    return next(_lengths(head), 0)


def _lengths(head: bytes) -> Iterator[int]:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            yield int(line[15:])
