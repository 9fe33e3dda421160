"""The page that stands in for an application's when the gateway refuses. It lives on the application's host, under
`/.ramgate/`, so it leads nowhere but there.
"""

from flask import Response

from gateway.errors import Denied, GatewayError, Reason
from gateway.policy import Decision
from gateway.web.advice import advice_of
from gateway.web.edge import page
from gateway.web.proxied import PAGES
from gateway.web.visit import current_visit

_HEADINGS = {401: "Sign-in failed", 403: "Not allowed"}
_NO_ROUTE = "Nobody can open this page: the application's routes have no rule for it."
_ASK = "Ask whoever runs the application, and give the request ID."


def refusal_page(error: GatewayError, status: int) -> Response:
    """A denial of the policy engine is explained: it speaks of the person's own rights, and of nobody else's."""
    public, advice = error.public, advice_of(error)
    if isinstance(error, Denied):
        explained = isinstance(error.decision, Decision)
        public = error.decision.explain() if isinstance(error.decision, Decision) else public
        if not explained and error.subject == "Route":
            public, advice = _NO_ROUTE, _ASK
    return page(
        "app_refused.html",
        status,
        heading=_HEADINGS.get(status, "That did not work"),
        public=public,
        advice=advice,
        reason=error.reason,
        request_id=current_visit().request_id,
        pages=PAGES,
        sign_in=error.reason in {Reason.NOT_SIGNED_IN, Reason.LOGIN_NOT_PENDING, Reason.LOGIN_OTHER_BROWSER},
    )
