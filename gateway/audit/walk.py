"""Walking one lane: every entry is hashed anew and must hang on the one before; signatures prove what was walked.

A signature costs fifty times what a hash does, and the link of each entry goes over the signature of the one before.
So one in a thousand is checked, those at a change of keys, and the last: it proves all before it. Where one is wrong,
those in between tell which was the first. Pure: where the entries come from does not matter.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from gateway.audit.chain import NOTHING_BEFORE, link_of
from gateway.audit.findings import Break, Flaw

CHECK_ONE_IN = 1000


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry as it is stored. `recomputed` is the hash over its columns; None where it was exported without them."""

    lane: str
    sequence: int
    previous: bytes
    key_id: str
    hash: bytes
    signature: bytes
    recomputed: bytes | None


@dataclass(slots=True)
class LaneWalk:
    """The state of a walk. `sequence` and `link` are where it is; `broken` the first flaw, after which it stops."""

    lane: str
    keys: Mapping[str, bytes]
    sequence: int = 0
    link: bytes = NOTHING_BEFORE
    entries: int = 0
    proven_to: int = 0
    broken: Break | None = None
    remembered: Mapping[int, bytes] = field(default_factory=dict)  # links that were kept elsewhere, by place
    _since: list[Entry] = field(default_factory=list)  # walked, and not proven yet
    _parsed: dict[str, Ed25519PublicKey] = field(default_factory=dict)

    def take(self, entry: Entry) -> None:
        """The next entry. Does nothing after a flaw."""
        if self.broken is not None:
            return
        flaw = self._flaw(entry)
        if flaw is not None:
            self._prove()  # what came before may have been forged already
            if self.broken is None:
                self.broken = flaw
            return
        if self._since and self._since[-1].key_id != entry.key_id:
            self._prove()
        self._since.append(entry)
        self.sequence, self.link = entry.sequence, link_of(entry.hash, entry.signature)
        self.entries += 1
        kept = self.remembered.get(entry.sequence)
        if kept is not None and kept != self.link:
            self.broken = Break(self.lane, entry.sequence, Flaw.TAIL, "it is another entry than the one that was noted")
        if len(self._since) >= CHECK_ONE_IN:
            self._prove()

    def finish(self) -> None:
        """After the last entry."""
        if self.broken is None:
            self._prove()

    def _flaw(self, entry: Entry) -> Break | None:
        place = self.sequence + 1
        if entry.sequence > place:
            which = f"{place}" if entry.sequence == place + 1 else f"{place} to {entry.sequence - 1}"
            return Break(self.lane, place, Flaw.MISSING, f"entry {which} is not there")
        if entry.sequence < place:
            return Break(self.lane, entry.sequence, Flaw.OUTSIDE, "an entry at a place that is taken")
        if entry.recomputed is not None and entry.recomputed != entry.hash:
            return Break(self.lane, place, Flaw.ALTERED, "its hash is not that of what it says")
        if entry.previous != self.link:
            told = "it does not hang on the entry before: one of the two, or that one's signature, was changed"
            return Break(self.lane, place, Flaw.UNLINKED, told)
        if entry.key_id not in self.keys:
            told = f"it names the key {entry.key_id}, which nobody we trust vouches for"
            return Break(self.lane, place, Flaw.KEY, told)
        return None

    def _prove(self) -> None:
        """The last signature proves everything before it; if it is wrong, the first wrong one is looked for."""
        since, self._since = self._since, []
        if not since:
            return
        if self._is_signed(since[-1]):
            self.proven_to = since[-1].sequence
            return
        for entry in since:
            if not self._is_signed(entry):
                told = "it was not signed by us: it was forged, or its signature was changed"
                self.broken = Break(self.lane, entry.sequence, Flaw.SIGNATURE, told)
                return
            self.proven_to = entry.sequence

    def _is_signed(self, entry: Entry) -> bool:
        key = self._parsed.get(entry.key_id)
        try:
            if key is None:
                key = self._parsed[entry.key_id] = Ed25519PublicKey.from_public_bytes(self.keys[entry.key_id])
            key.verify(entry.signature, entry.hash)
        except (InvalidSignature, ValueError):
            return False
        return True
