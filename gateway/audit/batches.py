"""Decisions in the database: packed by the batch, sealed, chained and signed; read back in bulk.

A batch has the decisions of one account out of one file of the journal. What they have in common (who asked, on what
values, by which statement) stands there once, and each field of theirs in a column of its own: reading a record back
costs a few microseconds. Everything is sealed under the key ring, since it tells of persons; the chain and the
signatures are over what is stored, so that whoever has the public keys can check them without reading anything.
"""

import json
import zlib
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from sqlalchemy import BigInteger, Index, Table, bindparam, func, insert, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from gateway.audit.chain import Head, entry_hash, instant_of, link_of, micros
from gateway.audit.decisions import DecisionRecord, load_conditions, load_context, load_ref
from gateway.audit.lanes import move_head
from gateway.audit.notary import Notary, notary_of
from gateway.store.base import Base, RowNumber
from gateway.store.hashed_key import hash_key

_FORM = b"decisions 1"
_PURPOSE = "decision-batch"
_QUICK = 1  # the level of zlib
_BATCHES_AT_A_TIME = 50


class DecisionBatch(Base):
    __tablename__ = "decision_batches"
    __table_args__ = (
        Index("ix_decision_batches_lane_sequence", "lane", "sequence", unique=True),
        Index("ix_decision_batches_account_id_id", "account_id", "id"),
    )

    id: Mapped[int] = mapped_column(RowNumber, primary_key=True)
    lane: Mapped[str]
    sequence: Mapped[int] = mapped_column(BigInteger)
    file: Mapped[int]  # of the lane: each is packed once
    account_id: Mapped[str]
    first_at: Mapped[datetime]
    last_at: Mapped[datetime] = mapped_column(index=True)
    records: Mapped[int]
    payload: Mapped[bytes]
    previous: Mapped[bytes]
    key_id: Mapped[str]
    hash: Mapped[bytes]
    signature: Mapped[bytes]


class DecisionRequest(Base):
    """Where the decisions of a request are: a help for finding them, that proves nothing."""

    __tablename__ = "decision_requests"

    request_key: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    batch_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, index=True)


_ADD_REQUESTS = insert(cast("Table", DecisionRequest.__table__))
HASHED = (
    "id",
    "lane",
    "sequence",
    "file",
    "account_id",
    "first_at",
    "last_at",
    "records",
    "payload",
    "previous",
    "key_id",
)


def batch_hash(values: Sequence[Any]) -> bytes:
    """Over the columns of `HASHED`, with instants in microseconds."""
    return entry_hash(_FORM, values)


@dataclass(frozen=True, slots=True)
class DecisionPage:
    """`after` goes into the next call; None after the last page."""

    records: Sequence[DecisionRecord]
    after: int | None


def read_decisions(
    session: Session,
    account_id: str,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    after: int | None = None,
    limit: int = 10_000,
) -> DecisionPage:
    """Decisions of an account in the order in which they were packed, about as they were made: at least `limit` of
    them if there are, since batches are not cut up.

    `since` is inclusive, `until` is not. A decision is found here some two seconds after it was made.
    """
    found: list[DecisionRecord] = []
    last = after
    for row_id, records in iterate_decisions(session, account_id, since=since, until=until, after=after):
        found.extend(records)
        last = row_id
        if len(found) >= limit:
            return DecisionPage(found, last)
    return DecisionPage(found, None)


def iterate_decisions(
    session: Session,
    account_id: str,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    after: int | None = None,
) -> Iterator[tuple[int, Sequence[DecisionRecord]]]:
    """The same batch by batch, each with its number, which can be given as `after`."""
    notary = notary_of(session)
    query = (
        select(DecisionBatch)
        .where(DecisionBatch.account_id == account_id, DecisionBatch.id > bindparam("after"))
        .order_by(DecisionBatch.id)
        .limit(_BATCHES_AT_A_TIME)
    )
    if since is not None:
        query = query.where(DecisionBatch.last_at >= since)
    if until is not None:
        query = query.where(DecisionBatch.first_at < until)
    last = after or 0
    while rows := session.scalars(query, {"after": last}).all():  # a cursor would stay open where the reader stops
        for row in rows:
            records = open_batch(row, notary)
            if (since is not None and row.first_at < since) or (until is not None and row.last_at >= until):
                records = [
                    each
                    for each in records
                    if (since is None or each.at >= since) and (until is None or each.at < until)
                ]
            yield row.id, records
        last = rows[-1].id


def find_decisions(session: Session, request_id: str) -> Sequence[DecisionRecord]:
    """Those of one request, from the database. One indexed query, and a batch or two."""
    batches = select(DecisionRequest.batch_id).where(DecisionRequest.request_key == request_key(request_id))
    rows = session.scalars(select(DecisionBatch).where(DecisionBatch.id.in_(batches)).order_by(DecisionBatch.id))
    notary = notary_of(session)
    return [each for row in rows for each in open_batch(row, notary) if each.request_id == request_id]


def open_batch(row: DecisionBatch, notary: Notary) -> list[DecisionRecord]:
    """Raises: CredentialError(TOKEN_MALFORMED) for one that was changed, or whose key has left the ring."""
    sealed = notary.ring.open(_PURPOSE, row.payload, _place(row.lane, row.sequence, row.account_id))
    return decode(zlib.decompress(sealed), row.account_id)


def add_batch(session: Session, notary: Notary, head: Head, file: int, entries: Sequence[Sequence[Any]]) -> Head:
    """Append what one account has in a file of the journal, as `json.loads` gives it; the new head."""
    account_id: str = entries[0][2][0]
    sequence = head.sequence + 1
    text = json.dumps(encode(entries), separators=(",", ":"), check_circular=False).encode("ascii")
    payload = notary.ring.seal(_PURPOSE, zlib.compress(text, _QUICK), _place(head.lane, sequence, account_id))
    moments = [entry[0] for entry in entries]
    row_id = _next_id(session)
    values = {
        "id": row_id,
        "lane": head.lane,
        "sequence": sequence,
        "file": file,
        "account_id": account_id,
        "first_at": instant_of(min(moments)),
        "last_at": instant_of(max(moments)),
        "records": len(entries),
        "payload": payload,
        "previous": head.link,
        "key_id": notary.key.key_id,
    }
    hashed = batch_hash([micros(value) if isinstance(value, datetime) else value for value in values.values()])
    signature = notary.key.sign(hashed)
    session.execute(insert(DecisionBatch).values(**values, hash=hashed, signature=signature))
    keys = {request_key(entry[1]) for entry in entries}
    session.execute(_ADD_REQUESTS, [{"request_key": key, "batch_id": row_id} for key in sorted(keys)])
    moved = Head(head.lane, sequence, link_of(hashed, signature))
    move_head(session, notary, moved)
    return moved


def request_key(request_id: str) -> int:
    """63 bits of a request ID."""
    try:
        return UUID(request_id).int >> 65
    except ValueError:
        return int(hash_key(request_id)[:16], 16) >> 1


# The fields of an entry, as `decisions.dump` has them: which are kept as they are, and which once per batch.
_AT, _REQUEST, _WHO, _OPERATION, _ACTION, _RESOURCE, _CONTEXT = range(7)
_OUTCOME, _LAYER, _REF, _NEAREST, _MET, _REASON = range(7, 13)
_AS_THEY_ARE = (_AT, _REQUEST)
_TEXTS = (_OPERATION, _ACTION, _RESOURCE, _OUTCOME, _LAYER, _REASON)


def encode(entries: Sequence[Sequence[Any]]) -> Mapping[str, Any]:
    """A column for each field; fields that repeat are numbers into a table of their values."""
    columns: list[list[Any]] = []
    tables: list[list[Any] | None] = []
    for place, column in enumerate(zip(*entries, strict=True)):
        if place in _AS_THEY_ARE:
            columns.append(list(column))
            tables.append(None)
            continue
        numbers: dict[Hashable, int] = {}
        table: list[Any] = []
        numbered: list[int] = []
        for value in column:
            key = value if isinstance(value, str) or value is None else _key_of(value)
            number = numbers.get(key)
            if number is None:
                number = numbers[key] = len(table)
                table.append(value)
            numbered.append(number)
        columns.append(numbered)
        tables.append(table)
    return {"columns": columns, "tables": tables}


def _key_of(value: Any) -> Hashable:
    """Equal for equal values: flat lists are compared as they are, others by their text."""
    return (
        tuple(value) if isinstance(value, list) and not any(isinstance(each, list) for each in value) else repr(value)
    )


def decode(text: bytes, account_id: str) -> list[DecisionRecord]:
    """What `encode` made of the decisions of one account."""
    packed = json.loads(text)
    columns, tables = packed["columns"], packed["tables"]
    whole: list[list[Any]] = []
    for place, column in enumerate(columns):
        table = tables[place]
        if place == _AT:
            whole.append([instant_of(moment) for moment in column])
        elif table is None:
            whole.append(column)
        else:
            values = [_LOADERS[place](value) for value in table] if place in _LOADERS else table
            whole.append([values[number] for number in column])
    make: Callable[..., DecisionRecord] = DecisionRecord
    return [make(at, request, account_id, *who, *rest) for at, request, who, *rest in zip(*whole, strict=True)]


_LOADERS: Mapping[int, Any] = {
    _WHO: lambda who: tuple(who[1:]),
    _CONTEXT: load_context,
    _REF: load_ref,
    _NEAREST: load_ref,
    _MET: load_conditions,
}


def by_account(entries: Iterable[bytes]) -> Iterator[list[Sequence[Any]]]:
    """Entries of a journal, read, those of each account together."""
    found: dict[str, list[Sequence[Any]]] = {}
    for text in entries:
        entry = json.loads(text)
        found.setdefault(entry[_WHO][0], []).append(entry)
    yield from found.values()


def _place(lane: str, sequence: int, account_id: str) -> bytes:
    return f"{lane}/{sequence}/{account_id}".encode()


def _next_id(session: Session) -> int:
    if session.get_bind().dialect.name == "postgresql":
        return int(session.scalar(select(func.nextval(func.pg_get_serial_sequence("decision_batches", "id")))) or 0)
    return int(session.scalar(select(func.coalesce(func.max(DecisionBatch.id), 0))) or 0) + 1
