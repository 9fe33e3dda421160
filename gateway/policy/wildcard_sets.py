"""How the texts that two wildcard patterns match lie to each other. For the linter; nothing is decided with it.

Rule: policy-language §2.
"""

from collections.abc import Iterable

_MOST_STEPS = 1 << 20  # beyond it nobody is told anything, rather than made to wait


def covers(wide: str, narrow: str) -> bool:
    """Whether `wide` matches every text that `narrow` matches. False where that can't be told.

    The signs of `narrow` are read as letters: its `?` is any one letter, its `*` any run, so that the first can be met
    by a `?` or within a `*` of `wide`, the second within a `*` only.
    """
    if len(wide) * len(narrow) > _MOST_STEPS:
        return wide == narrow
    reached = _closure({0}, wide)
    for letter in narrow:
        following: set[int] = set()
        for place in reached:
            if place == len(wide):
                continue
            sign = wide[place]
            if sign == "*":
                following.add(place)
            elif letter != "*" and sign in ("?", letter) and not (letter == "?" and sign != "?"):
                following.add(place + 1)
        reached = _closure(following, wide)
        if not reached:
            return False
    return len(wide) in reached


def overlap(one: str, other: str) -> bool:
    """Whether some text is matched by both. True where that can't be told."""
    if len(one) * len(other) > _MOST_STEPS:
        return True
    seen: set[tuple[int, int]] = set()
    waiting = [(0, 0)]
    while waiting:
        pair = waiting.pop()
        if pair in seen:
            continue
        seen.add(pair)
        left, right = pair
        if left == len(one) and right == len(other):
            return True
        waiting.extend(_steps(one, left, other, right))
    return False


def covered_by_any(wides: Iterable[str], narrow: str) -> bool:
    return any(covers(wide, narrow) for wide in wides)


def _closure(places: set[int], pattern: str) -> set[int]:
    """With each place before a `*` the place behind it: a run may be empty."""
    whole = set(places)
    for place in places:
        following = place
        while following < len(pattern) and pattern[following] == "*":
            following += 1
            whole.add(following)
    return whole


def _steps(one: str, left: int, other: str, right: int) -> list[tuple[int, int]]:
    """Where a pair of places can go: past an empty run, or past one letter that both take."""
    a = one[left] if left < len(one) else ""
    b = other[right] if right < len(other) else ""
    steps = []
    if a == "*":
        steps.append((left + 1, right))
        if b and b != "*":
            steps.append((left, right + 1))
    if b == "*":
        steps.append((left, right + 1))
        if a and a != "*":
            steps.append((left + 1, right))
    if a and b and "*" not in (a, b) and (a == b or "?" in (a, b)):
        steps.append((left + 1, right + 1))
    return steps
