"""Where in a text a part of a policy stands: the path of an error as line and column.

Only for texts that are JSON already, and only once something in them was refused.
"""

import json
import re
from collections.abc import Iterator

_SPACE = re.compile(r"[ \t\r\n]*")
_DECODER = json.JSONDecoder()


def find_position(text: str, path: str) -> tuple[int, int]:
    """Line and column, both from 1, of the deepest part of `path` that the text has.

    `path` is like `Statement[1].Condition.StringEquals`; the empty one is the text as a whole.
    """
    offset, longest = _after_space(text, 0), -1
    for found, start in _walk(text, offset, ""):
        if len(found) > longest and _leads_to(found, path):
            offset, longest = start, len(found)
    return text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)


def _leads_to(found: str, path: str) -> bool:
    return path == found or (path.startswith(found) and path[len(found)] in ".[")


def _walk(text: str, at: int, path: str) -> Iterator[tuple[str, int]]:
    """The path and the start of every value below the one at `at`. Depth is bounded: the parser has read the text."""
    if text[at] == "{":
        yield from _walk_object(text, at + 1, path)
    elif text[at] == "[":
        yield from _walk_list(text, at + 1, path)


def _walk_object(text: str, at: int, path: str) -> Iterator[tuple[str, int]]:
    at = _after_space(text, at)
    while text[at] != "}":
        at = _after_space(text, at + (text[at] == ","))
        start = at
        name, at = _DECODER.raw_decode(text, at)
        at = _after_space(text, _after_space(text, at) + 1)
        inner = f"{path}.{name}" if path else name
        yield inner, start
        yield from _walk(text, at, inner)
        at = _after_value(text, at)


def _walk_list(text: str, at: int, path: str) -> Iterator[tuple[str, int]]:
    at, index = _after_space(text, at), 0
    while text[at] != "]":
        at = _after_space(text, at + (text[at] == ","))
        inner = f"{path}[{index}]"
        yield inner, at
        yield from _walk(text, at, inner)
        at, index = _after_value(text, at), index + 1


def _after_value(text: str, at: int) -> int:
    _value, end = _DECODER.raw_decode(text, at)
    return _after_space(text, end)


def _after_space(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return at if found is None else found.end()
