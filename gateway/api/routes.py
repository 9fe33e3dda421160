"""The RPC wire at `/`: reads the HTTP request, runs the pipeline, writes the answer. Rule: sts-contract §1."""

import re

from flask import Blueprint, Response, make_response, redirect, request
from werkzeug.exceptions import HTTPException

from gateway.api.call import MAX_BODY_BYTES, WireRequest
from gateway.api.errors import Failure, render_http_error
from gateway.api.pipeline import host_id, run
from gateway.api.render import JSON_TYPE, render_json
from gateway.client import client_of_environ
from gateway.ids import new_request_id
from gateway.services import Services

_METHODS = ("GET", "POST")
_ACTION = re.compile(r"(?:^|&)Action=")


def build_api_blueprint(services: Services) -> Blueprint:
    """The wire as a blueprint. It takes no cookie into account, so it needs no protection against forged forms."""
    blueprint = Blueprint("api", __name__)

    @blueprint.before_app_request
    def refuse_elsewhere() -> Response | None:
        """Clients of the API get the API's answers even where they miss `/`, or come with another method."""
        if request.path == "/":
            return None if request.method in {*_METHODS, "HEAD"} else _failure(405, services)
        return _failure(404, services) if _names_operation() else None

    @blueprint.route("/", methods=_METHODS)
    def handle() -> Response:
        if request.method == "HEAD" or (request.method == "GET" and not _names_operation()):
            return make_response(redirect("/session"))
        request.max_content_length = MAX_BODY_BYTES
        reply = run(_wire_request(services), services)
        return _response(reply.body, reply.status, reply.content_type, reply.request_id)

    @blueprint.errorhandler(HTTPException)
    def refuse_http(error: HTTPException) -> Response:
        return _failure(error.code or 500, services)

    return blueprint


def _names_operation() -> bool:
    return "x-acs-action" in request.headers or _ACTION.search(request.environ.get("QUERY_STRING", "")) is not None


def _wire_request(services: Services) -> WireRequest:
    return WireRequest(
        request_id=new_request_id(),
        method=request.method,
        query_string=request.environ.get("QUERY_STRING", ""),
        headers=_headers(),
        body=request.get_data(cache=False),
        client=client_of_environ(request.environ, services.trusted_proxies),
    )


def _headers() -> dict[str, str]:
    """Header texts as the client wrote them: WSGI shows the bytes as Latin-1, clients sign UTF-8."""
    return {
        name.lower(): value.encode("latin-1", "surrogateescape").decode("utf-8", "surrogateescape")
        for name, value in request.headers.items()
    }


def _failure(status: int, services: Services) -> Response:
    failure = Failure(new_request_id(), host_id(_headers(), services.base_url))
    status, body = render_http_error(status, failure)
    return _response(render_json(body), status, JSON_TYPE, failure.request_id)


def _response(body: bytes, status: int, content_type: str, request_id: str) -> Response:
    headers = {"X-Request-Id": request_id, "x-acs-request-id": request_id, "Cache-Control": "no-store"}
    return Response(body, status, headers, content_type=content_type)
