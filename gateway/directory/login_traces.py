"""Traces of company logins that failed, and of dry ones: kept for a week, redacted, for those whom they concern.

A trace belongs to one account and one provider of it. A message that concerns several accounts, since they registered
the same issuer, leaves one trace for each, about that account's own provider and nothing else. What names nobody's
provider belongs to no account: only the operator sees it, by the command line.

Anybody may send messages that fail, so what is kept is bounded per hour: for each provider and altogether, and apart
for what a stranger can't make up. A flood of garbage fills its own share and crowds nothing else out.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import ColumnElement, Index, and_, delete, func, literal, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from gateway.errors import NotFound, Reason
from gateway.store.base import Base, RowNumber
from gateway.store.paging import Page, Slice, cut

KEPT_FOR = timedelta(days=7)
MOST_PER_PROVIDER = 60  # an hour, for each kind of evidence
MOST_PER_HOUR = 240  # of all providers
_HOUR = timedelta(hours=1)
_SWEPT_AT_ONCE = 500
_NOBODY = ""


class TraceKind(StrEnum):
    FAILED = "failed"
    TEST = "test"


class Evidence(StrEnum):
    """How sure it is that the login was a real one."""

    PROVEN = "proven"  # the message is signed with a key of the provider
    BEGUN = "begun"  # the browser that came back had begun the login here; anybody can do that
    NONE = "none"  # anybody may have made the message up


class LoginTrace(Base):
    __tablename__ = "login_traces"
    __table_args__ = (
        Index(None, "provider_key", "evidence", "at"),
        Index(None, "evidence", "at"),
        Index(None, "account_id", "id"),
        Index(None, "provider_key", "id"),
    )

    id: Mapped[int] = mapped_column(RowNumber, primary_key=True)
    request_id: Mapped[str] = mapped_column(index=True)
    account_id: Mapped[str]  # empty: nobody's
    provider_key: Mapped[str]  # see `directory.provider_keys`; empty: nobody's
    kind: Mapped[str]
    consumer: Mapped[str]
    evidence: Mapped[str]
    reason: Mapped[str]  # empty for a dry login that would have worked
    body: Mapped[str]  # JSON, redacted: see `directory.trace_body`
    at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)


@dataclass(frozen=True, slots=True)
class NewTrace:
    request_id: str
    account_id: str
    provider_key: str
    kind: TraceKind
    consumer: str
    evidence: Evidence
    reason: str
    body: str
    at: datetime


def has_room(session: Session, provider_key: str, evidence: Evidence, now: datetime) -> bool:
    """Whether one more trace of a failed login is kept in this hour. Two bounded counts by index, and no lock: under
    a flood the bound may be passed by as many as come at the same moment.
    """
    since = now - _HOUR
    this_hour = and_(LoginTrace.evidence == evidence.value, LoginTrace.at > since)
    return (
        _count(session, and_(LoginTrace.provider_key == provider_key, this_hour), MOST_PER_PROVIDER) < MOST_PER_PROVIDER
        and _count(session, this_hour, MOST_PER_HOUR) < MOST_PER_HOUR
    )


def keep_trace(session: Session, trace: NewTrace) -> LoginTrace:
    """The caller has asked `has_room`, unless it is a dry login, which an administrator makes."""
    row = LoginTrace(
        request_id=trace.request_id,
        account_id=trace.account_id,
        provider_key=trace.provider_key,
        kind=trace.kind.value,
        consumer=trace.consumer,
        evidence=trace.evidence.value,
        reason=trace.reason,
        body=trace.body,
        at=trace.at,
        expires_at=trace.at + KEPT_FOR,
    )
    session.add(row)
    session.flush()
    return row


def get_traces(session: Session, account_id: str, request_id: str, now: datetime) -> Sequence[LoginTrace]:
    """What an account may know of one request: a trace for each of its providers that the message concerned.

    Raises: NotFound, subject "LoginTrace", for the traces of other accounts as for those that are not there.
    """
    query = (
        select(LoginTrace)
        .where(LoginTrace.request_id == request_id, LoginTrace.account_id == account_id, LoginTrace.expires_at > now)
        .order_by(LoginTrace.id)
        .limit(_SWEPT_AT_ONCE)
    )
    rows = session.scalars(query).all()
    if not rows or account_id == _NOBODY:
        raise _not_found()
    return rows


def all_traces_of(session: Session, request_id: str, now: datetime) -> Sequence[LoginTrace]:
    """For the operator: the traces of one request, whomever they concern. Raises: NotFound, subject "LoginTrace"."""
    query = select(LoginTrace).where(LoginTrace.request_id == request_id, LoginTrace.expires_at > now)
    rows = session.scalars(query.order_by(LoginTrace.id).limit(_SWEPT_AT_ONCE)).all()
    if not rows:
        raise _not_found()
    return rows


def page_traces(
    session: Session, page: Page, now: datetime, *, account_id: str | None = None, provider_key: str | None = None
) -> Slice[LoginTrace]:
    """The newest first. `page.after` is the number of the last trace seen; without `account_id` those of everybody."""
    query = select(LoginTrace).where(LoginTrace.expires_at > now)
    if account_id is not None:
        query = query.where(LoginTrace.account_id == account_id)
    if provider_key is not None:
        query = query.where(LoginTrace.provider_key == provider_key)
    if page.after:
        query = query.where(LoginTrace.id < _number(page.after))
    rows = session.scalars(query.order_by(LoginTrace.id.desc()).limit(page.size + 1)).all()
    return cut(rows, page, lambda row: str(row.id))


def sweep_traces(session: Session, now: datetime) -> int:
    """Delete up to 500 traces whose week is over; how many there were."""
    expired = select(LoginTrace.id).where(LoginTrace.expires_at <= now).limit(_SWEPT_AT_ONCE)
    rows = session.scalars(expired.with_for_update(skip_locked=True)).all()
    session.execute(delete(LoginTrace).where(LoginTrace.id.in_(rows)))
    return len(rows)


def delete_traces_of(session: Session, provider_key: str) -> None:
    """For whoever deletes the provider: a later one may get its number."""
    session.execute(delete(LoginTrace).where(LoginTrace.provider_key == provider_key))


def _count(session: Session, which: ColumnElement[bool], most: int) -> int:
    found = select(literal(1)).where(which).limit(most).subquery()
    return session.scalar(select(func.count()).select_from(found)) or 0


def _number(after: str) -> int:
    plain = after.isascii() and after.isdigit() and len(after) < 19  # noqa: PLR2004 - digits of a 64 bit number
    return int(after) if plain else 0


def _not_found() -> NotFound:
    return NotFound(Reason.NOT_FOUND, "there is no trace of this request", subject="LoginTrace")
