"""What every signed call leaves behind: its nonce, and when its access key was last used.

Shared by all worker processes, and claimed once among them, but no call waits for the disk because of it. A killed
process loses nothing. A power cut can lose the last seconds, so after one, calls that were signed before it are
refused: `signed_after`. What must not be lost with the power is claimed in the durable transaction as well
(`store.claims`). Rule: decision 0013.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from gateway.store.hashed_key import hash_key

# How many expired nonces one claim clears away: more than it adds, so that the table is as large as what is alive.
SWEPT_PER_CLAIM = 2


@dataclass(frozen=True, slots=True)
class Nonce:
    """A nonce, and until when a call with it could pass."""

    key: str  # of whom, and which: a text of any length
    signed_at: datetime
    expires_at: datetime

    @property
    def key_hash(self) -> bytes:
        """128 bits of SHA-256: what a table of a million live nonces needs to be short and to stay unguessable."""
        return bytes.fromhex(hash_key(self.key)[:32])


@dataclass(frozen=True, slots=True)
class KeyUse:
    """A call made with a lasting access key; `service` is the product that was called: `Ram`, `Ims`, `Sts`."""

    access_key_id: str
    service: str


@dataclass(frozen=True, slots=True)
class LastUse:
    """When, to the second, and for which product an access key last signed a call that was let in."""

    at: datetime
    service: str


class Fleeting(Protocol):
    """Safe under threads, and in the child after a fork."""

    def claim_nonce(self, nonce: Nonce, use: KeyUse | None, now: datetime) -> bool:
        """Claim a nonce once among all processes, and note the use of the key with it; False if it was claimed before.

        False too where nobody can tell any more: the call was signed before the machine lost its memory.
        """
        ...

    def note_use(self, use: KeyUse, now: datetime) -> None:
        """Note the use of a key in a call that has no nonce of ours."""
        ...

    def last_uses_of(self, access_key_ids: Collection[str]) -> Mapping[str, LastUse]:
        """The last use of each of these keys; a key that was never used is left out. One query for each 500 keys."""
        ...

    def last_use_of(self, access_key_id: str) -> LastUse | None:
        """The last use of one key; None if it was never used. One indexed query."""
        ...

    def prepare(self) -> None:
        """Make what has to be there, so that the first calls do not race for it."""
        ...

    def close(self) -> None:
        """Close idle connections. It stays usable."""
        ...


def seconds(instant: datetime) -> int:
    return int(instant.timestamp())


def last_use(used_at: int, service: str) -> LastUse:
    return LastUse(datetime.fromtimestamp(used_at, UTC), service)
