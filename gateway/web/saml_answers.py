"""What comes to the SAML consumers: an answer, or a reference to one, becomes a sign-in, a choice or the next request.

A message is verified before the write transaction begins, so that strangers can't hold the write lock; everything the
verification relied on is checked again inside. An answer to a request of ours is good only in the browser that asked,
once, and from the provider that was asked.
"""

from collections.abc import Callable
from typing import TypeAlias

from flask import Response, request
from sqlalchemy.orm import Session
from werkzeug.exceptions import MethodNotAllowed

from gateway.errors import AuthenticationError, InputError, Reason, SamlError
from gateway.federation.aims import ROLE, STEP_UP, USER
from gateway.federation.login import RoleSignedIn, begin_role_login, complete_user_login
from gateway.federation.pending import PendingLogin, find_pending, take_pending
from gateway.federation.step_up import Solicited, StepUp
from gateway.federation.user_session import UserLogin
from gateway.identity import VerifiedIdentity
from gateway.saml.names import user_sso_entity_id
from gateway.saml.response import UnverifiedResponse, peek, peek_answered
from gateway.web.acs import (
    Posted,
    choose_unsolicited_account,
    verify_role_answer,
    verify_role_response,
    verify_user_response,
)
from gateway.web.artifact import Reference, resolve
from gateway.web.caught import catch_saml
from gateway.web.company_login import login_occasion, role_taken
from gateway.web.edge import Edge, form_text, see_other
from gateway.web.saml_pages import again_page, on_to_provider, once_more_page, saml_chooser
from gateway.web.session import end_current, sign_in
from gateway.web.sso_start import Door, Start, ask, door_of_key, enabled_user_sso
from gateway.web.step_up import step_up_away, user_stepped_up
from gateway.web.visit import current_visit

RESPONSE_MAX_BYTES = 300 * 1024
_ARTIFACT_MAX = 200
_RELAY_STATE_MAX = 100
_FIELDS = ("SAMLResponse", "SAMLart", "RelayState")

Answer: TypeAlias = Callable[[Edge, Posted, UnverifiedResponse], Response]


def consume(edge: Edge, answer: Answer, account_id: str | None = None) -> Response:
    """Take what a browser brings to a consumer. A browser without its cookie is asked to bring it once more."""
    reference = _sent_reference(edge)
    if reference is not None:
        if _may_come_again(edge):
            return again_page(_FIELDS)
        posted = resolve(edge.services, edge.lanes, reference)
    else:
        if request.method == "GET":
            raise MethodNotAllowed(valid_methods=["POST"])  # only references come by GET
        message = form_text("SAMLResponse", max_length=RESPONSE_MAX_BYTES)
        posted = Posted(message, edge.services.clock.now(), account_id, request.form.get("RelayState", ""))
    caught = catch_saml(edge, posted)
    if caught is not None:
        return caught
    current_visit().message = posted.saml_response
    try:
        seen = peek(posted.saml_response)
    except SamlError as error:
        return _asked_again(edge, posted, error)
    if seen.unverified_in_response_to is not None and _may_come_again(edge):
        return again_page(_FIELDS)
    return answer(edge, posted, seen)


def user_answer(edge: Edge, posted: Posted, seen: UnverifiedResponse) -> Response:
    """Both consumers of user SSO."""
    services = edge.services
    if seen.unverified_in_response_to is None:
        with services.store.reading() as session:
            settings = choose_unsolicited_account(session, services, posted, seen)
            identity = verify_user_response(session, services, posted, settings, None)
        with services.store.transaction() as session:
            login = _complete(session, edge, posted, identity, settings.account_id, None)
        return sign_in(see_other(login.target), edge.cookies, login.handle, login.expires_at)
    with services.store.reading() as session:
        pending = find_pending(session, seen.unverified_in_response_to, edge.browser(), posted.at)
        _check_place(pending, "user-sso", {USER, STEP_UP})
        settings = enabled_user_sso(session, pending.account_id)
        identity = verify_user_response(session, services, posted, settings, pending)
    with services.store.transaction() as session:
        pending = take_pending(session, pending.request_id, edge.browser(), posted.at)
        login = _complete(session, edge, posted, identity, pending.account_id, pending)
        if pending.purpose == STEP_UP:
            return user_stepped_up(edge, session, login, pending.aim)
    return sign_in(see_other(login.target), edge.cookies, login.handle, login.expires_at)


def role_answer(edge: Edge, posted: Posted, seen: UnverifiedResponse) -> Response:
    """The consumer of role SSO, which takes answers, and logins that begin at the provider."""
    services, browser = edge.services, edge.browser_or_new()
    pending, solicited = None, None
    with services.store.reading() as session:
        if seen.unverified_in_response_to is None:
            identity = verify_role_response(session, services, posted, seen)
        else:
            pending = find_pending(session, seen.unverified_in_response_to, edge.browser(), posted.at)
            _check_place(pending, "saml", {ROLE, STEP_UP})
            door = door_of_key(session, pending.provider_key)
            identity = verify_role_answer(session, services, posted, door, pending)
            solicited = Solicited(door.arn, pending.aim, stepping_up=pending.purpose == STEP_UP)
    with services.store.transaction() as session:
        if pending is not None:
            take_pending(session, pending.request_id, edge.browser(), posted.at)
        outcome = begin_role_login(
            session,
            services.ring,
            identity=identity,
            browser=browser,
            relay_target=pending.target if pending else edge.target(posted.relay_state),
            occasion=login_occasion(posted.at),
            solicited=solicited,
        )
        if isinstance(outcome, RoleSignedIn):
            end_current(session, services, edge.cookies)
            return role_taken(edge, outcome)
    if isinstance(outcome, StepUp):
        return step_up_away(edge, outcome, browser)
    return edge.bind(saml_chooser(outcome, posted), browser)


def _sent_reference(edge: Edge) -> Reference | None:
    """A SAMLart in the form or in the query; in both, or twice, it is refused with the form's other oddities."""
    source = request.args if request.method == "GET" else request.form
    if "SAMLart" not in source:
        return None
    artifacts, states = source.getlist("SAMLart"), source.getlist("RelayState")
    if len(artifacts) != 1 or len(states) != 1 or "SAMLResponse" in source:
        message = "A reference to an answer comes alone, with the RelayState that was sent for it."
        raise InputError(Reason.PARAMETER_INVALID, message, subject="SAMLart")
    if len(artifacts[0]) > _ARTIFACT_MAX or len(states[0]) > _RELAY_STATE_MAX:
        raise InputError(Reason.PARAMETER_TOO_LONG, "`SAMLart` or `RelayState` is too long.", subject="SAMLart")
    return Reference(artifacts[0], states[0], edge.browser())


def _may_come_again(edge: Edge) -> bool:
    """Whether the cookie may have stayed at home, as it does when another site posts to us without https."""
    return request.method == "POST" and not edge.browser() and "again" not in request.form


def _check_place(pending: PendingLogin, kind: str, purposes: set[str]) -> None:
    """Refuse an answer to a request that was made for something else than this consumer's logins.

    Raises: AuthenticationError(LOGIN_NOT_PENDING).
    """
    key_kind = pending.provider_key.partition(":")[0] or "user-sso"  # one begun before the key was kept
    if key_kind != kind or pending.purpose not in purposes:
        raise AuthenticationError(
            Reason.LOGIN_NOT_PENDING,
            "This sign-in was begun for something else. Start again.",
            detail=f"request {pending.request_id}: {pending.purpose} at {pending.provider_key}, not {kind}",
        )


def _asked_again(edge: Edge, posted: Posted, refused: SamlError) -> Response:
    """A provider that could not sign the person in unseen is asked once more, and may show its pages now.

    The message is not verified, and need not be: it only makes us ask what we would have asked anyway, in the browser
    that began the login, and that login is used up by it. Raises: `refused`, for everything else.
    """
    if refused.reason is not Reason.SAML_NO_PASSIVE:
        raise refused
    answered = peek_answered(posted.saml_response)
    if answered is None:
        raise refused
    if _may_come_again(edge):
        return again_page(_FIELDS)
    browser, services = edge.browser(), edge.services
    with services.store.transaction() as session:
        pending = find_pending(session, answered, browser, posted.at)
        if not pending.asked.passive:
            raise refused
        take_pending(session, answered, browser, posted.at)
        door: Door = door_of_key(session, pending.provider_key)
    begun = Start(browser, pending.target, pending.purpose, pending.aim, interactive=True)
    step = ask(services, door, begun)
    if "again" in request.form:
        return once_more_page(edge, step, browser, "Your company's sign-in has to show you its pages.")
    return on_to_provider(edge, step, browser)


def _complete(  # noqa: PLR0917 - who, for which account, and what was asked
    session: Session,
    edge: Edge,
    posted: Posted,
    identity: VerifiedIdentity,
    account_id: str,
    pending: PendingLogin | None,
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
        relay_target=edge.target(posted.relay_state),
        suffix=services.domain_suffix,
        occasion=login_occasion(services.clock.now()),
    )
