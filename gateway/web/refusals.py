"""Every refusal becomes a page: what happened, what to do, the request ID. Never a stack trace."""

import logging
from urllib.parse import urlencode

from flask import Flask, Response, request
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from gateway.audit.log import log_event
from gateway.errors import Denied, GatewayError, InputError, Reason
from gateway.policy import Decision
from gateway.services import Services
from gateway.web.advice import advice_of, status_of
from gateway.web.edge import page, see_other
from gateway.web.failed_logins import is_company_login
from gateway.web.visit import Visit, begin_visit, current_visit, has_visit

_HEADINGS = {
    400: "That did not work",
    401: "Sign-in failed",
    403: "Not allowed",
    404: "Page not found",
    405: "Not like this",
    409: "Already there, or still in use",
    413: "That was too large",
    500: "Something broke on our side",
}
_HTTP_REASONS = {
    404: (Reason.PAGE_NOT_FOUND, "There is no page at this address."),
    405: (Reason.METHOD_NOT_ALLOWED, "This page can't be used this way."),
    413: (Reason.PAYLOAD_TOO_LARGE, "More was sent than is accepted here."),
}


def install_refusals(app: Flask, services: Services) -> None:
    def refuse(error: GatewayError) -> Response:
        if error.reason is Reason.NOT_SIGNED_IN and request.method in {"GET", "HEAD"}:
            return see_other("/login.htm?" + urlencode({"callback": request.full_path.rstrip("?")}))
        return _refusal_page(services, error)

    def refuse_http(error: HTTPException) -> Response | HTTPException:
        code = error.code or 500
        if code < 400:  # noqa: PLR2004 - a redirect that the router asks for
            return error
        if code >= 500:  # noqa: PLR2004
            return broken(error)
        reason, public = _HTTP_REASONS.get(code, (Reason.PARAMETER_INVALID, "The request can't be read."))
        if isinstance(error, CSRFError):
            reason, public = Reason.CSRF, "The form was not sent from a page of ours, or the page is too old."
        response = _refusal_page(services, InputError(reason, public, detail=error.description))
        if isinstance(error, MethodNotAllowed) and error.valid_methods:
            response.headers["Allow"] = ", ".join(sorted(error.valid_methods))
        return response

    def broken(error: Exception) -> Response:
        visit = _visit(services)
        logging.getLogger("ramgate").error("unexpected error in %s", visit.request_id, exc_info=error)
        return _refusal(500, "The gateway could not finish this.", "Try again. If it stays, report the ID below.", "")

    app.register_error_handler(GatewayError, refuse)
    app.register_error_handler(HTTPException, refuse_http)
    app.register_error_handler(Exception, broken)


def _refusal_page(services: Services, error: GatewayError) -> Response:
    visit = _visit(services)
    visit.refused = error
    log_event(
        "web.refused",
        request_id=visit.request_id,
        reason=error.reason,
        detail=error.detail,
        path=request.path[:200],
        client=visit.client.address,
    )
    traced = is_company_login(request.endpoint)
    return _refusal(status_of(error), _public_text(error), advice_of(error), error.reason, traced=traced)


def _public_text(error: GatewayError) -> str:
    """A denial of the policy engine is explained: it speaks of the person's own rights, and of nobody else's."""
    if error.reason is Reason.ACCESS_DENIED and isinstance(error, Denied) and isinstance(error.decision, Decision):
        return error.decision.explain()
    return error.public


def _refusal(status: int, public: str, advice: str, reason: str, *, traced: bool = False) -> Response:
    return page(
        "error.html",
        status,
        status=status,
        heading=_HEADINGS.get(status, _HEADINGS[400]),
        public=public,
        advice=advice,
        reason=reason,
        traced=traced,
        request_id=current_visit().request_id,
    )


def _visit(services: Services) -> Visit:
    """The visit at hand; a new one if the request broke before it had one."""
    return current_visit() if has_visit() else begin_visit(services)
