"""The SAML endpoints of the browser: start, the two consumers, taking a role, our metadata."""

from urllib.parse import quote

from flask import Blueprint, Response, request
from sqlalchemy.orm import Session

from gateway.directory.accounts import get_account
from gateway.federation.login import (
    RoleOffer,
    RoleSignedIn,
    begin_role_login,
    complete_user_login,
    take_role,
)
from gateway.federation.pending import PendingLogin, find_pending, take_pending
from gateway.federation.user_session import UserLogin
from gateway.identity import VerifiedIdentity
from gateway.saml.authn_request import PostForm
from gateway.saml.names import user_sso_entity_id
from gateway.saml.response import peek
from gateway.saml.sp_metadata import role_sso_metadata, user_sso_metadata
from gateway.web.acs import (
    Posted,
    choose_unsolicited_account,
    verify_role_response,
    verify_user_response,
)
from gateway.web.company_login import chooser_page, login_occasion, role_taken
from gateway.web.edge import Edge, form_text, page, see_other
from gateway.web.role_page import OfferedRole, role_page_block
from gateway.web.session import end_current, sign_in
from gateway.web.sso_start import Start, enabled_user_sso, origin_of, start_user_login
from gateway.web.visit import current_visit

RESPONSE_MAX_BYTES = 300 * 1024
_METADATA_TYPE = "application/samlmetadata+xml"


def create_sso_blueprint(edge: Edge) -> Blueprint:
    """Endpoints that other sites send browsers to. They take no form token: the assertion itself, its one-time
    claim and the binding cookie stand in for it.
    """
    services = edge.services
    views = Blueprint("sso", __name__)

    @views.get("/saml/start/<account_id>")
    def start(account_id: str) -> Response:
        now, browser = services.clock.now(), edge.browser_or_new()
        target = edge.target(request.args.get("callback"))
        step = start_user_login(services, Start(account_id, browser, target), now)
        if isinstance(step, PostForm):
            current_visit().form_targets += (origin_of(step.action),)
            return edge.bind(_idp_form_page(step), browser)
        return edge.bind(see_other(step), browser)

    @views.post("/saml/SSO")
    def user_acs() -> Response:
        return _user_acs(edge, _posted(edge))

    @views.post("/<account_id>/saml/SSO")
    def user_acs_of_account(account_id: str) -> Response:
        return _user_acs(edge, _posted(edge, account_id))

    @views.post("/saml-role/sso")
    def role_acs() -> Response:
        posted = _posted(edge)
        relay_state, browser = request.form.get("RelayState", ""), edge.browser_or_new()
        with services.store.reading() as session:
            identity = verify_role_response(session, services, posted, peek(posted.saml_response))
        with services.store.transaction() as session:
            outcome = begin_role_login(
                session,
                services.ring,
                identity=identity,
                browser=browser,
                relay_target=edge.target(relay_state),
                occasion=login_occasion(posted.at),
            )
            if isinstance(outcome, RoleSignedIn):
                end_current(session, services, edge.cookies)
                return role_taken(edge, outcome)
        return edge.bind(_chooser_page(outcome, posted, relay_state), browser)

    _add_metadata_views(views, edge)
    return views


def create_role_blueprint(edge: Edge) -> Blueprint:
    """Taking a role from the selection page: a form of ours, with a form token."""
    views = Blueprint("role", __name__)

    @views.post("/saml-role/take")
    def take() -> Response:
        with edge.services.store.transaction() as session:
            outcome = take_role(
                session,
                edge.services.ring,
                offer_id=form_text("offer", max_length=100),
                browser=edge.browser(),
                role_arn=form_text("role_arn", max_length=1024),
                provider_arn=form_text("provider_arn", max_length=1024),
                occasion=login_occasion(edge.services.clock.now()),
            )
            end_current(session, edge.services, edge.cookies)
        return role_taken(edge, outcome)

    return views


def _add_metadata_views(views: Blueprint, edge: Edge) -> None:
    services = edge.services

    @views.get("/saml/SpMetadata.xml")
    def user_metadata() -> Response:
        with services.store.reading() as session:
            account = get_account(session, request.args.get("tenantID", ""))
        document = user_sso_metadata(services.base_url, account.id, services.sp_keys, encryption=_asks_encryption())
        return Response(document, mimetype=_METADATA_TYPE)

    @views.get("/saml-role/sp-metadata.xml")
    def role_metadata() -> Response:
        document = role_sso_metadata(
            services.base_url, services.role_sso_urn, services.sp_keys, encryption=_asks_encryption()
        )
        return Response(document, mimetype=_METADATA_TYPE)


def _asks_encryption() -> bool:
    """`encryption=true` in a metadata URL: the IdP is told our encryption key."""
    return request.args.get("encryption", "").lower() == "true"


def _user_acs(edge: Edge, posted: Posted) -> Response:
    """Both consumers of user SSO. An answer to a request of ours is good only in the browser that asked.

    A message is verified before the write transaction begins, so that strangers can't hold the write lock;
    everything the verification relied on is checked again inside.
    """
    services, seen = edge.services, peek(posted.saml_response)
    if seen.unverified_in_response_to is not None:
        if not edge.browser() and "again" not in request.form:
            return _again_page(posted)
        with services.store.reading() as session:
            pending = find_pending(session, seen.unverified_in_response_to, edge.browser(), posted.at)
            settings = enabled_user_sso(session, pending.account_id)
            identity = verify_user_response(session, services, posted, settings, pending.request_id)
        with services.store.transaction() as session:
            pending = take_pending(session, pending.request_id, edge.browser(), posted.at)
            login = _complete(session, edge, identity, pending.account_id, pending)
    else:
        with services.store.reading() as session:
            settings = choose_unsolicited_account(session, services, posted, seen)
            identity = verify_user_response(session, services, posted, settings, None)
        with services.store.transaction() as session:
            login = _complete(session, edge, identity, settings.account_id, None)
    return sign_in(see_other(login.target), edge.cookies, login.handle, login.expires_at)


def _complete(
    session: Session, edge: Edge, identity: VerifiedIdentity, account_id: str, pending: PendingLogin | None
) -> UserLogin:
    services = edge.services
    end_current(session, services, edge.cookies)
    return complete_user_login(
        session,
        services.ring,
        identity=identity,
        account_id=account_id,
        audience=user_sso_entity_id(services.base_url, account_id),
        pending=pending,
        relay_target=edge.target(request.form.get("RelayState")),
        suffix=services.domain_suffix,
        occasion=login_occasion(services.clock.now()),
    )


def _posted(edge: Edge, account_id: str | None = None) -> Posted:
    return Posted(form_text("SAMLResponse", max_length=RESPONSE_MAX_BYTES), edge.services.clock.now(), account_id)


def _again_page(posted: Posted) -> Response:
    """The same form once more, sent from our own page: cookies that stay at home on a cross-site POST come along."""
    fields = [("SAMLResponse", posted.saml_response), ("RelayState", request.form.get("RelayState", ""))]
    return page(
        "post_form.html",
        heading="Signing you in",
        lead="One moment. If nothing happens, continue by hand.",
        action=quote(request.path),  # browsers read a backslash as a slash
        fields=[*fields, ("again", "1")],
    )


def _idp_form_page(form: PostForm) -> Response:
    fields = [("SAMLRequest", form.saml_request)]
    return page(
        "post_form.html",
        heading="On to your company's sign-in",
        lead="One moment. If nothing happens, continue by hand.",
        action=form.action,
        fields=[*fields, ("RelayState", form.relay_state)] if form.relay_state else fields,
    )


def _chooser_page(offer: RoleOffer, posted: Posted, relay_state: str) -> Response:
    offered = [
        OfferedRole(
            choice.account_id,
            choice.account_alias,
            choice.role_name,
            choice.role_arn,
            choice.provider_arn,
            choice.raw,
        )
        for choice in offer.mapping.allowed
    ]
    return chooser_page(offer, role_page_block(offered, relay_state=relay_state, saml_response=posted.saml_response))
