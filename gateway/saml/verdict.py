"""A response judged for an administrator: each numbered check, what was seen and what was expected.

There is one verification, `response.verify_response`, and this module calls it. Only when it has spoken is the message
read a second time, for the values to show.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from gateway.clock import wire_time
from gateway.errors import Reason, SamlError
from gateway.identity import VerifiedIdentity
from gateway.login_verdict import CheckResult, LoginVerdict, Outcome, Value, value_of, values_of
from gateway.saml import tags
from gateway.saml.checks import Check
from gateway.saml.expectation import Expectation
from gateway.saml.response import verify_response
from gateway.saml.sight import (
    NAME_ID,
    Sight,
    attribute_values,
    child,
    children,
    look_at,
    said_attributes,
    signature_values,
    signer_of,
    text_under,
)
from gateway.saml.xml import Element

_ORDER = tuple(Check)
# Refusals of a check that are found while another one is under way.
_OF_ONE_CHECK: Mapping[Reason, Check] = MappingProxyType(
    {
        Reason.SAML_SIGNATURE_PLACE: Check.ASSERTION_SIGNATURE,
        Reason.SAML_DECRYPTION: Check.DECRYPTION,  # whatever a changed ciphertext opened to
        Reason.SAML_SUBJECT_CONFIRMATION: Check.SUBJECT_CONFIRMATION,
        Reason.SAML_RECIPIENT: Check.RECIPIENT,
    }
)
_FRAME = frozenset(_ORDER[3:10])  # what only a signature on the Response covers


def judge_response(encoded: str, expectation: Expectation, now: datetime) -> LoginVerdict:
    """What `verify_response` makes of a response, told check by check. Raises nothing for what the message says."""
    passed: list[Check] = []
    identity: VerifiedIdentity | None = None
    failure: SamlError | None = None
    try:
        identity = verify_response(encoded, expectation, now, passed)
    except SamlError as error:
        failure = error
    case = _Case(encoded, look_at(encoded, expectation.decryption_keys), expectation, now, tuple(passed), failure)
    return LoginVerdict(
        results=tuple(_result(case, check) for check in _ORDER),
        said=() if case.sight is None else said_attributes(case.sight.assertion),
        proven=case.proves_assertion,
        identity=identity,
        reason=None if failure is None else failure.reason,
        public="" if failure is None else failure.public,
    )


@dataclass(frozen=True, slots=True)
class _Case:
    """One message, what it is held against, and how far it came."""

    encoded: str
    sight: Sight | None
    expectation: Expectation
    now: datetime
    passed: tuple[Check, ...]
    failure: SamlError | None

    @property
    def proves_response(self) -> bool:
        return Check.RESPONSE_SIGNATURE in self.passed

    @property
    def proves_assertion(self) -> bool:
        return self.proves_response or Check.ASSERTION_SIGNATURE in self.passed

    @property
    def response(self) -> Element | None:
        return None if self.sight is None else self.sight.response

    @property
    def assertion(self) -> Element | None:
        return None if self.sight is None else self.sight.assertion

    @property
    def failed(self) -> Check | None:
        """The check that failed: the one after the last that passed, leaving out what this message has no need of."""
        if self.failure is None:
            return None
        if self.failure.reason in _OF_ONE_CHECK:
            return _OF_ONE_CHECK[self.failure.reason]
        rest = _ORDER[_ORDER.index(self.passed[-1]) + 1 :] if self.passed else _ORDER
        return next(check for check in rest if self.applies(check))

    def applies(self, check: Check) -> bool:
        if check is Check.RESPONSE_SIGNATURE:
            return child(self.response, tags.SIGNATURE) is not None
        if check is Check.DECRYPTION:
            return self.sight is not None and self.sight.encrypted
        return True


def _result(case: _Case, check: Check) -> CheckResult:
    failed = case.failed
    problem = ""
    if check is failed and case.failure is not None:
        outcome, problem = Outcome.FAILED, case.failure.public
    elif check in case.passed:
        outcome = Outcome.PASSED
    elif case.applies(check):
        outcome = Outcome.NOT_REACHED
    else:
        return CheckResult(check, Outcome.NOT_APPLICABLE)
    return CheckResult(
        check=check,
        outcome=outcome,
        seen=_SEEN[check](case) if check in _SEEN else (),
        expected=_WANTED[check](case.expectation, case.now) if check in _WANTED else (),
        problem=problem,
        proven=case.proves_response if check in _FRAME else case.proves_assertion,
    )


def _subject(case: _Case) -> Element | None:
    return child(case.assertion, tags.SUBJECT)


def _confirmation(case: _Case) -> Element | None:
    return child(_subject(case), tags.SUBJECT_CONFIRMATION)


def _confirmation_data(case: _Case) -> Element | None:
    return child(_confirmation(case), tags.SUBJECT_CONFIRMATION_DATA)


def _statement(case: _Case) -> Element | None:
    return child(case.assertion, tags.AUTHN_STATEMENT)


def _status(case: _Case) -> tuple[Value, ...]:
    codes = [] if case.response is None else [each for each in case.response.iter() if each.tag == tags.STATUS_CODE]
    return values_of([each.get("Value") or "" for each in codes[:4]])


def _assertions(case: _Case) -> tuple[Value, ...]:
    if case.response is None:
        return ()
    plain = len(children(case.response, tags.ASSERTION))
    encrypted = len(children(case.response, tags.ENCRYPTED_ASSERTION))
    return (value_of(f"{plain} plain, {encrypted} encrypted"),)


def _signature(case: _Case, parent: Element | None, check: Check) -> tuple[Value, ...]:
    """How it is signed, and by which of the registered certificates, if by one."""
    found = signature_values(parent)
    if check not in case.passed or not found:
        return found or (() if parent is None else (value_of("not signed"),))
    tag = tags.RESPONSE if check is Check.RESPONSE_SIGNATURE else tags.ASSERTION
    signer = signer_of(case.encoded, case.expectation.certificates, tag, case.expectation.decryption_keys)
    return found if signer is None else (*found, value_of(f"verified by the certificate {signer.fingerprint}"))


def _name_id(case: _Case) -> tuple[Value, ...]:
    name_id = child(_subject(case), tags.NAME_ID)
    if name_id is None:
        return ()
    return (value_of(name_id.text or "", NAME_ID), *attribute_values(name_id, "Format"))


def _audiences(case: _Case) -> tuple[Value, ...]:
    restrictions = [
        restriction
        for conditions in ([] if case.assertion is None else children(case.assertion, tags.CONDITIONS))
        for restriction in children(conditions, tags.AUDIENCE_RESTRICTION)
    ]
    return values_of([each.text or "" for restriction in restrictions for each in restriction])


def _authentication(case: _Case) -> tuple[Value, ...]:
    statement = _statement(case)
    context = text_under(child(statement, tags.AUTHN_CONTEXT), tags.AUTHN_CONTEXT_CLASS_REF)
    instants = attribute_values(statement, "AuthnInstant", "SessionNotOnOrAfter")
    return (*instants, value_of(context)) if context else instants


def _encryption(case: _Case) -> tuple[Value, ...]:
    encrypted = child(case.response, tags.ENCRYPTED_ASSERTION)
    methods = [] if encrypted is None else [each for each in encrypted.iter() if each.tag == tags.ENCRYPTION_METHOD]
    return values_of([each.get("Algorithm") or "" for each in methods[:4]])


def _texts(text: str) -> tuple[Value, ...]:
    return (value_of(text),) if text else ()


_SEEN: Mapping[Check, Callable[[_Case], tuple[Value, ...]]] = MappingProxyType(
    {
        Check.ENCODING: lambda case: (value_of(f"{len(case.encoded)} characters"),),
        Check.RESPONSE_FRAME: lambda case: attribute_values(case.response, "Version", "ID", "IssueInstant"),
        Check.RESPONSE_SIGNATURE: lambda case: _signature(case, case.response, Check.RESPONSE_SIGNATURE),
        Check.STATUS: _status,
        Check.RESPONSE_ISSUER: lambda case: _texts(text_under(case.response, tags.ISSUER)),
        Check.DESTINATION: lambda case: attribute_values(case.response, "Destination"),
        Check.RESPONSE_IN_RESPONSE_TO: lambda case: attribute_values(case.response, "InResponseTo"),
        Check.ASSERTION_COUNT: _assertions,
        Check.DECRYPTION: _encryption,
        Check.ASSERTION_SIGNATURE: lambda case: _signature(case, case.assertion, Check.ASSERTION_SIGNATURE),
        Check.ASSERTION_FRAME: lambda case: attribute_values(case.assertion, "Version", "ID", "IssueInstant"),
        Check.ISSUER: lambda case: _texts(text_under(case.assertion, tags.ISSUER)),
        Check.SUBJECT: _name_id,
        Check.SUBJECT_CONFIRMATION: lambda case: (
            *attribute_values(_confirmation(case), "Method"),
            *attribute_values(_confirmation_data(case), "NotBefore", "NotOnOrAfter"),
        ),
        Check.RECIPIENT: lambda case: attribute_values(_confirmation_data(case), "Recipient"),
        Check.IN_RESPONSE_TO: lambda case: attribute_values(_confirmation_data(case), "InResponseTo"),
        Check.CONDITIONS: lambda case: attribute_values(
            child(case.assertion, tags.CONDITIONS), "NotBefore", "NotOnOrAfter"
        ),
        Check.AUDIENCE: _audiences,
        Check.AUTHN_STATEMENT: _authentication,
        Check.ATTRIBUTES: lambda case: (value_of(f"{len(said_attributes(case.assertion))} attributes"),),
    }
)


def _clock(expectation: Expectation, now: datetime) -> str:
    return f"our clock: {wire_time(now)}, {int(expectation.skew.total_seconds())} s of difference are tolerated"


def _signers(expectation: Expectation, _now: datetime) -> tuple[str, ...]:
    tried = [f"one of our registered certificates: {each.fingerprint}" for each in expectation.certificates[:10]]
    return (*tried,) or ("no certificate is registered",)


def _answered(expectation: Expectation, _now: datetime) -> tuple[str, ...]:
    return ("none: nothing was asked" if expectation.in_response_to is None else expectation.in_response_to,)


def _timely(words: str) -> Callable[[Expectation, datetime], tuple[str, ...]]:
    return lambda expectation, now: (words, _clock(expectation, now))


def _fixed(*words: str) -> Callable[[Expectation, datetime], tuple[str, ...]]:
    return lambda _expectation, _now: words


_WANTED: Mapping[Check, Callable[[Expectation, datetime], tuple[str, ...]]] = MappingProxyType(
    {
        Check.ENCODING: _fixed("base64, at most 256 KB"),
        Check.XML: _fixed("UTF-8; no DTD, comment, processing instruction or CDATA"),
        Check.TREE: _fixed("one Response, at most one assertion, each ID once"),
        Check.RESPONSE_FRAME: _timely("version 2.0, issued in the past"),
        Check.RESPONSE_SIGNATURE: _signers,
        Check.STATUS: _fixed(tags.STATUS_SUCCESS),
        Check.RESPONSE_ISSUER: lambda expectation, _: (expectation.issuer, "or none"),
        Check.DESTINATION: lambda expectation, _: expectation.recipients,
        Check.RESPONSE_IN_RESPONSE_TO: _answered,
        Check.ASSERTION_COUNT: _fixed("exactly one"),
        Check.DECRYPTION: _fixed("RSA-OAEP to a key of ours, AES-GCM"),
        Check.ASSERTION_SIGNATURE: _signers,
        Check.ASSERTION_FRAME: _timely("version 2.0, issued in the past"),
        Check.ISSUER: lambda expectation, _: (expectation.issuer,),
        Check.SUBJECT: _fixed("exactly one NameID"),
        Check.SUBJECT_CONFIRMATION: _timely("one, of the bearer method, good for now"),
        Check.RECIPIENT: lambda expectation, _: expectation.recipients,
        Check.IN_RESPONSE_TO: _answered,
        Check.CONDITIONS: _timely("now lies within"),
        Check.AUDIENCE: lambda expectation, _: (expectation.audience,),
        Check.AUTHN_STATEMENT: _timely("exactly one, its session not over"),
        Check.ATTRIBUTES: _fixed("plain texts"),
    }
)
