"""What a database holds of chains, as a stream: for a check of them, and for an export."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, false, or_, select
from sqlalchemy.orm import Session

from gateway.audit import batches, receipts
from gateway.audit.batches import DecisionBatch, batch_hash
from gateway.audit.chain import NOTHING_BEFORE, ChainHead, Head, micros
from gateway.audit.findings import Report
from gateway.audit.lanes import LAST_RECEIPT_LANE, digest_old_rows
from gateway.audit.notary import Notary, trusted_keys
from gateway.audit.receipts import ReceiptRow, receipt_hash
from gateway.audit.verify import Check, Heads, Start
from gateway.audit.walk import Entry

_AT_A_TIME = 500
_SEALS = ("hash", "signature")


@dataclass(frozen=True, slots=True)
class Stored:
    """An entry with all its columns in the order in which they are hashed, instants in microseconds."""

    values: tuple[Any, ...]
    hash: bytes
    signature: bytes


def our_keys(session: Session, notary: Notary) -> Mapping[str, bytes]:
    """The public keys to trust: those of the ring, and those that they vouch for."""
    return trusted_keys(session, {key.key_id: key.public for key in notary.keys})


def verify_database(
    session: Session, notary: Notary, *, since: datetime | None = None, noted: Heads | None = None
) -> Report:
    """Check every lane, or, with `since`, what is as old as that or younger."""
    if session.get_bind().dialect.name == "postgresql" and not session.in_transaction():
        # Or a head could move while its lane is walked. To be called first in a session where others write meanwhile.
        session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
    check = Check(our_keys(session, notary), noted or {}, partial=since is not None)
    if since is None:
        check.old_rows(digest_old_rows(session))
    else:
        for lane, start in _starts(session, since):
            check.begin_lane(lane, start)
    for stored in stored_receipts(session, since):
        check.receipt(receipt_entry(stored), *receipt_told(stored))
    for stored in stored_batches(session, since):
        check.decision_batch(batch_entry(stored), batch_records(stored))
    for head, key_id, code in stored_heads(session):
        check.head(head, ours=notary.is_head(head, key_id, code))
    return check.finish()


def stored_receipts(session: Session, since: datetime | None = None) -> Iterator[Stored]:
    """Lane by lane, each from its beginning. Memory does not grow with how many there are."""
    yield from _stored(session, ReceiptRow, receipts.HASHED, since)


def stored_batches(session: Session, since: datetime | None = None) -> Iterator[Stored]:
    yield from _stored(session, DecisionBatch, batches.HASHED, since)


def stored_heads(session: Session) -> Iterator[tuple[Head, str, bytes]]:
    for row in session.scalars(select(ChainHead).order_by(ChainHead.lane)):
        yield Head(row.lane, row.sequence, row.link), row.key_id, row.code


_RECEIPT = {name: place for place, name in enumerate(receipts.HASHED)}
_BATCH = {name: place for place, name in enumerate(batches.HASHED)}


def receipt_entry(stored: Stored) -> Entry:
    return _entry(stored, _RECEIPT, receipt_hash(stored.values))


def batch_entry(stored: Stored) -> Entry:
    return _entry(stored, _BATCH, batch_hash(stored.values))


def receipt_told(stored: Stored) -> tuple[str, str]:
    """Kind and details."""
    return stored.values[_RECEIPT["kind"]], stored.values[_RECEIPT["details"]]


def batch_records(stored: Stored) -> int:
    return int(stored.values[_BATCH["records"]])


def _entry(stored: Stored, places: Mapping[str, int], recomputed: bytes) -> Entry:
    values = stored.values
    return Entry(
        values[places["lane"]],
        values[places["sequence"]],
        values[places["previous"]],
        values[places["key_id"]],
        stored.hash,
        stored.signature,
        recomputed,
    )


def _stored(
    session: Session,
    table: type[ReceiptRow] | type[DecisionBatch],
    names: tuple[str, ...],
    since: datetime | None,
) -> Iterator[Stored]:
    columns = [getattr(table, name) for name in (*names, *_SEALS)]
    query = select(*columns).where(table.lane.is_not(None)).order_by(table.lane, table.sequence)
    if since is not None:
        after = (and_(table.lane == lane, table.sequence > start.sequence) for lane, start in _starts(session, since))
        query = query.where(or_(false(), *after))
    instants = [place for place, name in enumerate(names) if name in {"at", "first_at", "last_at"}]
    for row in session.execute(query, execution_options={"yield_per": _AT_A_TIME}):
        values = list(row[:-2])
        for place in instants:
            values[place] = micros(values[place])
        yield Stored(tuple(values), row[-2], row[-1])


def _starts(session: Session, since: datetime) -> Iterator[tuple[str, Start]]:
    """Where each lane has its first entry that is young enough; at its end where there is none."""
    for row in session.scalars(select(ChainHead).order_by(ChainHead.lane)):
        table = ReceiptRow if row.lane <= LAST_RECEIPT_LANE else DecisionBatch
        at = ReceiptRow.at if table is ReceiptRow else DecisionBatch.last_at
        young = select(table.sequence, table.previous).where(table.lane == row.lane, at >= since)
        first = session.execute(young.order_by(table.sequence).limit(1)).first()
        if first is None:
            yield row.lane, Start(row.sequence, row.link)
        else:
            sequence, previous = first
            assert sequence is not None, "an entry of a lane has its place"
            yield row.lane, Start(sequence - 1, previous or NOTHING_BEFORE)
