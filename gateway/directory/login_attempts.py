"""A brake on guessing passwords: failures in a row with one name, and the wait they cost.

The first four failures cost nothing; each one from the fifth on makes the next attempt wait: 1, 2, 4 ... 60 seconds.
No such block is longer than that, and attempts during a block do not prolong it: the owner is the way back in when
company sign-in is broken, and must not be shut out. Names that nobody has are counted like those that somebody has, so
that the brake tells nothing about who exists.

An account can ask for more (MaxLoginAttemps of its password policy): so many failures of a user's name within an hour
lock the name for an hour, whatever is typed then. Names that nobody has are locked in the same way. What was counted
for names that somebody has is never crowded out of the table.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil

from sqlalchemy import delete, func, literal, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from gateway.directory.names import name_key
from gateway.directory.password_policy import get_password_policy
from gateway.directory.users import User
from gateway.errors import Reason, Throttled
from gateway.store.base import Base
from gateway.store.hashed_key import hash_key
from gateway.store.once import insert_or_lock
from gateway.store.sweep import sweep_expired

BLOCKING_FROM = 5  # failures in a row: the fifth is the first that costs a wait
LONGEST_BLOCK = timedelta(seconds=60)
FORGOTTEN_AFTER = timedelta(minutes=15)  # since the last failure
LOCKED_FOR = timedelta(hours=1)  # and failures count for as long, where so many of them lock
MOST_ROWS = 20_000
_EVICTED_AT_ONCE = 100
_DOUBLINGS = 6  # 2 ** 6 seconds are more than the longest block


@dataclass(frozen=True, slots=True)
class Attempt:
    """Whose password is tried. Two spellings of a name are one."""

    key_hash: str
    account_id: str | None = None  # of a user; an owner has no policy
    name_key: str = ""


class LoginAttempts(Base):
    __tablename__ = "login_attempts"

    key_hash: Mapped[str] = mapped_column(primary_key=True)
    failures: Mapped[int]  # in a row
    blocked_until: Mapped[datetime]  # in the past while failures are free
    locked: Mapped[bool]  # the block is the lockout that the account asked for
    kept: Mapped[bool]  # somebody has this name: the row is not crowded out
    expires_at: Mapped[datetime] = mapped_column(index=True)


def owner_attempt(login: str) -> Attempt:
    """What attempts with this owner login are counted under, whether or not there is such an owner."""
    return Attempt(_hash("owner", login.lower()))


def user_attempt(account_id: str, name: str) -> Attempt:
    """What attempts with this user name are counted under. Texts that can't be anybody's name count as one."""
    key = name_key(name)
    return Attempt(_hash("user", f"{account_id}\0{key}"), account_id, key)


def check_not_blocked(session: Session, attempt: Attempt, now: datetime) -> None:
    """Refuse an attempt that comes too early. Call it before a password is hashed.

    Raises: Throttled with LOGIN_THROTTLED or LOGIN_LOCKED.
    """
    _check(session.get(LoginAttempts, attempt.key_hash), now)


def count_failure(session: Session, attempt: Attempt, now: datetime) -> None:
    """Count a wrong password. One that was tried beside others, and comes in when they have blocked the name, does
    not count and is refused like any attempt during the block.

    Raises: Throttled with LOGIN_THROTTLED or LOGIN_LOCKED.
    """
    fresh = {
        "key_hash": attempt.key_hash,
        "failures": 0,
        "blocked_until": now,
        "locked": False,
        "kept": False,
        "expires_at": now + FORGOTTEN_AFTER,
    }
    # This row is locked before any other: two transactions that sweep can't wait for each other.
    row = insert_or_lock(session, LoginAttempts, fresh)
    _check(row, now)
    locks_at = get_password_policy(session, attempt.account_id).max_login_attempts if attempt.account_id else 0
    row.failures = row.failures + 1 if now < row.expires_at else 1
    row.locked = 0 < locks_at <= row.failures
    row.kept = _is_somebody(session, attempt)
    row.blocked_until = now + (LOCKED_FOR if row.locked else _block_after(row.failures))
    row.expires_at = now + (LOCKED_FOR if locks_at else FORGOTTEN_AFTER)
    session.flush()
    sweep_expired(session, LoginAttempts.key_hash, LoginAttempts.expires_at, now)
    _evict(session)


def forget_failures(session: Session, attempt: Attempt) -> None:
    """Free a name, of a lockout too: its password was set anew."""
    row = session.get(LoginAttempts, attempt.key_hash, with_for_update=True, populate_existing=True)
    if row is not None:
        session.delete(row)
        session.flush()


def clear_failures(session: Session, attempt: Attempt, now: datetime) -> None:
    """Forget the failures: the password was right. Call it in the transaction that signs in.

    A right password that was tried beside wrong ones, and comes in when they have blocked the name, is refused:
    else a hundred guesses sent at once would be worth a hundred guesses.
    Raises: Throttled with LOGIN_THROTTLED or LOGIN_LOCKED.
    """
    row = session.get(LoginAttempts, attempt.key_hash, with_for_update=True, populate_existing=True)
    _check(row, now)
    if row is not None:
        session.delete(row)


def _check(row: LoginAttempts | None, now: datetime) -> None:
    if row is None:
        return
    remaining = row.blocked_until - now
    # INVARIANT: a block further away than the longest was made by a clock that has been set back since. It is void.
    if not timedelta(0) < remaining <= (LOCKED_FOR if row.locked else LONGEST_BLOCK):
        return
    seconds = ceil(remaining.total_seconds())
    if row.locked:
        message = f"too many sign-ins with this name failed: it is locked for {ceil(seconds / 60)} more minutes"
        raise Throttled(Reason.LOGIN_LOCKED, message, "the name is locked", retry_after_s=seconds)
    wait = f"{seconds} seconds" if seconds > 1 else "1 second"
    message = f"too many sign-ins with this name failed: wait {wait}, then try again"
    raise Throttled(Reason.LOGIN_THROTTLED, message, "the name is blocked", retry_after_s=seconds)


def _block_after(failures: int) -> timedelta:
    if failures < BLOCKING_FROM:
        return timedelta(0)
    return min(timedelta(seconds=2 ** min(failures - BLOCKING_FROM, _DOUBLINGS)), LONGEST_BLOCK)


def _evict(session: Session) -> None:
    """Keep the table bounded under a flood of names: what failed longest ago is forgotten first.

    To have the free failures of an owner, or of a name that nobody has, back, somebody must fail with thousands of
    other names, and pay their hashing. Users' rows stay: there are no more of them than users.
    """
    if (session.scalar(select(func.count()).select_from(LoginAttempts)) or 0) <= MOST_ROWS:
        return
    oldest = (
        select(LoginAttempts.key_hash)
        .where(LoginAttempts.kept.is_(False))
        .order_by(LoginAttempts.expires_at)
        .limit(_EVICTED_AT_ONCE)
        .with_for_update(skip_locked=True)
    )
    session.execute(
        delete(LoginAttempts).where(LoginAttempts.key_hash.in_(oldest.scalar_subquery())),
        execution_options={"synchronize_session": False},
    )


def _is_somebody(session: Session, attempt: Attempt) -> bool:
    query = select(literal(1)).where(User.account_id == attempt.account_id, User.name_key == attempt.name_key)
    return session.scalar(query) is not None


def _hash(kind: str, name: str) -> str:
    return hash_key(f"{kind}\0{name}")
