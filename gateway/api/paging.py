"""Pages on the wire: `Marker`, `MaxItems` and `IsTruncated`, or `NextToken`. Rule: ram-limits §9; operations.md.

A marker is the last key of the page before, encoded. It is no secret and no proof: a forged one starts the caller's
own list somewhere else.
"""

import base64
import binascii
from collections.abc import Mapping
from typing import Any

from gateway.api.parameters import Parameters
from gateway.api.render import Value
from gateway.errors import InputError, Reason
from gateway.store.paging import Page, Slice

_LONGEST_MARKER = 2048
_MOST = 1000


def read_page(
    parameters: Parameters, *, default: int = 100, most: int = _MOST, marker: str = "Marker", size: str = "MaxItems"
) -> Page:
    """Raises: InputError(PARAMETER_INVALID), subject the parameter: a size outside 1 to `most`, a strange marker."""
    count = parameters.optional_integer_between(size, 1, most)
    text = parameters.optional_text(marker, max_length=_LONGEST_MARKER)
    return Page(size=count or default, after="" if text is None else _decode(text, marker))


def page_fields(page: Slice[Any], *, marker: str = "Marker") -> Mapping[str, Value]:
    """`IsTruncated`, and where it is true the marker to go on from."""
    if page.next_after is None:
        return {"IsTruncated": False}
    return {"IsTruncated": True, marker: encode_marker(page.next_after)}


def encode_marker(key: str) -> str:
    return base64.urlsafe_b64encode(key.encode()).decode().rstrip("=")


def _decode(text: str, name: str) -> str:
    try:
        key = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True).decode()
    except (binascii.Error, UnicodeDecodeError, ValueError):
        key = ""
    if not key or "\x00" in key:
        raise InputError(Reason.PARAMETER_INVALID, f"{name} is not one of ours", text[:40], subject=name)
    return key
