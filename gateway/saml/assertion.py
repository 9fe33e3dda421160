"""From a signed assertion to a `VerifiedIdentity`. Checks 13 to 22 of `checks`, in order.

INVARIANT: called with a tree that was parsed from canonical bytes whose signature was verified, and with no other.
"""

from dataclasses import dataclass
from datetime import datetime

from gateway.errors import Reason, SamlError
from gateway.identity import Protocol, VerifiedIdentity
from gateway.saml import tags
from gateway.saml.asked import check_authn_context, check_fresh, check_name_id_format
from gateway.saml.certificates import TrustedCertificate, twins_of
from gateway.saml.checks import Check
from gateway.saml.conditions import check_audience, check_conditions
from gateway.saml.expectation import Expectation
from gateway.saml.statements import Authentication, read_attributes, read_authn_statement
from gateway.saml.subject import check_in_response_to, check_recipient, check_subject_confirmation, read_subject
from gateway.saml.tree import check_frame, children_of, text_of
from gateway.saml.xml import Element

_ONCE = frozenset({tags.ISSUER, tags.SUBJECT, tags.CONDITIONS, tags.ADVICE})
_STATEMENTS = frozenset({tags.AUTHN_STATEMENT, tags.ATTRIBUTE_STATEMENT})


@dataclass(frozen=True, slots=True)
class Signed:
    """Whose signature was verified, and the SHA-256 of what it covers, lower hex."""

    signer: TrustedCertificate
    sha256: str


def read_assertion(
    assertion: Element,
    signed: Signed,
    expectation: Expectation,
    now: datetime,
    passed: list[Check],
) -> VerifiedIdentity:
    """Check what the assertion says and turn it into an identity. `passed`: the checks that were done before.

    Raises: SamlError with the reason of the first check that fails.
    """
    signer, skew = signed.signer, expectation.skew
    issued_at = check_frame(assertion, now, skew)  # 13
    parts = children_of(assertion, _ONCE, _STATEMENTS)
    passed.append(Check.ASSERTION_FRAME)
    check_issuer(_required(parts, tags.ISSUER, Reason.SAML_ISSUER_MISMATCH), expectation.issuer)  # 14
    passed.append(Check.ISSUER)
    name_id, confirmation = read_subject(_required(parts, tags.SUBJECT, Reason.SAML_SUBJECT))  # 15
    check_name_id_format(name_id.format, expectation.asked)
    passed.append(Check.SUBJECT)
    confirmed = check_subject_confirmation(confirmation, now, skew)  # 16
    passed.append(Check.SUBJECT_CONFIRMATION)
    check_recipient(confirmed.recipient, expectation.recipients)  # 17
    passed.append(Check.RECIPIENT)
    check_in_response_to(confirmed.in_response_to, expectation.in_response_to)  # 18
    passed.append(Check.IN_RESPONSE_TO)
    conditions = _required(parts, tags.CONDITIONS, Reason.SAML_CONDITIONS)
    not_on_or_after = check_conditions(conditions, now, skew)  # 19
    passed.append(Check.CONDITIONS)
    check_audience(conditions, expectation.audience)  # 20
    passed.append(Check.AUDIENCE)
    authentication = _read_authentication(assertion, expectation, now)  # 21
    passed.append(Check.AUTHN_STATEMENT)
    attributes = read_attributes([child for child in assertion if child.tag == tags.ATTRIBUTE_STATEMENT])  # 22
    passed.append(Check.ATTRIBUTES)
    return VerifiedIdentity(
        protocol=Protocol.SAML,
        issuer=expectation.issuer,
        subject=name_id.value,
        subject_type=name_id.format,
        audience=expectation.audience,
        recipient=confirmed.recipient,
        assertion_id=assertion.get("ID") or "",  # check_frame saw it
        in_response_to=confirmed.in_response_to,
        certificate_fingerprint=signer.fingerprint,
        issued_at=issued_at,
        not_on_or_after=min(not_on_or_after or confirmed.not_on_or_after, confirmed.not_on_or_after) + skew,
        authn_instant=authentication.instant,
        authn_context=authentication.context,
        session_not_on_or_after=authentication.session_not_on_or_after,
        session_index=authentication.session_index,
        attributes=attributes,
        twin_fingerprints=twins_of(signer, expectation.certificates),
        name_qualifier=name_id.name_qualifier,
        sp_name_qualifier=name_id.sp_name_qualifier,
        signed_sha256=signed.sha256,
        evidence=tuple(passed),
    )


def _read_authentication(assertion: Element, expectation: Expectation, now: datetime) -> Authentication:
    """Check 21."""
    statements = [child for child in assertion if child.tag == tags.AUTHN_STATEMENT]
    if len(statements) != 1:
        raise SamlError(Reason.SAML_AUTHN_STATEMENT, "the assertion must hold exactly one AuthnStatement")
    authentication = read_authn_statement(statements[0], now, expectation.skew)
    check_authn_context(authentication.context, expectation.asked)
    check_fresh(authentication.instant, expectation.asked, expectation.skew)
    return authentication


def check_issuer(issuer: Element, expected: str) -> None:
    """Checks 7 and 14.

    Raises: SamlError(SAML_ISSUER_MISMATCH) unless the Issuer is an entity and exactly the expected one.
    Rule: SAML Profiles 2.0 §4.1.4.2; sso-contract §1.3.
    """
    found = text_of(issuer, Reason.SAML_ISSUER_MISMATCH)
    if found != expected or issuer.get("Format") not in {None, tags.ENTITY_FORMAT}:
        raise SamlError(
            Reason.SAML_ISSUER_MISMATCH, "the SAML message is from another identity provider", repr(found[:200])
        )


def _required(parts: dict[str, Element], tag: str, reason: Reason) -> Element:
    if tag not in parts:
        raise SamlError(reason, f"the assertion has no {tag.rpartition('}')[2]}")
    return parts[tag]
