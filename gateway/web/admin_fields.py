"""Fields of administration forms that hold more than one word: lists, numbers, names of condition keys."""

import re
from datetime import UTC, datetime

from gateway.errors import InputError, Reason
from gateway.web.edge import form_text

_SEPARATORS = re.compile(r"[\s,]+")
_LONGEST_LIST = 10_000
_LONGEST_NUMBER = 9
_LONGEST_DATE = 20
_LONGEST_KEY = 256
CLAIM = "oidc:claim/"


def sent_items(name: str) -> tuple[str, ...]:
    """A list in a text field: one item a line, or with spaces or commas between them."""
    text = form_text(name, max_length=_LONGEST_LIST, required=False)
    return tuple(item for item in _SEPARATORS.split(text) if item)


def sent_number(name: str) -> int | None:
    """None for an empty field. Raises: InputError(PARAMETER_INVALID)."""
    text = form_text(name, max_length=_LONGEST_NUMBER, required=False).strip()
    if not text:
        return None
    if not (text.isascii() and text.isdigit()):
        raise InputError(Reason.PARAMETER_INVALID, f"`{name}` must be a whole number.", subject=name)
    return int(text)


def sent_date(name: str) -> datetime | None:
    """The beginning of a day in UTC; None for an empty field. Raises: InputError(PARAMETER_INVALID)."""
    text = form_text(name, max_length=_LONGEST_DATE, required=False).strip()
    if not text:
        return None
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        message = f"`{name}` must be a date such as 2027-01-31."
        raise InputError(Reason.PARAMETER_INVALID, message, subject=name) from None


def sent_key(name: str) -> str:
    """A condition key; the name of a claim alone means that claim of the ID token."""
    text = form_text(name, max_length=_LONGEST_KEY, required=False).strip()
    return text if not text or text.startswith(("oidc:", "saml:")) else CLAIM + text
