"""Signing out across the border of SAML: what providers send to our logout URLs, and the way there from here.

Rule: SAML Profiles 2.0 §4.4 (Single Logout); SAML Bindings 2.0 §3.4, §3.5.
"""

from urllib.parse import urlsplit

from flask import Blueprint, Response, request

from gateway.federation.saml_logouts import Outcome
from gateway.saml.logout_bindings import Received, read_form, read_redirect
from gateway.saml.logout_message import LogoutForm
from gateway.saml.names import (
    role_sso_logout_url,
    sign_out_there_path,
    signed_out_path,
    user_sso_logout_url,
    user_sso_logout_url_of,
)
from gateway.web.edge import Edge, page, see_other
from gateway.web.saml_pages import again_page
from gateway.web.saml_sign_outs import Door, end_sessions, look_at, request_sign_out, take_provider_answer
from gateway.web.sso_start import origin_of
from gateway.web.visit import current_visit

LOGOUT_MAX_BYTES = 300 * 1024
_METHODS = ["GET", "POST"]


def create_saml_logout_blueprint(edge: Edge) -> Blueprint:
    """Takes no form token: a provider's signature stands in for it, and the other pages are bound to the browser."""
    views = Blueprint("saml_logout", __name__)
    base_url = edge.services.base_url

    @views.route("/saml-role/logout", methods=_METHODS)
    def role() -> Response:
        return _message(edge, Door(role_sso_logout_url(base_url), for_users=False))

    @views.route("/saml/logout", methods=_METHODS)
    def user() -> Response:
        return _message(edge, Door(user_sso_logout_url(base_url), for_users=True))

    @views.route("/<account_id>/saml/logout", methods=_METHODS)
    def user_of_account(account_id: str) -> Response:
        return _message(edge, Door(user_sso_logout_url_of(base_url, account_id), for_users=True, account_id=account_id))

    @views.get("/saml/signed-out/<handle>")
    def signed_out(handle: str) -> Response:
        seen = look_at(edge, handle)
        can_go = seen.host and seen.outcome in {Outcome.OFFERED, Outcome.SENT, Outcome.FAILED}
        return page(
            "signed_out.html",
            account=seen.account,
            host=seen.host,
            there_too=seen.outcome is Outcome.SUCCESS,
            partly=seen.outcome is Outcome.PARTIAL,
            failed=seen.outcome is Outcome.FAILED,
            sign_out_there=sign_out_there_path(handle) if can_go else "",
        )

    @views.get("/saml/sign-out-there/<handle>")
    def sign_out_there(handle: str) -> Response:
        step = request_sign_out(edge, handle)
        return see_other(signed_out_path(handle)) if step is None else _leading_on(step)

    return views


def _message(edge: Edge, door: Door) -> Response:
    received = _received()
    if received.is_request:
        answer = end_sessions(edge, door, received)
        return page("signed_out.html", account=None, host="", there_too=True) if answer is None else _leading_on(answer)
    if request.method == "POST" and not edge.browser() and "again" not in request.form:
        return again_page(("SAMLResponse", "RelayState"))
    return see_other(signed_out_path(take_provider_answer(edge, door, received)))


def _received() -> Received:
    """The message, from the octets of the query as the server got them, or from the fields of the form."""
    if request.method == "POST":
        return read_form(list(request.form.items(multi=True)))
    query = request.environ.get("QUERY_STRING", "")
    return read_redirect(query.encode("latin-1"))


def _leading_on(step: str | LogoutForm) -> Response:
    if isinstance(step, str):
        return see_other(step)
    # Browsers hold the policy of this page against the redirects that follow: the provider goes on to other services.
    anywhere = "https:" if urlsplit(step.action).scheme == "https" else "http:"
    current_visit().form_targets += (origin_of(step.action), anywhere)
    return page(
        "post_form.html",
        heading="Signing you out",
        lead="One moment. If nothing happens, continue by hand.",
        action=step.action,
        fields=step.fields,
    )
