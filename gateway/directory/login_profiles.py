"""Console passwords of RAM users. No profile, no password logon. Rule: ram-limits §5; sso-contract §1.5."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from gateway.directory import ties
from gateway.directory.accounts import lock_account
from gateway.directory.names import name_key
from gateway.directory.passwords import check_password_policy, hash_password, verify_password
from gateway.directory.unique import insert_unique
from gateway.directory.user_sso import find_user_sso
from gateway.directory.users import User
from gateway.errors import CredentialError, NotFound, Reason
from gateway.secret import Secret
from gateway.store.base import Base


class LoginProfileStatus(StrEnum):
    ACTIVE = "Active"
    INACTIVE = "Inactive"


class LoginProfile(Base):
    __tablename__ = "login_profiles"

    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"), primary_key=True)
    password_hash: Mapped[str]
    password_reset_required: Mapped[bool]
    mfa_bind_required: Mapped[bool]
    status: Mapped[str]  # a LoginProfileStatus
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


def create_login_profile(
    session: Session,
    user: User,
    password: Secret,
    *,
    password_reset_required: bool = False,
    mfa_bind_required: bool = False,
    status: LoginProfileStatus = LoginProfileStatus.ACTIVE,
    now: datetime,
) -> LoginProfile:
    """Let a user sign in by password.

    Raises: InputError(PASSWORD_TOO_WEAK); AlreadyExists, subject "User.LoginProfile".
    """
    check_password_policy(password)
    password_hash = hash_password(password)  # before the lock: it takes tens of milliseconds
    lock_account(session, user.account_id)
    ties.check_still_there(session, "User", user.id)
    profile = LoginProfile(
        user_id=user.id,
        password_hash=password_hash,
        password_reset_required=password_reset_required,
        mfa_bind_required=mfa_bind_required,
        status=status,
        created_at=now,
        updated_at=now,
    )
    insert_unique(session, profile, "User.LoginProfile")
    return profile


def find_login_profile(session: Session, user: User) -> LoginProfile | None:
    return session.get(LoginProfile, user.id)


def get_login_profile(session: Session, user: User) -> LoginProfile:
    """Raises: NotFound, subject "User.LoginProfile"."""
    profile = find_login_profile(session, user)
    if profile is None:
        raise NotFound(Reason.NOT_FOUND, "the user has no login profile", subject="User.LoginProfile")
    return profile


def update_login_profile(
    session: Session,
    user: User,
    *,
    password: Secret | None = None,
    password_reset_required: bool | None = None,
    mfa_bind_required: bool | None = None,
    status: LoginProfileStatus | None = None,
    now: datetime,
) -> LoginProfile:
    """Change what is given; None leaves a thing as it is.

    Raises: InputError(PASSWORD_TOO_WEAK); NotFound, subject "User.LoginProfile".
    """
    password_hash = None
    if password is not None:
        check_password_policy(password)
        password_hash = hash_password(password)
    lock_account(session, user.account_id)
    profile = get_login_profile(session, user)
    if password_hash is not None:
        profile.password_hash = password_hash
    if password_reset_required is not None:
        profile.password_reset_required = password_reset_required
    if mfa_bind_required is not None:
        profile.mfa_bind_required = mfa_bind_required
    if status is not None:
        profile.status = status
    profile.updated_at = now
    session.flush()
    return profile


def delete_login_profile(session: Session, user: User) -> None:
    """Raises: NotFound, subject "User.LoginProfile"."""
    lock_account(session, user.account_id)
    session.delete(get_login_profile(session, user))
    session.flush()


def check_user_password(session: Session, account_id: str, name: str, password: Secret) -> User:
    """The user whose password this is.

    While user SSO is on, every name and every password gets the same PASSWORD_LOGIN_DISABLED before anything is
    looked up: it tells no more than the login page, which offers the company login to everybody. Else an unknown
    user, a user without a profile, an inactive profile and a wrong password get the same refusal at the same effort;
    only `detail` says which.
    Hashing takes tens of milliseconds: call it in `Store.reading()`, not while holding a write lock.
    Raises: CredentialError(PASSWORD_LOGIN_DISABLED), CredentialError(LOGIN_FAILED).
    """
    sso = find_user_sso(session, account_id)
    if sso is not None and sso.enabled:
        message = "users of this account sign in through their company"
        raise CredentialError(Reason.PASSWORD_LOGIN_DISABLED, message)
    query = (
        select(User, LoginProfile)
        .outerjoin(LoginProfile, LoginProfile.user_id == User.id)
        .where(User.account_id == account_id, User.name_key == name_key(name))
    )
    found = session.execute(query).one_or_none()
    user, profile = found or (None, None)
    matches = verify_password(profile.password_hash if profile else None, password)
    why = _refusal(user, profile, matches=matches)
    if user is None or why:
        # What was typed stays out of the log when nobody is called that: people type passwords into the name field.
        detail = why if user is None else f"user {user.name}: {why}"
        raise CredentialError(Reason.LOGIN_FAILED, "the user name or the password is wrong", detail)
    return user


def _refusal(user: User | None, profile: LoginProfile | None, *, matches: bool) -> str | None:
    if user is None:
        return "no such user"
    if profile is None:
        return "the user has no login profile"
    if not matches:
        return "wrong password"
    if profile.status != LoginProfileStatus.ACTIVE:
        return "the login profile is inactive"
    return None
