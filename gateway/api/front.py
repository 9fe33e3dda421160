"""The RPC wire at `/`, as WSGI in front of the browser's application: most requests are calls, and need none of it.

Reads the HTTP request, runs the pipeline, writes the answer. Everything that is no call is passed on. Nothing here
takes a cookie into account, so that no form of another site can use one. Rule: sts-contract §1; decision 0013.
"""

import re
from collections.abc import Iterable
from functools import lru_cache
from http import HTTPStatus
from typing import TYPE_CHECKING

from gateway.api.call import MAX_BODY_BYTES, WireRequest
from gateway.api.errors import Failure, render_http_error
from gateway.api.pipeline import ApiReply, host_id, run
from gateway.api.render import JSON_TYPE, render_json
from gateway.client import client_of_environ
from gateway.ids import new_request_id
from gateway.services import Services

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_NAMES_OPERATION = re.compile(r"(?:^|&)Action=")
_LENGTH = re.compile(r"[0-9]{1,10}")
_BODY_HEADERS = {"CONTENT_TYPE": "content-type", "CONTENT_LENGTH": "content-length"}
_NOT_HEADERS = frozenset({"HTTP_CONTENT_TYPE", "HTTP_CONTENT_LENGTH"})
_STATUS_LINES = {status.value: f"{status.value} {status.phrase}" for status in HTTPStatus}
_YEAR_S = 31_536_000
_ALWAYS = (
    ("Cache-Control", "no-store"),
    # An answer that somebody opens in a browser is text, and nothing in it runs.
    ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
    ("X-Content-Type-Options", "nosniff"),
)


class WireFront:
    def __init__(self, behind: "WSGIApplication", services: Services) -> None:
        self._behind = behind
        self._services = services
        secure = services.base_url.startswith("https://")
        hsts = ("Strict-Transport-Security", f"max-age={_YEAR_S}; includeSubDomains")
        self._headers = (*_ALWAYS, hsts) if secure else _ALWAYS

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        if environ["PATH_INFO"] != "/" or not _is_call(environ):
            return self._behind(environ, start_response)
        reply = self._answer(environ)
        answered = [
            ("Content-Type", reply.content_type),
            ("Content-Length", str(len(reply.body))),
            ("X-Request-Id", reply.request_id),
            ("x-acs-request-id", reply.request_id),
            *self._headers,
        ]
        if reply.retry_after_ms is not None:
            answered.append(("x-acs-retry-after", str(reply.retry_after_ms)))
        start_response(_STATUS_LINES[reply.status], answered)
        return (reply.body,)

    def _answer(self, environ: "WSGIEnvironment") -> ApiReply:
        headers, request_id = headers_of(environ), new_request_id()
        length = environ.get("CONTENT_LENGTH") or "0"
        if not _LENGTH.fullmatch(length) or int(length) > MAX_BODY_BYTES:
            status = 413 if length.isdecimal() else 400
            return http_refusal(status, request_id, host_id(headers, self._services.base_url))
        wire = WireRequest(
            request_id=request_id,
            method=environ["REQUEST_METHOD"],
            query_string=environ.get("QUERY_STRING", ""),
            headers=headers,
            body=environ["wsgi.input"].read(int(length)) if length != "0" else b"",
            client=client_of_environ(environ, self._services.trusted_proxies),
        )
        return run(wire, self._services)


def names_operation(environ: "WSGIEnvironment") -> bool:
    """Whether a request says in its head which operation it wants."""
    return "HTTP_X_ACS_ACTION" in environ or _NAMES_OPERATION.search(environ.get("QUERY_STRING", "")) is not None


def headers_of(environ: "WSGIEnvironment") -> dict[str, str]:
    """Header texts by lower-case name, as the client wrote them: WSGI shows bytes as Latin-1, clients sign UTF-8."""
    headers = {
        _header_name(key): value if value.isascii() else _as_sent(value)
        for key, value in environ.items()
        if key.startswith("HTTP_") and key not in _NOT_HEADERS
    }
    for key, name in _BODY_HEADERS.items():
        if value := environ.get(key):
            headers[name] = _as_sent(value)
    return headers


def http_refusal(status: int, request_id: str, host: str) -> ApiReply:
    """What the HTTP layer refuses, in the wire's words."""
    status, body = render_http_error(status, Failure(request_id, host))
    return ApiReply(status, render_json(body), JSON_TYPE, request_id)


def _is_call(environ: "WSGIEnvironment") -> bool:
    method = environ["REQUEST_METHOD"]
    return method == "POST" or (method == "GET" and names_operation(environ))


@lru_cache(maxsize=256)
def _header_name(key: str) -> str:
    """Pure in its argument; memoised because clients send the same few headers."""
    return key[5:].replace("_", "-").lower()


def _as_sent(value: str) -> str:
    if value.isascii():
        return value
    return value.encode("latin-1", "surrogateescape").decode("utf-8", "surrogateescape")
