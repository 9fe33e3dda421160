"""What accounts are told of things that lapse: a row for each thing, date and number of days, so that it is told once.

A thing is news when it has 90, 30, 7 and 1 day left. What first comes into sight with fewer days left is told at the
next lower number only. What lapsed within the past week while nobody was there to tell it is told late rather than
never, as with 1 day.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, delete, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from gateway.directory.expiry import DatedThing
from gateway.store.base import Base
from gateway.store.once import insert_once

THRESHOLDS_DAYS = (90, 30, 7, 1)
TOLD_LATE = timedelta(days=7)
_KEPT = timedelta(days=60)  # after the date: longer than anything is told late


class NoticeState(StrEnum):
    WAITING = "waiting"
    TOLD = "told"
    VOID = "void"  # overtaken before it was told: the thing was renewed, or has fewer days left by now


class ExpiryNotice(Base):
    __tablename__ = "expiry_notices"
    __table_args__ = (Index(None, "state", "account_id"),)

    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"), primary_key=True)  # who is told
    event_id: Mapped[str] = mapped_column(primary_key=True)  # see `DatedThing.event_id`
    kind: Mapped[str]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    threshold_days: Mapped[int]
    state: Mapped[str]
    made_at: Mapped[datetime]


def threshold_of(thing: DatedThing, now: datetime) -> int | None:
    """The lowest number of days that the thing has come down to; None if it has more left, or lapsed long ago."""
    left = thing.expires_at - now
    if left <= -TOLD_LATE:
        return None
    reached = [days for days in THRESHOLDS_DAYS if left <= timedelta(days=days)]
    return reached[-1] if reached else None


def plan_notices(session: Session, account_id: str, things: Iterable[DatedThing], now: datetime) -> int:
    """Note what the account is to be told, each thing once per threshold; how much of it is new."""
    new = 0
    for thing in things:
        days = threshold_of(thing, now)
        if days is not None:
            new += insert_once(
                session,
                ExpiryNotice,
                {
                    "account_id": account_id,
                    "event_id": thing.event_id(days),
                    "kind": thing.kind.value,
                    "expires_at": thing.expires_at,
                    "threshold_days": days,
                    "state": NoticeState.WAITING.value,
                    "made_at": now,
                },
            )
    return new


def known_events(session: Session, account_id: str, event_ids: Sequence[str]) -> set[str]:
    """Those that were noted before, so that nobody takes the write lock for nothing."""
    query = select(ExpiryNotice.event_id).where(
        ExpiryNotice.account_id == account_id, ExpiryNotice.event_id.in_(event_ids)
    )
    return set(session.scalars(query))


def waiting_notices(session: Session, account_id: str, at_most: int) -> Sequence[ExpiryNotice]:
    """The most urgent ones first."""
    query = (
        select(ExpiryNotice)
        .where(ExpiryNotice.state == NoticeState.WAITING.value, ExpiryNotice.account_id == account_id)
        .order_by(ExpiryNotice.expires_at, ExpiryNotice.event_id)
        .limit(at_most)
    )
    return session.scalars(query).all()


def settle_notices(session: Session, account_id: str, event_ids: Sequence[str], state: NoticeState) -> None:
    """From now on they are told, or void."""
    if event_ids:
        session.execute(
            update(ExpiryNotice)
            .where(ExpiryNotice.account_id == account_id, ExpiryNotice.event_id.in_(event_ids))
            .values(state=state.value)
            .execution_options(synchronize_session=False)
        )


def forget_old_notices(session: Session, now: datetime) -> None:
    """Delete what is about dates long past, which nobody can be told any more."""
    session.execute(
        delete(ExpiryNotice).where(ExpiryNotice.expires_at < now - _KEPT).execution_options(synchronize_session=False)
    )
