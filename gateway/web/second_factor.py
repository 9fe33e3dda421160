"""The pages of a sign-in that ask for a second factor: a code of the device, or binding a device."""

from dataclasses import replace

from flask import Blueprint, Response, request
from markupsafe import Markup
from sqlalchemy.orm import Session

from gateway.directory.accounts import get_account
from gateway.directory.domains import default_domain
from gateway.directory.mfa_devices import Codes, bind_seed, get_device_of, spend_codes, wrong_code
from gateway.directory.mfa_drafts import start_draft, try_draft
from gateway.directory.password_holders import Holder, account_id_of, login_name_of
from gateway.directory.security_preference import get_security_preference
from gateway.directory.unfinished_logins import (
    LoginSoFar,
    LoginStep,
    SecondFactor,
    drop_unfinished,
    note_second_factor,
    note_wrong_code,
    owed_step,
)
from gateway.directory.users import User
from gateway.errors import GatewayError, InputError, NotFound, Throttled
from gateway.secret import Secret
from gateway.services import Services
from gateway.totp import provisioning_uri, qr_svg
from gateway.web.edge import Edge, form_text, page, see_other
from gateway.web.form_page import form_page
from gateway.web.login_steps import go_on, principal_of, remember_browser, show_step, step_handle, unfinished_login
from gateway.web.records import record_own_change
from gateway.web.refused_sign_ins import code_refused
from gateway.web.session import delete_cookie

_CODE_MAX = 20  # six digits, and what people type between them


def create_steps_blueprint(edge: Edge) -> Blueprint:
    views = Blueprint("steps", __name__)
    _add_code_views(views, edge)
    _add_device_views(views, edge)

    @views.post("/signin/cancel")
    def cancel() -> Response:
        with edge.services.store.transaction() as session:
            drop_unfinished(session, step_handle(edge))
        response = see_other("/login.htm")
        delete_cookie(response, edge.cookies.step)
        return response

    return views


def _add_code_views(views: Blueprint, edge: Edge) -> None:
    services = edge.services

    @views.get("/signin/code")
    def code_page() -> Response:
        return show_step(edge, LoginStep.CODE, lambda session, login: _code_page(session, login, None))

    @views.post("/signin/code")
    def give_code() -> Response:
        codes = Codes(typed_code("code"))
        with services.store.transaction() as session:
            login = unfinished_login(edge, session)
            if owed_step(session, login) is not LoginStep.CODE:
                return go_on(edge, session, login)
            refused = _refused_code(session, edge, login, codes)
            if refused is None:
                return _proved(edge, session, login)
        code_refused(services, refused, login.account_id, login.holder.id)
        with services.store.reading() as session:
            unfinished_login(edge, session)  # the last wrong code that is allowed has ended it
            return _code_page(session, login, refused)


def _add_device_views(views: Blueprint, edge: Edge) -> None:
    services = edge.services

    @views.get("/signin/device")
    def device_page() -> Response:
        return show_step(edge, LoginStep.DEVICE, _device_page)

    @views.get("/signin/device/codes")
    def back_to_device_page() -> Response:
        return see_other("/signin/device")

    @views.post("/signin/device")
    def show_seed() -> Response:
        with services.store.transaction() as session:
            login = unfinished_login(edge, session)
            if owed_step(session, login) is not LoginStep.DEVICE:
                return go_on(edge, session, login)
            seed = start_draft(session, services.ring, _draft_key(edge), services.clock.now())
            return seed_page(session, services, login.holder, seed, "/signin/device")

    @views.post("/signin/device/codes")
    def bind() -> Response:
        codes = typed_pair()
        with services.store.transaction() as session:
            login = unfinished_login(edge, session)
            if owed_step(session, login) is not LoginStep.DEVICE:
                return go_on(edge, session, login)
            refused = bind_draft(session, services, _draft_key(edge), login.holder, codes)
            if refused is None:
                return _proved(edge, session, login)
        code_refused(services, refused, login.account_id, login.holder.id)
        return codes_page(refused, "/signin/device")


def typed_code(field: str) -> Secret:
    """A code as people type it: with or without a gap.

    Raises: InputError(PARAMETER_MISSING), InputError(PARAMETER_TOO_LONG).
    """
    return Secret("".join(form_text(field, max_length=_CODE_MAX).split()))


def typed_pair() -> Codes:
    return Codes(typed_code("code1"), typed_code("code2"))


def bind_draft(session: Session, services: Services, key: str, holder: Holder, codes: Codes) -> GatewayError | None:
    """Bind the device whose seed was shown, or say what is wrong with the codes; commit either way.

    Raises: AlreadyExists, subject "User.MFADevice"; LimitExceeded.
    """
    now = services.clock.now()
    try:
        proven = try_draft(session, services.ring, key, codes, now)
    except (InputError, NotFound) as error:
        return error
    if proven is None:
        return wrong_code(codes)
    device = bind_seed(session, services.ring, holder, proven.seed, used_step=proven.used_step, now=now)
    record_own_change(session, services, principal_of(holder), "BindMFADevice", {"device": device.serial_number})
    return None


def seed_page(session: Session, services: Services, holder: Holder, seed: Secret, action: str) -> Response:
    """The only page that shows the seed, as a picture and as text. It answers a POST, and is never stored."""
    account, who = get_account(session, account_id_of(holder)), login_name_of(holder)
    label = f"{who}@{default_domain(account, services.domain_suffix)}" if isinstance(holder, User) else who
    uri = provisioning_uri(seed, label)
    return page(
        "device_seed.html",
        action=action,
        picture=Markup(qr_svg(uri)),  # noqa: S704 - made of numbers by the library
        uri=uri,
        seed=_in_fours(seed.reveal()),
        label=label,
    )


def codes_page(error: GatewayError, action: str) -> Response:
    """The two codes once more, without the seed: it is in the app, or a new one can be had."""
    return form_page("device_codes.html", error, action=action)


def _proved(edge: Edge, session: Session, login: LoginSoFar) -> Response:
    note_second_factor(session, step_handle(edge))
    response = go_on(edge, session, replace(login, second_factor=SecondFactor.PROVED))
    if request.form.get("remember") == "1":
        remember_browser(edge, session, login, response)
    return response


def _refused_code(session: Session, edge: Edge, login: LoginSoFar, codes: Codes) -> GatewayError | None:
    """None for a right code, which is spent. A wrong one is counted, for the device and for this sign-in."""
    device = get_device_of(session, login.holder)
    try:
        if spend_codes(session, edge.services.ring, device.id, codes, edge.services.clock.now()):
            return None
    except (InputError, Throttled) as error:
        return error
    note_wrong_code(session, step_handle(edge))
    return wrong_code(codes)


def _code_page(session: Session, login: LoginSoFar, error: GatewayError | None) -> Response:
    return form_page(
        "signin_code.html",
        error,
        who=login_name_of(login.holder),
        account=get_account(session, login.account_id),
        may_remember=get_security_preference(session, login.account_id).enable_save_mfa_ticket,
    )


def _device_page(session: Session, login: LoginSoFar) -> Response:
    return page("signin_device.html", account=get_account(session, login.account_id))


def _draft_key(edge: Edge) -> str:
    return f"sign-in {step_handle(edge)}"


def _in_fours(text: str) -> str:
    return " ".join(text[start : start + 4] for start in range(0, len(text), 4))
