"""Identity provider metadata on its way in: uploaded, pasted or fetched, shown, and only then saved."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from dataclasses import dataclass
from datetime import datetime

from flask import request

from gateway.directory.metadata_in_force import read_again
from gateway.directory.provider_certificates import SIGN_ALGORITHMS
from gateway.errors import InputError, Reason
from gateway.federation.metadata_refresh import fetch_first
from gateway.saml.metadata import IdpMetadata, parse_idp_metadata
from gateway.saml.metadata_difference import Difference, metadata_differences
from gateway.web.edge import Edge, form_text

_TEXT_MAX = 1_048_576
_URL_MAX = 2048
_ANCHORS_MAX = 65_536


@dataclass(frozen=True, slots=True)
class Preview:
    """What was found in a document, and the document in the form that travels in the confirming form."""

    found: IdpMetadata
    packed: str
    differences: tuple[Difference, ...] = ()  # to the document in force, if there is one


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


@dataclass(frozen=True, slots=True)
class SentSource:
    """Where metadata is to be fetched from. `url` is empty if nowhere."""

    url: str
    anchors_pem: str
    trust_tls: bool

    def fields(self) -> dict[str, str]:
        """As they travel in the confirming form."""
        if not self.url:
            return {}
        trust = {"trust_tls": "yes"} if self.trust_tls else {}
        return {"url": self.url, "anchors": self.anchors_pem, **trust}


def sent_source() -> SentSource:
    """The fields of a form about a source. Raises: InputError."""
    return SentSource(
        url=form_text("url", max_length=_URL_MAX, required=False).strip(),
        anchors_pem=form_text("anchors", max_length=_ANCHORS_MAX, required=False).strip(),
        trust_tls="trust_tls" in request.form,
    )


def sent_or_fetched(edge: Edge, account_id: str, now: datetime) -> bytes:
    """The document that was sent; if a URL was, what is there. No transaction may be open: the other side can be slow.

    Raises: InputError as `sent_metadata`; UpstreamError(FETCH_*); SamlError(METADATA_SIGNATURE) among METADATA reasons;
    Conflict(CHANGED_MEANWHILE) while something else is fetched for the account.
    """
    source = sent_source()
    if not source.url:
        return sent_metadata()
    if request.files.get("file") or request.form.get("text", "").strip():
        message = "Send a file, paste the text or name a URL, only one of these."
        raise InputError(Reason.PARAMETER_INVALID, message, subject="metadata")
    with edge.errands.enter(account_id):
        return fetch_first(edge.services.fetcher, source.url, source.anchors_pem, now)


def preview_metadata(xml: bytes, now: datetime, in_force: bytes | None = None) -> Preview:
    """Raises: SamlError with one of the METADATA reasons."""
    found = parse_idp_metadata(xml, now)
    differences = () if in_force is None else metadata_differences(read_again(in_force), found)
    return Preview(found, urlsafe_b64encode(xml).decode("ascii"), differences)


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
