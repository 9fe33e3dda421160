"""How many refusals are remembered. Anybody can be refused as often as they like, and records are kept for long: so
refusals that are alike leave one record in a minute, with a count of those that have left none, and whoever's share of
an hour is used up leaves only counts.

The counts are those of one process, and in its memory: a process that is killed loses them, at most the last minute's
of each name. Records that were made are kept like all others.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock

_MINUTE_S, _HOUR_S = 60, 3600


@dataclass(frozen=True, slots=True)
class Share:
    """Whose share of the records of an hour it is. INVARIANT: strangers can't make up any number of names."""

    name: str
    most: int  # records an hour, and as many again that tell of counts that were left


@dataclass(frozen=True, slots=True)
class Told:
    """What a record tells of: `times` refusals that are alike, and of `others` in the share that left none."""

    times: int
    others: int


Write = Callable[[Told], None]


@dataclass(slots=True)
class _Alike:
    minute: int
    times: int = 0  # since the last record
    write: Write | None = None  # the newest of them


@dataclass(slots=True)
class _Used:
    hour: int
    recorded: int = 0
    alike: dict[str, _Alike] = field(default_factory=dict)
    others: int = 0
    write: Write | None = None


class Tally:
    """Safe under threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._used: dict[str, _Used] = {}

    def note(self, share: Share, alike: str, now: datetime, write: Write) -> None:
        """Call `write` now, or at a later `tell_rest`, or for a later refusal that is alike: never twice for one."""
        with self._lock:
            told = self._take(share, alike, now, write)
        if told is not None:
            write(told)

    def tell_rest(self, now: datetime) -> None:
        """Tell of what was counted in minutes that are over. To be called about once a second."""
        with self._lock:
            due = [each for name in list(self._used) for each in self._take_rest(name, now)]
        for write, told in due:
            try:
                write(told)
            except Exception:  # the refusals stand; there is no call to break off
                logging.getLogger("ramgate").exception("%d refusals can't be recorded", told.times + told.others)

    def _take(self, share: Share, alike: str, now: datetime, write: Write) -> Told | None:
        used = self._used.setdefault(share.name, _Used(_hour(now)))
        if used.hour != _hour(now):
            used.hour, used.recorded = _hour(now), 0
        known = used.alike.get(alike)
        if known is not None and known.minute == _minute(now):
            known.times, known.write = known.times + 1, write
            return None
        if used.recorded >= share.most:
            used.others, used.write = used.others + 1, write
            return None
        used.recorded += 1
        used.alike[alike] = _Alike(_minute(now))
        others, used.others, used.write = used.others, 0, None
        return Told(1 + (known.times if known else 0), others)

    def _take_rest(self, name: str, now: datetime) -> list[tuple[Write, Told]]:
        used = self._used[name]
        due: list[tuple[Write, Told]] = []
        for alike in [key for key, known in used.alike.items() if known.minute != _minute(now)]:
            known = used.alike.pop(alike)
            if known.write is not None:
                due.append((known.write, Told(known.times, 0)))
        if used.hour != _hour(now):
            if used.write is not None:
                due.append((used.write, Told(1, used.others - 1)))
            del self._used[name]
        return due


def _minute(now: datetime) -> int:
    return int(now.timestamp()) // _MINUTE_S


def _hour(now: datetime) -> int:
    return int(now.timestamp()) // _HOUR_S
