"""The worker: one event loop that reads requests, threads that answer them, JSON for whatever goes wrong.

gunicorn's threaded worker lets a thread wait for the bytes of a request and waits in its loop for clients to close.
Here neither happens: the loop collects whole requests without waiting, and closing connections linger in it.
"""

import errno
import socket
import ssl
import time
from collections import deque
from functools import partial
from http import HTTPStatus
from selectors import EVENT_READ
from typing import Any

from gunicorn.http import errors as http_errors
from gunicorn.sock import ssl_context
from gunicorn.workers.gthread import STOP_KEEPALIVE_LINGER, ThreadWorker

from gateway.api.errors import Failure, render_http_error
from gateway.api.render import JSON_TYPE, render_json
from gateway.audit.log import log_event
from gateway.ids import new_request_id
from gateway.server.connection import Connection, Progress
from gateway.server.framing import FramingError

READ_TIMEOUT_S = 20.0  # from the first byte to the last of a request
LINGER_S = 2.0
LINGER_BYTES = 4 * 1024 * 1024
BUFFER_BUDGET_BYTES = 64 * 1024 * 1024  # of all requests that one worker is reading

_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_NO_ROOM = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}
_RESPONSE_ERRORS = (http_errors.InvalidResponseHeader, http_errors.InvalidResponseHeaderName)


class GatewayWorker(ThreadWorker):  # type: ignore[misc]
    """`pending_conns` are read, `keepalived_conns` are idle, `lingering` wait for the client to close."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.pending_conns: deque[Connection] = deque()
        self.lingering: deque[Connection] = deque()
        self.buffered = 0
        self.tls: ssl.SSLContext | None = None

    def init_process(self) -> None:
        self.tls = ssl_context(self.cfg) if self.cfg.is_ssl else None
        super().init_process()

    def accept(self, listener: Any) -> None:
        try:
            client_sock, client_addr = listener.accept()
        except OSError as exc:
            if exc.errno in _NO_ROOM:
                self.murder_keepalived(force=True)
            return
        self.nr_conns += 1
        conn = Connection(self.cfg, client_sock, client_addr, listener.getsockname(), self.tls)
        self._read(conn)

    def _read(self, conn: Connection) -> None:
        conn.timeout = time.monotonic() + READ_TIMEOUT_S
        self.pending_conns.append(conn)
        self.poller.register(conn.sock, EVENT_READ, partial(self.on_pending_socket_readable, conn))

    def on_client_socket_readable(self, conn: Connection, client: Any) -> None:
        """An idle connection got the first bytes of its next request."""
        self.poller.unregister(client)
        self.keepalived_conns.remove(conn)
        self._read(conn)
        self.on_pending_socket_readable(conn, client)

    def on_pending_socket_readable(self, conn: Connection, client: Any) -> None:
        progress = conn.receive()
        self._account(conn, conn.framer.size)
        if progress is Progress.WAITING and self.buffered > BUFFER_BUDGET_BYTES:
            conn.refusal = FramingError(503, "too much is being read")
            progress = Progress.REFUSED
        if progress is Progress.WAITING:
            if conn.framer.awaits_continue:
                conn.framer.awaits_continue = False
                conn.send_now(_CONTINUE)
            return
        self.poller.unregister(client)
        self.pending_conns.remove(conn)
        self._proceed(conn, progress)

    def _proceed(self, conn: Connection, progress: Progress) -> None:
        self._account(conn, 0)
        if progress is Progress.READY:
            self.enqueue_req(conn)
        elif progress is Progress.REFUSED:
            self._refuse(conn, conn.refusal)
        else:
            self._drop(conn)

    def finish_request(self, conn: Connection, fs: Any) -> None:
        """A thread has answered: read the next request, or close."""
        keep = not fs.cancelled() and fs.exception() is None and bool(fs.result())
        if not keep:
            self._linger(conn)
            return
        conn.sock.setblocking(False)
        if conn.framer.size:
            progress = conn.judge()
            if progress is Progress.WAITING:
                self._read(conn)
            else:
                self._proceed(conn, progress)
            return
        conn.set_timeout()
        if not self.alive:
            conn.timeout = min(conn.timeout, time.monotonic() + STOP_KEEPALIVE_LINGER)
        self.keepalived_conns.append(conn)
        self.poller.register(conn.sock, EVENT_READ, partial(self.on_client_socket_readable, conn))

    def _refuse(self, conn: Connection, refusal: FramingError) -> None:
        conn.send_now(self._failure(refusal.status, refusal.detail, conn.client))
        self._linger(conn)

    def _linger(self, conn: Connection) -> None:
        """Close our side, and give the client time to read: a reset would take the answer away from it.

        Rule: RFC 9112 §9.6.
        """
        try:
            conn.sock.setblocking(False)
            conn.sock.shutdown(socket.SHUT_WR)
        except (OSError, ValueError):
            self._drop(conn)
            return
        conn.timeout = time.monotonic() + LINGER_S
        self.lingering.append(conn)
        self.poller.register(conn.sock, EVENT_READ, partial(self._on_lingering_socket_readable, conn))

    def _on_lingering_socket_readable(self, conn: Connection, client: Any) -> None:
        if not conn.discard() or conn.discarded > LINGER_BYTES:
            self.poller.unregister(client)
            self.lingering.remove(conn)
            self._drop(conn)

    def _drop(self, conn: Connection) -> None:
        self._account(conn, 0)
        self.nr_conns -= 1
        conn.close()

    def _account(self, conn: Connection, size: int) -> None:
        self.buffered += size - conn.accounted
        conn.accounted = size

    def murder_pending(self) -> None:
        """End connections whose time is over: requests that are not there yet, and closing clients."""
        for conn in self._expired(self.pending_conns):
            if conn.framer.size:
                self._account(conn, 0)
                self._refuse(conn, FramingError(408, "the request did not arrive in time"))
            else:
                self._drop(conn)
        for conn in self._expired(self.lingering):
            self._drop(conn)

    def _expired(self, conns: deque[Connection]) -> list[Connection]:
        """Take out what has run out of time; the queues are in the order of their timeouts."""
        now = time.monotonic()
        expired = []
        while conns and conns[0].timeout <= now:
            conn = conns.popleft()
            self.poller.unregister(conn.sock)
            expired.append(conn)
        return expired

    def _cap_keepalive(self, deadline: float) -> None:
        """A stopping worker waits for requests under way, not for those that have not begun."""
        super()._cap_keepalive(deadline)
        for conn in self.pending_conns:
            if not conn.framer.size:
                conn.timeout = min(conn.timeout, deadline)
        self.pending_conns = deque(sorted(self.pending_conns, key=lambda conn: conn.timeout))

    def handle_error(self, req: Any, client: Any, addr: Any, exc: BaseException) -> None:  # noqa: ARG002
        """What the HTTP parser refuses, and what escapes the application. Runs in a thread."""
        status = _status_of(exc)
        if status == HTTPStatus.INTERNAL_SERVER_ERROR:
            self.log.error("an error escaped the application", exc_info=exc)
        # The text of a parser's error repeats what the client sent, secrets included: it is not logged.
        client.sendall(self._failure(status, type(exc).__name__, addr))

    def _failure(self, status: int, detail: str, addr: Any) -> bytes:
        request_id = new_request_id()
        status, body = render_http_error(status, Failure(request_id, self.app.host_id))
        content = render_json(body)
        host = addr[0] if isinstance(addr, tuple) else ""
        log_event("http.refused", request_id=request_id, status=status, code=body["Code"], detail=detail, client=host)
        head = (
            f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\nConnection: close\r\nCache-Control: no-store\r\n"
            f"Content-Type: {JSON_TYPE}\r\nContent-Length: {len(content)}\r\n"
            f"X-Request-Id: {request_id}\r\nx-acs-request-id: {request_id}\r\n\r\n"
        )
        return head.encode("ascii") + content


def _status_of(exc: BaseException) -> int:
    if isinstance(exc, _RESPONSE_ERRORS) or not isinstance(exc, http_errors.ParseException):
        return 500
    if isinstance(exc, http_errors.LimitRequestHeaders):
        return 431
    return 400
