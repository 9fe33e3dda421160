"""Dry logins that an administrator began: armed, and caught when the answer comes. Nobody is signed in by one.

A test belongs to one administrator and one session of his. Its handle is in a cookie of the browser that began it,
which is how an answer is known to be the test's. What was caught is sealed, and kept for an hour at most.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import CursorResult, delete, or_, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from gateway.errors import CredentialError, NotFound, Reason
from gateway.ids import new_handle
from gateway.keyring import KeyRing
from gateway.secret import Secret
from gateway.store.base import Base
from gateway.store.hashed_key import hash_key
from gateway.store.sweep import sweep_expired

ARMED_FOR = timedelta(minutes=10)
CAUGHT_FOR = timedelta(hours=1)
PURPOSE = "connection-test"
_LEASE = timedelta(minutes=2)


class ConnectionTestRow(Base):
    __tablename__ = "connection_tests"

    id: Mapped[str] = mapped_column(primary_key=True)
    handle_hash: Mapped[str] = mapped_column(index=True)
    account_id: Mapped[str]
    provider_key: Mapped[str] = mapped_column(index=True)
    starter_hash: Mapped[str] = mapped_column(index=True)  # the administrator
    session_hash: Mapped[str]  # and the session it was begun in
    caught_at: Mapped[datetime | None]
    caught_by: Mapped[str]  # ID of the HTTP request that brought the answer; empty until then
    sealed: Mapped[bytes | None]
    busy_until: Mapped[datetime | None]  # an attack run is under way
    expires_at: Mapped[datetime] = mapped_column(index=True)


@dataclass(frozen=True, slots=True)
class Starter:
    """Whose test it is. `handle` is that of the administrator's browser session."""

    account_id: str
    principal_arn: str
    handle: str


@dataclass(frozen=True, slots=True)
class ConnectionTest:
    id: str
    account_id: str
    provider_key: str
    caught_at: datetime | None
    caught_by: str
    expires_at: datetime


def arm_test(session: Session, starter: Starter, provider_key: str, now: datetime) -> tuple[str, Secret]:
    """Begin a test; its id, and the handle for the cookie. Whatever the administrator tested before is forgotten."""
    sweep_expired(session, ConnectionTestRow.id, ConnectionTestRow.expires_at, now)
    session.execute(delete(ConnectionTestRow).where(ConnectionTestRow.starter_hash == _starter_hash(starter)))
    test_id, handle = new_handle(), new_handle()
    session.add(
        ConnectionTestRow(
            id=test_id,
            handle_hash=hash_key(handle),
            account_id=starter.account_id,
            provider_key=provider_key,
            starter_hash=_starter_hash(starter),
            session_hash=hash_key(starter.handle),
            caught_by="",
            expires_at=now + ARMED_FOR,
        )
    )
    session.flush()
    return test_id, Secret(handle)


def find_armed(session: Session, handle: str, now: datetime) -> ConnectionTest | None:
    """The test that waits for an answer in the browser with this cookie."""
    query = select(ConnectionTestRow).where(
        ConnectionTestRow.handle_hash == hash_key(handle),
        ConnectionTestRow.caught_at.is_(None),
        ConnectionTestRow.expires_at > now,
    )
    row = session.scalar(query)
    return None if row is None else _test(row)


def get_test(session: Session, starter: Starter, test_id: str, now: datetime) -> ConnectionTest:
    """Raises: NotFound, subject "ConnectionTest", for another administrator, and in another session of the same."""
    return _test(_get(session, starter, test_id, now))


def catch_answer(
    session: Session, ring: KeyRing, test_id: str, answer: bytes, *, caught_by: str, now: datetime
) -> bool:
    """Keep the answer, sealed; False if one was caught before, or the test is over."""
    caught = session.execute(
        update(ConnectionTestRow)
        .where(
            ConnectionTestRow.id == test_id, ConnectionTestRow.caught_at.is_(None), ConnectionTestRow.expires_at > now
        )
        .values(
            sealed=ring.seal(PURPOSE, answer, bound_to=test_id.encode()),
            caught_at=now,
            caught_by=caught_by,
            expires_at=now + CAUGHT_FOR,
        )
        .execution_options(synchronize_session=False)
    )
    assert isinstance(caught, CursorResult)
    return caught.rowcount == 1


def open_answer(session: Session, ring: KeyRing, starter: Starter, test_id: str, now: datetime) -> bytes:
    """What was caught. Raises: NotFound, subject "ConnectionTest", also if nothing was, or it can't be opened."""
    row = _get(session, starter, test_id, now)
    if row.sealed is None:
        raise _not_found()
    try:
        return ring.open(PURPOSE, row.sealed, bound_to=test_id.encode())
    except CredentialError as exc:
        raise _not_found() from exc


def begin_run(session: Session, starter: Starter, test_id: str, now: datetime) -> bool:
    """Whether the attacks may be run now: one run of an administrator at a time. A run that died frees itself."""
    _get(session, starter, test_id, now)
    begun = session.execute(
        update(ConnectionTestRow)
        .where(
            ConnectionTestRow.id == test_id,
            or_(ConnectionTestRow.busy_until.is_(None), ConnectionTestRow.busy_until <= now),
        )
        .values(busy_until=now + _LEASE)
        .execution_options(synchronize_session=False)
    )
    assert isinstance(begun, CursorResult)
    return begun.rowcount == 1


def end_run(session: Session, test_id: str) -> None:
    session.execute(update(ConnectionTestRow).where(ConnectionTestRow.id == test_id).values(busy_until=None))


def sweep_tests(session: Session, now: datetime) -> int:
    """Forget up to 100 tests that are over; how many there were."""
    return sweep_expired(session, ConnectionTestRow.id, ConnectionTestRow.expires_at, now)


def delete_tests_of(session: Session, provider_key: str) -> None:
    session.execute(delete(ConnectionTestRow).where(ConnectionTestRow.provider_key == provider_key))


def _get(session: Session, starter: Starter, test_id: str, now: datetime) -> ConnectionTestRow:
    row = session.get(ConnectionTestRow, test_id)
    mine = row is not None and (row.account_id, row.starter_hash, row.session_hash) == (
        starter.account_id,
        _starter_hash(starter),
        hash_key(starter.handle),
    )
    if row is None or not mine or now >= row.expires_at:
        raise _not_found()
    return row


def _test(row: ConnectionTestRow) -> ConnectionTest:
    return ConnectionTest(
        id=row.id,
        account_id=row.account_id,
        provider_key=row.provider_key,
        caught_at=row.caught_at,
        caught_by=row.caught_by,
        expires_at=row.expires_at,
    )


def _starter_hash(starter: Starter) -> str:
    return hash_key(f"{starter.account_id}\0{starter.principal_arn}")


def _not_found() -> NotFound:
    return NotFound(Reason.NOT_FOUND, "this test is over, or it was begun by somebody else", subject="ConnectionTest")
