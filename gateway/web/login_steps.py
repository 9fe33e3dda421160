"""What follows a right password: the steps that are owed, one page each, and the session when none is left.

Every request asks the directory anew which step is owed, so that none can be left out. Before the last one there is no
session: the browser has a handle that opens these pages, and nothing else.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from flask import Response, request
from sqlalchemy.orm import Session

from gateway.directory.accounts import Account, get_account
from gateway.directory.login_network import check_login_network
from gateway.directory.mfa_devices import find_device_of
from gateway.directory.mfa_tickets import make_ticket, ticket_counts
from gateway.directory.password_holders import Holder
from gateway.directory.password_login import check_passwords_are_on, use_password
from gateway.directory.security_preference import get_security_preference
from gateway.directory.unfinished_logins import (
    LoginSoFar,
    LoginStep,
    SecondFactor,
    begin_unfinished,
    get_unfinished,
    owed_step,
    take_unfinished,
)
from gateway.directory.users import User, record_login
from gateway.errors import CredentialError, Reason
from gateway.principal import AccountOwner, Principal, RamUser
from gateway.store.hashed_key import hash_key
from gateway.sts.duration import user_duration
from gateway.sts.sessions import open_session
from gateway.web.edge import Edge, see_other
from gateway.web.records import record_password_login
from gateway.web.refused_sign_ins import password_refused
from gateway.web.session import delete_cookie, end_current, sent_handle, set_cookie, sign_in
from gateway.web.visit import current_visit

_PAGES = {
    LoginStep.CODE: "/signin/code",
    LoginStep.DEVICE: "/signin/device",
    LoginStep.PASSWORD: "/signin/password",
}


def begin_steps(edge: Edge, session: Session, login: LoginSoFar) -> Response:
    """Go on after the password, in the transaction that accepted it: to a session, or to the first step owed.

    Raises: as `_admit`.
    """
    login = replace(login, second_factor=_remembered(edge, session, login))
    step = owed_step(session, login)
    if step is None:
        return _open(edge, session, login)
    handle = begin_unfinished(session, login, edge.services.clock.now())
    response = see_other(_PAGES[step])
    set_cookie(response, edge.cookies.step, handle)
    return response


def show_step(edge: Edge, step: LoginStep, show: Callable[[Session, LoginSoFar], Response]) -> Response:
    """The page of a step, if it is owed; else to where the sign-in stands.

    Raises: AuthenticationError(LOGIN_NOT_PENDING); as `_admit`.
    """
    with edge.services.store.reading() as session:
        login = unfinished_login(edge, session)
        if owed_step(session, login) is step:
            return show(session, login)
    with edge.services.store.transaction() as session:
        return go_on(edge, session, unfinished_login(edge, session))


def step_handle(edge: Edge) -> str:
    """What names the unfinished sign-in of this browser; empty if it has none."""
    return sent_handle(request, edge.cookies.step)


def unfinished_login(edge: Edge, session: Session) -> LoginSoFar:
    """Raises: AuthenticationError(LOGIN_NOT_PENDING)."""
    return get_unfinished(session, step_handle(edge), edge.services.clock.now())


def go_on(edge: Edge, session: Session, login: LoginSoFar) -> Response:
    """To the page of the step that is owed now, or to the session, which uses the unfinished sign-in up.

    Raises: as `_admit`; AuthenticationError(LOGIN_NOT_PENDING) where another request was faster.
    """
    step = owed_step(session, login)
    if step is not None:
        return see_other(_PAGES[step])
    take_unfinished(session, step_handle(edge))
    try:
        return _open(edge, session, login)
    except CredentialError as error:
        password_refused(edge.services, error, login.account_id, holder_id=login.holder.id)
        raise


def remember_browser(edge: Edge, session: Session, login: LoginSoFar, response: Response) -> None:
    """Spare this browser the second factor for a while, if the account allows it."""
    services, device = edge.services, find_device_of(session, login.holder)
    if device is not None and get_security_preference(session, login.account_id).enable_save_mfa_ticket:
        ticket = make_ticket(services.ring, login.holder, device, login.password_mark, services.clock.now())
        set_cookie(response, edge.cookies.ticket, ticket)


def owner_mark(account: Account) -> str:
    """Tells one password of an owner from another."""
    return hash_key(account.owner_password_hash)


def check_network(session: Session, account_id: str) -> None:
    """Raises: CredentialError(LOGIN_NETWORK). Looked at before the password: strangers learn nothing about it."""
    preference = get_security_preference(session, account_id)
    check_login_network(preference.login_network_masks, current_visit().client.address)


def principal_of(holder: Holder) -> Principal:
    if isinstance(holder, User):
        return RamUser(holder.account_id, holder.id, holder.name)
    return AccountOwner(holder.id, holder.owner_login)


def _remembered(edge: Edge, session: Session, login: LoginSoFar) -> SecondFactor:
    services, device = edge.services, find_device_of(session, login.holder)
    if device is None or not get_security_preference(session, login.account_id).enable_save_mfa_ticket:
        return SecondFactor.NONE
    counts = ticket_counts(
        session,
        services.ring,
        request.cookies.get(edge.cookies.ticket.name, ""),
        login.holder,
        device,
        login.password_mark,
        services.clock.now(),
    )
    return SecondFactor.REMEMBERED if counts else SecondFactor.NONE


def _open(edge: Edge, session: Session, login: LoginSoFar) -> Response:
    services, now = edge.services, edge.services.clock.now()
    _admit(session, login, now)
    end_current(session, services, edge.cookies)
    hours = get_account(session, login.account_id).login_session_duration_h
    cap = user_duration(session_not_on_or_after=None, login_limit_h=hours, now=now)
    expires_at = now + timedelta(seconds=cap.seconds)
    handle = open_session(
        session,
        services.ring,
        principal_of(login.holder),
        token=None,
        provenance=None,
        expires_at=expires_at,
        duration_cap=cap.name,
        now=now,
        # ASSUMPTION: a browser that was spared the code proved no second factor at this sign-in.
        mfa_present=login.second_factor is SecondFactor.PROVED,
        mfa_at=now if login.second_factor is SecondFactor.PROVED else None,
    )
    record_password_login(session, services, principal_of(login.holder), login.second_factor.value, cap)
    response = sign_in(see_other(login.target), edge.cookies, handle, expires_at)
    delete_cookie(response, edge.cookies.step)
    return response


def _admit(session: Session, login: LoginSoFar, now: datetime) -> None:
    """What was true when the password was typed must be true when the session is opened, ten minutes later at most.

    Raises: CredentialError with LOGIN_NETWORK, PASSWORD_LOGIN_DISABLED or LOGIN_FAILED (another password, or none).
    """
    holder = login.holder
    if isinstance(holder, User):
        check_network(session, login.account_id)
        check_passwords_are_on(session, login.account_id)
        use_password(session, holder.id, int(login.password_mark), now)
        record_login(session, holder, now)
    elif owner_mark(get_account(session, holder.id)) != login.password_mark:
        raise CredentialError(
            Reason.LOGIN_FAILED, "the login name or the password is wrong", "the password was changed meanwhile"
        )
