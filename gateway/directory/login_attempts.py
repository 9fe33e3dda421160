"""A brake on guessing passwords: failures in a row with one name, and the wait they cost.

The first four failures cost nothing; each one from the fifth on makes the next attempt wait: 1, 2, 4 ... 60 seconds.
No block is longer than that, and attempts during a block do not prolong it: the owner is the way back in when company
sign-in is broken, and must not be shut out. Names that nobody has are counted like those that somebody has, so that
the brake tells nothing about who exists.
"""

from datetime import datetime, timedelta
from math import ceil
from typing import NewType

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from gateway.directory.names import name_key
from gateway.errors import Reason, Throttled
from gateway.store.base import Base
from gateway.store.hashed_key import hash_key
from gateway.store.once import insert_or_lock
from gateway.store.sweep import sweep_expired

BLOCKING_FROM = 5  # failures in a row: the fifth is the first that costs a wait
LONGEST_BLOCK = timedelta(seconds=60)
FORGOTTEN_AFTER = timedelta(minutes=15)  # since the last failure
MOST_ROWS = 20_000
_EVICTED_AT_ONCE = 100
_DOUBLINGS = 6  # 2 ** 6 seconds are more than the longest block

AttemptKey = NewType("AttemptKey", str)


class LoginAttempts(Base):
    __tablename__ = "login_attempts"

    key_hash: Mapped[str] = mapped_column(primary_key=True)
    failures: Mapped[int]  # in a row
    blocked_until: Mapped[datetime]  # in the past while failures are free
    expires_at: Mapped[datetime] = mapped_column(index=True)


def owner_attempt(login: str) -> AttemptKey:
    """What attempts with this owner login are counted under, whether or not there is such an owner."""
    return _hash("owner", login.lower())


def user_attempt(account_id: str, name: str) -> AttemptKey:
    """What attempts with this user name are counted under. Texts that can't be anybody's name count as one."""
    return _hash("user", f"{account_id}\0{name_key(name)}")


def check_not_blocked(session: Session, key: AttemptKey, now: datetime) -> None:
    """Refuse an attempt that comes too early. Call it before a password is hashed.

    Raises: Throttled(LOGIN_THROTTLED).
    """
    _check(session.get(LoginAttempts, key), now)


def count_failure(session: Session, key: AttemptKey, now: datetime) -> None:
    """Count a wrong password. One that was tried beside others, and comes in when they have blocked the name, does
    not count and is refused like any attempt during the block.

    Raises: Throttled(LOGIN_THROTTLED).
    """
    fresh = {"key_hash": key, "failures": 0, "blocked_until": now, "expires_at": now + FORGOTTEN_AFTER}
    # This row is locked before any other: two transactions that sweep can't wait for each other.
    row = insert_or_lock(session, LoginAttempts, fresh)
    _check(row, now)
    row.failures = row.failures + 1 if now < row.expires_at else 1
    row.blocked_until = now + _block_after(row.failures)
    row.expires_at = now + FORGOTTEN_AFTER
    session.flush()
    sweep_expired(session, LoginAttempts.key_hash, LoginAttempts.expires_at, now)
    _evict(session)


def clear_failures(session: Session, key: AttemptKey, now: datetime) -> None:
    """Forget the failures: the password was right. Call it in the transaction that signs in.

    A right password that was tried beside wrong ones, and comes in when they have blocked the name, is refused:
    else a hundred guesses sent at once would be worth a hundred guesses.
    Raises: Throttled(LOGIN_THROTTLED).
    """
    row = session.get(LoginAttempts, key, with_for_update=True, populate_existing=True)
    _check(row, now)
    if row is not None:
        session.delete(row)


def _check(row: LoginAttempts | None, now: datetime) -> None:
    remaining = row.blocked_until - now if row is not None else timedelta(0)
    # INVARIANT: a block further away than the longest was made by a clock that has been set back since. It is void.
    if timedelta(0) < remaining <= LONGEST_BLOCK:
        seconds = ceil(remaining.total_seconds())
        wait = f"{seconds} seconds" if seconds > 1 else "1 second"
        message = f"too many sign-ins with this name failed: wait {wait}, then try again"
        raise Throttled(Reason.LOGIN_THROTTLED, message, "the name is blocked", retry_after_s=seconds)


def _block_after(failures: int) -> timedelta:
    if failures < BLOCKING_FROM:
        return timedelta(0)
    return min(timedelta(seconds=2 ** min(failures - BLOCKING_FROM, _DOUBLINGS)), LONGEST_BLOCK)


def _evict(session: Session) -> None:
    """Keep the table bounded under a flood of names: what failed longest ago is forgotten first.

    To have the free failures back, somebody must fail with thousands of other names, and pay their hashing.
    """
    if (session.scalar(select(func.count()).select_from(LoginAttempts)) or 0) <= MOST_ROWS:
        return
    oldest = (
        select(LoginAttempts.key_hash)
        .order_by(LoginAttempts.expires_at)
        .limit(_EVICTED_AT_ONCE)
        .with_for_update(skip_locked=True)
    )
    session.execute(
        delete(LoginAttempts).where(LoginAttempts.key_hash.in_(oldest.scalar_subquery())),
        execution_options={"synchronize_session": False},
    )


def _hash(kind: str, name: str) -> AttemptKey:
    return AttemptKey(hash_key(f"{kind}\0{name}"))
