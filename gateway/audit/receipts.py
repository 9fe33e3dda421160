"""Receipts: one row for each decision and change that succeeded, in the same transaction as what it tells of."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import cast

from sqlalchemy import Table, insert, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from gateway.audit.log import to_json
from gateway.store.base import Base, RowNumber
from gateway.store.direct import Source, Statement

Detail = str | int | bool | None | Sequence[str]


class ReceiptRow(Base):
    __tablename__ = "receipts"

    id: Mapped[int] = mapped_column(RowNumber, primary_key=True)
    at: Mapped[datetime] = mapped_column(index=True)
    request_id: Mapped[str] = mapped_column(index=True)
    account_id: Mapped[str | None] = mapped_column(index=True)
    kind: Mapped[str]
    principal_arn: Mapped[str | None]
    outcome: Mapped[str]
    reason: Mapped[str | None]
    details: Mapped[str]  # a JSON object


_COLUMNS = ("at", "request_id", "account_id", "kind", "principal_arn", "outcome", "reason", "details")
# Every change and every token leaves a receipt.
_INSERT = Statement(lambda _dialect: insert(cast("Table", ReceiptRow.__table__)), *_COLUMNS)


@dataclass(frozen=True, slots=True)
class Receipt:
    """What happened: `kind` such as `AssumeRoleWithSAML` or `RoleLogin`, `outcome` such as `Allow`.

    `details` says what decided: statement, duration cap, assertion, certificate. Secrets in it are written `***`.
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
    """Write a receipt; it is there if and only if the transaction of what it tells of commits."""
    _INSERT.run(
        source,
        receipt.at,
        receipt.request_id,
        receipt.account_id,
        receipt.kind,
        receipt.principal_arn,
        receipt.outcome,
        receipt.reason,
        to_json(receipt.details),
    )


def list_receipts(
    session: Session, *, account_id: str | None = None, request_id: str | None = None, limit: int = 100
) -> Sequence[Receipt]:
    """Newest first; of one account, of one request, or of all."""
    query = select(ReceiptRow).order_by(ReceiptRow.id.desc()).limit(limit)
    if account_id is not None:
        query = query.where(ReceiptRow.account_id == account_id)
    if request_id is not None:
        query = query.where(ReceiptRow.request_id == request_id)
    return [_receipt(row) for row in session.scalars(query)]


def _receipt(row: ReceiptRow) -> Receipt:
    return Receipt(
        at=row.at,
        request_id=row.request_id,
        account_id=row.account_id,
        kind=row.kind,
        principal_arn=row.principal_arn,
        outcome=row.outcome,
        reason=row.reason,
        details=json.loads(row.details),
    )
