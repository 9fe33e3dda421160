"""Clearing away what expired, a few rows at a time and without waiting for anybody."""

from datetime import datetime

from sqlalchemy import CursorResult, delete, select
from sqlalchemy.orm import InstrumentedAttribute, Session


def sweep_expired(
    session: Session,
    key: InstrumentedAttribute[str],
    expires_at: InstrumentedAttribute[datetime],
    now: datetime,
    *,
    at_most: int = 100,
) -> int:
    """Delete up to `at_most` rows whose `expires_at` lies before `now`; how many there were.

    Called by whoever adds a row, so that a table is never much larger than what is alive in it. Rows that
    another transaction is deleting are skipped rather than waited for (SQLite has only one writer anyway).
    """
    expired = select(key).where(expires_at < now).limit(at_most).with_for_update(skip_locked=True)
    swept = session.execute(
        # The second condition spares a live row with the same key, where `key` is a part of the primary key only.
        delete(key.class_).where(key.in_(expired.scalar_subquery()), expires_at < now),
        execution_options={"synchronize_session": False},
    )
    assert isinstance(swept, CursorResult)
    return swept.rowcount
