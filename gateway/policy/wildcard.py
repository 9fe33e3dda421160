"""Wildcards: `*` stands for any run of characters, the empty one too, `?` for exactly one.

No pattern backtracks. `*` alone is matched by searching each literal piece once from the left, which is enough because
the leftmost place leaves the most room for the rest. A pattern that also has `?` becomes an expression of atomic groups
that searches the same way, and for long texts a bit set of positions, one step for each character.
Rule: policy-language §2.
"""

import re
from collections.abc import Callable, Iterable

TextTest = Callable[[str], bool]
_LONG_PRODUCT = 1 << 17  # text times pattern length up to which searching piece by piece stays well below a millisecond


def literal_prefix(pattern: str) -> str:
    """The part of a pattern before its first wildcard."""
    for index, letter in enumerate(pattern):
        if letter in "*?":
            return pattern[:index]
    return pattern


def compile_wildcard(pattern: str) -> TextTest:
    """A test for one pattern; matches whole texts, letter by letter."""
    if "?" in pattern:
        return _compile_signs(pattern)
    if "*" not in pattern:
        return pattern.__eq__
    return _compile_pieces(pattern)


def compile_wildcards(patterns: Iterable[str]) -> TextTest:
    """A test for several patterns: met by a text that matches any of them."""
    exact: set[str] = set()
    starts: list[str] = []
    globs: list[TextTest] = []
    for pattern in dict.fromkeys(patterns):
        prefix = literal_prefix(pattern)
        rest = pattern[len(prefix) :]
        if not rest:
            exact.add(pattern)
        elif rest.strip("*"):
            globs.append(compile_wildcard(pattern))
        elif prefix:
            starts.append(prefix)
        else:
            return _always
    return _compile_any(frozenset(exact), tuple(starts), tuple(globs))


def _always(_text: str) -> bool:
    return True


def _compile_any(exact: frozenset[str], starts: tuple[str, ...], globs: tuple[TextTest, ...]) -> TextTest:
    """The quickest test for what there is."""
    if not starts and not globs:
        return exact.__contains__
    if not exact and not starts and len(globs) == 1:
        return globs[0]
    if not globs:
        return lambda text: text in exact or text.startswith(starts)

    def test_globs(text: str) -> bool:
        for matches in globs:  # noqa: SIM110 - a plain loop takes half the time of any()
            if matches(text):
                return True
        return False

    if not exact and not starts:
        return test_globs
    return lambda text: text in exact or text.startswith(starts) or test_globs(text)


def _compile_pieces(pattern: str) -> TextTest:
    first, *pieces, last = pattern.split("*")
    middle = tuple((piece, len(piece)) for piece in pieces if piece)
    start, tail, shortest = len(first), len(last), len(first) + len(last)

    def test_open(text: str) -> bool:
        if not text.startswith(first):
            return False
        at = start
        for piece, length in middle:
            at = text.find(piece, at)
            if at < 0:
                return False
            at += length
        return True

    def test(text: str) -> bool:
        if not text.startswith(first) or not text.endswith(last) or len(text) < shortest:
            return False
        at, end = start, len(text) - tail
        for piece, length in middle:
            at = text.find(piece, at, end)
            if at < 0:
                return False
            at += length
        return True

    return test if last else test_open


def _compile_signs(pattern: str) -> TextTest:
    """Both ways of running are prepared when first needed: most patterns never meet a text that begins like them."""
    prefix, longest = literal_prefix(pattern), _LONG_PRODUCT // len(pattern)
    search: Callable[[str], re.Match[str] | None] | None = None
    step: TextTest | None = None

    def test(text: str) -> bool:
        nonlocal search, step
        if not text.startswith(prefix):
            return False
        if len(text) <= longest:
            if search is None:
                search = _compile_search(pattern)
            return search(text) is not None
        if step is None:
            step = _compile_steps(pattern)
        return step(text)

    return test


def _compile_search(pattern: str) -> Callable[[str], re.Match[str] | None]:
    """An atomic group keeps the leftmost place of its piece: nothing is tried a second time."""
    first, *pieces = (re.escape(piece).replace(r"\?", ".") for piece in re.split(r"\*+", pattern))
    last = ".*" + pieces.pop() if pieces else ""
    expression = first + "".join(f"(?>.*?{piece})" for piece in pieces) + last
    return re.compile(expression, re.DOTALL).fullmatch


def _compile_steps(pattern: str) -> TextTest:
    """Bit n of the set means: the first n signs of the pattern (stars not counted) match what was read so far."""
    any_one = loops = position = 0
    of_letter: dict[str, int] = {}
    for letter in pattern:
        bit = 1 << position
        if letter == "*":
            loops |= bit
            continue
        if letter == "?":
            any_one |= bit
        else:
            of_letter[letter] = of_letter.get(letter, 0) | bit
        position += 1
    accepted = 1 << position

    def test(text: str) -> bool:
        reached = 1
        for letter in text:
            reached = ((reached & (of_letter.get(letter, 0) | any_one)) << 1) | (reached & loops)
            if not reached:
                return False
        return bool(reached & accepted)

    return test
