"""Whom an assertion is about and who may present it where. Checks 15 to 18, and the InResponseTo rule of check 9.

Rule: SAML Core 2.0 §2.4; SAML Profiles 2.0 §4.1.4.2, §4.1.4.3; sso-contract §1.3.
"""

import re
from datetime import datetime, timedelta
from typing import NamedTuple

from gateway.errors import Reason, SamlError
from gateway.saml import tags
from gateway.saml.tree import children_of, parse_instant, text_of
from gateway.saml.xml import Element

_SUBJECT_CHILDREN = frozenset({tags.NAME_ID, tags.SUBJECT_CONFIRMATION})
_CONFIRMATION_CHILDREN = frozenset({tags.SUBJECT_CONFIRMATION_DATA})
_MAX_NAME_ID = 1024
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class NameId(NamedTuple):
    value: str
    format: str  # in full; empty when the IdP gave none
    name_qualifier: str = ""
    sp_name_qualifier: str = ""


class Confirmation(NamedTuple):
    """What SubjectConfirmationData says, its time checked."""

    recipient: str
    in_response_to: str | None
    not_on_or_after: datetime


def read_subject(subject: Element) -> tuple[NameId, Element]:
    """Check 15. Returns the NameID and the SubjectConfirmation.

    Refused: no NameID or two, an EncryptedID or BaseID, a NameID that is empty, over 1,024 characters long, or
    holds control characters or white space at an end; the same of its format and qualifiers.
    Raises: SamlError(SAML_SUBJECT), SamlError(SAML_SUBJECT_CONFIRMATION) unless there is exactly one.
    """
    confirmations = [child for child in subject if child.tag == tags.SUBJECT_CONFIRMATION]
    if len(confirmations) != 1:
        raise SamlError(
            Reason.SAML_SUBJECT_CONFIRMATION,
            "the assertion must hold exactly one SubjectConfirmation",
            f"{len(confirmations)} of them",
        )
    if any(child.tag == tags.ENCRYPTED_ID for child in subject):
        raise SamlError(Reason.SAML_SUBJECT, "the NameID is encrypted; encrypt the whole assertion instead")
    name_id = children_of(subject, _SUBJECT_CHILDREN, reason=Reason.SAML_SUBJECT).get(tags.NAME_ID)
    if name_id is None:
        raise SamlError(Reason.SAML_SUBJECT, "the assertion has no NameID")
    return read_name_id(name_id), confirmations[0]


def read_name_id(element: Element) -> NameId:
    """A NameID with its format and qualifiers, which a logout request has to give back as they came.

    Raises: SamlError(SAML_SUBJECT).
    """
    value = text_of(element, Reason.SAML_SUBJECT)
    qualifiers = [element.get(name) or "" for name in ("Format", "NameQualifier", "SPNameQualifier")]
    if not value or any(_is_unusable(text) for text in (value, *qualifiers)):
        raise SamlError(Reason.SAML_SUBJECT, "the NameID can't be used", repr((value[:100], *qualifiers))[:400])
    return NameId(value, *qualifiers)


def _is_unusable(text: str) -> bool:
    return len(text) > _MAX_NAME_ID or text != text.strip() or _CONTROL.search(text) is not None


def check_subject_confirmation(confirmation: Element, now: datetime, skew: timedelta) -> Confirmation:
    """Check 16: a bearer confirmation that is still good.

    Refused: another Method, an identifier of somebody else than the subject, anything but exactly one
    SubjectConfirmationData, data without Recipient or NotOnOrAfter, with NotBefore, with child elements.
    Raises: SamlError(SAML_SUBJECT_CONFIRMATION), SamlError(SAML_EXPIRED), SamlError(SAML_TIME),
    SamlError(SAML_RECIPIENT) if there is none.
    """
    if confirmation.get("Method") != tags.BEARER:
        raise _unconfirmed("the SubjectConfirmation must be of the bearer method")
    children = children_of(confirmation, _CONFIRMATION_CHILDREN, reason=Reason.SAML_SUBJECT_CONFIRMATION)
    data = children.get(tags.SUBJECT_CONFIRMATION_DATA)
    if data is None or len(data):
        raise _unconfirmed("the SubjectConfirmation must hold exactly one plain SubjectConfirmationData")
    expires = data.get("NotOnOrAfter")
    if expires is None or data.get("NotBefore") is not None:
        raise _unconfirmed("the SubjectConfirmationData must have a NotOnOrAfter and no NotBefore")
    recipient = data.get("Recipient")
    if recipient is None:
        raise SamlError(Reason.SAML_RECIPIENT, "the SubjectConfirmationData has no Recipient")
    not_on_or_after = parse_instant(expires)
    if now >= not_on_or_after + skew:
        raise SamlError(Reason.SAML_EXPIRED, "the assertion is expired", expires)
    return Confirmation(recipient, data.get("InResponseTo"), not_on_or_after)


def check_recipient(recipient: str, recipients: tuple[str, ...]) -> None:
    """Check 17. Raises: SamlError(SAML_RECIPIENT) unless it is one of our consumer URLs, character by character."""
    if recipient not in recipients:
        raise SamlError(Reason.SAML_RECIPIENT, "the assertion is made for another recipient", repr(recipient[:200]))


def check_in_response_to(found: str | None, expected: str | None) -> None:
    """Checks 9 and 18: a message answers the request that it should, or none if it should answer none.

    Raises: SamlError(SAML_UNSOLICITED) if it answers none though it should, SamlError(SAML_IN_RESPONSE_TO) if it
    answers another one, or one though it should answer none.
    """
    if found == expected:
        return
    if found is None:
        raise SamlError(Reason.SAML_UNSOLICITED, "the SAML message does not answer the login that was started")
    raise SamlError(Reason.SAML_IN_RESPONSE_TO, "the SAML message answers another login", repr(found[:100]))


def _unconfirmed(public: str) -> SamlError:
    return SamlError(Reason.SAML_SUBJECT_CONFIRMATION, public)
