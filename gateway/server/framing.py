"""Where one HTTP/1.1 request ends. Pure: bytes in, whole requests or a status out.

A request reaches a thread only once it is here completely, so slow clients cost memory, which is bounded, and no
threads. Each byte is looked at once, so trickling costs nothing either. What is inside the head is for the HTTP
parser to judge; only what decides the length of the message is read here, in its narrowest form.
Rule: RFC 9112 §2.2, §6; sdk-wire §2.6 (assertions of 100,000 characters arrive in the request line).
"""

import re

MAX_REQUEST_LINE_BYTES = 400_000
MAX_HEADER_BYTES = 65_536
MAX_BODY_BYTES = 2 * 1024 * 1024

_LENGTH = re.compile(rb"[0-9]{1,10}")
_METHOD_START = re.compile(rb"[A-Za-z]")
_EMPTY_LINE = b"\r\n"
_HEAD_END = b"\r\n\r\n"


class FramingError(Exception):
    """The request is refused with an HTTP status, and nothing more can be read from its connection."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail


class RequestFramer:
    """Collects the bytes of one connection and hands them out request by request."""

    __slots__ = ("_buffer", "_head_end", "_line_end", "_scanned", "_skipped", "_total", "awaits_continue")

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._start_request()

    def _start_request(self) -> None:
        self._scanned = 0
        self._skipped = False
        self._line_end = -1
        self._head_end = -1
        self._total = -1
        self.awaits_continue = False

    @property
    def size(self) -> int:
        """Bytes held."""
        return len(self._buffer)

    def feed(self, data: bytes) -> bool:
        """Add what has arrived; True once a whole request is there.

        Raises: FramingError with 400, 411, 413, 414, 417 or 431.
        """
        self._buffer += data
        return self.is_complete()

    def is_complete(self) -> bool:
        """Raises: FramingError, as `feed` does."""
        if self._total < 0:
            self._scan()
        complete = 0 <= self._total <= len(self._buffer)
        if complete:
            self.awaits_continue = False
        return complete

    def take(self) -> bytes:
        """The whole request; what follows it stays for the next one."""
        assert 0 <= self._total <= len(self._buffer), "no whole request is there"
        request = bytes(self._buffer[: self._total])
        del self._buffer[: self._total]
        self._start_request()
        return request

    def _scan(self) -> None:
        if self._scanned == 0:
            if not self._skipped and self._buffer == b"\r":
                return
            if not self._skipped and self._buffer[:2] == _EMPTY_LINE:
                del self._buffer[:2]  # RFC 9112 §2.2 asks to ignore one
                self._skipped = True
            if self._buffer and not _METHOD_START.match(self._buffer):
                raise FramingError(400, "not an HTTP request")
        if self._line_end < 0:
            self._find_line_end()
        if self._line_end >= 0:
            self._find_head_end()
        end = self._head_end if self._head_end >= 0 else len(self._buffer)
        self._check_line_feeds(end)
        self._scanned = len(self._buffer)
        if self._head_end >= 0:
            self._total = self._head_end + len(_HEAD_END) + self._body_length()

    def _check_line_feeds(self, end: int) -> None:
        at = self._buffer.find(b"\n", self._scanned, end)
        while at >= 0:
            if self._buffer[at - 1 : at] != b"\r":
                raise FramingError(400, "a line feed without a carriage return")
            at = self._buffer.find(b"\n", at + 1, end)

    def _find_line_end(self) -> None:
        self._line_end = self._buffer.find(_EMPTY_LINE, max(0, self._scanned - 1))
        length = self._line_end if self._line_end >= 0 else len(self._buffer) - 1
        if length > MAX_REQUEST_LINE_BYTES:
            raise FramingError(414, "the request line is too long")

    def _find_head_end(self) -> None:
        self._head_end = self._buffer.find(_HEAD_END, max(self._line_end, self._scanned - 3))
        end = self._head_end if self._head_end >= 0 else len(self._buffer)
        if end - self._line_end > MAX_HEADER_BYTES:
            raise FramingError(431, "the headers are too large")

    def _body_length(self) -> int:
        """Only one plain Content-Length gives a request a body.

        Transfer codings are refused altogether: no client of the platform uses them, and two ways to tell the
        length of a message are how requests are smuggled past a proxy. RFC 9112 §6.1, §6.3; RFC 9110 §15.5.12.
        """
        lengths: list[bytes] = []
        for line in bytes(self._buffer[self._line_end + 2 : self._head_end]).split(b"\r\n"):
            name, _, value = line.partition(b":")
            match name.strip(b" \t").lower():
                case b"content-length":
                    lengths.append(value.strip(b" \t"))
                case b"transfer-encoding":
                    raise FramingError(411, "a transfer coding")
                case b"expect":
                    if value.strip(b" \t").lower() != b"100-continue":
                        raise FramingError(417, "an expectation other than 100-continue")
                    self.awaits_continue = True
        if not lengths:
            return 0
        if len(lengths) > 1 or not _LENGTH.fullmatch(lengths[0]):
            raise FramingError(400, "Content-Length is malformed or there are two")
        if (length := int(lengths[0])) > MAX_BODY_BYTES:
            raise FramingError(413, f"a body of {length} bytes")
        return length
