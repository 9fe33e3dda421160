"""What there is about a request, wherever it lies: receipts, decisions, and what has not been packed yet."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from gateway.audit.batches import find_decisions
from gateway.audit.decisions import DecisionRecord, load
from gateway.audit.journal import Journal, read_file, waiting_files
from gateway.audit.notary import notary_of
from gateway.audit.personal import Redaction
from gateway.audit.receipts import Receipt, ReceiptRow, list_receipts, read_receipt
from gateway.audit.story import Story, shown_context, shown_details, tell
from gateway.clock import wire_time
from gateway.store.stamps import stamps_of

_LONGEST_SESSION = timedelta(hours=12)
_RELATED = 20
_LONGEST_ID = 100


@dataclass(frozen=True, slots=True)
class Findings:
    receipts: Sequence[Receipt]  # newest first
    decisions: Sequence[DecisionRecord]
    related: Sequence[Receipt]  # of the same session, oldest first
    story: Story
    redaction: Redaction


def find_out(session: Session, request_id: str, *, account_id: str | None = None) -> Findings:
    """Everything about a request; where `account_id` is given, nothing of what concerns other accounts."""
    notary, wanted = notary_of(session), request_id.strip().upper()[:_LONGEST_ID]
    receipts = list_receipts(session, account_id=account_id, request_id=wanted)
    decisions = [*find_decisions(session, wanted), *_waiting(session, wanted)]
    if account_id is not None:
        decisions = [each for each in decisions if each.account_id == account_id]
    related = _related(session, receipts)
    redaction = Redaction.under(notary.ring)
    return Findings(receipts, decisions, related, tell(wanted, receipts, decisions, related, redaction), redaction)


def as_json(found: Findings) -> dict[str, Any]:
    """For programs; personal values as in the story."""
    return {
        "request_id": found.story.request_id,
        "story": list(found.story.lines),
        "receipts": [
            {
                "at": wire_time(each.at),
                "kind": each.kind,
                "account_id": each.account_id,
                "principal_arn": each.principal_arn,
                "outcome": each.outcome,
                "reason": each.reason,
                "details": {name: list(values) for name, values in shown_details(each, found.redaction).items()},
            }
            for each in found.receipts
        ],
        "decisions": [
            {
                "at": wire_time(each.at),
                "account_id": each.account_id,
                "principal_arn": each.principal_arn,
                "operation": each.operation,
                "action": each.action,
                "resource": each.resource,
                "outcome": each.outcome,
                "layer": each.layer,
                "reason": each.reason,
                "context": {key: list(values) for key, values in shown_context(each, found.redaction).items()},
            }
            for each in found.decisions
        ],
    }


def _waiting(session: Session, request_id: str) -> list[DecisionRecord]:
    """In the files of this machine's processes."""
    journal, notary = stamps_of(session).journal, notary_of(session)
    if not isinstance(journal, Journal):
        return []
    mark = request_id.encode("ascii", "replace")
    found: list[DecisionRecord] = []
    for path in waiting_files(journal.directory):
        try:
            entries = read_file(path, notary.ring).entries
        except FileNotFoundError:  # packed meanwhile
            continue
        found += [record for entry in entries if mark in entry and (record := load(entry)).request_id == request_id]
    return found


def _related(session: Session, receipts: Sequence[Receipt]) -> list[Receipt]:
    """Other receipts of the sessions that these tell of, within the longest time that a session lasts."""
    ids = {str(receipt.details["session_id"]) for receipt in receipts if receipt.details.get("session_id")}
    if not ids:
        return []
    at, account_id = receipts[0].at, receipts[0].account_id
    notary, own = notary_of(session), {receipt.request_id for receipt in receipts}
    found: list[Receipt] = []
    for session_id in sorted(ids):
        query = (
            select(ReceiptRow)
            .where(
                ReceiptRow.account_id == account_id,
                ReceiptRow.at.between(at - _LONGEST_SESSION, at + _LONGEST_SESSION),
                ReceiptRow.details.contains(f'_id":"{session_id}"', autoescape=True),
                ReceiptRow.request_id.not_in(own),
            )
            .order_by(ReceiptRow.id)
            .limit(_RELATED)
        )
        found += [read_receipt(row, notary) for row in session.scalars(query)]
    return found
