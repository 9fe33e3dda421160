"""The page of a sign-in that asks for another password, because this one may not be used any longer."""

from dataclasses import replace

from flask import Blueprint, Response
from sqlalchemy.orm import Session

from gateway.directory.accounts import get_account
from gateway.directory.login_profiles import NewPassword, change_own_password
from gateway.directory.password_history import newest_password_id
from gateway.directory.password_login import prepare_own_password
from gateway.directory.password_policy import get_password_policy
from gateway.directory.unfinished_logins import LoginSoFar, LoginStep, owed_step
from gateway.directory.users import User
from gateway.errors import GatewayError, InputError, Reason, Throttled
from gateway.secret import Secret
from gateway.sts.sessions import end_sessions_of_user
from gateway.web.edge import Edge, form_text, see_other
from gateway.web.form_page import form_page
from gateway.web.login_steps import go_on, principal_of, show_step, unfinished_login
from gateway.web.records import record_own_change

_PASSWORD_MAX = 128


def create_password_step_blueprint(edge: Edge) -> Blueprint:
    services, views = edge.services, Blueprint("password_step", __name__)

    @views.get("/signin/password")
    def password_page() -> Response:
        return show_step(edge, LoginStep.PASSWORD, lambda session, login: _password_page(session, login, None))

    @views.post("/signin/password")
    def choose() -> Response:
        try:
            prepared = _prepared(edge)
            if prepared is None:
                return see_other("/signin/password")
            with services.store.transaction() as session:
                login = unfinished_login(edge, session)
                if owed_step(session, login) is LoginStep.PASSWORD:
                    login = _changed(edge, session, login, prepared)
                return go_on(edge, session, login)
        except (InputError, Throttled) as error:
            refused = error
        return show_step(edge, LoginStep.PASSWORD, lambda session, login: _password_page(session, login, refused))

    return views


def new_password() -> Secret:
    """The new password, typed twice.

    Raises: InputError(PARAMETER_MISSING), InputError(PARAMETER_TOO_LONG), InputError(PARAMETER_INVALID) if the second
    is another.
    """
    new = Secret(form_text("new_password", max_length=_PASSWORD_MAX))
    if new != Secret(form_text("repeated", max_length=_PASSWORD_MAX)):
        raise InputError(Reason.PARAMETER_INVALID, "the two new passwords are not the same", subject="repeated")
    return new


def _prepared(edge: Edge) -> NewPassword | None:
    """None while another step is owed: nobody learns about past passwords before the second factor is proved.

    Raises: InputError, Throttled.
    """
    new = new_password()
    with edge.services.hashing.long_turn(), edge.services.store.reading() as session:
        login = unfinished_login(edge, session)
        if owed_step(session, login) is not LoginStep.PASSWORD:
            return None
        return prepare_own_password(session, _user(login), int(login.password_mark), new)


def _changed(edge: Edge, session: Session, login: LoginSoFar, prepared: NewPassword) -> LoginSoFar:
    """Change the password in the transaction that goes on with the sign-in; whoever had the old one is signed out.

    Raises: Conflict(CHANGED_MEANWHILE) if it was changed since it was typed; Throttled.
    """
    user, now = _user(login), edge.services.clock.now()
    change_own_password(session, user, prepared, now)
    end_sessions_of_user(session, user.id, now)
    record_own_change(session, edge.services, principal_of(user), "ChangePassword", {})
    return replace(login, must_change=False, password_mark=str(newest_password_id(session, user.id)))


def _user(login: LoginSoFar) -> User:
    assert isinstance(login.holder, User), "no step of an owner's sign-in changes the password"
    return login.holder


def _password_page(session: Session, login: LoginSoFar, error: GatewayError | None) -> Response:
    return form_page(
        "signin_password.html",
        error,
        who=_user(login).name,
        account=get_account(session, login.account_id),
        policy=get_password_policy(session, login.account_id),
    )
