"""The server: one request to a connection, so that nothing is left over that could be taken for another request."""

import logging
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer

from examples.object_service.actions import Actions
from examples.object_service.answers import Answer, Refusal, refused
from examples.object_service.gatekeeper import Gatekeeper
from examples.object_service.operations import context_of, read_operation, resource_of
from examples.object_service.request import read_request
from examples.object_service.signing import read_signature

_IDLE_S = 20
_READS = frozenset({"GET", "HEAD"})


@dataclass(frozen=True)
class Service:
    """`account_id` is whose the buckets are: fixed here, and never taken from a request."""

    account_id: str
    region: str
    gatekeeper: Gatekeeper
    actions: Actions


class ObjectServer(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, service: Service, listen: tuple[str, int]) -> None:
        super().__init__(listen, _Handler)
        self.service = service

    def server_bind(self) -> None:
        TCPServer.server_bind(self)  # without a look-up of the machine's name


class _Handler(BaseHTTPRequestHandler):
    server: ObjectServer
    timeout = _IDLE_S
    protocol_version = "HTTP/1.0"
    server_version, sys_version = "objects", ""

    def answer(self) -> None:
        request_id = secrets.token_hex(12).upper()
        try:
            answer = self._answer(request_id)
        except Refusal as refusal:
            answer = refused(refusal, request_id)
        except Exception:
            logging.getLogger("objects").exception("request %s failed", request_id)
            answer = refused(Refusal(500, "InternalError", "this request could not be served"), request_id)
        self._send(answer, request_id)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = answer  # noqa: N815 - the base class's names

    def _answer(self, request_id: str) -> Answer:
        service, pairs = self.server.service, list(self.headers.items())
        target = self.requestline.split()[1]  # as it came: `path` has lost a second slash in front
        request = read_request(self.command, target, pairs, self.client_address[0], secure=False)
        operation = read_operation(request)
        signed = read_signature(request, service.region, datetime.now(UTC))
        caller = service.gatekeeper.admit(
            signed,
            operation.action,
            resource_of(request, service.region, service.account_id),
            context_of(request, operation),
            once=request.method not in _READS,
        )
        logging.getLogger("objects").info("%s %s by %s", request_id, operation.name, caller)
        return service.actions.perform(operation.name, request, self.rfile)

    def log_message(self, *_args: object) -> None:
        """Nothing: a link that was signed in advance is a secret."""

    def _send(self, answer: Answer, request_id: str) -> None:
        self.send_response(answer.status)
        length = {"Content-Length": str(len(answer.body))}
        for name, value in {**length, **answer.headers, "x-oss-request-id": request_id}.items():
            self.send_header(name, value)
        self.send_header("X-Content-Type-Options", "nosniff")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)
