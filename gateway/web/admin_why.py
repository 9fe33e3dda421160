"""The story of a request for administrators: what was checked, which statement decided, what it led to.

An administrator sees what concerns his own account; a request of another account is not found, as one that never was.
"""

from urllib.parse import quote

from flask import Blueprint, Response, request

from gateway.audit.decisions import DecisionRecord
from gateway.audit.receipts import list_receipts
from gateway.audit.why import find_out
from gateway.errors import NotFound, Reason
from gateway.web.admin import allowed_to
from gateway.web.edge import Edge, page, see_other

_PATH = "/admin/why"
_LISTED = 100
_LONGEST_ID = 64


def simulated_as(decision: DecisionRecord) -> str:
    """The ARN by which a simulation begins where a request did: of a role session, that of its role."""
    return next(iter(decision.context.get("acs:PrincipalARN", ())), decision.principal_arn)


def create_why_blueprint(edge: Edge) -> Blueprint:
    services = edge.services
    views = Blueprint("why", __name__, url_prefix=_PATH)

    @views.get("")
    def listing() -> Response:
        asked = request.args.get("request_id", "").strip()[:_LONGEST_ID]
        if asked:
            return see_other(f"{_PATH}/{quote(asked, safe='')}")
        with services.store.reading() as session:
            who = allowed_to(session, services, "ListReceipts")
            receipts = list_receipts(session, account_id=who.account_id, limit=_LISTED)
        return page("admin/receipts.html", active="why", receipts=receipts)

    @views.get("/<request_id>")
    def story(request_id: str) -> Response:
        with services.store.reading() as session:
            who = allowed_to(session, services, "GetReceipt")
            found = find_out(session, request_id[:_LONGEST_ID], account_id=who.account_id)
        if not found.story.known:
            raise NotFound(Reason.NOT_FOUND, "Nothing is kept of this request in your account.", subject="Request")
        return page("admin/why.html", active="why", found=found, simulated_as=simulated_as)

    return views
