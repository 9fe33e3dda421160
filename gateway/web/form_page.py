"""A page with a form: as it is at first, or once more with why what was sent is refused."""

from flask import Response

from gateway.errors import GatewayError, Throttled
from gateway.web.advice import status_of
from gateway.web.edge import page


def form_page(template: str, error: GatewayError | None, **values: object) -> Response:
    """`problem` of the template is the refusal's text, if there is one. Who has to wait is told for how long."""
    response = page(template, status_of(error) if error else 200, problem=error.public if error else None, **values)
    if isinstance(error, Throttled):
        response.headers["Retry-After"] = str(error.retry_after_s)
    return response
