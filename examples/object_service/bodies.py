"""The body of a request, read to its end and no further: by its length, or in chunks, as clients send what is empty."""

import re
from collections.abc import Iterator
from io import BufferedIOBase

from examples.object_service.answers import Refusal
from examples.object_service.request import ObjectRequest

_PIECE = 64 * 1024
_SIZE = re.compile(rb"([0-9a-fA-F]{1,8})\r\n")
_LONGEST_LINE = 16


def read_body(request: ObjectRequest, stream: BufferedIOBase, most: int) -> Iterator[bytes]:
    """Raises: Refusal(EntityTooLarge) beyond `most` bytes, (MissingContentLength), (RequestTimeout) where it ends
    early, (InvalidArgument) for chunks with anything but a size, and for trailers.
    """
    coding, length = request.header("transfer-encoding"), request.header("content-length")
    if coding:
        return _chunked(stream, most)
    if not length.isascii() or not length.isdecimal():
        raise Refusal(411, "MissingContentLength", "a body has a Content-Length")
    if len(length) > 12 or int(length) > most:  # noqa: PLR2004 - digits: no number worth converting
        raise _too_large(most)
    return _exactly(stream, int(length))


def _chunked(stream: BufferedIOBase, most: int) -> Iterator[bytes]:
    total = 0
    while True:
        size = _SIZE.fullmatch(stream.readline(_LONGEST_LINE))
        if size is None:
            raise Refusal(400, "InvalidArgument", "a chunk does not say its size")
        left = int(size[1], 16)
        total += left
        if total > most:
            raise _too_large(most)
        yield from _exactly(stream, left)
        if stream.read(2) != b"\r\n":
            raise Refusal(400, "InvalidArgument", "a chunk is not as long as it says, or trailers follow")
        if left == 0:
            return


def _exactly(stream: BufferedIOBase, left: int) -> Iterator[bytes]:
    while left:
        piece = stream.read(min(left, _PIECE))
        if not piece:
            raise Refusal(400, "RequestTimeout", "the body ended before its length")
        left -= len(piece)
        yield piece


def _too_large(most: int) -> Refusal:
    return Refusal(400, "EntityTooLarge", f"a body has at most {most} bytes")
