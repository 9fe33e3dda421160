"""Signing out across the border: there after here, by the browser; and here after there, by the provider's word.

Rule: OpenID Connect RP-Initiated Logout 1.0; OpenID Connect Back-Channel Logout 1.0 §2.
"""

import hmac
from collections.abc import Callable
from urllib.parse import urlsplit

from flask import Blueprint, Response, jsonify, request
from flask import session as form_session

from gateway.arn import parse_ram_arn
from gateway.audit.log import log_event
from gateway.audit.receipts import Detail, Receipt, record
from gateway.directory.accounts import get_account
from gateway.directory.revocations import revoke
from gateway.errors import GatewayError, OidcError, Reason
from gateway.identity import Protocol
from gateway.ids import new_handle
from gateway.oidc.key_cache import KnownProvider, check_fingerprints
from gateway.oidc.logout import LogoutExpectation, LogoutNotice, end_session_url, verify_logout_token
from gateway.oidc.names import end_session_path, post_logout_redirect_uri, signed_out_path
from gateway.services import Services
from gateway.store.claims import claim_once
from gateway.sts.revocation import provider_value
from gateway.sts.sessions import BrowserSession
from gateway.web.edge import Edge, form_text, page, see_other
from gateway.web.oidc_setup import BrowserProvider, get_browser_provider
from gateway.web.visit import current_visit

BACK_CHANNEL_LOGOUT = "BackChannelLogout"  # the kind of a receipt
_CLAIM = "oidc-logout"
_TOKEN_MAX = 20_000
_STATE = "oidc_logout"


def after_sign_out(ended: BrowserSession | None) -> str:
    """Where a browser goes whose session was ended: for a login at an OpenID Provider to the page that offers to sign
    out there too. `saml_sign_outs.offer_sign_out` is the same for SAML.
    """
    origin = None if ended is None else ended.provenance
    if origin is None or origin.protocol != Protocol.OIDC:
        return "/login.htm"
    provider = parse_ram_arn(origin.provider_arn, "oidc-provider")
    return signed_out_path(provider.account_id, provider.name)


def create_oidc_logout_blueprint(edge: Edge) -> Blueprint:
    """Takes no form token: the provider's signed token stands in for it, and the other pages change nothing."""
    services = edge.services
    views = Blueprint("oidc_logout", __name__, url_prefix="/oidc")

    @views.get("/signed-out/<account_id>/<name>")
    def signed_out(account_id: str, name: str) -> Response:
        with services.store.reading() as session:
            provider = get_browser_provider(session, services.ring, account_id, name, signing_out=True)
            account = get_account(session, account_id)
        there_too = _is_expected(request.args.get("state", ""))
        offered = not there_too and _end_session_url(services, provider, "") is not None
        return page(
            "signed_out.html",
            account=account,
            host=urlsplit(provider.issuer).netloc,
            there_too=there_too,
            sign_out_there=end_session_path(account_id, provider.name) if offered else "",
        )

    @views.get("/logout/<account_id>/<name>")
    def end_session(account_id: str, name: str) -> Response:
        with services.store.reading() as session:
            provider = get_browser_provider(session, services.ring, account_id, name, signing_out=True)
        state = new_handle()
        url = _end_session_url(services, provider, state)
        if url is None:
            return see_other(signed_out_path(account_id, provider.name))
        form_session[_STATE] = state
        return see_other(url)

    @views.post("/backchannel-logout/<account_id>/<name>")
    def back_channel(account_id: str, name: str) -> Response:
        return _answered(lambda: _end_sessions(services, account_id, name))

    return views


def _end_session_url(services: Services, provider: BrowserProvider, state: str) -> str | None:
    """None where the provider does not offer it, or can't be asked now. No ID token is kept, so none is sent along."""
    try:
        known = services.oidc_providers.get(provider.issuer)
    except GatewayError:
        return None
    ours = post_logout_redirect_uri(services.base_url, provider.account_id, provider.name)
    return end_session_url(known.metadata, provider.client.client_id, post_logout_redirect_uri=ours, state=state)


def _is_expected(state: str) -> bool:
    """Whether a browser comes back from signing out at the provider. Only words depend on it."""
    expected = str(form_session.pop(_STATE, ""))
    return bool(expected) and hmac.compare_digest(expected.encode(), state.encode(errors="replace"))


def _answered(end_sessions: Callable[[], None]) -> Response:
    """Rule: OpenID Connect Back-Channel Logout 1.0 §2.8."""
    try:
        end_sessions()
    except GatewayError as error:
        visit = current_visit()
        log_event(
            "web.logout_refused",
            request_id=visit.request_id,
            reason=error.reason,
            detail=error.detail,
            path=request.path[:200],
            client=visit.client.address,
        )
        response = jsonify(error="invalid_request", error_description=f"{error.reason}: {error.public}")
        response.status_code = 400
    else:
        response = Response()
    response.headers["Cache-Control"] = "no-store"
    return response


def _end_sessions(services: Services, account_id: str, name: str) -> None:
    """Revoke what came from the session that ended, or from all sessions of the person where none is named.

    Raises: OidcError; UpstreamError; AuthenticationError(SSO_DISABLED).
    """
    token = form_text("logout_token", max_length=_TOKEN_MAX)
    with services.store.reading() as session:
        provider = get_browser_provider(session, services.ring, account_id, name, signing_out=True)

    def verify(known: KnownProvider) -> LogoutNotice:
        check_fingerprints(known, provider.fingerprints)
        algorithms = known.metadata.id_token_algorithms
        expectation = LogoutExpectation(provider.issuer, provider.client.client_id, algorithms, services.skew)
        return verify_logout_token(token, expectation, known.keys, services.clock.now())

    notice = services.oidc_providers.use(provider.issuer, verify)
    now = services.clock.now()
    with services.store.transaction() as session:
        key = provider_value(provider.arn, notice.token_id)
        if not claim_once(session, _CLAIM, key, notice.not_on_or_after, now=now):
            raise OidcError(Reason.OIDC_LOGOUT_ID, "the logout token was used already", notice.token_id)
        for kind, value in _ended(notice):
            revoke(session, kind, provider_value(provider.arn, value), now)
        record(session, _receipt(provider, notice, services))


def _ended(notice: LogoutNotice) -> tuple[tuple[str, str], ...]:
    """Kinds and values to revoke. A session that the provider never gave an ID may be the one that ended."""
    if notice.session_id is None:
        return (("subject", notice.subject or ""),)
    named = ("idp-session", notice.session_id)
    return (named,) if notice.subject is None else (named, ("unnamed-session", notice.subject))


def _receipt(provider: BrowserProvider, notice: LogoutNotice, services: Services) -> Receipt:
    visit = current_visit()
    details: dict[str, Detail] = {
        "provider_arn": provider.arn,
        "issuer": provider.issuer,
        "subject": notice.subject,
        "session": notice.session_id,
        "client": visit.client.address,
    }
    return Receipt(
        at=services.clock.now(),
        request_id=visit.request_id,
        account_id=provider.account_id,
        kind=BACK_CHANNEL_LOGOUT,
        principal_arn=None,
        outcome="Allow",
        details=details,
    )
