"""The live browser sessions of an account, a page at a time, the newest first."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session

from gateway.errors import InputError, Reason
from gateway.keyring import KeyRing
from gateway.sts.sessions import BrowserSession, BrowserSessionRow, read_sessions

PAGE = 50
_EPOCH, _MICROSECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)
_LONGEST_INSTANT = 18


@dataclass(frozen=True, slots=True)
class LivePage:
    """Some of the sessions. `next_after` is the `after` of the next page; empty at the end of the list."""

    sessions: Sequence[BrowserSession]
    next_after: str


def list_live_sessions(session: Session, ring: KeyRing, account_id: str, now: datetime, after: str = "") -> LivePage:
    """Up to 50 rows of the account's index, less those whose sessions were called back.

    Raises: InputError(PARAMETER_INVALID) for an `after` that no page gave.
    """
    query = (
        select(BrowserSessionRow.handle_hash, BrowserSessionRow.created_at, BrowserSessionRow.session_id)
        .where(
            BrowserSessionRow.account_id == account_id,
            BrowserSessionRow.ended_at.is_(None),
            BrowserSessionRow.expires_at > now,
        )
        .order_by(BrowserSessionRow.created_at.desc(), BrowserSessionRow.session_id.desc())
        .limit(PAGE + 1)
    )
    if after:
        query = query.where(tuple_(BrowserSessionRow.created_at, BrowserSessionRow.session_id) < _read_after(after))
    rows = session.execute(query).all()
    found = read_sessions(session, ring, [row.handle_hash for row in rows[:PAGE]], now)
    last = rows[PAGE - 1] if len(rows) > PAGE else None
    next_after = "" if last is None else f"{(last.created_at - _EPOCH) // _MICROSECOND}_{last.session_id}"
    return LivePage(found, next_after)


def _read_after(after: str) -> tuple[datetime, str]:
    instant, _, session_id = after.partition("_")
    if not (0 < len(instant) <= _LONGEST_INSTANT and instant.isascii() and instant.isdigit()):
        raise InputError(Reason.PARAMETER_INVALID, "there is no such page of the list", subject="after")
    try:
        return _EPOCH + int(instant) * _MICROSECOND, session_id
    except OverflowError as exc:
        raise InputError(Reason.PARAMETER_INVALID, "there is no such page of the list", subject="after") from exc
