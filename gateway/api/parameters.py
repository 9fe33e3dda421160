"""Typed reading of a call's parameters. An empty value counts as not given. Rule: sdk-wire §2.3, §2.4."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from gateway.errors import InputError, Reason

_INTEGER = re.compile(r"[0-9]{1,10}")


@dataclass(frozen=True, slots=True)
class Parameters:
    values: Mapping[str, str]

    def text(self, name: str, *, max_length: int) -> str:
        """A text that must be there.

        Raises: InputError(PARAMETER_MISSING), InputError(PARAMETER_INVALID) beyond `max_length` characters.
        """
        value = self.optional_text(name, max_length=max_length)
        if value is None:
            raise InputError(Reason.PARAMETER_MISSING, f"{name} is missing", subject=name)
        return value

    def optional_text(self, name: str, *, max_length: int | None = None) -> str | None:
        value = self.values.get(name) or None
        if value is not None and max_length is not None and len(value) > max_length:
            raise InputError(Reason.PARAMETER_INVALID, f"{name} is too long", f"{len(value)}", subject=name)
        return value

    def optional_integer(self, name: str) -> int | None:
        """Decimal digits. Raises: InputError(PARAMETER_INVALID) for a sign, a fraction, anything else."""
        value = self.values.get(name) or None
        if value is not None and not _INTEGER.fullmatch(value):
            raise InputError(Reason.PARAMETER_INVALID, f"{name} is no integer", value[:20], subject=name)
        return None if value is None else int(value)
