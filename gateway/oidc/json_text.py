"""JSON of an OpenID Provider to values, strictly: bounded, no member twice, nothing that JSON does not know.

Two readers of one text must not see two things in it, so whatever readers differ about is refused.
Rule: RFC 8259 §4, §6, §8; RFC 7519 §4; RFC 7515 §10.12.
"""

import json
import math
import re
from typing import NoReturn, TypeAlias

from gateway.errors import OidcError, Reason
from gateway.identity import ClaimValue

Json: TypeAlias = ClaimValue
JsonObject: TypeAlias = dict[str, Json]

MAX_DEPTH = 16
_STRING = re.compile(r'"(?:[^"\\]|\\.?)*+"?', re.DOTALL)  # an unclosed one runs to the end, so no second look
_BRACKETS = re.compile(r"[\[\]{}]")
_WHITE_SPACE = " \t\r\n"
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def read_object(data: bytes) -> JsonObject:
    """The members of a JSON object in UTF-8; `data` is bounded by the caller.

    Refused: another encoding, other JSON than an object, a member twice, nesting beyond 16 levels, integers of more
    than 4,300 digits, fractions beyond a double, NaN and Infinity, NUL and half surrogate pairs in strings.
    Raises: OidcError(OIDC_JSON), OidcError(OIDC_DUPLICATE_MEMBER), OidcError(OIDC_TOO_DEEP).
    """
    try:
        text = data.decode().strip(_WHITE_SPACE)
        # Seldom is there another brace than the first, and to find that out is quicker than to count them.
        if text.count("[") + (text.find("{", 1) > 0 and text.count("{")) >= MAX_DEPTH:
            _check_depth(text)
        value, end = _SCAN(text, 0)
    except StopIteration as exc:
        raise _malformed("not a value") from exc
    except ValueError as exc:  # not JSON, not UTF-8, or an integer that Python refuses to read
        raise _malformed(str(exc)) from exc
    if end != len(text) or not isinstance(value, dict):
        raise _malformed("not an object, or something after it")
    if "\\" in text:  # an escape is the only way in for what is checked here
        _check_storable(value)
    return value


def _check_depth(text: str) -> None:
    """Before the decoder runs, as it recurses: a text of brackets must not exhaust the stack."""
    depth = 0
    for bracket in _BRACKETS.finditer(_STRING.sub("", text)):
        depth += 1 if bracket[0] in "[{" else -1
        if depth > MAX_DEPTH:
            raise OidcError(Reason.OIDC_TOO_DEEP, "the JSON is nested too deeply")


def _check_storable(value: Json) -> None:
    if isinstance(value, str):
        if _UNSTORABLE.search(value):
            raise _malformed("NUL or half a surrogate pair in a string")
    elif isinstance(value, dict):
        for name, member in value.items():
            _check_storable(name)
            _check_storable(member)
    elif isinstance(value, list):
        for item in value:
            _check_storable(item)


def _unique(pairs: list[tuple[str, Json]]) -> JsonObject:
    members = dict(pairs)
    if len(members) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise OidcError(Reason.OIDC_DUPLICATE_MEMBER, "the JSON has a member twice", repr(twice[:100]))
    return members


def _real(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise _malformed("a number that is too large")
    return value


def _no_constant(name: str) -> NoReturn:
    raise _malformed(f"{name} is no JSON value")


def _malformed(detail: str) -> OidcError:
    return OidcError(Reason.OIDC_JSON, "the JSON is malformed", detail)


# What `JSONDecoder.raw_decode` calls; it raises StopIteration where no value begins.
_SCAN = json.JSONDecoder(object_pairs_hook=_unique, parse_float=_real, parse_constant=_no_constant).scan_once  # type: ignore[attr-defined]
