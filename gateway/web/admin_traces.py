"""Login traces: why a company login failed, by the request ID of the page that the person saw.

An administrator sees the traces of his own account and no others; what concerns others is not found.
"""

from dataclasses import dataclass
from urllib.parse import quote, urlencode

from flask import Blueprint, Response, request
from sqlalchemy.orm import Session

from gateway.directory.login_traces import LoginTrace, get_traces, page_traces
from gateway.directory.oidc_providers import OidcProvider
from gateway.directory.saml_providers import SamlProvider
from gateway.directory.trace_body import TraceBody, load_body
from gateway.store.paging import Page
from gateway.web.admin import allowed_to
from gateway.web.edge import Edge, page, see_other

_PATH = "/admin/traces"
_PAGE_SIZE = 50
_LONGEST_KEY = 64


@dataclass(frozen=True, slots=True)
class ShownTrace:
    trace: LoginTrace
    provider: str  # its name; empty if it is gone
    body: TraceBody


def create_traces_blueprint(edge: Edge) -> Blueprint:
    services = edge.services
    views = Blueprint("traces", __name__, url_prefix=_PATH)

    @views.get("")
    def listing() -> Response:
        wanted = request.args.get("find", "").strip()[:_LONGEST_KEY]
        if wanted:
            return see_other(f"{_PATH}/{quote(wanted, safe='')}")
        after, key = request.args.get("after", "")[:_LONGEST_KEY], request.args.get("provider", "")[:_LONGEST_KEY]
        with services.store.reading() as session:
            who = allowed_to(session, services, "ListLoginTraces")
            asked, now = Page(_PAGE_SIZE, after), services.clock.now()
            found = page_traces(session, asked, now, account_id=who.account_id, provider_key=key or None)
            rows = [ShownTrace(row, _name_of(session, row.provider_key), load_body(row.body)) for row in found.rows]
        more = {"after": found.next_after, **({"provider": key} if key else {})} if found.next_after else None
        next_page = None if more is None else f"{_PATH}?{urlencode(more)}"
        return page("admin/traces.html", active="traces", rows=rows, next_page=next_page, provider=key)

    @views.get("/<request_id>")
    def detail(request_id: str) -> Response:
        with services.store.reading() as session:
            who = allowed_to(session, services, "GetLoginTrace")
            found = get_traces(session, who.account_id, request_id[:_LONGEST_KEY].upper(), services.clock.now())
            rows = [ShownTrace(row, _name_of(session, row.provider_key), load_body(row.body)) for row in found]
        return page("admin/trace.html", active="traces", rows=rows, request_id=rows[0].trace.request_id)

    return views


def _name_of(session: Session, key: str) -> str:
    kind, _, rest = key.partition(":")
    if kind == "user-sso":
        return "User SSO"
    if not rest:
        return ""
    row: SamlProvider | OidcProvider | None = (
        session.get(SamlProvider, int(rest)) if kind == "saml" else session.get(OidcProvider, int(rest))
    )
    return "" if row is None else row.name
