"""Verification of a SAML response: base64 text in, `VerifiedIdentity` or `SamlError` out. The list is in `checks`.

How it is built, so that no wrapping or splicing can matter: a signature check yields the canonical bytes that were
signed, those bytes are parsed anew, and only that new tree is read from then on. What the received tree held
beside or around the signed node is gone before the first claim is read.
ASSUMPTION: a signature on the Response alone suffices; the platform's documents speak of signed assertions only,
several of the identity providers it lists sign only the Response when they are set up so.
"""

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime

from gateway.errors import Reason, SamlError
from gateway.identity import VerifiedIdentity
from gateway.saml import tags
from gateway.saml.assertion import Signed, check_issuer, read_assertion
from gateway.saml.certificates import TrustedCertificate
from gateway.saml.checks import Check
from gateway.saml.decryption import decrypt_assertion, undecryptable
from gateway.saml.expectation import Expectation
from gateway.saml.signature import verify_enveloped
from gateway.saml.subject import check_in_response_to
from gateway.saml.tree import Census, check_frame, check_tree, children_of
from gateway.saml.xml import Element, decode_base64, parse_canonical, parse_document

__all__ = ["Expectation", "UnverifiedResponse", "peek", "peek_answered", "verify_response"]

_ONCE = frozenset({tags.ISSUER, tags.SIGNATURE, tags.EXTENSIONS, tags.STATUS})
_SAID = {
    tags.STATUS_NO_PASSIVE: (Reason.SAML_NO_PASSIVE, "your company's sign-in can't let you in without asking you"),
    tags.STATUS_NO_AUTHN_CONTEXT: (
        Reason.SAML_NO_AUTHN_CONTEXT,
        "your company's sign-in can't sign you in in the way that is asked for here",
    ),
    tags.STATUS_REQUEST_DENIED: (Reason.SAML_REQUEST_DENIED, "your company's sign-in does not let you in here"),
}
_REFUSED = (Reason.SAML_STATUS, "the identity provider reports that the login failed")
_ASSERTIONS = frozenset({tags.ASSERTION, tags.ENCRYPTED_ASSERTION})


@dataclass(frozen=True, slots=True)
class UnverifiedResponse:
    """What a response claims, to choose keys with and for nothing else."""

    unverified_issuer: str
    unverified_in_response_to: str | None
    unverified_audiences: tuple[str, ...]  # empty when encrypted
    encrypted: bool


def peek(encoded: str | bytes) -> UnverifiedResponse:
    """Read who a response claims to be from. Nothing in the result is proven.

    Raises: SamlError for everything that checks 1 to 3 refuse, SamlError(SAML_SHAPE) for another message than a
    Response, SamlError(SAML_STATUS) if it reports a failure, SamlError(SAML_ISSUER_MISMATCH) if it names no issuer.
    """
    document = parse_document(decode_base64(encoded))
    check_tree(document)
    response = document.root
    parts = _response_parts(response)
    check_status(parts.get(tags.STATUS))
    assertion = parts.get(tags.ASSERTION)
    inner = [] if assertion is None else list(assertion)
    issuers = [child for child in (*parts.values(), *inner) if child.tag == tags.ISSUER]
    if not issuers or not issuers[0].text:
        raise SamlError(Reason.SAML_ISSUER_MISMATCH, "the SAML response names no issuer")
    restrictions = [part for child in inner if child.tag == tags.CONDITIONS for part in child]
    return UnverifiedResponse(
        unverified_issuer=issuers[0].text,
        unverified_in_response_to=response.get("InResponseTo"),
        unverified_audiences=tuple(
            audience.text or ""
            for restriction in restrictions
            if restriction.tag == tags.AUDIENCE_RESTRICTION
            for audience in restriction
        ),
        encrypted=tags.ENCRYPTED_ASSERTION in parts,
    )


def peek_answered(encoded: str | bytes) -> str | None:
    """Which request of ours a message claims to answer, be it a success or not. Nothing in the result is proven.

    Raises: SamlError for everything that checks 1 to 3 refuse.
    """
    document = parse_document(decode_base64(encoded))
    check_tree(document)
    return document.root.get("InResponseTo")


def verify_response(
    encoded: str | bytes, expectation: Expectation, now: datetime, passed: list[Check] | None = None
) -> VerifiedIdentity:
    """Verify a response as it came in the form field `SAMLResponse`: base64 of the whole samlp:Response.

    `passed`: an empty list to find the passed checks in, for whoever wants to know how far a refused one came.
    Pure: the caller still owes that the assertion was not used before, see `checks`.
    Raises: SamlError with the reason of the first check that fails.
    """
    passed = [] if passed is None else passed
    data = decode_base64(encoded)  # 1
    passed.append(Check.ENCODING)
    received = parse_document(data)  # 2
    passed.append(Check.XML)
    census = check_tree(received)  # 3
    passed.append(Check.TREE)
    frame = _verify_frame(received.root, census, expectation, now, passed)  # 4 to 9
    if len(frame.assertions) != 1:  # 10
        raise SamlError(Reason.SAML_ASSERTION_COUNT, "the SAML response must hold exactly one assertion")
    passed.append(Check.ASSERTION_COUNT)
    if frame.assertions[0].tag == tags.ASSERTION:
        return _verify_assertion(frame.assertions[0], frame, expectation, now, passed)
    return _verify_encrypted(frame, census, expectation, now, passed)


@dataclass(frozen=True, slots=True)
class _Frame:
    """The Response around the assertion; if it is signed, read from the signed bytes."""

    assertions: list[Element]
    signer: TrustedCertificate | None
    signatures_left: int  # Signature elements in the tree that are not accounted for yet
    signed_sha256: str = ""  # of the signed Response, lower hex


def _verify_frame(
    response: Element, census: Census, expectation: Expectation, now: datetime, passed: list[Check]
) -> _Frame:
    parts = _response_parts(response)  # 4
    check_frame(response, now, expectation.skew)
    passed.append(Check.RESPONSE_FRAME)
    signer, digest = None, ""
    signatures_left = census.signatures
    if tags.SIGNATURE in parts:  # 5
        signed = verify_enveloped(response, parts[tags.SIGNATURE], expectation.certificates)
        response = parse_canonical(signed.canonical)
        parts = _response_parts(response)
        signer, digest = signed.certificate, hashlib.sha256(signed.canonical).hexdigest()
        signatures_left -= 1
        passed.append(Check.RESPONSE_SIGNATURE)
    check_status(parts.get(tags.STATUS))  # 6
    passed.append(Check.STATUS)
    if tags.ISSUER in parts:  # 7
        check_issuer(parts[tags.ISSUER], expectation.issuer)
    passed.append(Check.RESPONSE_ISSUER)
    check_destination(response.get("Destination"), expectation.recipients, signed=signer is not None)  # 8
    passed.append(Check.DESTINATION)
    check_in_response_to(response.get("InResponseTo"), expectation.in_response_to)  # 9
    passed.append(Check.RESPONSE_IN_RESPONSE_TO)
    assertions = [child for child in response if child.tag in _ASSERTIONS]
    return _Frame(assertions=assertions, signer=signer, signatures_left=signatures_left, signed_sha256=digest)


def _verify_assertion(
    assertion: Element, frame: _Frame, expectation: Expectation, now: datetime, passed: list[Check]
) -> VerifiedIdentity:
    """Check 12, and from the signed bytes on everything else."""
    signatures = [child for child in assertion if child.tag == tags.SIGNATURE]
    if len(signatures) > 1:
        raise SamlError(Reason.SAML_SHAPE, "the assertion holds two signatures")
    if frame.signatures_left != len(signatures):
        raise SamlError(
            Reason.SAML_SIGNATURE_PLACE, "the SAML message holds a signature outside of the Response and the assertion"
        )
    signer, digest = frame.signer, frame.signed_sha256
    if signatures:
        # One message, one signer: under a signed Response the assertion must be signed by the same certificate.
        candidates = expectation.certificates if signer is None else (signer,)
        signed = verify_enveloped(assertion, signatures[0], candidates)
        assertion = parse_canonical(signed.canonical)
        signer, digest = signed.certificate, hashlib.sha256(signed.canonical).hexdigest()
    if signer is None:
        raise SamlError(Reason.SAML_UNSIGNED, "neither the SAML response nor its assertion is signed")
    if assertion.tag != tags.ASSERTION:
        raise SamlError(Reason.SAML_SHAPE, "what was signed is not an assertion", assertion.tag[:200])
    passed.append(Check.ASSERTION_SIGNATURE)
    return read_assertion(assertion, Signed(signer, digest), expectation, now, passed)


def _verify_encrypted(
    frame: _Frame, census: Census, expectation: Expectation, now: datetime, passed: list[Check]
) -> VerifiedIdentity:
    """Check 11, then as with a plain assertion."""
    if frame.signatures_left:
        raise SamlError(
            Reason.SAML_SIGNATURE_PLACE, "the SAML message holds a signature outside of the Response and the assertion"
        )
    decrypted = decrypt_assertion(
        frame.assertions[0], expectation.decryption_keys, covered_by_signature=frame.signer is not None
    )
    try:
        inner = check_tree(decrypted.document, census.ids)
        passed.append(Check.DECRYPTION)
        assertion = decrypted.document.root
        frame = replace(frame, assertions=[assertion], signatures_left=inner.signatures)
        return _verify_assertion(assertion, frame, expectation, now, passed)
    except SamlError as exc:
        if decrypted.authenticated:
            raise
        raise undecryptable(f"{exc.reason}: {exc.public} ({exc.detail})") from exc


def check_status(status: Element | None) -> None:
    """Check 6.

    Raises: SamlError(SAML_STATUS) unless the top-level StatusCode says Success, with a reason of its own where the code
    below it says NoPassive, NoAuthnContext or RequestDenied. Rule: SAML Core 2.0 §3.2.2.2.
    """
    codes = [] if status is None else [child for child in status if child.tag == tags.STATUS_CODE]
    if len(codes) == 1 and codes[0].get("Value") == tags.STATUS_SUCCESS:
        return
    said = [(code.get("Value") or "")[:200] for outer in codes for code in (outer, *outer)]
    reason, public = next((_SAID[code] for code in said if code in _SAID), _REFUSED)
    raise SamlError(reason, public, ", ".join(said[:4]))


def check_destination(destination: str | None, recipients: tuple[str, ...], *, signed: bool) -> None:
    """Check 8: the message was sent to us. A signed message must say so.

    Raises: SamlError(SAML_DESTINATION).
    Rule: SAML Bindings 2.0 §3.5.5.2.
    """
    if destination in recipients or (destination is None and not signed):
        return
    raise SamlError(Reason.SAML_DESTINATION, "the SAML message was sent to another address", repr(destination)[:200])


def _response_parts(response: Element) -> dict[str, Element]:
    """Raises: SamlError(SAML_SHAPE) for another root and for unknown or doubled children."""
    if response.tag != tags.RESPONSE:
        raise SamlError(Reason.SAML_SHAPE, "the SAML message is not a Response", response.tag[:200])
    return children_of(response, _ONCE, _ASSERTIONS)
