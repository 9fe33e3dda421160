"""Typed reading of a call's parameters. An empty value counts as not given, unless it says otherwise.

Rule: sdk-wire §2.3 (blank values), §2.4 (booleans, integers), §2.5 (the two spellings of a list).
"""

import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from gateway.directory.names import is_storable
from gateway.errors import InputError, Reason

ANY_LENGTH = 1_000_000  # more than a call can hold: how long such a text may be, the rule for it says

_INTEGER = re.compile(r"[0-9]{1,10}")
_BOOLEANS = {"true": True, "false": False}
_MOST_ITEMS = 100


@dataclass(frozen=True, slots=True)
class Parameters:
    values: Mapping[str, str]

    def text(self, name: str, *, max_length: int) -> str:
        """A text that must be there.

        Raises: InputError(PARAMETER_MISSING), InputError(PARAMETER_INVALID) beyond `max_length` characters.
        """
        value = self.optional_text(name, max_length=max_length)
        if value is None:
            raise missing(name)
        return value

    def optional_text(self, name: str, *, max_length: int | None = None) -> str | None:
        value = self.values.get(name) or None
        if value is not None and max_length is not None and len(value) > max_length:
            raise InputError(Reason.PARAMETER_INVALID, f"{name} is too long", f"{len(value)}", subject=name)
        return value

    def given_text(self, name: str) -> str | None:
        """A text that may be empty on purpose: None where the caller did not send it, "" where it clears something."""
        return self.values.get(name)

    def optional_integer(self, name: str) -> int | None:
        """Decimal digits. Raises: InputError(PARAMETER_INVALID) for a sign, a fraction, anything else."""
        value = self.values.get(name) or None
        if value is not None and not _INTEGER.fullmatch(value):
            raise InputError(Reason.PARAMETER_INVALID, f"{name} is no integer", value[:20], subject=name)
        return None if value is None else int(value)

    def optional_integer_between(self, name: str, least: int, most: int) -> int | None:
        """Raises: InputError(PARAMETER_INVALID) for anything but an integer from `least` to `most`."""
        value = self.optional_integer(name)
        if value is not None and not least <= value <= most:
            raise InputError(Reason.PARAMETER_INVALID, f"{name} must be {least} to {most}", str(value), subject=name)
        return value

    def optional_boolean(self, name: str) -> bool | None:
        """`true` or `false` in any case. Raises: InputError(PARAMETER_INVALID) for anything else."""
        value = self.values.get(name) or None
        if value is None:
            return None
        try:
            return _BOOLEANS[value.lower()]
        except KeyError:
            raise InputError(Reason.PARAMETER_INVALID, f"{name} is true or false", value[:20], subject=name) from None

    def choice(self, name: str, choices: Collection[str]) -> str:
        """One of `choices` that must be there.

        Raises: InputError(PARAMETER_MISSING), InputError(PARAMETER_INVALID) for anything else.
        """
        value = self.optional_choice(name, choices)
        if value is None:
            raise missing(name)
        return value

    def optional_choice(self, name: str, choices: Collection[str]) -> str | None:
        """One of `choices`, letter by letter. Raises: InputError(PARAMETER_INVALID) for anything else."""
        value = self.values.get(name) or None
        if value is not None and value not in choices:
            allowed = ", ".join(sorted(choices))
            raise InputError(Reason.PARAMETER_INVALID, f"{name} is one of {allowed}", value[:40], subject=name)
        return value

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of texts: one JSON array, or `Name.1`, `Name.2` and so on. Empty where neither was sent.

        Raises: InputError(PARAMETER_INVALID) for a JSON value of another shape and for more than 100 items.
        """
        items = self._json_list(name)
        if items is None:
            items = [value for _, value in self._numbered(re.compile(re.escape(name) + r"\.([0-9]{1,4})"))]
        if not all(isinstance(item, str) and is_storable(item) for item in items):
            raise _not_a_list(name)
        return self._bounded(name, tuple(items))

    def pairs(self, name: str) -> tuple[tuple[str, str], ...]:
        """A list of key and value: a JSON array of objects, or `Name.1.Key` and `Name.1.Value`. A value may be empty.

        Raises: InputError(PARAMETER_INVALID) as `texts`, and for a pair without a key.
        """
        items = self._json_list(name)
        if items is None:
            keys = self._numbered(re.compile(re.escape(name) + r"\.([0-9]{1,4})\.Key"))
            values = dict(self._numbered(re.compile(re.escape(name) + r"\.([0-9]{1,4})\.Value")))
            if set(values) - {number for number, _ in keys}:
                raise _not_a_list(name)
            items = [{"Key": key, "Value": values.get(number, "")} for number, key in keys]
        return self._bounded(name, tuple(_pair(name, item) for item in items))

    def _json_list(self, name: str) -> list[Any] | None:
        text = self.values.get(name) or None
        if text is None:
            return None
        try:
            items = json.loads(text)
        except (ValueError, RecursionError):
            raise _not_a_list(name) from None
        if not isinstance(items, list):
            raise _not_a_list(name)
        return items

    def _numbered(self, pattern: re.Pattern[str]) -> list[tuple[int, str]]:
        found = ((pattern.fullmatch(key), value) for key, value in self.values.items())
        return sorted((int(match[1]), value) for match, value in found if match is not None)

    def _bounded(self, name: str, items: tuple[Any, ...]) -> tuple[Any, ...]:
        if len(items) > _MOST_ITEMS:
            raise InputError(Reason.PARAMETER_INVALID, f"{name} has too many items", str(len(items)), subject=name)
        return items


def no_parameters(_parameters: Parameters) -> None:
    """What an operation reads that needs to be told nothing."""


def missing(name: str) -> InputError:
    return InputError(Reason.PARAMETER_MISSING, f"{name} is missing", subject=name)


def _pair(name: str, item: object) -> tuple[str, str]:
    if not isinstance(item, dict) or not set(item) <= {"Key", "Value"}:
        raise _not_a_list(name)
    key, value = item.get("Key"), item.get("Value", "")
    if not isinstance(key, str) or not isinstance(value, str) or not is_storable(key + value):
        raise _not_a_list(name)
    return key, value


def _not_a_list(name: str) -> InputError:
    return InputError(Reason.PARAMETER_INVALID, f"{name} is not a list of the right shape", subject=name)
