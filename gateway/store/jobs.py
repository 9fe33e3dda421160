"""Work that is done by the clock: which job is due, and who does it. Of several processes one gets each turn."""

from datetime import datetime, timedelta

from sqlalchemy import CursorResult, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from gateway.store.base import Base
from gateway.store.once import insert_once


class JobRow(Base):
    __tablename__ = "jobs"

    name: Mapped[str] = mapped_column(primary_key=True)
    due_at: Mapped[datetime]


def take_turn(session: Session, name: str, every: timedelta, now: datetime) -> bool:
    """Whether the job is due and the caller is to do it now; the next turn comes after `every`.

    A job that was never heard of is due at once. What a killed process had begun is done at the next turn.
    """
    if insert_once(session, JobRow, {"name": name, "due_at": now + every}):
        return True
    taken = session.execute(
        update(JobRow)
        .where(JobRow.name == name, JobRow.due_at <= now)
        .values(due_at=now + every)
        .execution_options(synchronize_session=False)
    )
    assert isinstance(taken, CursorResult)
    return taken.rowcount == 1


def is_due(session: Session, name: str, now: datetime) -> bool:
    """Whether there may be a turn to take: read without the write lock."""
    row = session.get(JobRow, name)
    return row is None or row.due_at <= now
