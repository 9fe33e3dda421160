"""Chains as lines of JSON, for others to check with nothing but public keys.

The first line says what it is; then come old receipts, receipts, batches of decisions and heads, and last a line with
the number and the digest of all lines before, signed: none can be cut off. Whatever is sealed stays sealed. With an
account, entries of others are there without their columns: the chain can be followed through them and nothing read.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy.orm import Session

from gateway.audit.batches import HASHED as BATCH_COLUMNS
from gateway.audit.batches import batch_hash
from gateway.audit.chain import Head, entry_hash
from gateway.audit.findings import Break, Flaw, Report
from gateway.audit.lanes import OldRows, digest_old_rows
from gateway.audit.notary import Notary
from gateway.audit.receipts import HASHED as RECEIPT_COLUMNS
from gateway.audit.receipts import receipt_hash
from gateway.audit.stored import Stored, stored_batches, stored_heads, stored_receipts
from gateway.audit.verify import Check, Heads
from gateway.audit.walk import Entry
from gateway.signing import is_signed_by

_FIRST = {"ramgate_chains": 1}
_RECEIPT, _DECISIONS, _OLD, _HEAD, _END = "receipt", "decisions", "old", "head", "end"
_BYTES = frozenset({"personal", "previous", "payload"})
_LINKS = ("lane", "sequence", "previous", "key_id")
_COLUMNS = {_RECEIPT: RECEIPT_COLUMNS, _DECISIONS: BATCH_COLUMNS}
_HASHES = {_RECEIPT: receipt_hash, _DECISIONS: batch_hash}


def export_chains(session: Session, notary: Notary, account_id: str | None = None) -> Iterator[str]:
    """Lines without their ends."""
    total, count = hashlib.sha256(), 0
    for values in _everything(session, notary, account_id):
        line = json.dumps(values, separators=(",", ":"))
        total.update(line.encode("ascii") + b"\n")
        count += 1
        yield line
    signature = notary.key.sign(_end(count, total.digest())).hex()
    yield json.dumps({"is": _END, "lines": count, "key_id": notary.key.key_id, "signature": signature})


def verify_lines(lines: Iterable[bytes], keys: Mapping[str, bytes], noted: Heads | None = None) -> Report:
    """Check an export, by public keys that came another way than it did."""
    check = Check(keys, noted or {})
    reading = _Reading(check, keys)
    flaw: Break | None = None
    for number, line in enumerate(lines, 1):
        try:
            reading.take(line)
        except (ValueError, KeyError, TypeError, AttributeError) as exc:
            flaw = Break(f"line {number}", 0, Flaw.FORM, f"{type(exc).__name__}: {exc}")
            break
    if flaw is None and not reading.ended:
        flaw = Break("the file", 0, Flaw.TAIL, "its last line is not there")
    report = check.finish()
    return report if flaw is None else replace(report, breaks=(flaw, *report.breaks))


@dataclass(slots=True)
class _Reading:
    """How far a file is read."""

    check: Check
    keys: Mapping[str, bytes]
    ended: bool = False
    count: int = 0
    total: Any = field(default_factory=hashlib.sha256)

    def take(self, line: bytes) -> None:
        """Raises: ValueError, KeyError, TypeError or AttributeError for what no export has."""
        if self.ended:
            raise ValueError("there is something after the end")
        values = json.loads(line)
        if self.count == 0:
            if values != _FIRST:
                raise ValueError("this is no export of chains")
        elif values["is"] == _END:
            self.ended = True
            _check_end(values, self.keys, self.count, self.total.digest())
            return
        else:
            _take(self.check, values)
        self.total.update(line.rstrip(b"\r\n") + b"\n")
        self.count += 1


def _everything(session: Session, notary: Notary, account_id: str | None) -> Iterator[Mapping[str, Any]]:
    yield _FIRST
    old = digest_old_rows(session)
    yield {"is": _OLD, "count": old.count, "digest": old.digest}
    for stored in stored_receipts(session):
        yield _line(_RECEIPT, stored, account_id)
    for stored in stored_batches(session):
        yield _line(_DECISIONS, stored, account_id)
    for head, key_id, code in stored_heads(session):
        ours = notary.is_head(head, key_id, code)
        yield {"is": _HEAD, "lane": head.lane, "sequence": head.sequence, "link": head.link.hex(), "ours": ours}


def _line(kind: str, stored: Stored, account_id: str | None) -> Mapping[str, Any]:
    columns = dict(zip(_COLUMNS[kind], stored.values, strict=True))
    if account_id is not None and columns["account_id"] not in (account_id, None):
        columns = {name: columns[name] for name in _LINKS}
    told = {name: value.hex() if isinstance(value, bytes) else value for name, value in columns.items()}
    return {"is": kind, **told, "hash": stored.hash.hex(), "signature": stored.signature.hex()}


def _take(check: Check, values: Mapping[str, Any]) -> None:
    kind = values["is"]
    if kind == _OLD:
        check.old_rows(OldRows(int(values["count"]), str(values["digest"])))
    elif kind == _HEAD:
        head = Head(str(values["lane"]), int(values["sequence"]), bytes.fromhex(values["link"]))
        check.head(head, ours=values["ours"] is True)
    elif kind in _COLUMNS:
        entry, columns = _entry(kind, values)
        if kind == _RECEIPT:
            check.receipt(entry, str(columns.get("kind", "")), str(columns.get("details", "{}")))
        else:
            check.decision_batch(entry, int(columns.get("records", 0)))
    else:
        raise ValueError(f"nobody knows what {kind!r:.40} is")


def _entry(kind: str, values: Mapping[str, Any]) -> tuple[Entry, Mapping[str, Any]]:
    names = _COLUMNS[kind]
    columns = {
        name: bytes.fromhex(value) if name in _BYTES and value is not None else value
        for name, value in values.items()
        if name in names
    }
    whole = len(columns) == len(names)
    if not whole and set(columns) != set(_LINKS):
        raise ValueError("columns are missing")
    recomputed = _HASHES[kind]([columns[name] for name in names]) if whole else None
    hashed, signature = bytes.fromhex(values["hash"]), bytes.fromhex(values["signature"])
    links: list[Any] = [columns[name] for name in _LINKS]
    lane, sequence, previous, key_id = links
    return Entry(str(lane), int(sequence), previous, str(key_id), hashed, signature, recomputed), columns


def _check_end(values: Mapping[str, Any], keys: Mapping[str, bytes], count: int, digest: bytes) -> None:
    public = keys.get(str(values["key_id"]))
    if int(values["lines"]) != count:
        raise ValueError(f"{values['lines']} lines were written, and {count} are there")
    if public is None or not is_signed_by(public, _end(count, digest), bytes.fromhex(values["signature"])):
        raise ValueError("the last line is not signed by us, or a line before it was changed")


def _end(count: int, digest: bytes) -> bytes:
    return entry_hash(b"export 1", (count, digest))
