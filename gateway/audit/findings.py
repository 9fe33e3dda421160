"""What a check of the chains found."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Flaw(StrEnum):
    """What is wrong at a place."""

    MISSING = "missing"  # an entry is not there
    ALTERED = "altered"  # an entry is not what was hashed
    UNLINKED = "unlinked"  # an entry does not hang on the one before it
    SIGNATURE = "bad signature"
    KEY = "unknown key"
    TAIL = "cut tail"  # the lane ends before its head, or behind it
    HEAD = "bad head"  # nobody with our keys wrote the head
    LANE = "missing lane"
    OLD_ROWS = "old rows"  # the receipts from before the chain were changed
    OUTSIDE = "outside"  # an entry is in no lane that there should be
    FORM = "unreadable"


@dataclass(frozen=True, slots=True)
class Break:
    """The first flaw of a lane. `sequence` is the place of the entry concerned, 0 for the lane as a whole."""

    lane: str
    sequence: int
    flaw: Flaw
    told: str

    def __str__(self) -> str:
        place = f"{self.lane}, entry {self.sequence}" if self.sequence else self.lane
        return f"{place}: {self.flaw.value}: {self.told}"


@dataclass(frozen=True, slots=True)
class LaneReport:
    """`entries` were checked; `proven_to` is the last one that a signature proves."""

    lane: str
    entries: int
    proven_to: int
    head: str  # hex: the link to the last entry


@dataclass(frozen=True, slots=True)
class Report:
    lanes: tuple[LaneReport, ...]
    breaks: tuple[Break, ...]
    receipts: int
    decisions: int
    old_rows: int
    notes: tuple[str, ...]  # what could not be told, and what was pruned

    @property
    def sound(self) -> bool:
        return not self.breaks

    def heads(self) -> Mapping[str, str]:
        """`<sequence>:<link>` by lane: to be kept elsewhere, so that even all of the database can't be turned back."""
        return {lane.lane: f"{lane.proven_to}:{lane.head}" for lane in self.lanes}
