"""Changing from a RAM user to a role at the browser, and the page that asks for a second factor on the way."""

from dataclasses import replace
from urllib.parse import urlencode

from flask import Blueprint, Response, flash, request
from sqlalchemy.orm import Session

from gateway.arn import RamArn, parse_ram_arn
from gateway.directory.mfa_devices import Codes, get_device_of, spend_codes, wrong_code
from gateway.directory.password_holders import login_name_of
from gateway.directory.users import User
from gateway.errors import AuthenticationError, Denied, GatewayError, InputError, Reason, Throttled
from gateway.sts.sessions import BrowserSession, open_session
from gateway.web.edge import Edge, form_text, see_other
from gateway.web.form_page import form_page
from gateway.web.own_rights import current_holder
from gateway.web.records import record_own_change
from gateway.web.refused_sign_ins import code_refused
from gateway.web.relay import HOME
from gateway.web.second_factor import typed_code
from gateway.web.session import check_still_signed_in, current_session, end_current, sign_in
from gateway.web.step_up import OWN_PAGE, OwnStepUp, find_step_up, step_up_away
from gateway.web.take_role import change_to, named_role, take_as_user

_ARN_MAX = 1024


def create_role_switch_blueprint(edge: Edge) -> Blueprint:
    views, services = Blueprint("role_switch", __name__), edge.services

    @views.post("/session/role")
    def take() -> Response:
        typed, who = form_text("role", max_length=_ARN_MAX).strip(), current_session()
        named = named_role(who, typed)
        try:
            with services.store.transaction() as session:
                grant = take_as_user(edge, session, who, named)
                handle = change_to(edge, session, who, grant)
        except Denied as denied:
            return _second_chance(edge, who, named, denied)
        return sign_in(see_other(HOME), edge.cookies, handle, grant.token.expires_at)

    @views.get(OWN_PAGE)
    def code_page() -> Response:
        who, named = current_session(), _sent_role(request.args.get("role", "")[:_ARN_MAX])
        with services.store.reading() as session:
            return _code_page(_local_user(session, who), named, None)

    @views.post(OWN_PAGE)
    def give_code() -> Response:
        who, named = current_session(), _sent_role(form_text("role", max_length=_ARN_MAX))
        codes = Codes(typed_code("code"))
        with services.store.transaction() as session:
            check_still_signed_in(session, services, edge.cookies)
            user = _local_user(session, who)
            refused = _refused_code(edge, session, user, codes)
            if refused is None:
                return _role_or_upgraded(edge, session, who, named)
        code_refused(services, refused, user.account_id, user.id)
        with services.store.reading() as session:
            return _code_page(user, named, refused)

    return views


def _second_chance(edge: Edge, who: BrowserSession, named: RamArn, denied: Denied) -> Response:
    """Raises: `denied` where a second factor is not all that is missing; as `step_up.find_step_up`."""
    with edge.services.store.reading() as session:
        found = find_step_up(edge, session, who, named, denied)
    if isinstance(found, OwnStepUp):
        return see_other(f"{OWN_PAGE}?{urlencode({'role': found.role_arn})}")
    return step_up_away(edge, found, edge.browser_or_new())


def _sent_role(text: str) -> RamArn:
    return parse_ram_arn(text, "role")


def _local_user(session: Session, who: BrowserSession) -> User:
    """The user at the browser, who signed in with a password: whoever a company signs in proves it there.

    Raises: AuthenticationError(STEP_UP_IMPOSSIBLE); as `current_holder`.
    """
    holder = current_holder(session)
    if who.provenance is not None or not isinstance(holder, User):
        message = "Only users who sign in here with a password prove a second factor here."
        raise AuthenticationError(Reason.STEP_UP_IMPOSSIBLE, message)
    return holder


def _refused_code(edge: Edge, session: Session, user: User, codes: Codes) -> GatewayError | None:
    """None for a right code, which is spent. A wrong one is counted for the device, which locks it for a while."""
    device = get_device_of(session, user)
    try:
        if spend_codes(session, edge.services.ring, device.id, codes, edge.services.clock.now()):
            return None
    except (InputError, Throttled) as error:
        return error
    return wrong_code(codes)


def _role_or_upgraded(edge: Edge, session: Session, who: BrowserSession, named: RamArn) -> Response:
    """Go on to the role as the user who has just proved a second factor.

    What was proved stays proved where the role is refused after all: then the user goes on with a new session that has
    it, of which no other browser knows, and which lasts no longer than the old one. It is as old as that one, so that
    whatever calls that one back at this very moment calls back both.
    """
    services, now = edge.services, edge.services.clock.now()
    proved = replace(who, mfa_present=True, mfa_at=now)
    record_own_change(session, services, who.principal, "ProveSecondFactor", {"for": str(named)})
    try:
        grant = take_as_user(edge, session, proved, named)
        handle = change_to(edge, session, proved, grant)
    except GatewayError as refused:
        response = _with_second_factor(edge, session, proved)
        flash(f"Your second factor is proved, but {named.name} can't be taken: {refused.public}")  # in the new session
        return response
    return sign_in(see_other(HOME), edge.cookies, handle, grant.token.expires_at)


def _with_second_factor(edge: Edge, session: Session, proved: BrowserSession) -> Response:
    services = edge.services
    end_current(session, services, edge.cookies)
    handle = open_session(
        session,
        services.ring,
        proved.principal,
        token=None,
        provenance=None,
        expires_at=proved.expires_at,
        duration_cap=proved.duration_cap,
        now=proved.created_at,
        mfa_present=proved.mfa_present,
        mfa_at=proved.mfa_at,
    )
    return sign_in(see_other(HOME), edge.cookies, handle, proved.expires_at)


def _code_page(user: User, named: RamArn, error: GatewayError | None) -> Response:
    return form_page("step_up_code.html", error, who=login_name_of(user), role=named, action=OWN_PAGE)
