"""Verification of logout messages: what came in, a `VerifiedLogout` or `LogoutAnswer` or a SamlError out.

The list of checks is in `logout_checks`. As with responses, only the bytes that a signature covers are read: by POST
the canonical form of the signed message, by redirect the very text that the query carried.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from gateway.errors import Reason, SamlError
from gateway.identity import VerifiedLogout
from gateway.saml import tags
from gateway.saml.assertion import check_issuer
from gateway.saml.certificates import EncryptionKey, TrustedCertificate, twins_of
from gateway.saml.decryption import decrypt_name_id
from gateway.saml.logout_bindings import Binding, Received
from gateway.saml.logout_checks import COMMON, LogoutCheck
from gateway.saml.response import check_destination
from gateway.saml.signature import find_signer, verify_enveloped
from gateway.saml.subject import NameId, check_in_response_to, read_name_id
from gateway.saml.tree import check_frame, check_tree, children_of, optional_instant, parse_instant, text_of
from gateway.saml.xml import Document, Element, parse_canonical, parse_document

LIFETIME = timedelta(minutes=5)  # how old a message may be, skew aside
_MOST_SESSIONS = 32
_LONGEST_SESSION_INDEX = 1024
_HEAD = frozenset({tags.ISSUER, tags.SIGNATURE, tags.EXTENSIONS})
_NAMED = frozenset({tags.NAME_ID, tags.ENCRYPTED_ID})
_STATUS = frozenset({tags.STATUS_CODE, tags.STATUS_MESSAGE, tags.STATUS_DETAIL})


@dataclass(frozen=True, slots=True)
class LogoutExpectation:
    """INVARIANT: everything in it comes from the gateway's own records, never from the message to be verified."""

    issuer: str  # entity ID of the identity provider, exactly
    certificates: tuple[TrustedCertificate, ...]  # any of them may have signed
    destinations: tuple[str, ...]  # our logout URLs; Destination must be one of them
    decryption_keys: tuple[EncryptionKey, ...] = field(default=(), repr=False)
    skew: timedelta = timedelta(seconds=120)


@dataclass(frozen=True, slots=True)
class UnverifiedLogout:
    """What a message claims, to choose keys with and for nothing else."""

    unverified_issuer: str
    unverified_in_response_to: str | None


class LogoutStatus(StrEnum):
    """How a provider answered a request of ours."""

    SUCCESS = "success"
    PARTIAL = "partial"  # signed out there, and not everywhere else
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class LogoutAnswer:
    """A verified answer to a request of ours."""

    status: LogoutStatus
    said: tuple[str, ...]  # the status codes, for the log
    evidence: tuple[str, ...]


def peek_logout(received: Received) -> UnverifiedLogout:
    """Read who a message claims to be from. Nothing in the result is proven.

    Raises: SamlError for what checks 3 and 4 refuse, SamlError(SAML_SHAPE) for another message than a logout message,
    SamlError(SAML_ISSUER_MISMATCH) if it names no issuer.
    """
    message = parse_document(received.xml)
    check_tree(message)
    issuer = _parts(message.root, received).get(tags.ISSUER)
    if issuer is None or not issuer.text:
        raise SamlError(Reason.SAML_ISSUER_MISMATCH, "the logout message names no issuer")
    return UnverifiedLogout(issuer.text, message.root.get("InResponseTo"))


def verify_logout_request(received: Received, expectation: LogoutExpectation, now: datetime) -> VerifiedLogout:
    """Verify a LogoutRequest of a provider.

    Pure: the caller still owes that the request was not used before, see `logout_checks`.
    Raises: SamlError with the reason of the first check that fails.
    """
    if not received.is_request:
        raise SamlError(Reason.SAML_SHAPE, "the SAML message is not a LogoutRequest")
    message, signer, until = _verify_common(received, expectation, now)
    name_id = _read_whom(message, expectation.decryption_keys)  # 10
    indexes = _read_session_indexes(message)  # 11
    return VerifiedLogout(
        request_id=message.get("ID") or "",  # check_frame saw it
        issuer=expectation.issuer,
        subject=name_id.value,
        session_indexes=indexes,
        certificate_fingerprint=signer.fingerprint,
        twin_fingerprints=twins_of(signer, expectation.certificates),
        issued_at=parse_instant(message.get("IssueInstant") or ""),
        not_on_or_after=until,
        evidence=(*COMMON, LogoutCheck.SUBJECT, LogoutCheck.SESSION_INDEX),
    )


def verify_logout_response(
    received: Received, expectation: LogoutExpectation, request_id: str, now: datetime
) -> LogoutAnswer:
    """Verify the answer to our LogoutRequest `request_id`. A failure at the provider is an answer, and no refusal.

    Raises: SamlError with the reason of the first check that fails.
    """
    if received.is_request:
        raise SamlError(Reason.SAML_SHAPE, "the SAML message is not a LogoutResponse")
    message, _, _ = _verify_common(received, expectation, now)
    check_in_response_to(message.get("InResponseTo"), request_id)  # 12
    status, said = _read_status(_parts(message, received).get(tags.STATUS))  # 13
    return LogoutAnswer(status, said, (*COMMON, LogoutCheck.IN_RESPONSE_TO, LogoutCheck.STATUS))


def _verify_common(
    received: Received, expectation: LogoutExpectation, now: datetime
) -> tuple[Element, TrustedCertificate, datetime]:
    """Checks 3 to 9. Returns the message as it was signed, who signed it, and when it is over, skew included."""
    document = parse_document(received.xml)  # 3
    signatures = check_tree(document).signatures  # 4
    message, signer = _verify_signature(received, document, signatures, expectation.certificates)  # 5
    parts = _parts(message, received)  # 6
    issued_at = check_frame(message, now, expectation.skew)
    if tags.ISSUER not in parts:  # 7
        raise SamlError(Reason.SAML_ISSUER_MISMATCH, "the logout message names no issuer")
    check_issuer(parts[tags.ISSUER], expectation.issuer)
    check_destination(message.get("Destination"), expectation.destinations, signed=True)  # 8
    until = issued_at + LIFETIME  # 9
    not_on_or_after = optional_instant(message, "NotOnOrAfter")
    until = (until if not_on_or_after is None else min(until, not_on_or_after)) + expectation.skew
    if now >= until:
        raise SamlError(Reason.SAML_EXPIRED, "the logout message is expired", until.isoformat())
    return message, signer, until


def _verify_signature(
    received: Received, document: Document, signatures: int, certificates: Sequence[TrustedCertificate]
) -> tuple[Element, TrustedCertificate]:
    """Check 5, and of check 4 where Signatures may be."""
    inside = [child for child in document.root if child.tag == tags.SIGNATURE]
    if received.binding is Binding.REDIRECT:
        if signatures or received.signature is None:
            raise SamlError(Reason.SAML_SIGNATURE_PLACE, "a redirected message holds a signature inside")
        query = received.signature
        return document.root, find_signer(query.algorithm, query.value, query.octets, certificates)
    if not inside and not signatures:
        raise SamlError(Reason.SAML_UNSIGNED, "the logout message is not signed")
    if len(inside) != 1 or signatures != 1:
        raise SamlError(Reason.SAML_SIGNATURE_PLACE, "the logout message holds a signature where none belongs")
    signed = verify_enveloped(document.root, inside[0], certificates)
    return parse_canonical(signed.canonical), signed.certificate


def _parts(message: Element, received: Received) -> dict[str, Element]:
    """Check 6. Raises: SamlError(SAML_SHAPE) for another root than announced, and for unknown or doubled children."""
    expected = tags.LOGOUT_REQUEST if received.is_request else tags.LOGOUT_RESPONSE
    if message.tag != expected:
        raise SamlError(Reason.SAML_SHAPE, "the SAML message is not the logout message it should be", message.tag[:200])
    if received.is_request:
        return children_of(message, _HEAD | _NAMED, frozenset({tags.SESSION_INDEX}))
    return children_of(message, _HEAD | {tags.STATUS})


def _read_whom(message: Element, keys: Sequence[EncryptionKey]) -> NameId:
    """Check 10. Raises: SamlError(SAML_SUBJECT); as `decrypt_name_id`."""
    named = [child for child in message if child.tag in _NAMED]
    if len(named) != 1:
        raise SamlError(Reason.SAML_SUBJECT, "the logout request must name exactly one person", f"{len(named)} named")
    if named[0].tag == tags.NAME_ID:
        return read_name_id(named[0])
    return read_name_id(decrypt_name_id(named[0], keys))


def _read_session_indexes(message: Element) -> tuple[str, ...]:
    """Check 11. Raises: SamlError(SAML_SHAPE)."""
    indexes = [text_of(child, Reason.SAML_SHAPE) for child in message if child.tag == tags.SESSION_INDEX]
    if len(indexes) > _MOST_SESSIONS or not all(0 < len(index) <= _LONGEST_SESSION_INDEX for index in indexes):
        raise SamlError(
            Reason.SAML_SHAPE, "the sessions of the logout request can't be read", f"{len(indexes)} of them"
        )
    return tuple(dict.fromkeys(indexes))


def _read_status(status: Element | None) -> tuple[LogoutStatus, tuple[str, ...]]:
    """Check 13. Raises: SamlError(SAML_STATUS) where there is no status to read."""
    codes = {} if status is None else children_of(status, _STATUS, reason=Reason.SAML_STATUS)
    if tags.STATUS_CODE not in codes:
        raise SamlError(Reason.SAML_STATUS, "the logout response says not how it went")
    outer = codes[tags.STATUS_CODE]
    said = [code.get("Value") or "" for code in outer.iter() if code.tag == tags.STATUS_CODE]
    if tags.STATUS_PARTIAL_LOGOUT in said:
        status_now = LogoutStatus.PARTIAL
    else:
        status_now = LogoutStatus.SUCCESS if said[0] == tags.STATUS_SUCCESS else LogoutStatus.FAILED
    return status_now, tuple(code[:200] for code in said[:4])
