"""Receipts: one row for each change and login, chained and signed, in the same transaction as what it tells of."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import cast

from sqlalchemy import BigInteger, Index, Table, insert, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from gateway.audit.chain import Head, entry_hash, link_of, micros
from gateway.audit.lanes import Place, digest_old_rows, find_place, lane_names, move_head, open_lanes, renew_heads
from gateway.audit.log import to_json
from gateway.audit.notary import Notary, find_notary, notary_of
from gateway.audit.personal import split_details
from gateway.store.base import Base, RowNumber
from gateway.store.direct import Direct, Source, Statement
from gateway.store.engine import Store

Detail = str | int | bool | None | Sequence[str]

LOGIN_REFUSED = "LoginRefused"
# What the chain tells of itself; nobody's deed, so it is listed only where it is asked for.
CHAIN_BEGINS = "ChainBegins"
CHAIN_LANE = "ChainLane"
CHAIN_PRUNED = "ChainPruned"
CHAIN_CHECKPOINT = "ChainCheckpoint"
CHAIN_DAMAGE = "ChainDamage"
CHAIN_KINDS = (CHAIN_BEGINS, CHAIN_LANE, CHAIN_PRUNED, CHAIN_CHECKPOINT, CHAIN_DAMAGE)
_FORM = b"receipt 1"


class ReceiptRow(Base):
    __tablename__ = "receipts"
    __table_args__ = (Index("ix_receipts_lane_sequence", "lane", "sequence", unique=True),)

    id: Mapped[int] = mapped_column(RowNumber, primary_key=True)
    at: Mapped[datetime] = mapped_column(index=True)
    request_id: Mapped[str] = mapped_column(index=True)
    account_id: Mapped[str | None] = mapped_column(index=True)
    kind: Mapped[str]
    principal_arn: Mapped[str | None]
    outcome: Mapped[str]
    reason: Mapped[str | None]
    details: Mapped[str]  # a JSON object
    personal: Mapped[bytes | None]  # details that tell of a person, sealed
    # None in rows from before there were lanes: the first entry of the first lane has a digest of them.
    lane: Mapped[str | None]
    sequence: Mapped[int | None] = mapped_column(BigInteger)
    previous: Mapped[bytes | None]
    key_id: Mapped[str | None]
    hash: Mapped[bytes | None]
    signature: Mapped[bytes | None]


# In the order in which they are hashed; the hash and its signature follow.
HASHED = (
    "id",
    "at",
    "request_id",
    "account_id",
    "kind",
    "principal_arn",
    "outcome",
    "reason",
    "details",
    "personal",
    "lane",
    "sequence",
    "previous",
    "key_id",
)
# Every change and every token leaves a receipt.
_INSERT = Statement(lambda _dialect: insert(cast("Table", ReceiptRow.__table__)), *HASHED, "hash", "signature")


@dataclass(frozen=True, slots=True)
class Receipt:
    """What happened: `kind` such as `AssumeRoleWithSAML` or `RoleLogin`, `outcome` such as `Allow`.

    `details` says what decided: statement, duration cap, assertion, certificate. Secrets in it are written `***`; what
    may tell of a person is kept sealed (see `personal`), and is missing where it is read without the keys.
    """

    at: datetime
    request_id: str
    account_id: str | None
    kind: str
    principal_arn: str | None
    outcome: str
    reason: str | None = None
    details: Mapping[str, Detail] = field(default_factory=dict)


def record(source: Source, receipt: Receipt) -> None:
    """Write a receipt; it is there if and only if the transaction of what it tells of commits.

    Raises: LookupError where nobody can sign it, see `notary`.
    """
    notary = notary_of(source)
    place = find_place(source)
    if place is None:
        place = _open_chain(source, notary, receipt.at)
    _append(source, notary, place, receipt)


def open_chain(store: Store, notary: Notary, now: datetime) -> None:
    """At a start: keep the public key, and seal the receipts from before there was a chain."""
    notary.keep_keys(store, now)
    with store.transaction() as session:
        session.connection()
        if find_place(session) is None:
            _open_chain(session, notary, now)
        renew_heads(session, notary)


def receipt_hash(values: Sequence[object]) -> bytes:
    """Over the columns of `HASHED`, with the instant in microseconds."""
    return entry_hash(_FORM, cast("Sequence[str | int | bytes | None]", values))


def place_name(lane: str, sequence: int) -> str:
    return f"{lane}/{sequence}"


def list_receipts(
    session: Session,
    *,
    account_id: str | None = None,
    request_id: str | None = None,
    limit: int = 100,
    of_chain: bool = False,
) -> Sequence[Receipt]:
    """Newest first; of one account, of one request, or of all. With `of_chain` those too that the chain leaves of
    itself.
    """
    query = select(ReceiptRow).order_by(ReceiptRow.id.desc()).limit(limit)
    if account_id is not None:
        query = query.where(ReceiptRow.account_id == account_id)
    if request_id is not None:
        query = query.where(ReceiptRow.request_id == request_id)
    if not of_chain:
        query = query.where(ReceiptRow.kind.not_in(CHAIN_KINDS))
    notary = find_notary(session)
    return [read_receipt(row, notary) for row in session.scalars(query)]


def read_receipt(row: ReceiptRow, notary: Notary | None) -> Receipt:
    details = json.loads(row.details)
    if row.personal is not None and notary is not None and row.lane is not None and row.sequence is not None:
        details |= notary.unseal(row.personal, place_name(row.lane, row.sequence)) or {}
    return Receipt(
        at=row.at,
        request_id=row.request_id,
        account_id=row.account_id,
        kind=row.kind,
        principal_arn=row.principal_arn,
        outcome=row.outcome,
        reason=row.reason,
        details=details,
    )


def _open_chain(source: Source, notary: Notary, now: datetime) -> Place:
    """The first entry of all says what there was before, so that it can't be changed any more either."""
    first = open_lanes(source, notary)
    place = find_place(source)
    assert place is not None, "there are lanes now"
    if not first:
        return place
    old = digest_old_rows(source)
    dialect = source.dialect.name if isinstance(source, Direct) else source.connection().dialect.name
    details: Mapping[str, Detail] = {
        "old_rows": old.count,
        "old_digest": old.digest,
        "lanes": len(lane_names(dialect)),
    }
    _append(source, notary, place, Receipt(now, "", None, CHAIN_BEGINS, None, "Noted", details=details))
    following = find_place(source)
    assert following is not None
    return following


def _append(source: Source, notary: Notary, place: Place, receipt: Receipt) -> None:
    head, key = place.head, notary.key
    notary.note_key(source, receipt.at)
    sequence = head.sequence + 1
    clear, personal = split_details(receipt.details)
    values = (
        place.row_id,
        receipt.at,
        receipt.request_id,
        receipt.account_id,
        receipt.kind,
        receipt.principal_arn,
        receipt.outcome,
        receipt.reason,
        to_json(clear),
        notary.seal_json(to_json(personal), place_name(head.lane, sequence)) if personal else None,
        head.lane,
        sequence,
        head.link,
        key.key_id,
    )
    hashed = receipt_hash((place.row_id, micros(receipt.at), *values[2:]))
    signature = key.sign(hashed)
    _INSERT.run(source, *values, hashed, signature)
    move_head(source, notary, Head(head.lane, sequence, link_of(hashed, signature)))
