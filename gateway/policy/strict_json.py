"""JSON text to values, strictly: bounded size and depth, no member twice, nothing but JSON.

Every refusal is an InputError that says where. Rule: RFC 8259; policy-language §1.
"""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NoReturn, TypeAlias

from gateway.errors import InputError, Reason
from gateway.policy.position import find_position

MAX_DEPTH = 12  # the grammar needs 6
_STRING = re.compile(r'"(?:[^"\\]|\\.?)*+"?', re.DOTALL)  # an unclosed one runs to the end, so no second look
_BRACKETS = re.compile(r"[\[\]{}]")
_WHITE_SPACE = re.compile(r"[ \t\r\n]+")
_SHOWN = 60


@dataclass(frozen=True, slots=True)
class Members:
    """A JSON object as written: every member in order, repeated ones too, so that the reader can say where they are."""

    pairs: tuple[tuple[str, "Json"], ...]


Json: TypeAlias = "str | float | bool | list[Json] | Members | None"


def malformed(path: str, problem: str) -> InputError:
    """An error about one place; the empty path is the whole document."""
    text = f"{path}: {problem}" if path else problem
    error = InputError(Reason.POLICY_MALFORMED, text, subject="PolicyDocument")
    error.place = path
    return error


@contextmanager
def positions_in(text: str) -> Iterator[None]:
    """Errors about a place in `text` say its line and column too."""
    try:
        yield
    except InputError as exc:
        if exc.place:
            line, column = find_position(text, exc.place)
            exc.public = f"{exc.public} (line {line}, column {column})"
        raise


def shown(text: str) -> str:
    """User input for a message: short, printable, in backticks."""
    short = text if len(text) <= _SHOWN else text[:_SHOWN] + "..."
    return "`" + "".join(letter if letter.isprintable() and letter != "`" else "?" for letter in short) + "`"


def check_length(text: str, limit: int, *, ignore_white_space: bool) -> None:
    """Refuse a document of more than `limit` characters.

    ASSUMPTION: white space between tokens does not count for identity policies, so an indented document may be longer;
    even then the text as sent is refused beyond four times the limit.
    Raises: InputError(POLICY_TOO_LONG). Rule: policy-language §6.
    """
    length = len(text)
    if ignore_white_space and limit < length <= limit * 4:
        strings = _STRING.findall(text)
        length = len(_WHITE_SPACE.sub("", _STRING.sub("", text))) + sum(map(len, strings))
    if length > limit:
        raise InputError(
            Reason.POLICY_TOO_LONG,
            f"a policy of this kind may have {limit} characters, this one has {length}; shorten or split it",
            subject="PolicyDocument",
        )


def read_json(text: str) -> Json:
    """The value of a JSON text that passed `check_length`.

    Refused: anything but JSON, NaN and Infinity, nesting beyond MAX_DEPTH, lone surrogates in strings.
    Raises: InputError(POLICY_MALFORMED).
    """
    _check_depth(text)
    try:
        text.encode()
        value: Json = json.loads(
            text, object_pairs_hook=_members, parse_int=float, parse_float=float, parse_constant=_no_constant
        )
    except json.JSONDecodeError as exc:
        raise malformed("", f"not JSON: {exc.msg} (line {exc.lineno}, column {exc.colno})") from exc
    except UnicodeError as exc:
        raise malformed("", "not JSON: the text has half a surrogate pair in it") from exc
    return value


def _check_depth(text: str) -> None:
    """Before the decoder runs, as it recurses: a text of brackets must not exhaust the stack."""
    depth = 0
    for bracket in _BRACKETS.finditer(_STRING.sub("", text)):
        depth += 1 if bracket[0] in "[{" else -1
        if depth > MAX_DEPTH:
            raise malformed("", f"nested deeper than {MAX_DEPTH} levels; no policy needs that")


def _members(pairs: list[tuple[str, Json]]) -> Members:
    return Members(tuple(pairs))


def _no_constant(name: str) -> NoReturn:
    raise malformed("", f"not JSON: `{name}` is no JSON value; write values as strings in double quotes")


def read_object(value: Json, path: str, wanted: str) -> dict[str, Json]:
    """The members of an object. Refused: another type, a member twice. Raises: InputError(POLICY_MALFORMED)."""
    if not isinstance(value, Members):
        raise malformed(path, f"expected an object: {wanted}")
    members: dict[str, Json] = {}
    for name, member in value.pairs:
        if name in members:
            raise malformed(path, f"{shown(name)} is written twice; keep one of them")
        members[name] = member
    return members


def read_text(value: Json, path: str, wanted: str) -> str:
    """One string. Refused: another type, half a surrogate pair. Raises: InputError(POLICY_MALFORMED)."""
    if not isinstance(value, str):
        raise malformed(path, f"expected a string in double quotes: {wanted}")
    if not value.isascii() and any("\ud800" <= letter <= "\udfff" for letter in value):
        raise malformed(path, "half a surrogate pair; write the character itself")
    return value


def read_texts(value: Json, path: str, wanted: str) -> tuple[str, ...]:
    """One string or a list of at least one; both come back as a tuple. Raises: InputError(POLICY_MALFORMED)."""
    if not isinstance(value, list):
        return (read_text(value, path, wanted),)
    if not value:
        raise malformed(path, f"the list is empty; name at least one: {wanted}")
    return tuple(read_text(item, f"{path}[{index}]", wanted) for index, item in enumerate(value))
