"""Sign-ins that owe a step after the right password: single use, bound to one browser, and without any rights.

The browser holds a random handle, the table only its hash. Which step is owed is asked of the directory each time, so
that no address and no order of requests leads past one. Rule: ram-limits §4, §5, §7.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import CursorResult, delete
from sqlalchemy.orm import Mapped, Session, mapped_column

from gateway.directory.accounts import Account, get_account
from gateway.directory.login_profiles import find_login_profile
from gateway.directory.mfa_devices import find_device_of
from gateway.directory.password_holders import Holder, account_id_of
from gateway.directory.security_preference import MfaOperation, get_security_preference
from gateway.directory.users import User, find_user_by_id
from gateway.errors import AuthenticationError, Reason
from gateway.ids import new_handle
from gateway.store.base import Base
from gateway.store.hashed_key import hash_key
from gateway.store.sweep import sweep_expired

LIFETIME = timedelta(minutes=10)
MOST_WRONG_CODES = 5  # then the password has to be typed again


class LoginStep(StrEnum):
    CODE = "code"  # a code of the device that is bound
    DEVICE = "device"  # binding a device
    PASSWORD = "password"  # noqa: S105 - choosing another one


class SecondFactor(StrEnum):
    NONE = "none"
    PROVED = "proved"  # in this sign-in
    REMEMBERED = "remembered"  # by this browser, from an earlier one


class UnfinishedLogin(Base):
    __tablename__ = "unfinished_logins"

    handle_hash: Mapped[str] = mapped_column(primary_key=True)
    account_id: Mapped[str]
    user_id: Mapped[str | None]  # None: the account owner
    password_mark: Mapped[str]  # which password was proved
    must_change: Mapped[bool]  # the password
    second_factor: Mapped[str]  # a SecondFactor
    wrong_codes: Mapped[int]
    target: Mapped[str]
    expires_at: Mapped[datetime] = mapped_column(index=True)


@dataclass(frozen=True, slots=True)
class LoginSoFar:
    """What was proved until now."""

    holder: Holder
    password_mark: str
    must_change: bool
    second_factor: SecondFactor
    target: str  # where the browser goes afterwards; checked by the edge before `begin_unfinished`

    @property
    def account_id(self) -> str:
        return account_id_of(self.holder)


def owed_step(session: Session, login: LoginSoFar) -> LoginStep | None:
    """What is missing before a session may be opened; None if nothing is.

    Who has a device proves it at every sign-in, whatever the account's MFAOperationForLogin says: it is what the person
    wanted. ASSUMPTION: `adaptive` asks for no more than `independent`, since nothing here tells an unusual sign-in. The
    settings of the account are about its users: the owner is asked for a device that is bound, and for nothing else.
    """
    if login.second_factor is SecondFactor.NONE:
        if find_device_of(session, login.holder) is not None:
            return LoginStep.CODE
        if isinstance(login.holder, User) and _must_bind(session, login.holder):
            return LoginStep.DEVICE
    return LoginStep.PASSWORD if login.must_change else None


def begin_unfinished(session: Session, login: LoginSoFar, now: datetime) -> str:
    """Remember a sign-in that owes a step; gives the handle for its cookie, which can't be had a second time."""
    sweep_expired(session, UnfinishedLogin.handle_hash, UnfinishedLogin.expires_at, now)
    handle = new_handle()
    session.add(
        UnfinishedLogin(
            handle_hash=hash_key(handle),
            account_id=login.account_id,
            user_id=login.holder.id if isinstance(login.holder, User) else None,
            password_mark=login.password_mark,
            must_change=login.must_change,
            second_factor=login.second_factor,
            wrong_codes=0,
            target=login.target,
            expires_at=now + LIFETIME,
        )
    )
    session.flush()
    return handle


def get_unfinished(session: Session, handle: str, now: datetime) -> LoginSoFar:
    """Raises: AuthenticationError(LOGIN_NOT_PENDING) for an unknown, finished or expired one (ten minutes, exactly then
    it is over), and for a user that is gone.
    """
    row = session.get(UnfinishedLogin, hash_key(handle), populate_existing=True) if handle else None
    if row is None or now >= row.expires_at:
        raise _not_pending("unknown or finished" if row is None else "expired")
    holder: User | Account | None = (
        get_account(session, row.account_id)
        if row.user_id is None
        else find_user_by_id(session, row.account_id, row.user_id)
    )
    if holder is None:
        raise _not_pending("the user is gone")
    return LoginSoFar(holder, row.password_mark, row.must_change, SecondFactor(row.second_factor), row.target)


def note_second_factor(session: Session, handle: str) -> None:
    """The second factor was proved."""
    row = session.get(UnfinishedLogin, hash_key(handle), with_for_update=True, populate_existing=True)
    if row is None:
        raise _not_pending("finished at this very moment")
    row.second_factor = SecondFactor.PROVED
    session.flush()


def note_wrong_code(session: Session, handle: str) -> None:
    """Count a wrong code; the fifth ends the sign-in."""
    row = session.get(UnfinishedLogin, hash_key(handle), with_for_update=True, populate_existing=True)
    if row is None:
        return
    row.wrong_codes += 1
    if row.wrong_codes >= MOST_WRONG_CODES:
        session.delete(row)
    session.flush()


def take_unfinished(session: Session, handle: str) -> None:
    """Use a sign-in up. Of two takers one gets it, other processes included.

    Raises: AuthenticationError(LOGIN_NOT_PENDING).
    """
    if not drop_unfinished(session, handle):
        raise _not_pending("finished at this very moment")


def drop_unfinished(session: Session, handle: str) -> bool:
    """Give a sign-in up; whether there was one."""
    dropped = session.execute(
        delete(UnfinishedLogin).where(UnfinishedLogin.handle_hash == hash_key(handle)),
        execution_options={"synchronize_session": False},
    )
    assert isinstance(dropped, CursorResult)
    return dropped.rowcount == 1


def _must_bind(session: Session, user: User) -> bool:
    profile = find_login_profile(session, user)
    if profile is not None and profile.mfa_bind_required:
        return True
    preference = get_security_preference(session, user.account_id)
    return preference.mfa_operation_for_login is MfaOperation.MANDATORY


def _not_pending(why: str) -> AuthenticationError:
    message = "This sign-in is not waiting for you any more. Start again."
    return AuthenticationError(Reason.LOGIN_NOT_PENDING, message, why)
