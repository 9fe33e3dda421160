"""Metadata of identity providers as parameters carry it: XML in Base64. Rule: sso-contract §1.2, §2.1."""

import base64
import binascii

from gateway.api.parameters import Parameters
from gateway.errors import InputError, Reason

_LONGEST = 1024 * 1024  # no call is longer


def read_metadata_document(parameters: Parameters, name: str) -> bytes | None:
    """The document's bytes, not looked into yet; None where none was sent. Line breaks in the Base64 do not count.

    Raises: InputError(PARAMETER_INVALID), subject the parameter, for what is not Base64.
    """
    text = parameters.optional_text(name, max_length=_LONGEST)
    if text is None:
        return None
    try:
        return base64.b64decode("".join(text.split()).encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        raise InputError(Reason.PARAMETER_INVALID, f"{name} is not Base64", subject=name) from None


def metadata_text(document: bytes) -> str:
    return base64.b64encode(document).decode("ascii")
