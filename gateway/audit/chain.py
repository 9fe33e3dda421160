"""Chains: how an entry is hashed, how it hangs on the one before it, and where a lane ends.

A lane is a chain of its own. Each entry has a place in it, counted from 1, and is hashed over every column it has and
over `previous`, the link to the entry before: the hash and the signature of that one. So the signature of the last
entry proves all of them, each with its signature.
Where a lane ends stands in its head, with a code that only a holder of the key ring can make: whoever cuts entries off
would have to make an older head. Rule: FIPS 180-4 (SHA-256); RFC 8032; decision 0020.
"""

import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import BigInteger
from sqlalchemy.orm import Mapped, mapped_column

from gateway.store.base import Base

NOTHING_BEFORE = bytes(32)
Part = str | int | bytes | None

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class ChainHead(Base):
    """Where each lane ends. Lanes of receipts are called `00`, `01` ...; those of decisions `d-` and 16 hex digits."""

    __tablename__ = "chain_heads"

    lane: Mapped[str] = mapped_column(primary_key=True)
    sequence: Mapped[int] = mapped_column(BigInteger)  # of the last entry; 0 before the first
    link: Mapped[bytes]  # to the last entry
    key_id: Mapped[str]
    code: Mapped[bytes]  # HMAC-SHA256 over the rest


@dataclass(frozen=True, slots=True)
class Head:
    lane: str
    sequence: int
    link: bytes


def micros(instant: datetime) -> int:
    """Since 1970, in whole microseconds: what both databases keep."""
    return (instant - _EPOCH) // _MICROSECOND


def instant_of(moment: int) -> datetime:
    return _EPOCH + timedelta(microseconds=moment)


def entry_hash(form: bytes, parts: Iterable[Part]) -> bytes:
    """SHA-256 over parts that can't run into each other: each has its type and length in front.

    `form` names the kind of entry, so that none passes for one of another kind.
    """
    pieces = [b"ramgate ", form, b"\n"]
    for part in parts:
        if part is None:
            pieces.append(b"-;")
            continue
        if isinstance(part, str):
            data, mark = part.encode("utf-8"), b"s"
        elif isinstance(part, int):
            data, mark = b"%d" % part, b"i"
        else:
            data, mark = part, b"b"
        pieces += (mark, b"%d:" % len(data), data, b";")
    return hashlib.sha256(b"".join(pieces)).digest()


def link_of(hashed: bytes, signature: bytes) -> bytes:
    """What the next entry names as `previous`. The signature counts, so that none can be changed either."""
    return hashlib.sha256(hashed + signature).digest()


def head_code(secret: bytes, head: Head) -> bytes:
    return hmac.digest(secret, entry_hash(b"head 1", (head.lane, head.sequence, head.link)), "sha256")
