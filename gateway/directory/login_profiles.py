"""Console passwords of RAM users: giving, changing and taking them. No profile, no password logon.

Rule: ram-limits §5, §6. Signing in with them is in `password_login.py`.

Setting a password has two halves. `prepare_password` checks it and hashes it, which takes tens of milliseconds, or a
second where old hashes have other salts: do it in `Store.reading()`, in a `HashingLimit.long_turn`. What it made is
written by `add_login_profile`, `update_login_profile` or `change_own_password`, which refuse it if the user got another
password meanwhile.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import ForeignKey, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from gateway.directory import ties
from gateway.directory.accounts import lock_account
from gateway.directory.login_attempts import clear_failures, forget_failures, user_attempt
from gateway.directory.password_history import last_hashes, newest_password_id, remember_password
from gateway.directory.password_policy import get_password_policy
from gateway.directory.passwords import PasswordPolicy, check_password_policy, hash_password, is_same_password
from gateway.directory.security_preference import SecurityPreference
from gateway.directory.unique import insert_unique
from gateway.directory.users import User
from gateway.errors import Conflict, InputError, NotFound, Reason
from gateway.secret import Secret
from gateway.store.base import Base

_GRACE = timedelta(days=7)  # whatever was changed so recently is not idle


class LoginProfileStatus(StrEnum):
    ACTIVE = "Active"
    INACTIVE = "Inactive"


class PasswordStatus(StrEnum):
    """Of the first password: the one that came with the profile, or with its being enabled again, until it is used."""

    NOT_INITIAL = "NotInitial"
    INITIAL_VALID = "InitialValid"
    INITIAL_EXPIRED = "InitialExpired"


class LoginProfile(Base):
    __tablename__ = "login_profiles"

    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"), primary_key=True)
    password_hash: Mapped[str]
    password_set_at: Mapped[datetime]
    password_used_at: Mapped[datetime | None]  # the last sign-in with a password; SSO does not count
    initial_since: Mapped[datetime | None]  # None once the password was used, or changed by the user
    password_reset_required: Mapped[bool]
    mfa_bind_required: Mapped[bool]
    status: Mapped[str]  # a LoginProfileStatus, as it was set; see `login_status`
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


@dataclass(frozen=True, slots=True)
class NewPassword:
    """A password that was checked and hashed, and waits to be written. Made by `prepare_password` only."""

    user_id: str
    password_hash: str
    after: int  # the password that it follows, see `password_history`


def prepare_password(session: Session, user: User, password: Secret, *, differs: bool = False) -> NewPassword:
    """Check a password that is to be a user's, and hash it. Slow.

    Refused: what the account's policy forbids; one of the user's last passwords, where it forbids that. `differs`: the
    present one in any case, as users who change their own must choose another, or a change that is required were none.
    Raises: InputError(PASSWORD_TOO_WEAK), InputError(PASSWORD_REUSED), subject "Password" in both.
    """
    policy = get_password_policy(session, user.account_id)
    check_password_policy(password, policy, user.name)
    after = newest_password_id(session, user.id)
    past = last_hashes(session, user.id)
    password_hash = hash_password(password, like=past[0] if past else None)
    count = max(policy.reuse_prevention, int(differs))
    if any(is_same_password(old, password_hash, password) for old in past[:count]):
        message = "the password was used before" if count > 1 else "the new password is the old one"
        raise InputError(Reason.PASSWORD_REUSED, message, subject="Password")
    return NewPassword(user.id, password_hash, after)


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
    """Prepare and add in one go, for set-up that keeps nobody waiting. Raises: as `prepare_password` and
    `add_login_profile`.
    """
    return add_login_profile(
        session,
        user,
        prepare_password(session, user, password),
        password_reset_required=password_reset_required,
        mfa_bind_required=mfa_bind_required,
        status=status,
        now=now,
    )


def add_login_profile(
    session: Session,
    user: User,
    password: NewPassword,
    *,
    password_reset_required: bool = False,
    mfa_bind_required: bool = False,
    status: LoginProfileStatus = LoginProfileStatus.ACTIVE,
    now: datetime,
) -> LoginProfile:
    """Let a user sign in by password.

    Raises: AlreadyExists, subject "User.LoginProfile"; NotFound, subject "User"; Conflict(CHANGED_MEANWHILE).
    """
    lock_account(session, user.account_id)
    ties.check_still_there(session, "User", user.id)
    profile = LoginProfile(
        user_id=user.id,
        password_hash=password.password_hash,
        password_set_at=now,
        initial_since=now,
        password_reset_required=password_reset_required,
        mfa_bind_required=mfa_bind_required,
        status=status,
        created_at=now,
        updated_at=now,
    )
    insert_unique(session, profile, "User.LoginProfile")
    _check_follows(session, user, password)
    remember_password(session, user.id, password.password_hash, now)
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
    password: NewPassword | None = None,
    password_reset_required: bool | None = None,
    mfa_bind_required: bool | None = None,
    status: LoginProfileStatus | None = None,
    now: datetime,
) -> LoginProfile:
    """Change what is given, as an administrator; None leaves a thing as it is.

    A new password ends a lockout of the user's name; who had the old one should be signed out
    (`sts.sessions.end_sessions_of_user`). Enabling makes the password a first one again.
    Raises: NotFound, subject "User.LoginProfile"; Conflict(CHANGED_MEANWHILE).
    """
    lock_account(session, user.account_id)
    if password is not None:
        forget_failures(session, user_attempt(user.account_id, user.name))
    profile = _lock_profile(session, user)
    if password is not None:
        _set_password(session, user, profile, password, now)
        profile.initial_since = now if profile.initial_since is not None else None
    if password_reset_required is not None:
        profile.password_reset_required = password_reset_required
    if mfa_bind_required is not None:
        profile.mfa_bind_required = mfa_bind_required
    if status is not None:
        if status is LoginProfileStatus.ACTIVE and profile.status != status:
            profile.initial_since = now
        profile.status = status
    profile.updated_at = now
    session.flush()
    return profile


def change_own_password(session: Session, user: User, password: NewPassword, now: datetime) -> LoginProfile:
    """Change the password of a user that proved to know the present one (`password_login.py`), or was made to choose
    another after proving it.

    Afterwards no change is required any more, and the other browsers of the user should be signed out
    (`sts.sessions.end_sessions_of_user`). Of two changes at once, only the first is made.
    Raises: NotFound, subject "User.LoginProfile"; Throttled if the name was blocked meanwhile; Conflict(
    CHANGED_MEANWHILE) if the password was changed or disabled meanwhile.
    """
    # Locked in this order everywhere: account, failures, profile. A sign-in, which needs no account, is in it too.
    lock_account(session, user.account_id)
    clear_failures(session, user_attempt(user.account_id, user.name), now)
    profile = _lock_profile(session, user)
    if profile.status != LoginProfileStatus.ACTIVE:
        raise _changed_meanwhile()
    _set_password(session, user, profile, password, now)
    profile.password_reset_required = False
    profile.password_used_at = now
    profile.initial_since = None
    profile.updated_at = now
    session.flush()
    return profile


def delete_login_profile(session: Session, user: User) -> None:
    """Raises: NotFound, subject "User.LoginProfile"."""
    lock_account(session, user.account_id)
    session.delete(get_login_profile(session, user))
    session.flush()


def record_password_use(session: Session, user_id: str, now: datetime) -> None:
    """Remember that a user signed in with the password: it is no longer a first one, and nobody is idle."""
    session.execute(
        update(LoginProfile)
        .where(LoginProfile.user_id == user_id)
        .values(password_used_at=now, initial_since=None)
        .execution_options(synchronize_session=False)
    )


def login_status(profile: LoginProfile, preference: SecurityPreference, now: datetime) -> LoginProfileStatus:
    """Whether the profile lets anybody in: it was not disabled, and is not idle for longer than the account allows.

    Idle is who signed in with no password for `max_idle_days_for_users`; nothing that was changed in the last seven
    days is. Rule: ram-limits §3, §7. ASSUMPTION: it holds from the minute, not from the next day.
    """
    if profile.status != LoginProfileStatus.ACTIVE:
        return LoginProfileStatus.INACTIVE
    idle_from = (profile.password_used_at or profile.created_at) + timedelta(days=preference.max_idle_days_for_users)
    idle = now >= idle_from and now >= profile.updated_at + _GRACE
    return LoginProfileStatus.INACTIVE if idle else LoginProfileStatus.ACTIVE


def password_status(profile: LoginProfile, policy: PasswordPolicy, now: datetime) -> PasswordStatus:
    if profile.initial_since is None:
        return PasswordStatus.NOT_INITIAL
    age = timedelta(days=policy.initial_age_days)
    expired = policy.initial_age_days > 0 and now >= profile.initial_since + age
    return PasswordStatus.INITIAL_EXPIRED if expired else PasswordStatus.INITIAL_VALID


def _lock_profile(session: Session, user: User) -> LoginProfile:
    profile = session.get(LoginProfile, user.id, with_for_update=True, populate_existing=True)
    return profile or get_login_profile(session, user)


def _set_password(session: Session, user: User, profile: LoginProfile, password: NewPassword, now: datetime) -> None:
    _check_follows(session, user, password)
    profile.password_hash = password.password_hash
    profile.password_set_at = now
    remember_password(session, user.id, password.password_hash, now)


def _check_follows(session: Session, user: User, password: NewPassword) -> None:
    if password.user_id != user.id or newest_password_id(session, user.id) != password.after:
        raise _changed_meanwhile()


def _changed_meanwhile() -> Conflict:
    message = "the password was changed at the same moment: sign in with the new one, or try again"
    return Conflict(Reason.CHANGED_MEANWHILE, message, subject="User.LoginProfile")
