"""Metadata of identity providers as parameters carry it: XML in Base64. Rule: sso-contract §1.2, §2.1."""

import base64
import binascii
from typing import Protocol

from gateway.api.action import Work
from gateway.api.parameters import Parameters
from gateway.directory.metadata_in_force import read_metadata
from gateway.errors import InputError, Reason

_LONGEST = 1024 * 1024  # no call is longer


class WithMetadata(Protocol):
    """A request that may bring metadata along."""

    @property
    def metadata_xml(self) -> bytes | None: ...


def look_into_metadata(work: Work, request: WithMetadata) -> None:
    """Refuse a bad document, and load what reads documents, before anything is locked: either can take long.

    Raises: SamlError(METADATA_*).
    """
    if request.metadata_xml is not None:
        read_metadata(request.metadata_xml, work.now)


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
