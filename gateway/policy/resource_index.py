"""Finding the statements that may speak of a resource, by how the relative id of the resource begins.

A filter only: what it yields is matched properly afterwards. It must never leave out a statement that matches.

A name with exactly four colons can be matched by a pattern with exactly four only segment by segment, as each colon of
the pattern needs one of its own; then the relative id must begin with what the pattern has before its first wildcard.
All other patterns, and all names with more or fewer colons, take the long way.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, Self, TypeVar

from gateway.policy.fold import fold
from gateway.policy.wildcard import literal_prefix

_SEGMENTS = 5
_WORTH_INDEXING = 4
_LONGEST_PREFIX = 24

_T = TypeVar("_T")


def relative_id(resource: str) -> str | None:
    """The part after the fourth colon, if there are exactly four."""
    segments = resource.split(":", _SEGMENTS)
    return segments[-1] if len(segments) == _SEGMENTS else None


@dataclass(frozen=True, slots=True)
class ResourceIndex(Generic[_T]):
    """`entries` in order; `by_prefix` and `anywhere` hold places in `entries`. Without `by_prefix`: scan `entries`."""

    entries: tuple[_T, ...]
    by_prefix: dict[str, tuple[int, ...]]
    lengths: tuple[int, ...]
    anywhere: tuple[int, ...]

    @classmethod
    def of(cls, entries: Sequence[tuple[_T, tuple[str, ...]]]) -> Self:
        """`entries` are pairs of a value and its resource patterns."""
        plain = tuple(value for value, _ in entries)
        if len(plain) < _WORTH_INDEXING:
            return cls(plain, {}, (), ())
        by_prefix: dict[str, list[int]] = {}
        anywhere: list[int] = []
        for place, (_, patterns) in enumerate(entries):
            prefixes = _prefixes(patterns)
            if not prefixes:
                anywhere.append(place)
            for prefix in prefixes:
                by_prefix.setdefault(prefix, []).append(place)
        lengths = tuple(sorted({len(prefix) for prefix in by_prefix}))
        return cls(plain, {key: tuple(places) for key, places in by_prefix.items()}, lengths, tuple(anywhere))

    def near(self, start: str | None) -> Iterable[_T]:
        """The entries that may match a resource of which `index_key` made `start`, in order."""
        if start is None or not self.by_prefix:
            return self.entries
        hits = [found for length in self.lengths if (found := self.by_prefix.get(start[:length]))]
        if not hits:
            places: Iterable[int] = self.anywhere
        elif len(hits) == 1 and not self.anywhere:
            places = hits[0]
        else:
            places = sorted({*self.anywhere}.union(*hits))
        entries = self.entries
        return [entries[place] for place in places]


def index_key(resource: str) -> str | None:
    """What the index needs to know of a resource name; None if it must go the long way."""
    relative = relative_id(resource)
    return None if relative is None else fold(relative[:_LONGEST_PREFIX])


def _prefixes(patterns: tuple[str, ...]) -> set[str]:
    """How a relative id must begin for one of the patterns to match; empty if there is no telling."""
    prefixes = set()
    for pattern in patterns:
        relative = relative_id(pattern)
        prefix = "" if relative is None else fold(literal_prefix(relative))[:_LONGEST_PREFIX]
        if not prefix:
            return set()
        prefixes.add(prefix)
    return prefixes
