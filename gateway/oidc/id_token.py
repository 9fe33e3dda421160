"""Verification of an ID token: compact JWS in, `VerifiedIdentity` or `OidcError` out. The list is in `checks`.

One function serves the browser login and the exchange of tokens for credentials; what differs stands in the
expectation. Nothing is read from the token before its signature is checked but the header, which only chooses.
"""

from datetime import datetime

from gateway.errors import OidcError, Reason
from gateway.identity import OidcClaims, Protocol, VerifiedIdentity
from gateway.oidc.attributes import Attributes
from gateway.oidc.checks import ALWAYS, Check
from gateway.oidc.claims import (
    check_audience,
    check_authentication_context,
    check_authorized_party,
    check_hash,
    check_issuer,
    check_nonce,
    check_times,
    find_text,
    read_audiences,
    read_subject,
)
from gateway.oidc.expectation import IdTokenExpectation, LoginExpectation
from gateway.oidc.json_text import JsonObject
from gateway.oidc.jws import verify_jws
from gateway.oidc.keys import KeySet
from gateway.oidc.times import instant

_OIDC = Protocol.OIDC

__all__ = ["IdTokenExpectation", "LoginExpectation", "verify_id_token"]


def verify_id_token(token: str, expectation: IdTokenExpectation, keys: KeySet, now: datetime) -> VerifiedIdentity:
    """Verify an ID token as it came from the token endpoint, or in the parameter `OIDCToken`.

    Pure: the caller still owes what `checks` says.
    Raises: OidcError with the reason of the first check that fails.
    """
    jws = verify_jws(token, keys, expectation.algorithms)  # 1 to 9
    claims = jws.claims
    if "events" in claims:  # 9, or a logout token, signed by the same key, could be exchanged for credentials
        raise OidcError(Reason.OIDC_TYPE, "the token is of another kind", "events")
    login = expectation.login
    check_issuer(claims, expectation.issuer)  # 10
    subject = read_subject(claims)  # 11
    audiences = read_audiences(claims)  # 12
    audience = check_audience(audiences, expectation)
    check_authorized_party(claims, audiences, login)  # 13
    issued_s, end_s, authenticated_s = check_times(claims, now.timestamp(), expectation)  # 14 to 17
    attributes = Attributes(claims)
    attributes.check()  # 18
    context = find_text(claims, "acr")
    evidence = ALWAYS if login is None else ALWAYS + _check_answer(claims, jws.algorithm, context, login)  # 19 to 22
    return VerifiedIdentity(  # by position: twenty names take a microsecond, a third of checks 10 to 17
        _OIDC,
        expectation.issuer,
        subject,
        "",  # subject_type
        audience,
        "" if login is None else login.redirect_uri,  # recipient
        f"sha256:{jws.digest}",  # assertion_id
        None if login is None else login.nonce,  # in_response_to
        jws.key.thumbprint,  # certificate_fingerprint
        instant(issued_s),
        instant(end_s),  # not_on_or_after
        None if authenticated_s is None else instant(authenticated_s),
        context,
        None,  # session_not_on_or_after
        find_text(claims, "sid"),  # session_index
        attributes,
        (),  # twin_fingerprints
        evidence,
        expectation.provider,
        OidcClaims(jws.algorithm, jws.key.kid, claims, attributes),
    )


def _check_answer(
    claims: JsonObject, algorithm: str, context: str | None, login: LoginExpectation
) -> tuple[Check, ...]:
    """Checks 19 to 22: the token answers the login, and belongs to what it came with."""
    check_nonce(claims, login.nonce)  # 19
    passed = [Check.NONCE]
    if login.access_token is not None and "at_hash" in claims:  # 20
        check_hash(claims["at_hash"], algorithm, login.access_token, Reason.OIDC_ACCESS_TOKEN_HASH)
        passed.append(Check.ACCESS_TOKEN_HASH)
    if login.code is not None and "c_hash" in claims:  # 21
        check_hash(claims["c_hash"], algorithm, login.code, Reason.OIDC_CODE_HASH)
        passed.append(Check.CODE_HASH)
    if login.acr_values:  # 22
        check_authentication_context(context, login.acr_values)
        passed.append(Check.AUTHENTICATION_CONTEXT)
    return tuple(passed)
