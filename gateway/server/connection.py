"""One client connection of a worker: reads without waiting, writes with a time limit."""

import socket
import ssl
from enum import Enum, auto
from typing import Any

from gunicorn.http.message import Request
from gunicorn.http.parser import RequestParser
from gunicorn.workers.gthread import TConn

from gateway.server.framing import FramingError, RequestFramer

WRITE_TIMEOUT_S = 10.0
_READ_BYTES = 65_536
_SEND_BUFFER_BYTES = 262_144  # answers fit, so that a client that does not read them holds no thread


class Progress(Enum):
    WAITING = auto()
    READY = auto()
    REFUSED = auto()
    GONE = auto()


class _WholeRequest(Request):  # type: ignore[misc]
    _policy_expect_continue = False  # answered by the worker while the body is awaited


class _WholeRequestParser(RequestParser):  # type: ignore[misc]
    mesg_class = _WholeRequest


class Connection(TConn):  # type: ignore[misc]
    """INVARIANT: a thread holds it only between `READY` and the end of the answer; else the event loop does."""

    def __init__(self, cfg: Any, sock: socket.socket, client: Any, server: Any, tls: ssl.SSLContext | None) -> None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER_BYTES)
        sock.setblocking(False)
        self.handshaking = tls is not None
        if tls is not None:
            sock = tls.wrap_socket(sock, server_side=True, do_handshake_on_connect=False)
        super().__init__(cfg, sock, client, server)
        self.data_ready = True
        self.framer = RequestFramer()
        self.refusal = FramingError(400, "")
        self.accounted = 0  # bytes that the worker's budget counts for us
        self.discarded = 0  # bytes thrown away while closing

    def receive(self) -> Progress:
        """Take in what has arrived."""
        try:
            if self.handshaking:
                self.sock.do_handshake()
                self.handshaking = False
            while True:
                data = self.sock.recv(_READ_BYTES)
                if not data:
                    return Progress.GONE
                progress = self.judge(data)
                if progress is not Progress.WAITING or not self._decrypted():
                    return progress
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return Progress.WAITING
        except (OSError, ValueError):
            return Progress.GONE

    def judge(self, data: bytes = b"") -> Progress:
        """Is a whole request there, with `data` added to what was?"""
        try:
            return Progress.READY if self.framer.feed(data) else Progress.WAITING
        except FramingError as refusal:
            self.refusal = refusal
            return Progress.REFUSED

    def discard(self) -> bool:
        """Throw away what has arrived; False once there is nothing more to come."""
        try:
            data = self.sock.recv(_READ_BYTES)
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return True
        except (OSError, ValueError):
            return False
        self.discarded += len(data)
        return bool(data)

    def send_now(self, data: bytes) -> None:
        """Send a few bytes if that is possible without waiting."""
        try:
            self.sock.setblocking(False)
            self.sock.send(data)
        except (OSError, ValueError):
            return

    def init(self) -> None:
        """Called by the thread that answers the request."""
        self.initialized = True
        self.sock.settimeout(WRITE_TIMEOUT_S)
        self.parser = _WholeRequestParser(self.cfg, [self.framer.take()], self.client)

    def _decrypted(self) -> bool:
        """Bytes that TLS holds for us do not make the socket readable again."""
        return isinstance(self.sock, ssl.SSLSocket) and self.sock.pending() > 0
