"""Which of our own SAML keys there are, and from when each is used: a value, and its form as a file.

Keys of one use (`signing`, `encryption`) form a line, oldest first. One of them is current at any instant: the last
one whose `starts_at` has come. Those after it are next: published, and not used yet. Those before it are old.
A next key without `starts_at` waits for somebody to say when.
"""

import json
import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from gateway.clock import wire_time

_VERSION = 1
_FILE = re.compile(r"sp-(signing|encryption)(-[1-9][0-9]{0,5})?")
_INSTANT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")
_ENTRY = frozenset({"file", "starts_at", "leaves_at"})


class Use(StrEnum):
    SIGNING = "signing"
    ENCRYPTION = "encryption"


class Standing(StrEnum):
    """What a key is at an instant."""

    OLD = "old"
    CURRENT = "current"
    NEXT = "next"


@dataclass(frozen=True, slots=True)
class KeyEntry:
    """`file`: name of the pair, without `.key` and `.crt`. `starts_at`: in use from then on; None: not said yet, but
    for the first of a line, which always was. `leaves_at`: gone from our metadata from then on, once it is old.
    """

    file: str
    starts_at: datetime | None = None
    leaves_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Manifest:
    """`made`: how many generations of keys there ever were, so that no name is given twice."""

    made: int
    signing: tuple[KeyEntry, ...]
    encryption: tuple[KeyEntry, ...]

    def line(self, use: Use) -> tuple[KeyEntry, ...]:
        return self.signing if use is Use.SIGNING else self.encryption

    def with_line(self, use: Use, entries: tuple[KeyEntry, ...]) -> "Manifest":
        return replace(self, signing=entries) if use is Use.SIGNING else replace(self, encryption=entries)

    def current_index(self, use: Use, now: datetime) -> int:
        line = self.line(use)
        started = [index for index, entry in enumerate(line) if entry.starts_at is not None and entry.starts_at <= now]
        return started[-1] if started else 0

    def standing(self, use: Use, index: int, now: datetime) -> Standing:
        current = self.current_index(use, now)
        if index == current:
            return Standing.CURRENT
        return Standing.OLD if index < current else Standing.NEXT

    def is_published(self, use: Use, index: int, now: datetime) -> bool:
        """Whether our metadata shows the certificate. An old signing key stays for a while, so that requests under way
        are still believed; an old encryption key is not shown, so that nobody begins to use it.
        """
        standing = self.standing(use, index, now)
        if standing is not Standing.OLD:
            return True
        leaves_at = self.line(use)[index].leaves_at
        return use is Use.SIGNING and leaves_at is not None and now < leaves_at


FIRST = Manifest(1, (KeyEntry("sp-signing"),), (KeyEntry("sp-encryption"),))  # of a gateway that never changed keys


def render_manifest(manifest: Manifest) -> str:
    lines = {
        use.value: [
            {
                "file": entry.file,
                "starts_at": None if entry.starts_at is None else wire_time(entry.starts_at),
                "leaves_at": None if entry.leaves_at is None else wire_time(entry.leaves_at),
            }
            for entry in manifest.line(use)
        ]
        for use in Use
    }
    return json.dumps({"version": _VERSION, "made": manifest.made, **lines}, indent=2) + "\n"


def parse_manifest(text: str) -> Manifest:
    """Read a manifest. Refused: whatever `render_manifest` does not write, among it names that lead to other
    directories, a key that stands there twice, no key at all, and instants out of order.

    Raises: ValueError.
    """
    found = json.loads(text)
    if not isinstance(found, dict) or set(found) != {"version", "made", *Use} or found["version"] != _VERSION:
        raise ValueError("not a list of keys of this version")
    if type(found["made"]) is not int or found["made"] < 1:
        raise ValueError("the count of generations is no number")
    signing, encryption = (_line(found[use], use) for use in Use)
    return Manifest(found["made"], signing, encryption)


def _line(found: Any, use: Use) -> tuple[KeyEntry, ...]:
    if not isinstance(found, list) or not found:
        raise ValueError(f"there is no {use} key")
    entries = tuple(_entry(each, use) for each in found)
    if len({entry.file for entry in entries}) != len(entries):
        raise ValueError(f"a {use} key stands there twice")
    starts = [entry.starts_at for entry in entries[1:]]
    known = [start for start in starts if start is not None]
    if starts[: len(known)] != known or known != sorted(known):
        raise ValueError(f"the {use} keys are not in the order of their use")
    return entries


def _entry(found: Any, use: Use) -> KeyEntry:
    if not isinstance(found, dict) or set(found) != _ENTRY:
        raise ValueError("a key is not described as it must be")
    file = found["file"]
    match = _FILE.fullmatch(file) if isinstance(file, str) else None
    if match is None or match[1] != use:
        raise ValueError(f"a {use} key has no name of such a key")
    return KeyEntry(file, _instant(found["starts_at"]), _instant(found["leaves_at"]))


def _instant(found: Any) -> datetime | None:
    if found is None:
        return None
    if not isinstance(found, str) or not _INSTANT.fullmatch(found):
        raise ValueError("a time is not written as 2027-01-31T00:00:00Z")
    return datetime.strptime(found, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
