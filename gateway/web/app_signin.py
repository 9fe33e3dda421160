"""Signing in at an application behind a proxy, and out of it.

    browser -> application: /.ramgate/start     remembers the browser, on the application's host
            -> gateway:     /apps/enter         signs the person in, if need be, and gives a ticket
            -> application: /.ramgate/callback  takes the ticket for a cookie of this one host

The proxy sends `/.ramgate/<page>` to `/auth/pages/<kind of proxy>/<page>`. Rule: decision 0021.
"""

from urllib.parse import urlencode

from flask import Blueprint, Response, current_app, make_response, request
from sqlalchemy.orm import Session

from gateway.errors import AuthenticationError, GatewayError, InputError, Reason
from gateway.guard.routes import App
from gateway.ids import new_handle
from gateway.services import Services
from gateway.store.hashed_key import hash_key
from gateway.sts.app_sessions import end_app_session, open_app_session
from gateway.sts.sessions import find_session_of_hash
from gateway.web.advice import status_of
from gateway.web.app_page import refusal_page
from gateway.web.app_tickets import (
    Brought,
    State,
    Ticket,
    claim_ticket,
    open_state,
    open_ticket,
    seal_state,
    seal_ticket,
)
from gateway.web.edge import Edge, page, see_other
from gateway.web.forward_auth import check_allowed, decide
from gateway.web.proxied import (
    PAGES,
    Kind,
    check_proxy,
    flow_cookie,
    read_app,
    read_proxied,
    return_path,
    sent_cookie,
    session_cookie,
)
from gateway.web.records import leave_receipt
from gateway.web.session import current_handle, current_session, delete_cookie, set_cookie

APP_LOGIN = "AppLogin"  # the kind of a receipt


def create_app_pages_blueprint(edge: Edge) -> Blueprint:
    """The pages on the application's host. No form token: its cookie is not sent along by other sites (SameSite)."""
    services = edge.services
    views = Blueprint("app_pages", __name__, url_prefix="/auth/pages/<kind>")

    @views.errorhandler(GatewayError)
    def refuse(error: GatewayError) -> Response:
        return refusal_page(error, status_of(error))

    @views.get("/start")
    def start(kind: str) -> Response:
        app, browser, now = _app(services, kind), new_handle(), services.clock.now()
        state = State(app.host, return_path(request.args.get("rd", "/")), hash_key(browser))
        sealed = seal_state(services.ring, state, now)
        response = see_other(f"{services.base_url}/apps/enter?" + urlencode({"state": sealed}))
        set_cookie(response, flow_cookie(app), browser)
        return response

    @views.get("/callback")
    def callback(kind: str) -> Response:
        app, now = _app(services, kind), services.clock.now()
        browser = sent_cookie(request.environ, flow_cookie(app))
        brought = Brought(request.args.get("state", ""), request.args.get("ticket", ""), browser)
        state, ticket = open_ticket(services.ring, brought, app.host, now)
        with services.store.transaction() as session:
            handle = _redeem(session, services, app, ticket)
        response = see_other(state.return_to)
        set_cookie(response, session_cookie(app), handle)
        delete_cookie(response, flow_cookie(app))
        return response

    @views.get("/denied")
    def denied(kind: str) -> Response:
        """Why the proxy got a 403 just now: decided anew, so that nothing has to be carried there."""
        _, ruling = decide(services, read_proxied(request.environ, services, _kind(kind)))
        check_allowed(ruling)
        return page("app_allowed.html", 403, pages=PAGES)

    @views.route("/sign-out", methods=["GET", "POST"])
    def sign_out(kind: str) -> Response:
        app = _app(services, kind)
        if request.method == "GET":
            return page("app_sign_out.html", pages=PAGES, name=app.name)
        with services.store.transaction() as session:
            end_app_session(session, app.host, sent_cookie(request.environ, session_cookie(app)))
        response = page("app_signed_out.html", pages=PAGES, name=app.name, gateway=services.base_url)
        delete_cookie(response, session_cookie(app))
        return response

    @views.get("/app.css")
    def style(kind: str) -> Response:
        _app(services, kind)
        return make_response(current_app.send_static_file("app.css"))

    return views


def create_enter_blueprint(edge: Edge) -> Blueprint:
    """The page on the gateway's host in between."""
    services = edge.services
    views = Blueprint("apps", __name__)

    @views.get("/apps/enter")
    def enter() -> Response:
        state_text, now = request.args.get("state", ""), services.clock.now()
        app = services.routes.get(open_state(services.ring, state_text, now).host)
        current_session()  # who is not signed in signs in, and comes back here
        session_hash = hash_key(current_handle(edge.cookies))
        ticket = seal_ticket(services.ring, app.host, session_hash, state_text, now)
        return see_other(f"{app.origin}{PAGES}/callback?" + urlencode({"ticket": ticket, "state": state_text}))

    return views


def _redeem(session: Session, services: Services, app: App, ticket: Ticket) -> str:
    """Raises: AuthenticationError(LOGIN_NOT_PENDING), for a session that has ended meanwhile, too."""
    now = services.clock.now()
    claim_ticket(session, ticket, now)
    live = find_session_of_hash(session, services.ring, ticket.session_hash, now)
    if live is None:
        raise AuthenticationError(Reason.LOGIN_NOT_PENDING, "This sign-in is over.", "the session has ended")
    who, details = live.principal, {"app": app.name, "host": app.host}
    leave_receipt(session, services, who.account_id, who.arn, APP_LOGIN, details)
    return open_app_session(session, app.host, ticket.session_hash, live.expires_at, now)


def _app(services: Services, kind: str) -> App:
    check_proxy(request.environ, services)
    return read_app(request.environ, services, _kind(kind))


def _kind(text: str) -> Kind:
    try:
        return Kind(text)
    except ValueError:
        raise InputError(Reason.PAGE_NOT_FOUND, "There is no page at this address.") from None
