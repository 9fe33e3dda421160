"""The server of the endpoint: on loopback, or on the metadata address where this machine has it."""

import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socketserver import TCPServer

from gateway.clock import Clock
from gateway.errors import InputError, Reason
from gateway.ids import new_handle
from gateway.instance.endpoint import METADATA_ADDRESS, Asked, Endpoint, Headers
from gateway.instance.holding import Holder
from gateway.loopback import is_loopback
from gateway.private_files import write_private

URI_FILE = "credentials-uri"  # beside the key: what ALIBABA_CLOUD_CREDENTIALS_URI is set to

_LISTEN = re.compile(r"([0-9.]{7,15}):([0-9]{1,5})")
_IDLE_S = 5  # how long a client may take for its request
_MOST_AT_ONCE = 32


class InstanceServer(ThreadingHTTPServer):
    """Answers until it is shut down, and refreshes what `holder` holds meanwhile."""

    daemon_threads = True
    request_queue_size = _MOST_AT_ONCE

    def __init__(self, holder: Holder, clock: Clock, listen: tuple[str, int], directory: Path) -> None:
        super().__init__(listen, _Handler)
        host, port = self.server_address[:2]
        handle = new_handle()
        self.endpoint = Endpoint(holder.current, clock, port=port, handle=handle)
        self.free = threading.BoundedSemaphore(_MOST_AT_ONCE)
        self._holder = holder
        self._stop = threading.Event()
        write_private(directory / URI_FILE, f"http://{host!s}:{port}/credentials/{handle}\n")

    def server_bind(self) -> None:
        """Without the look-up of the machine's name, which its class would make and nobody needs."""
        TCPServer.server_bind(self)

    def run(self) -> None:
        """Until `shutdown`."""
        refreshing = threading.Thread(target=self._refresh, name="refresh", daemon=True)
        refreshing.start()
        try:
            self.serve_forever(poll_interval=0.2)
        finally:
            self._stop.set()
            self.server_close()

    def _refresh(self) -> None:
        while not self._stop.wait(self._holder.idle_s()):
            self._holder.refresh()


class _Handler(BaseHTTPRequestHandler):
    server: InstanceServer
    timeout = _IDLE_S
    protocol_version = "HTTP/1.0"  # one request to a connection
    server_version, sys_version = "ramgate-instance", ""

    def answer(self) -> None:
        if not self.server.free.acquire(blocking=False):
            self._send(503, "too many ask at once\n", "text/plain; charset=utf-8")
            return
        try:
            asked = Asked(self.command, self.path, self._headers(), self.client_address[0])
            reply = self.server.endpoint.answer(asked)
            self._send(reply.status, reply.body, reply.content_type)
        finally:
            self.server.free.release()

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = do_OPTIONS = answer  # noqa: N815 - the base class's names

    def log_message(self, *_args: object) -> None:
        """Nothing: an address holds a secret where it is for ALIBABA_CLOUD_CREDENTIALS_URI."""

    def _headers(self) -> Headers:
        found: dict[str, list[str]] = {}
        for name, value in self.headers.items():
            found.setdefault(name.lower(), []).append(value.strip())
        return found

    def _send(self, status: int, body: str, content_type: str) -> None:
        data = body.encode()
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(data)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)


def parse_listen(text: str) -> tuple[str, int]:
    """Raises: InputError(PARAMETER_INVALID) for an address that others can reach."""
    match = _LISTEN.fullmatch(text)
    if match is None or not (is_loopback(match[1]) or match[1] == METADATA_ADDRESS) or int(match[2]) > 65_535:  # noqa: PLR2004
        message = f"credentials are handed out on 127.0.0.1:PORT or {METADATA_ADDRESS}:80, and nowhere else"
        raise InputError(Reason.PARAMETER_INVALID, message, subject="listen")
    return match[1], int(match[2])
