"""What is left of the wire for the browser's application: requests that miss it, and people who come to `/`.

Calls themselves are answered before this, see `front`. Rule: sts-contract §1.
"""

from flask import Blueprint, Response, make_response, redirect, request

from gateway.api.front import headers_of, http_refusal, names_operation
from gateway.api.pipeline import host_id
from gateway.ids import new_request_id
from gateway.services import Services

_METHODS = ("GET", "POST", "HEAD")


def build_api_blueprint(services: Services) -> Blueprint:
    blueprint = Blueprint("api", __name__)

    @blueprint.before_app_request
    def refuse_elsewhere() -> Response | None:
        """Clients of the API get the API's answers even where they miss `/`, or come with another method."""
        if request.path == "/":
            return None if request.method in _METHODS else _failure(405, services)
        return _failure(404, services) if names_operation(request.environ) else None

    @blueprint.get("/")
    def show_session() -> Response:
        return make_response(redirect("/session"))

    return blueprint


def _failure(status: int, services: Services) -> Response:
    reply = http_refusal(status, new_request_id(), host_id(headers_of(request.environ), services.base_url))
    headers = {"X-Request-Id": reply.request_id, "x-acs-request-id": reply.request_id, "Cache-Control": "no-store"}
    return Response(reply.body, reply.status, headers, content_type=reply.content_type)
