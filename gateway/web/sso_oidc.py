"""The OpenID Connect endpoints of the browser login: start, callback, and our published keys."""

from flask import Blueprint, Response, jsonify, request

from gateway.directory.domains import find_account
from gateway.directory.oidc_providers import get_oidc_provider
from gateway.directory.oidc_sign_in import client_keys
from gateway.directory.provider_keys import oidc_provider_key
from gateway.errors import GatewayError, NotFound, Reason
from gateway.federation.aims import STEP_UP
from gateway.federation.login import RoleOffer, RoleSignedIn
from gateway.federation.oidc_login import complete_oidc_login
from gateway.federation.oidc_pending import BegunLogin
from gateway.federation.step_up import Solicited, StepUp
from gateway.federation.user_session import UserLogin
from gateway.web.caught import catch_oidc, waits_for_test
from gateway.web.company_login import chooser_page, login_occasion, role_taken
from gateway.web.edge import Edge, see_other
from gateway.web.oidc_redeem import BroughtBack, NotUnseen, Redeemed, redeem_login
from gateway.web.oidc_setup import BrowserProvider, get_browser_provider
from gateway.web.oidc_start import OidcStart, start_oidc_login
from gateway.web.session import end_current, sign_in
from gateway.web.step_up import step_up_away, user_stepped_up
from gateway.web.visit import current_visit

_HINT_MAX = 320
_KEYS_LIVE_S = 300


def create_oidc_blueprint(edge: Edge) -> Blueprint:
    """Pages that providers and portals send browsers to. All of them are GET: the state of a login, which only the
    browser that began it can redeem, is what protects the callback.
    """
    services, lanes = edge.services, edge.lanes
    views = Blueprint("oidc", __name__, url_prefix="/oidc")

    @views.get("/start/<account>/<name>")
    def start(account: str, name: str) -> Response:
        browser, target = edge.browser_or_new(), edge.target(request.args.get("callback"))
        with services.store.reading() as session:
            found = find_account(session, account, services.domain_suffix)
            provider = get_browser_provider(session, services.ring, found.id if found else account, name)
        url = start_oidc_login(services, lanes, OidcStart(provider, browser, target, _sent_hint()))
        return edge.bind(see_other(url), browser)

    @views.get("/callback/<account_id>/<name>")
    def callback(account_id: str, name: str) -> Response:
        with services.store.reading() as session:
            # Turned off or not: a test must come back, and a real login is refused when it is completed.
            testing = waits_for_test(edge)
            provider = get_browser_provider(session, services.ring, account_id, name, signing_out=testing)
        brought = BroughtBack(request.args.to_dict(flat=False), edge.browser())
        current_visit().trail = brought.trail
        redeemed = _redeem(edge, provider, brought)
        if isinstance(redeemed, Response):
            return redeemed
        if isinstance(redeemed, NotUnseen):
            return _ask_again(edge, provider, redeemed.begun, brought.browser)
        return _complete(edge, redeemed, brought.browser)

    @views.get("/jwks/<account_id>/<name>")
    def jwks(account_id: str, name: str) -> Response:
        with services.store.reading() as session:
            keys = client_keys(session, services.ring, get_oidc_provider(session, account_id, name))
        if not keys:  # nobody learns here which providers an account has
            raise NotFound(Reason.NOT_FOUND, "the OIDC provider does not exist", subject="OIDCProvider")
        response = jsonify(keys=keys)
        response.headers["Cache-Control"] = f"public, max-age={_KEYS_LIVE_S}"
        return response

    return views


def _redeem(edge: Edge, provider: BrowserProvider, brought: BroughtBack) -> Redeemed | NotUnseen | Response:
    """What the login came to; the page of a test, if it was begun for one, whatever it came to."""
    key = oidc_provider_key(provider.id)
    try:
        with edge.lanes.enter(provider.issuer):
            redeemed = redeem_login(edge.services, provider, brought)
    except GatewayError as error:
        caught = catch_oidc(edge, brought.trail, key, error)
        if caught is None:
            raise
        return caught
    if isinstance(redeemed, NotUnseen):
        return redeemed
    return catch_oidc(edge, brought.trail, key, None) or redeemed


def _ask_again(edge: Edge, provider: BrowserProvider, begun: BegunLogin, browser: str) -> Response:
    """Once more, with pages this time: the login that failed is used up, and the next one is not passive."""
    start = OidcStart(provider, browser, begun.target, "", begun.purpose, begun.aim, interactive=True)
    return edge.bind(see_other(start_oidc_login(edge.services, edge.lanes, start)), browser)


def _complete(edge: Edge, redeemed: Redeemed, browser: str) -> Response:
    """Sign in, offer roles or ask for a second factor, in the one write transaction of the login."""
    services, stepping_up = edge.services, redeemed.purpose == STEP_UP
    with services.store.transaction() as session:
        outcome = complete_oidc_login(
            session,
            services.ring,
            identity=redeemed.identity,
            browser=browser,
            target=redeemed.target,
            suffix=services.domain_suffix,
            occasion=login_occasion(services.clock.now()),
            solicited=Solicited(redeemed.identity.provider, redeemed.aim, stepping_up),
        )
        if isinstance(outcome, UserLogin | RoleSignedIn):
            end_current(session, services, edge.cookies)
        if isinstance(outcome, UserLogin) and stepping_up:
            return user_stepped_up(edge, session, outcome, redeemed.aim)
    if isinstance(outcome, StepUp):
        return step_up_away(edge, outcome, browser)
    if isinstance(outcome, RoleOffer):
        return edge.bind(chooser_page(outcome), browser)
    if isinstance(outcome, RoleSignedIn):
        return role_taken(edge, outcome)
    return sign_in(see_other(outcome.target), edge.cookies, outcome.handle, outcome.expires_at)


def _sent_hint() -> str:
    """What the person typed on the sign-in page; nothing rather than something that can't be a name."""
    hint = request.args.get("login_hint", "").strip()
    return hint if len(hint) <= _HINT_MAX and hint.isprintable() else ""
