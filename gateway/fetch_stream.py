"""The reading half of a fetch: an HTTP answer off a socket, within a number of bytes and until an instant."""

import io
import socket
import zlib
from collections.abc import Callable, Iterable, Iterator
from http.client import HTTPException, HTTPResponse
from typing import Any, BinaryIO, cast

from gateway.errors import Reason, UpstreamError

_CHUNK = 16384
_FRAMING = 8192  # what chunked transfer may add, besides as much again as the body


class Deadline:
    """An instant that everything must be done by. `ticks` is a monotonic clock in seconds."""

    def __init__(self, ticks: Callable[[], float], total_s: float) -> None:
        self._ticks = ticks
        self._end = ticks() + total_s

    def left_s(self) -> float:
        """Seconds that are left. Raises: UpstreamError(FETCH_TIMEOUT) if none are."""
        left = self._end - self._ticks()
        if left <= 0:
            raise timed_out("")
        return left


class BoundedStream(io.RawIOBase):
    """What comes from a socket. Each read may wait for what is left of the deadline, so a slow drip ends in time."""

    def __init__(self, connection: socket.socket, deadline: Deadline, header_bytes: int) -> None:
        super().__init__()
        self._connection = connection
        self._deadline = deadline
        self._budget = header_bytes

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if self._budget <= 0:
            raise too_large("on the wire")
        self._connection.settimeout(self._deadline.left_s())
        count = self._connection.recv_into(memoryview(buffer)[: self._budget])
        self._budget -= count
        return count

    def makefile(self, _mode: str) -> io.BufferedReader:
        """What `http.client` asks of a socket, and all that it asks."""
        return io.BufferedReader(self)

    def read_head(self, method: str) -> HTTPResponse:
        """Status line and headers. Raises: HTTPException, OSError, UpstreamError."""
        response = HTTPResponse(cast("socket.socket", self), method=method)
        response.begin()
        if response.version < 10:  # noqa: PLR2004 - HTTP/0.9 has neither status nor headers
            raise HTTPException("not HTTP/1")
        return response

    def body_parts(self, response: HTTPResponse, limit: int) -> Iterator[bytes]:
        """At most `limit` bytes. Raises: UpstreamError(FETCH_TOO_LARGE) for more, HTTPException if it is cut off."""
        if response.length is not None and response.length > limit:
            raise too_large(f"{response.length} bytes announced")
        self._budget = 2 * limit + _FRAMING
        total = 0
        while part := response.read(_CHUNK):
            total += len(part)
            if total > limit:
                raise too_large("on the wire")
            yield part
        if response.length:
            raise HTTPException("the body is cut off")


def unpack(parts: Iterable[bytes], encoding: str, limit: int, into: BinaryIO) -> None:
    """Write what a body holds, never more than a part of it in memory. `encoding`: the header Content-Encoding.

    Raises: UpstreamError(FETCH_TOO_LARGE) beyond `limit` bytes, UpstreamError(FETCH_PROTOCOL) for another encoding than
    gzip.
    """
    if encoding.strip().lower() in {"", "identity"}:
        into.writelines(parts)
        return
    if encoding.strip().lower() not in {"gzip", "x-gzip"}:
        raise UpstreamError(Reason.FETCH_PROTOCOL, "the server's answer is packed in an unknown way", encoding[:100])
    unpacker = zlib.decompressobj(wbits=31)
    left = limit
    for part in parts:
        packed, more = part, True
        if unpacker.eof:
            raise _unpackable("too long")
        while more:
            room = min(_CHUNK, left + 1)
            try:
                unpacked = unpacker.decompress(packed, room)
            except zlib.error as exc:
                raise _unpackable(str(exc)) from exc
            left -= len(unpacked)
            if left < 0:
                raise too_large("unpacked")
            into.write(unpacked)
            packed = unpacker.unconsumed_tail
            # A full part may have left something inside. At the end, what is left over stays both here and there.
            more = not _is_at_end(unpacker) and (bool(packed) or len(unpacked) == room)
        if unpacker.unused_data or (_is_at_end(unpacker) and packed):
            raise _unpackable("too long")
    if not unpacker.eof:
        raise _unpackable("cut off")


def _is_at_end(unpacker: "zlib._Decompress") -> bool:
    """Asked anew each time: feeding it changes the answer."""
    return unpacker.eof


def _unpackable(detail: str) -> UpstreamError:
    return UpstreamError(Reason.FETCH_PROTOCOL, "the server's answer can't be unpacked", detail)


def timed_out(detail: str) -> UpstreamError:
    return UpstreamError(Reason.FETCH_TIMEOUT, "the server does not answer in time", detail or None)


def too_large(detail: str) -> UpstreamError:
    return UpstreamError(Reason.FETCH_TOO_LARGE, "the server's answer is too large", detail)
