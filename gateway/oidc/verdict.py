"""An ID token judged for an administrator: each numbered check, what was seen and what was expected.

There is one verification, `id_token.verify_id_token`, and this module calls it. Which check a refusal is of stands in
its reason; only then is the token read a second time, for the values to show.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType

from gateway.clock import wire_time
from gateway.errors import OidcError, Reason
from gateway.identity import VerifiedIdentity
from gateway.login_verdict import CheckResult, LoginVerdict, Outcome, SaidAttribute, Value, value_of, values_of
from gateway.oidc.attributes import Attributes
from gateway.oidc.base64url import decode_base64url
from gateway.oidc.checks import Check
from gateway.oidc.expectation import IdTokenExpectation
from gateway.oidc.id_token import verify_id_token
from gateway.oidc.json_text import Json, JsonObject, read_object
from gateway.oidc.jws import MAX_TOKEN, parse_header, split_jws
from gateway.oidc.keys import Header, KeySet

SUBJECT = "sub"
CLAIM = "claim"
_ORDER = tuple(Check)
_HEADER_OR_PAYLOAD = frozenset({Reason.OIDC_JSON, Reason.OIDC_DUPLICATE_MEMBER, Reason.OIDC_TOO_DEEP, Reason.OIDC_TYPE})
_TIMES = MappingProxyType(
    {"exp": Check.EXPIRY, "iat": Check.ISSUED_AT, "nbf": Check.NOT_BEFORE, "auth_time": Check.AUTHENTICATION_TIME}
)
_BY_REASON: Mapping[Reason, Check] = MappingProxyType(
    {
        Reason.OIDC_ENCODING: Check.COMPACT,
        Reason.OIDC_SHAPE: Check.COMPACT,
        Reason.OIDC_ENCRYPTED: Check.COMPACT,
        Reason.OIDC_HEADER: Check.HEADER,
        Reason.OIDC_CRITICAL_HEADER: Check.CRITICAL_HEADER,
        Reason.OIDC_ALGORITHM: Check.ALGORITHM,
        Reason.OIDC_KEY_UNKNOWN: Check.KEY,
        Reason.OIDC_KEY_AMBIGUOUS: Check.KEY,
        Reason.OIDC_KEY_ALGORITHM: Check.KEY,
        Reason.OIDC_SIGNATURE: Check.SIGNATURE,
        Reason.OIDC_ISSUER: Check.ISSUER,
        Reason.OIDC_SUBJECT: Check.SUBJECT,
        Reason.OIDC_AUDIENCE: Check.AUDIENCE,
        Reason.OIDC_AUDIENCE_UNTRUSTED: Check.AUDIENCE,
        Reason.OIDC_AUTHORIZED_PARTY: Check.AUTHORIZED_PARTY,
        Reason.OIDC_EXPIRED: Check.EXPIRY,
        Reason.OIDC_ISSUED_AT: Check.ISSUED_AT,
        Reason.OIDC_ISSUANCE_LIMIT: Check.ISSUED_AT,
        Reason.OIDC_NOT_YET_VALID: Check.NOT_BEFORE,
        Reason.OIDC_AUTH_TIME: Check.AUTHENTICATION_TIME,
        Reason.OIDC_CLAIM: Check.CLAIMS,
        Reason.OIDC_NONCE: Check.NONCE,
        Reason.OIDC_ACCESS_TOKEN_HASH: Check.ACCESS_TOKEN_HASH,
        Reason.OIDC_CODE_HASH: Check.CODE_HASH,
        Reason.OIDC_ACR: Check.AUTHENTICATION_CONTEXT,
    }
)


def judge_id_token(token: str, expectation: IdTokenExpectation, keys: KeySet, now: datetime) -> LoginVerdict:
    """What `verify_id_token` makes of a token, told check by check. Raises nothing for what the token says."""
    identity: VerifiedIdentity | None = None
    failure: OidcError | None = None
    try:
        identity = verify_id_token(token, expectation, keys, now)
    except OidcError as error:
        failure = error
    header, claims = _read(token)
    case = _Case(header, claims, expectation, keys, now, failure, _failed_check(failure, header, len(token)))
    failed = case.failed
    proven = identity is not None or (failed is not None and _ORDER.index(failed) > _ORDER.index(Check.SIGNATURE))
    return LoginVerdict(
        results=tuple(_result(case, check, proven=proven) for check in _ORDER),
        said=_said(claims),
        proven=proven,
        identity=identity,
        reason=None if failure is None else failure.reason,
        public="" if failure is None else failure.public,
    )


@dataclass(frozen=True, slots=True)
class _Case:
    """One token, what it is held against, and where it failed."""

    header: Header | None
    claims: JsonObject
    expectation: IdTokenExpectation
    keys: KeySet
    now: datetime
    failure: OidcError | None
    failed: Check | None

    def applies(self, check: Check) -> bool:
        login = self.expectation.login
        if check in {Check.NONCE, Check.ACCESS_TOKEN_HASH, Check.CODE_HASH, Check.AUTHENTICATION_CONTEXT}:
            if login is None:
                return False
            return {
                Check.NONCE: True,
                Check.ACCESS_TOKEN_HASH: login.access_token is not None and "at_hash" in self.claims,
                Check.CODE_HASH: login.code is not None and "c_hash" in self.claims,
                Check.AUTHENTICATION_CONTEXT: bool(login.acr_values),
            }[check]
        return True

    def said(self, *names: str) -> tuple[Value, ...]:
        """`name value` for each of these claims that is there."""
        return tuple(
            value_of(f"{name} {_shown(name, self.claims[name])}") for name in names if self.claims.get(name) is not None
        )


def _failed_check(failure: OidcError | None, header: Header | None, length: int) -> Check | None:
    if failure is None:
        return None
    detail = failure.detail or ""
    if failure.reason is Reason.OIDC_TOO_LARGE:
        return Check.SIZE if length > MAX_TOKEN else Check.HEADER
    if failure.reason is Reason.OIDC_TIME:
        return _TIMES.get(detail.partition(" ")[0], Check.EXPIRY)
    if failure.reason in _HEADER_OR_PAYLOAD:
        if header is not None:
            kind = Check.PAYLOAD if detail == "events" else Check.TYPE
            return kind if failure.reason is Reason.OIDC_TYPE else Check.PAYLOAD
        return Check.TYPE if failure.reason is Reason.OIDC_TYPE else Check.HEADER
    return _BY_REASON.get(failure.reason, Check.PAYLOAD)


def _result(case: _Case, check: Check, *, proven: bool) -> CheckResult:
    if case.failed is not None and _ORDER.index(check) > _ORDER.index(case.failed):
        outcome = Outcome.NOT_REACHED
    elif check is case.failed:
        outcome = Outcome.FAILED
    else:
        outcome = Outcome.PASSED if case.applies(check) else Outcome.NOT_APPLICABLE
    if outcome is Outcome.NOT_APPLICABLE:
        return CheckResult(check, outcome)
    return CheckResult(
        check=check,
        outcome=outcome,
        seen=_SEEN[check](case) if check in _SEEN else (),
        expected=_WANTED[check](case) if check in _WANTED else (),
        problem=case.failure.public if case.failure is not None and outcome is Outcome.FAILED else "",
        proven=proven,
    )


def _read(token: str) -> tuple[Header | None, JsonObject]:
    """Header and claims as far as they can be read. Nothing in them is verified."""
    header: Header | None = None
    try:
        encoded_header, encoded_payload, _, _ = split_jws(token)
        header = parse_header(encoded_header)
        return header, read_object(decode_base64url(encoded_payload))
    except OidcError:
        return header, {}


def _said(claims: JsonObject) -> tuple[SaidAttribute, ...]:
    attributes = Attributes(claims)
    try:
        attributes.check()
    except OidcError:
        return ()
    return tuple(
        SaidAttribute(value_of(name).text, values_of(values, CLAIM)) for name, values in list(attributes.items())[:60]
    )


def _shown(name: str, value: Json) -> str:
    if name in _TIMES and isinstance(value, int | float) and 0 <= value < 253_402_300_799:  # noqa: PLR2004 - year 9999
        return f"{value} ({wire_time(datetime.fromtimestamp(value, UTC))})"
    return str(value)


def _header(case: _Case) -> tuple[Value, ...]:
    return () if case.header is None else (value_of(f"alg {case.header.algorithm}"), value_of(f"kid {case.header.kid}"))


def _subject(case: _Case) -> tuple[Value, ...]:
    subject = case.claims.get("sub")
    return (value_of(subject, SUBJECT),) if isinstance(subject, str) else ()


_SEEN: Mapping[Check, Callable[[_Case], tuple[Value, ...]]] = MappingProxyType(
    {
        Check.HEADER: _header,
        Check.TYPE: lambda case: () if case.header is None else (value_of(f"typ {case.header.type}"),),
        Check.ALGORITHM: _header,
        Check.KEY: _header,
        Check.ISSUER: lambda case: case.said("iss"),
        Check.SUBJECT: _subject,
        Check.AUDIENCE: lambda case: case.said("aud"),
        Check.AUTHORIZED_PARTY: lambda case: case.said("azp"),
        Check.EXPIRY: lambda case: case.said("exp"),
        Check.ISSUED_AT: lambda case: case.said("iat"),
        Check.NOT_BEFORE: lambda case: case.said("nbf"),
        Check.AUTHENTICATION_TIME: lambda case: case.said("auth_time"),
        Check.NONCE: lambda case: (value_of("there is one" if case.claims.get("nonce") else "there is none"),),
        Check.AUTHENTICATION_CONTEXT: lambda case: case.said("acr"),
    }
)


def _clock(case: _Case) -> str:
    return f"our clock: {wire_time(case.now)}, {int(case.expectation.skew.total_seconds())} s of difference tolerated"


def _audience(case: _Case) -> tuple[str, ...]:
    login = case.expectation.login
    return case.expectation.client_ids if login is None else (login.client_id,)


def _authenticated(case: _Case) -> tuple[str, ...]:
    login = case.expectation.login
    if login is None or login.max_age is None:
        return ("not in the future", _clock(case))
    return (f"at most {int(login.max_age.total_seconds())} s ago", _clock(case))


_WANTED: Mapping[Check, Callable[[_Case], tuple[str, ...]]] = MappingProxyType(
    {
        Check.SIZE: lambda _: ("at most 20,000 characters",),
        Check.COMPACT: lambda _: ("three parts of base64url, not encrypted",),
        Check.TYPE: lambda _: ("JWT, or none",),
        Check.ALGORITHM: lambda case: tuple(sorted(case.expectation.algorithms)),
        Check.KEY: lambda case: tuple(f"a published key: kid {key.kid}" for key in case.keys.keys[:20]),
        Check.ISSUER: lambda case: (case.expectation.issuer,),
        Check.SUBJECT: lambda _: ("1 to 255 printable ASCII characters",),
        Check.AUDIENCE: _audience,
        Check.AUTHORIZED_PARTY: lambda case: (*_audience(case), "or none, with a single audience"),
        Check.EXPIRY: lambda case: ("in the future", _clock(case)),
        Check.ISSUED_AT: lambda case: (f"within the last {case.expectation.issuance_limit}", _clock(case)),
        Check.NOT_BEFORE: lambda case: ("in the past, if there is one", _clock(case)),
        Check.AUTHENTICATION_TIME: _authenticated,
        Check.NONCE: lambda _: ("the one this login was begun with",),
        Check.AUTHENTICATION_CONTEXT: lambda case: case.expectation.login.acr_values if case.expectation.login else (),
    }
)
