"""Identity provider metadata on its way in: uploaded or pasted, shown, and only then saved."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from dataclasses import dataclass
from datetime import datetime

from flask import request

from gateway.directory.provider_certificates import SIGN_ALGORITHMS
from gateway.errors import InputError, Reason
from gateway.saml.metadata import IdpMetadata, parse_idp_metadata
from gateway.web.edge import form_text

_TEXT_MAX = 1_048_576


@dataclass(frozen=True, slots=True)
class Preview:
    """What was found in a document, and the document in the form that travels in the confirming form."""

    found: IdpMetadata
    packed: str


def sent_metadata() -> bytes:
    """The document from the form's file, or else from its text field.

    Raises: InputError(PARAMETER_MISSING), InputError(PARAMETER_INVALID) if both were sent.
    """
    upload = request.files.get("file")
    from_file = upload.read() if upload else b""
    from_text = form_text("text", max_length=_TEXT_MAX, required=False).strip().encode("utf-8", "surrogatepass")
    if from_file and from_text:
        raise InputError(Reason.PARAMETER_INVALID, "Send a file or paste the text, not both.", subject="metadata")
    if not from_file and not from_text:
        raise InputError(Reason.PARAMETER_MISSING, "Choose a metadata file or paste its text.", subject="metadata")
    return from_file or from_text


def preview_metadata(xml: bytes, now: datetime) -> Preview:
    """Raises: SamlError with one of the METADATA reasons."""
    return Preview(parse_idp_metadata(xml, now), urlsafe_b64encode(xml).decode("ascii"))


def confirmed_metadata() -> bytes:
    """The document that a preview page sent back. It is read and checked like any other when it is saved.

    Raises: InputError(PARAMETER_INVALID).
    """
    packed = form_text("metadata", max_length=2 * _TEXT_MAX)
    try:
        return urlsafe_b64decode(packed.encode("ascii"))
    except (Base64Error, ValueError) as exc:
        raise InputError(Reason.PARAMETER_INVALID, "The metadata was damaged on its way.", subject="metadata") from exc


def sent_sign_algorithm() -> str:
    """Raises: InputError(PARAMETER_INVALID)."""
    text = form_text("sign_algo", max_length=20)
    if text not in SIGN_ALGORITHMS:
        raise InputError(Reason.PARAMETER_INVALID, "Choose one of the two algorithms.", subject="AuthnSignAlgo")
    return text
