"""Wildcards: `*` stands for any run of characters, the empty one too, `?` for exactly one.

No pattern backtracks. `*` alone is matched by searching each literal piece once from the left, which is enough because
the leftmost place leaves the most room for the rest. A pattern that also has `?` is run as a bit set of positions, one
step for each character of the text. Rule: policy-language §2.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Self

TextTest = Callable[[str], bool]


def literal_prefix(pattern: str) -> str:
    """The part of a pattern before its first wildcard."""
    for index, letter in enumerate(pattern):
        if letter in "*?":
            return pattern[:index]
    return pattern


def compile_wildcard(pattern: str) -> TextTest:
    """A test for one pattern; matches whole texts, letter by letter."""
    if "?" in pattern:
        return _compile_bits(pattern)
    if "*" not in pattern:
        return pattern.__eq__
    return _compile_pieces(pattern)


def _compile_pieces(pattern: str) -> TextTest:
    first, *pieces, last = pattern.split("*")
    middle = tuple(piece for piece in pieces if piece)
    start, tail, shortest = len(first), len(last), len(first) + len(last)

    def test(text: str) -> bool:
        if len(text) < shortest or not text.startswith(first) or not text.endswith(last):
            return False
        at, end = start, len(text) - tail
        for piece in middle:
            at = text.find(piece, at, end)
            if at < 0:
                return False
            at += len(piece)
        return True

    return test


def _compile_bits(pattern: str) -> TextTest:
    """Bit n of the set means: the first n signs of the pattern (stars not counted) match what was read so far."""
    signs = [letter for letter in pattern if letter != "*"]
    any_one = loops = 0
    of_letter: dict[str, int] = {}
    position = 0
    for letter in pattern:
        if letter == "*":
            loops |= 1 << position
            continue
        bit = 1 << position
        if letter == "?":
            any_one |= bit
        else:
            of_letter[letter] = of_letter.get(letter, 0) | bit
        position += 1
    accepted = 1 << position
    prefix, shortest = literal_prefix(pattern), len(signs)

    def test(text: str) -> bool:
        if len(text) < shortest or not text.startswith(prefix):
            return False
        reached = 1
        for letter in text:
            reached = ((reached & (of_letter.get(letter, 0) | any_one)) << 1) | (reached & loops)
            if not reached:
                return False
        return bool(reached & accepted)

    return test


@dataclass(frozen=True, slots=True)
class TextMatcher:
    """A list of patterns compiled together; a text matches if any of them does."""

    everything: bool
    exact: frozenset[str]
    prefixes: tuple[str, ...]
    globs: tuple[TextTest, ...]
    test: TextTest = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "test", self._quickest())

    @classmethod
    def of(cls, patterns: Iterable[str]) -> Self:
        exact: set[str] = set()
        prefixes: list[str] = []
        globs: list[TextTest] = []
        everything = False
        for pattern in dict.fromkeys(patterns):
            prefix = literal_prefix(pattern)
            rest = pattern[len(prefix) :]
            if not rest:
                exact.add(pattern)
            elif rest.strip("*"):
                globs.append(compile_wildcard(pattern))
            elif prefix:
                prefixes.append(prefix)
            else:
                everything = True
        return cls(everything=everything, exact=frozenset(exact), prefixes=tuple(prefixes), globs=tuple(globs))

    def _quickest(self) -> TextTest:
        if self.everything:
            return _always
        if not self.prefixes and not self.globs:
            return self.exact.__contains__
        if not self.prefixes and not self.exact and len(self.globs) == 1:
            return self.globs[0]
        return self._any

    def _any(self, text: str) -> bool:
        if text in self.exact or text.startswith(self.prefixes):
            return True
        return any(test(text) for test in self.globs)


def _always(_text: str) -> bool:
    return True
