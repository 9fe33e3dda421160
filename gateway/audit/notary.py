"""Who signs: the key that receipts are signed with, the codes of heads, and the public keys that stay known.

A key leaves the ring some day, and what it signed must still be checked. So its public key is kept in the database, and
each key that follows vouches for those before it while the ring has both: whoever trusts the newest one trusts them.
"""

import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from sqlalchemy import select
from sqlalchemy.orm import Mapped, Session, mapped_column

from gateway.audit.chain import Head, entry_hash, head_code
from gateway.errors import CredentialError
from gateway.keyring import KeyRing
from gateway.signing import SigningKey, is_signed_by, signing_keys
from gateway.store.base import Base
from gateway.store.direct import Source, Statement
from gateway.store.engine import Store
from gateway.store.once import insert_once_statement
from gateway.store.stamps import stamps_of

PURPOSE = "receipts"
_HEADS = "receipt-heads"
_PERSONAL = "receipt-personal"


class ReceiptKey(Base):
    __tablename__ = "receipt_keys"

    key_id: Mapped[str] = mapped_column(primary_key=True)
    public: Mapped[bytes]  # 32 bytes
    noted_at: Mapped[datetime]
    vouched_by: Mapped[str | None]  # the key that followed it
    voucher: Mapped[bytes | None]  # that one's signature


_NOTE_KEY = Statement(
    lambda dialect: insert_once_statement(dialect, ReceiptKey, ("key_id", "public", "noted_at")),
    "key_id",
    "public",
    "noted_at",
)


@dataclass(slots=True)
class _Noted:
    done: bool = False


class Notary:
    """One for each store. The ring is asked for when something is first to be signed."""

    def __init__(self, find_ring: Callable[[], KeyRing]) -> None:
        self._find_ring = find_ring
        self._noted = _Noted()

    @cached_property
    def ring(self) -> KeyRing:
        return self._find_ring()

    @cached_property
    def keys(self) -> tuple[SigningKey, ...]:
        """Newest first."""
        return signing_keys(self.ring, PURPOSE)

    @property
    def key(self) -> SigningKey:
        return self.keys[0]

    @cached_property
    def _head_secrets(self) -> Mapping[str, bytes]:
        return dict(self.ring.derive_each(_HEADS))

    def code(self, head: Head) -> bytes:
        return head_code(self._head_secrets[self.key.key_id], head)

    def is_head(self, head: Head, key_id: str, code: bytes) -> bool:
        """Whether a holder of one of our keys wrote this head; False too where the key has left the ring."""
        secret = self._head_secrets.get(key_id)
        return secret is not None and hmac.compare_digest(head_code(secret, head), code)

    def seal_json(self, personal: str, place: str) -> bytes:
        """Details that tell of a person, a JSON object in ASCII, bound to their place in the chain."""
        return self.ring.seal(_PERSONAL, personal.encode("ascii"), place.encode())

    def unseal(self, sealed: bytes, place: str) -> Mapping[str, object] | None:
        """None for what was sealed by a key that has left the ring, and for what is not of this place."""
        try:
            found: Mapping[str, object] = json.loads(self.ring.open(_PERSONAL, sealed, place.encode()))
        except CredentialError:
            return None
        return found

    def note_key(self, source: Source, now: datetime) -> None:
        """Keep the public key with what it signs, unless it is known to be kept."""
        if not self._noted.done:
            _NOTE_KEY.first(source, self.key.key_id, self.key.public, now)

    def keep_keys(self, store: Store, now: datetime) -> None:
        """At a start: keep the newest key for good, and let it vouch for those of the ring that came before."""
        with store.transaction() as session:
            self.note_key(session, now)
            for older in self.keys[1:]:
                row = session.get(ReceiptKey, older.key_id)
                if row is not None and row.public == older.public and row.vouched_by is None:
                    row.vouched_by = self.key.key_id
                    row.voucher = self.key.sign(_vouching(older.key_id, older.public))
        self._noted.done = True


def notary_of(source: Source) -> Notary:
    """Raises: LookupError where nobody signs: what can't be signed is not written."""
    notary = stamps_of(source).notary
    if not isinstance(notary, Notary):
        raise LookupError("nobody signs for this store")  # noqa: TRY004 - it was not set
    return notary


def find_notary(source: Source) -> Notary | None:
    """For those who read: what is signed can be read without its keys, without what tells of a person."""
    notary = stamps_of(source).notary
    return notary if isinstance(notary, Notary) else None


def trusted_keys(session: Session, roots: Mapping[str, bytes]) -> Mapping[str, bytes]:
    """Public keys by id: the given ones, and those that a trusted one vouches for. A kept key that nobody vouches for
    is none: whoever can write the database could have put it there.
    """
    rows = list(session.scalars(select(ReceiptKey).where(ReceiptKey.vouched_by.is_not(None))))
    trusted, grown = dict(roots), True
    while grown:
        grown = False
        for row in rows:
            voucher = trusted.get(row.vouched_by or "")
            if row.key_id in trusted or voucher is None:
                continue
            if is_signed_by(voucher, _vouching(row.key_id, row.public), row.voucher or b""):
                trusted[row.key_id] = row.public
                grown = True
    return trusted


def _vouching(key_id: str, public: bytes) -> bytes:
    return entry_hash(b"key 1", (key_id, public))
