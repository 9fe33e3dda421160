"""Proving the chains: takes everything that is stored, in order, and says what is wrong with it.

What comes may be a database or an export of one: first the receipts, then the decisions, each lane from its beginning,
then the heads. Nothing is kept but where each lane is, so that memory does not grow with what is checked.
"""

import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway.audit.chain import NOTHING_BEFORE, Head
from gateway.audit.findings import Break, Flaw, LaneReport, Report
from gateway.audit.lanes import LAST_RECEIPT_LANE, OldRows, lane_name
from gateway.audit.receipts import CHAIN_BEGINS, CHAIN_DAMAGE, CHAIN_KINDS, CHAIN_LANE, CHAIN_PRUNED
from gateway.audit.walk import Entry, LaneWalk

Heads = Mapping[str, tuple[int, bytes]]


@dataclass(frozen=True, slots=True)
class Start:
    """Where the walk of a lane begins when not all of it is to be walked: after this entry, which is believed."""

    sequence: int
    link: bytes


@dataclass
class Check:
    """`keys` are the public keys to trust, `noted` heads that were kept elsewhere; with `partial` lanes are walked from
    somewhere on, and nothing is said of their beginnings.
    """

    keys: Mapping[str, bytes]
    noted: Heads = field(default_factory=dict)
    partial: bool = False
    receipts: int = 0
    decisions: int = 0
    notes: list[str] = field(default_factory=list)
    _walks: dict[str, LaneWalk] = field(default_factory=dict)
    _begins: Mapping[str, object] | None = None
    _old: OldRows | None = None
    _opened: set[str] = field(default_factory=set)
    _pruned: dict[str, Start] = field(default_factory=dict)
    _heads: set[str] = field(default_factory=set)
    _breaks: list[Break] = field(default_factory=list)

    def begin_lane(self, lane: str, start: Start) -> None:
        """For a partial walk."""
        self._walks[lane] = self._new_walk(lane, start)

    def receipt(self, entry: Entry, kind: str, details: str) -> None:
        walk = self._walk(entry.lane)
        if entry.lane > LAST_RECEIPT_LANE:
            self._break(Break(entry.lane, entry.sequence, Flaw.OUTSIDE, "a receipt in a lane of decisions"))
        walk.take(entry)
        self.receipts += kind not in CHAIN_KINDS
        if kind in CHAIN_KINDS and walk.broken is None:
            self._heed(entry, kind, details)

    def decision_batch(self, entry: Entry, records: int) -> None:
        if entry.lane <= LAST_RECEIPT_LANE:
            self._break(Break(entry.lane, entry.sequence, Flaw.OUTSIDE, "decisions in a lane of receipts"))
        self._walk(entry.lane).take(entry)
        self.decisions += records

    def old_rows(self, found: OldRows) -> None:
        self._old = found

    def head(self, head: Head, *, ours: bool) -> None:
        """Where a lane ends. `ours`: whether a holder of our keys wrote it."""
        self._heads.add(head.lane)
        walk = self._walk(head.lane)
        walk.finish()
        if not ours:
            self._break(Break(head.lane, head.sequence, Flaw.HEAD, "nobody with our keys wrote the end of this lane"))
        if walk.broken is None and (walk.sequence, walk.link) != (head.sequence, head.link):
            self._break(_cut(walk, head))

    def finish(self) -> Report:
        for walk in self._walks.values():
            walk.finish()
            if walk.broken is not None:
                self._break(walk.broken)
            elif walk.lane not in self._heads:
                self._break(Break(walk.lane, 0, Flaw.LANE, "it has entries, and no head that says where it ends"))
        for lane, (sequence, _) in self.noted.items():
            reached = self._walks[lane].sequence if lane in self._walks else 0
            if reached < sequence:
                self._break(Break(lane, reached + 1, Flaw.TAIL, f"it was noted to go to entry {sequence}"))
        if not self.partial:
            self._check_beginning()
        self._check_lanes()
        return Report(
            lanes=tuple(
                LaneReport(walk.lane, walk.entries, walk.proven_to, walk.link.hex())
                for _, walk in sorted(self._walks.items())
            ),
            breaks=tuple(sorted(self._breaks, key=lambda each: (each.lane, each.sequence))),
            receipts=self.receipts,
            decisions=self.decisions,
            old_rows=0 if self._old is None else self._old.count,
            notes=tuple(self.notes),
        )

    def _walk(self, lane: str) -> LaneWalk:
        walk = self._walks.get(lane)
        if walk is None:
            walk = self._walks[lane] = self._new_walk(lane, self._pruned.get(lane) or Start(0, NOTHING_BEFORE))
        return walk

    def _new_walk(self, lane: str, start: Start) -> LaneWalk:
        walk = LaneWalk(lane, self.keys, start.sequence, start.link)
        if lane in self.noted:
            walk.remembered = dict([self.noted[lane]])
        return walk

    def _heed(self, entry: Entry, kind: str, details: str) -> None:
        """What the chain says of itself."""
        told = json.loads(details)
        if kind == CHAIN_BEGINS and (entry.lane, entry.sequence) == (lane_name(0), 1):
            self._begins = told
        elif kind == CHAIN_LANE:
            self._opened.add(told["lane"])
        elif kind == CHAIN_PRUNED:
            self.notes.append(f"{told['entries']} batches of decisions were pruned ({entry.lane}/{entry.sequence})")
            for each in told["pruned"]:
                lane, sequence, link = each.split()
                known = self._pruned.get(lane)
                if known is None or known.sequence < int(sequence):
                    self._pruned[lane] = Start(int(sequence), bytes.fromhex(link))
        elif kind == CHAIN_DAMAGE:
            damage = f"its journal was damaged before it was packed: {told['damage']}"
            self._break(Break(str(told["lane"]), 0, Flaw.ALTERED, damage))

    def _check_beginning(self) -> None:
        first = lane_name(0)
        if self._begins is None:
            if self._walks or (self._old is not None and self._old.count):
                self._break(Break(first, 1, Flaw.MISSING, "the entry that says how the chain begins is not there"))
            return
        if self._old is not None:
            sealed = (self._begins["old_rows"], self._begins["old_digest"])
            if not hmac.compare_digest(repr(sealed), repr((self._old.count, self._old.digest))):
                told = f"{self._old.count} receipts from before the chain are not the {sealed[0]} that were sealed"
                self._break(Break(first, 1, Flaw.OLD_ROWS, told))
        for lane in map(lane_name, range(int(str(self._begins["lanes"])))):
            if lane not in self._heads:
                self._break(Break(lane, 0, Flaw.LANE, "the chain began with it, and its head is not there"))

    def _check_lanes(self) -> None:
        for lane in sorted(self._opened - self._heads):
            self._break(Break(lane, 0, Flaw.LANE, "a receipt says that it was opened, and its head is not there"))
        if self.partial:
            return
        for lane in sorted(lane for lane in self._heads - self._opened if lane > LAST_RECEIPT_LANE):
            self._break(Break(lane, 0, Flaw.OUTSIDE, "no receipt says that this lane was opened"))

    def _break(self, found: Break) -> None:
        """The first of a lane counts: what comes after it hangs on it."""
        for place, known in enumerate(self._breaks):
            if known.lane == found.lane:
                if found.sequence < known.sequence:
                    self._breaks[place] = found
                return
        self._breaks.append(found)


def _cut(walk: LaneWalk, head: Head) -> Break:
    if walk.sequence < head.sequence:
        told = f"the lane goes to entry {head.sequence}, and everything after {walk.sequence} is not there"
        return Break(head.lane, walk.sequence + 1, Flaw.TAIL, told)
    if walk.sequence > head.sequence:
        told = f"the lane ends at entry {head.sequence}, and there is something after it"
        return Break(head.lane, head.sequence + 1, Flaw.TAIL, told)
    return Break(head.lane, head.sequence, Flaw.TAIL, "the head says another last entry than the one that is there")
