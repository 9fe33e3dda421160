"""My security: the password, second factor and AccessKeys of the person at the browser. Nobody else's can be named."""

from flask import Blueprint, Response, flash
from sqlalchemy.orm import Session

from gateway.directory.access_keys import list_access_keys
from gateway.directory.accounts import get_account
from gateway.directory.mfa_devices import (
    Codes,
    drop_device_of,
    find_device_of,
    get_device_of,
    spend_codes,
    wrong_code,
)
from gateway.directory.mfa_drafts import start_draft
from gateway.directory.password_holders import Holder, account_id_of, login_name_of
from gateway.directory.password_policy import get_password_policy
from gateway.directory.passwords import PasswordPolicy
from gateway.directory.security_preference import get_security_preference
from gateway.directory.users import User
from gateway.errors import AlreadyExists, CredentialError, GatewayError, InputError, Reason, Throttled
from gateway.secret import Secret
from gateway.web.edge import Edge, form_text, see_other
from gateway.web.form_page import form_page
from gateway.web.login_steps import principal_of
from gateway.web.own_password import change_password, has_password, may_change_password
from gateway.web.own_rights import check_own, current_holder, may_own
from gateway.web.password_step import new_password
from gateway.web.records import record_own_change
from gateway.web.refused_sign_ins import code_refused
from gateway.web.second_factor import bind_draft, codes_page, seed_page, typed_code, typed_pair
from gateway.web.session import current_session

_PAGE = "/security"
_DEVICE = "/security/device"
_PASSWORD_MAX = 128


def create_own_security_blueprint(edge: Edge) -> Blueprint:
    services, views = edge.services, Blueprint("security", __name__)

    @views.get(_PAGE)
    def overview() -> Response:
        with services.store.reading() as session:
            return _overview(edge, session, current_holder(session), None, "")

    @views.post(f"{_PAGE}/password")
    def change() -> Response:
        with services.store.reading() as session:
            holder = current_holder(session)
        try:
            old = Secret(form_text("old_password", max_length=_PASSWORD_MAX))
            change_password(edge, holder, old, new_password())
        except (CredentialError, InputError) as error:
            with services.store.reading() as session:
                return _overview(edge, session, holder, error, "password")
        flash("Your password was changed. Every other browser of yours is signed out.")
        return see_other(_PAGE)

    _add_device_views(views, edge)
    return views


def _add_device_views(views: Blueprint, edge: Edge) -> None:
    services = edge.services

    @views.get(_DEVICE)
    @views.get(f"{_DEVICE}/codes")
    @views.get(f"{_DEVICE}/remove")
    def back() -> Response:
        return see_other(_PAGE)

    @views.post(_DEVICE)
    def show_seed() -> Response:
        with services.store.transaction() as session:
            holder = current_holder(session)
            _check_may_bind(session, edge, holder)
            seed = start_draft(session, services.ring, _draft_key(), services.clock.now())
            return seed_page(session, services, holder, seed, _DEVICE)

    @views.post(f"{_DEVICE}/codes")
    def bind() -> Response:
        codes = typed_pair()
        with services.store.transaction() as session:
            holder = current_holder(session)
            _check_may_bind(session, edge, holder)
            refused = bind_draft(session, services, _draft_key(), holder, codes)
        if refused is not None:
            code_refused(services, refused, current_session().principal.account_id, holder.id)
            return codes_page(refused, _DEVICE)
        flash("Your device is bound. From the next sign-in on, you are asked for its code.")
        return see_other(_PAGE)

    @views.post(f"{_DEVICE}/remove")
    def remove() -> Response:
        codes = Codes(typed_code("code"))
        with services.store.transaction() as session:
            holder = current_holder(session)
            check_own(session, services, "UnbindMFADevice", settings_allow=_manages_devices(session, holder))
            refused = _removed(session, edge, holder, codes)
        if refused is not None:
            code_refused(services, refused, current_session().principal.account_id, holder.id)
            with services.store.reading() as session:
                return _overview(edge, session, holder, refused, "device")
        flash("Your device was taken off, and its key is deleted.")
        return see_other(_PAGE)


def _removed(session: Session, edge: Edge, holder: Holder, codes: Codes) -> GatewayError | None:
    """None if the device is gone, after a last code of it; else what was wrong: commit either way."""
    device = get_device_of(session, holder)
    try:
        if not spend_codes(session, edge.services.ring, device.id, codes, edge.services.clock.now()):
            return wrong_code(codes)
    except (InputError, Throttled) as error:
        return error
    drop_device_of(session, holder)
    details = {"device": device.serial_number}
    record_own_change(session, edge.services, principal_of(holder), "UnbindMFADevice", details)
    return None


def _check_may_bind(session: Session, edge: Edge, holder: Holder) -> None:
    """Raises: Denied(ACCESS_DENIED); AlreadyExists, subject "User.MFADevice"."""
    check_own(session, edge.services, "BindMFADevice", settings_allow=_manages_devices(session, holder))
    if find_device_of(session, holder) is not None:
        message = "You have a device already. Take it off before you bind another."
        raise AlreadyExists(Reason.ALREADY_EXISTS, message, subject="User.MFADevice")


def _manages_devices(session: Session, holder: Holder) -> bool:
    return get_security_preference(session, account_id_of(holder)).allow_user_to_manage_mfa_devices


def _draft_key() -> str:
    return f"session {current_session().session_id}"


def _overview(edge: Edge, session: Session, holder: Holder, error: GatewayError | None, refused_part: str) -> Response:
    """`error`: why what was sent is refused, in one part of the page, `password` or `device`."""
    services, manages = edge.services, _manages_devices(session, holder)
    return form_page(
        "security.html",
        error,
        active="security",
        account=get_account(session, account_id_of(holder)),
        who=current_session(),
        name=login_name_of(holder),
        is_owner=not isinstance(holder, User),
        refused_part=refused_part,
        device=find_device_of(session, holder),
        may_bind=may_own(session, services, "BindMFADevice", settings_allow=manages),
        may_unbind=may_own(session, services, "UnbindMFADevice", settings_allow=manages),
        has_password=has_password(session, holder),
        may_change=may_change_password(session, edge, holder),
        policy=get_password_policy(session, account_id_of(holder)) if isinstance(holder, User) else PasswordPolicy(),
        keys=list_access_keys(session, account_id_of(holder), holder.id if isinstance(holder, User) else None),
    )
