"""Circumstances that somebody supposes: condition keys and values, set freely, in bounds. Pure."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from gateway.clock import wire_time
from gateway.directory.names import is_storable
from gateway.errors import InputError, Reason
from gateway.guard.questions import context_text, load_json, malformed_context
from gateway.policy.fold import fold

LONGEST = 16_384
_MOST_KEYS, _MOST_VALUES = 64, 64
_KEY = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,31}:\S.{0,254}", re.DOTALL)

Context = Mapping[str, tuple[str, ...]]


def read_circumstances(text: str | None, now: datetime, *, open_otherwise: bool = False) -> Context:
    """A JSON object of condition key to value, or to a list of values; any key, the gateway's own too.

    The time is `now`, and the connection secure, unless they are told, or what is not told is `open_otherwise`.
    `acs:PrincipalARN` never counts: who asks is given in another way.
    Refused: more than 16,384 characters, 64 keys, or 64 values of a key; a key twice, in whatever case.
    Raises: InputError(PARAMETER_TOO_LONG), InputError(PARAMETER_INVALID), subject "Context".
    """
    context: dict[str, tuple[str, ...]] = {}
    seen: set[str] = set()
    for key, value in _load(text).items():
        if not _KEY.fullmatch(key) or not is_storable(key):
            raise malformed_context("a condition key is written like acs:SourceIp")
        if fold(key) in seen:
            raise malformed_context("a key is there twice")
        seen.add(fold(key))
        context[key] = _values(value)
    for key, value in (("acs:CurrentTime", wire_time(now)), ("acs:SecureTransport", "true")):
        if fold(key) not in seen and not open_otherwise:
            context[key] = (value,)
    return context


def _load(text: str | None) -> Mapping[str, Any]:
    if not text:
        return {}
    if len(text) > LONGEST:
        message = f"`Context` has more than {LONGEST} characters"
        raise InputError(Reason.PARAMETER_TOO_LONG, message, subject="Context")
    try:
        value = load_json(text)
    except ValueError:
        raise malformed_context("it is not JSON with each member once") from None
    if not isinstance(value, dict) or len(value) > _MOST_KEYS:
        raise malformed_context(f"it is a JSON object of at most {_MOST_KEYS} keys")
    return value


def _values(value: object) -> tuple[str, ...]:
    items = value if isinstance(value, list) else [value]
    if len(items) > _MOST_VALUES:
        raise malformed_context(f"a key has more than {_MOST_VALUES} values")
    return tuple(context_text(item) for item in items)
