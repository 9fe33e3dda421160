"""Clearing away what expired, a few rows at a time and without waiting for anybody."""

from datetime import datetime
from functools import lru_cache

from sqlalchemy import bindparam, delete, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from gateway.store.direct import Source, Statement


def sweep_expired(
    source: Source,
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
    if isinstance(source, Session):
        source.flush()
    return _sweep(key, expires_at, at_most).run(source, now)


@lru_cache(maxsize=64)
def _sweep(key: InstrumentedAttribute[str], expires_at: InstrumentedAttribute[datetime], at_most: int) -> Statement:
    """Pure in its arguments; memoised because building a statement costs more than running it."""
    now = bindparam("now", type_=expires_at.type)
    expired = select(key).where(expires_at < now).limit(at_most).with_for_update(skip_locked=True)
    # The second condition spares a live row with the same key, where `key` is a part of the primary key only.
    sweep = delete(key.class_).where(key.in_(expired.scalar_subquery()), expires_at < now)
    return Statement(lambda _dialect: sweep, "now")
