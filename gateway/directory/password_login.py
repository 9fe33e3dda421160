"""Signing in with a password as a RAM user: the check, and what a page has to do about its outcome.

1. `guarded_check(..., user_attempt(...), lambda session: check_user_password(session, ...))` checks the password while
   nothing is locked, and counts a wrong one. Every refusal is a CredentialError, to be shown as it is.
2. The outcome is a `PasswordLogin`. Its `must_change` says that nobody may be signed in with this password; the page
   asks for a new one, calls `prepare_own_password` in a `long_turn` while reading, then
   `login_profiles.change_own_password` in the transaction that signs in.
3. Further steps (second factor) may take minutes, and other requests: they keep `user.id` and `password_id`.
4. The transaction that opens the session calls `login_attempts.clear_failures`, then `use_password`, which refuses what
   was changed or disabled since the check. In a transaction that calls `change_own_password`, that stands for both.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from gateway.directory.login_profiles import (
    LoginProfile,
    LoginProfileStatus,
    NewPassword,
    PasswordStatus,
    login_status,
    password_status,
    prepare_password,
    record_password_use,
)
from gateway.directory.names import name_key
from gateway.directory.password_history import newest_password_id
from gateway.directory.password_policy import get_password_policy
from gateway.directory.passwords import PasswordPolicy, verify_password
from gateway.directory.security_preference import SecurityPreference, get_security_preference
from gateway.directory.user_sso import passwords_are_off
from gateway.directory.users import User
from gateway.errors import CredentialError, Reason
from gateway.secret import Secret


class MustChange(StrEnum):
    """Why a right password signs nobody in before another is chosen."""

    RESET_REQUIRED = "ResetRequired"  # an administrator asked for it
    EXPIRED = "Expired"  # older than the account's policy allows


@dataclass(frozen=True, slots=True)
class PasswordLogin:
    """Somebody knows this user's password."""

    user: User
    password_id: int  # which password; may be kept over several requests
    must_change: MustChange | None
    mfa_bind_required: bool  # the login profile asks for a second factor


def check_user_password(session: Session, account_id: str, name: str, password: Secret, now: datetime) -> PasswordLogin:
    """The user whose password this is, and whether the password is still good for signing in.

    While user SSO is on, every name and every password gets the same PASSWORD_LOGIN_DISABLED before anything is
    looked up: it tells no more than the login page, which offers the company login to everybody. Else an unknown
    user, a user without a profile, a disabled profile and a wrong password get the same refusal at the same effort;
    only `detail` says which. Whoever knows the password is told why it does not help.
    Hashing takes tens of milliseconds: call it in `Store.reading()`, not while holding a write lock.
    Raises: CredentialError with PASSWORD_LOGIN_DISABLED, LOGIN_FAILED, LOGIN_IDLE (not signed in for too long: an
    administrator must enable the profile) or PASSWORD_EXPIRED (too old, and the policy says that is final; or a first
    password that was not used in time: an administrator must set another).
    """
    check_passwords_are_on(session, account_id)
    user, profile = _find(session, account_id, name)
    password_id = 0 if user is None else newest_password_id(session, user.id)
    policy, preference = get_password_policy(session, account_id), get_security_preference(session, account_id)
    matches = verify_password(profile.password_hash if profile else None, password)
    why = _refusal(user, profile, matches=matches)
    if user is None or profile is None or why:
        # What was typed stays out of the log when nobody is called that: people type passwords into the name field.
        detail = why if user is None else f"user {user.name}: {why}"
        raise CredentialError(Reason.LOGIN_FAILED, "the user name or the password is wrong", detail)
    return PasswordLogin(
        user, password_id, _standing(user, profile, policy, preference, now), profile.mfa_bind_required
    )


def check_passwords_are_on(session: Session, account_id: str) -> None:
    """Raises: CredentialError(PASSWORD_LOGIN_DISABLED) while the account's users sign in through their company."""
    if passwords_are_off(session, account_id):
        message = "users of this account sign in through their company"
        raise CredentialError(Reason.PASSWORD_LOGIN_DISABLED, message)


def prepare_own_password(session: Session, user: User, password_id: int, password: Secret) -> NewPassword:
    """The new password of somebody who proved to know the one called `password_id`. Slow.

    Raises: as `prepare_password`; the password that is to be changed is refused like one that was used before.
    """
    return replace(prepare_password(session, user, password, differs=True), after=password_id)


def use_password(session: Session, user_id: str, password_id: int, now: datetime) -> None:
    """Sign in: remember the use of the password, unless it was changed, or the profile disabled, since it was checked.

    `password_id` of the `PasswordLogin`. The profile is locked until the transaction ends: a change that comes in now
    waits, and then sees the session that was opened.
    Raises: CredentialError(LOGIN_FAILED).
    """
    profile = session.get(LoginProfile, user_id, with_for_update=True, populate_existing=True)
    changed = profile is None or newest_password_id(session, user_id) != password_id
    if profile is None or changed or profile.status != LoginProfileStatus.ACTIVE:
        detail = "the password was changed, or disabled, while it was used"
        raise CredentialError(Reason.LOGIN_FAILED, "the user name or the password is wrong", detail)
    record_password_use(session, user_id, now)


def _find(session: Session, account_id: str, name: str) -> tuple[User, LoginProfile | None] | tuple[None, None]:
    query = (
        select(User, LoginProfile)
        .outerjoin(LoginProfile, LoginProfile.user_id == User.id)
        .where(User.account_id == account_id, User.name_key == name_key(name))
    )
    found = session.execute(query).one_or_none()
    return (None, None) if found is None else (found[0], found[1])


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


def _standing(
    user: User, profile: LoginProfile, policy: PasswordPolicy, preference: SecurityPreference, now: datetime
) -> MustChange | None:
    """Raises: CredentialError(LOGIN_IDLE), CredentialError(PASSWORD_EXPIRED)."""
    if login_status(profile, preference, now) is not LoginProfileStatus.ACTIVE:
        days = preference.max_idle_days_for_users
        message = f"this user has not signed in for {days} days and can't any more: an administrator must enable it"
        raise CredentialError(Reason.LOGIN_IDLE, message, f"user {user.name}: idle")
    too_old = policy.max_age_days > 0 and now >= profile.password_set_at + timedelta(days=policy.max_age_days)
    if password_status(profile, policy, now) is PasswordStatus.INITIAL_EXPIRED or (too_old and policy.hard_expire):
        message = "the password has expired: an administrator must set a new one"
        raise CredentialError(Reason.PASSWORD_EXPIRED, message, f"user {user.name}: expired")
    if profile.password_reset_required:
        return MustChange.RESET_REQUIRED
    return MustChange.EXPIRED if too_old else None
