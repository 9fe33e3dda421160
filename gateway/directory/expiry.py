"""Things that lapse: what they are, how soon, and what to do about it. Values; `expiry_sources` finds them."""

import hashlib
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from gateway.clock import wire_time

GATEWAY = ""  # the account of what belongs to the gateway, and so concerns every account
_LONGEST_TEXT = 200
_DAY = timedelta(days=1)


class ThingKind(StrEnum):
    """What can lapse. A new kind needs a source in `expiry_sources` and words in `expiry_words`."""

    IDP_CERTIFICATE = "idp-certificate"
    METADATA = "metadata"
    CLIENT_SECRET = "client-secret"  # noqa: S105
    ACCESS_KEY = "access-key"
    OWN_KEY = "own-key"


class Urgency(StrEnum):
    """How soon; the text is a heading."""

    PAST = "Past due"
    WEEK = "Within a week"
    MONTH = "Within a month"
    QUARTER = "Within three months"
    LATER = "Later"


# In the order of time: at most so long until it lapses.
_UNTIL = ((Urgency.WEEK, 7 * _DAY), (Urgency.MONTH, 30 * _DAY), (Urgency.QUARTER, 90 * _DAY))


@dataclass(frozen=True, slots=True)
class DatedThing:
    """One thing that lapses at an instant.

    `key` tells it from every other of its kind and never changes while it is the same thing. `name` is unique among
    those of its kind and account, and short. `changed_at`: when its date became what it is. `path` leads to the
    console page where something can be done; empty if there is none. The other texts are sentences.
    """

    kind: ThingKind
    account_id: str  # or GATEWAY
    key: str
    name: str
    expires_at: datetime
    changed_at: datetime
    what: str
    stops: str
    what_to_do: str
    path: str = ""

    def days_left(self, now: datetime) -> int:
        """Whole days until it lapses; below 0 once it has."""
        return (self.expires_at - now) // _DAY

    def urgency(self, now: datetime) -> Urgency:
        left = self.expires_at - now
        if left <= timedelta():
            return Urgency.PAST
        return next((urgency for urgency, most in _UNTIL if left <= most), Urgency.LATER)

    def event_id(self, threshold_days: int) -> str:
        """Names the news that this thing, with this date, has so many days left. 64 hex digits."""
        parts = (self.kind, self.account_id, self.key, wire_time(self.expires_at), str(threshold_days))
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Radar:
    """What is about to lapse, and what has, soonest first. `counts`: how many there are, shown or not."""

    things: tuple[DatedThing, ...]
    counts: dict[tuple[ThingKind, Urgency], int]

    def groups(self, now: datetime) -> Sequence[tuple[Urgency, Sequence[DatedThing], int]]:
        """By urgency: the things that are shown, and how many are there in all."""
        found = []
        for urgency in Urgency:
            things = [thing for thing in self.things if thing.urgency(now) is urgency]
            count = sum(number for (_, each), number in self.counts.items() if each is urgency)
            if count:
                found.append((urgency, things, count))
        return found


def plain_text(text: str) -> str:
    """A foreign text as it may stand in a page, a calendar or a message: one line, nothing invisible, not too long."""
    visible = "".join(" " if unicodedata.category(each)[0] in "CZ" else each for each in text)
    words = " ".join(visible.split())
    return words if len(words) <= _LONGEST_TEXT else words[: _LONGEST_TEXT - 1] + "…"


def urgency_bounds() -> tuple[tuple[Urgency, timedelta, timedelta], ...]:
    """For each urgency that is yet to come: it lapses later than the first, and at the second at the latest."""
    latest = [most for _, most in _UNTIL]
    earliest = [timedelta(), *latest]
    return tuple((urgency, after, most) for (urgency, most), after in zip(_UNTIL, earliest, strict=False))
