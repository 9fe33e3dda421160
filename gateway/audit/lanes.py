"""The lanes of receipts: which one a transaction appends to, and what there was before there were lanes.

SQLite has one writer, and one lane. On PostgreSQL a transaction takes a lane that nobody else holds at the moment, so
that it does not wait for another one because of its receipts; the row of the head is locked until it ends, and a
transaction that is rolled back leaves the lane as it was. Rule: decision 0020.
"""

import hashlib
import threading
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import BigInteger, Table, bindparam, column, func, select, table, update
from sqlalchemy.orm import Session

from gateway.audit.chain import NOTHING_BEFORE, ChainHead, Head, entry_hash, micros
from gateway.audit.notary import Notary
from gateway.store.base import UtcDateTime
from gateway.store.direct import Direct, Source, Statement
from gateway.store.once import insert_once_statement

POSTGRES_LANES = 64  # more than there are connections of a few processes that write at a time
LAST_RECEIPT_LANE = "99"  # lanes of decisions come after it

_OLD_COLUMNS = ("id", "at", "request_id", "account_id", "kind", "principal_arn", "outcome", "reason", "details")
# By its name: the table's own module knows this one.
_RECEIPTS = table("receipts", column("lane"), column("id"), column("at", UtcDateTime()), *map(column, _OLD_COLUMNS[2:]))


@dataclass(frozen=True, slots=True)
class Place:
    """Where the next receipt goes, and the number of its row."""

    head: Head
    row_id: int


@dataclass(frozen=True, slots=True)
class OldRows:
    """The receipts from before there were lanes, as the first entry of the first lane seals them."""

    count: int
    digest: str  # hex


def lane_name(number: int) -> str:
    return f"{number:02}"


def lane_names(dialect: str) -> tuple[str, ...]:
    return tuple(map(lane_name, range(POSTGRES_LANES if dialect == "postgresql" else 1)))


def _next_id(dialect: str) -> Any:
    if dialect == "postgresql":
        return func.nextval(func.pg_get_serial_sequence("receipts", "id"), type_=BigInteger()).label("next_id")
    return select(func.coalesce(func.max(_RECEIPTS.c.id), 0) + 1).scalar_subquery().label("next_id")


def _lanes(dialect: str) -> Any:
    return select(ChainHead.lane, ChainHead.sequence, ChainHead.link, _next_id(dialect)).where(
        ChainHead.lane <= LAST_RECEIPT_LANE
    )


_TAKE_FREE = Statement(
    lambda dialect: _lanes(dialect).order_by(ChainHead.lane).limit(1).with_for_update(skip_locked=True, of=ChainHead)
)
_TAKE_ONE = Statement(
    lambda dialect: _lanes(dialect).where(ChainHead.lane == bindparam("lane")).with_for_update(of=ChainHead), "lane"
)
_OPEN = Statement(
    lambda dialect: insert_once_statement(dialect, ChainHead, ("lane", "sequence", "link", "key_id", "code")),
    "lane",
    "sequence",
    "link",
    "key_id",
    "code",
)
_MOVE = Statement(
    lambda _dialect: (
        update(cast("Table", ChainHead.__table__))
        .where(ChainHead.lane == bindparam("of_lane"))
        .values(
            sequence=bindparam("to_sequence"),
            link=bindparam("to_link"),
            key_id=bindparam("by"),
            code=bindparam("to_code"),
        )
    ),
    "of_lane",
    "to_sequence",
    "to_link",
    "by",
    "to_code",
)
_OLD_ROWS = Statement(
    lambda _dialect: (
        select(*(_RECEIPTS.c[name] for name in _OLD_COLUMNS))
        .where(_RECEIPTS.c.lane.is_(None), _RECEIPTS.c.id > bindparam("after", type_=BigInteger()))
        .order_by(_RECEIPTS.c.id)
        .limit(1000)
    ),
    "after",
)


def find_place(source: Source) -> Place | None:
    """Lock a lane until the transaction ends: a free one, or any where all are taken. None where there is none yet."""
    row = _TAKE_FREE.first(source)
    if row is None and _dialect(source) == "postgresql":
        row = _TAKE_ONE.first(source, lane_name(threading.get_ident() // 256 % POSTGRES_LANES))
    if row is None:
        return None
    lane, sequence, link, row_id = row
    return Place(Head(lane, int(sequence), bytes(link)), int(row_id))


def open_lanes(source: Source, notary: Notary) -> bool:
    """Make the lanes of receipts; False if another process has made them, for which this one has waited then."""
    made = [open_lane(source, notary, lane) for lane in lane_names(_dialect(source))]
    return made[0]


def open_lane(source: Source, notary: Notary, lane: str) -> bool:
    head = Head(lane, 0, NOTHING_BEFORE)
    return _OPEN.first(source, lane, 0, NOTHING_BEFORE, notary.key.key_id, notary.code(head)) is not None


def move_head(source: Source, notary: Notary, head: Head) -> None:
    moved = _MOVE.run(source, head.lane, head.sequence, head.link, notary.key.key_id, notary.code(head))
    assert moved == 1, "the head is locked, so it is there"


def renew_heads(session: Session, notary: Notary) -> None:
    """Write heads of older keys anew under the newest, so that an older one may leave the ring. One that is not ours
    stays as it is: it is for a check to find.
    """
    older = select(ChainHead).where(ChainHead.key_id != notary.key.key_id).with_for_update()
    for row in session.scalars(older):
        head = Head(row.lane, row.sequence, row.link)
        if notary.is_head(head, row.key_id, row.code):
            row.key_id, row.code = notary.key.key_id, notary.code(head)


def digest_old_rows(source: Source) -> OldRows:
    """Over every receipt that is in no lane, in the order of their numbers, a thousand at a time."""
    total, count, after = hashlib.sha256(), 0, 0
    while rows := _OLD_ROWS.all(source, after):
        for row_id, at, *rest in rows:
            total.update(entry_hash(b"old receipt 1", (row_id, micros(at), *rest)))
        count, after = count + len(rows), rows[-1][0]
    return OldRows(count, total.hexdigest())


def _dialect(source: Source) -> str:
    return source.dialect.name if isinstance(source, Direct) else source.connection().dialect.name
