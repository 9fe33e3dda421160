"""The rules for single claims: checks 10 to 17 and 19 to 22."""

import hmac
from datetime import datetime, timedelta
from typing import TypeAlias

from gateway.errors import OidcError, Reason
from gateway.oidc.algorithms import half_hash
from gateway.oidc.expectation import IdTokenExpectation, LoginExpectation
from gateway.oidc.json_text import Json, JsonObject
from gateway.oidc.times import get_seconds
from gateway.secret import Secret

_MAX_SUBJECT = 255
_MAX_AUDIENCES = 50

# Seconds since 1970: when the token was issued, from when on it is refused, when the person proved who it is.
Times: TypeAlias = tuple[float, float, float | None]


def check_issuer(claims: JsonObject, issuer: str) -> None:
    """Check 10. Raises: OidcError(OIDC_ISSUER) unless it is the very same text."""
    if claims.get("iss") != issuer:
        raise OidcError(Reason.OIDC_ISSUER, "the token is from another issuer", repr(claims.get("iss"))[:200])


def read_subject(claims: JsonObject) -> str:
    """Check 11. Raises: OidcError(OIDC_SUBJECT) unless it has 1 to 255 printable ASCII characters, no space at an end.

    Rule: OpenID Connect Core 1.0 §2.
    """
    subject = claims.get("sub")
    if (
        isinstance(subject, str)
        and 0 < len(subject) <= _MAX_SUBJECT
        and subject.isascii()
        and subject.isprintable()
        and subject == subject.strip()
    ):
        return subject
    raise OidcError(Reason.OIDC_SUBJECT, "the token's subject can't be used", repr(subject)[:300])


def read_audiences(claims: JsonObject) -> tuple[str, ...]:
    """Raises: OidcError(OIDC_AUDIENCE) unless `aud` is a text or a list of 1 to 50 texts."""
    audience = claims.get("aud")
    if isinstance(audience, str):
        return (audience,)
    if isinstance(audience, list) and 0 < len(audience) <= _MAX_AUDIENCES:
        texts = tuple(each for each in audience if isinstance(each, str))
        if len(texts) == len(audience):
            return texts
    raise OidcError(Reason.OIDC_AUDIENCE, "the token names no audience", repr(audience)[:200])


def check_audience(audiences: tuple[str, ...], expectation: IdTokenExpectation) -> str:
    """Check 12. Returns the client ID of ours that the token is for.

    ASSUMPTION: a token that is also for somebody who is not registered is refused, since that party could present it
    here; the platform's documents speak of a single audience only.
    Raises: OidcError(OIDC_AUDIENCE), OidcError(OIDC_AUDIENCE_UNTRUSTED).
    Rule: OpenID Connect Core 1.0 §3.1.3.7 number 3; sso-contract §3.2.
    """
    login = expectation.login
    ours = expectation.client_ids if login is None else (login.client_id,)
    for match in audiences:
        if match in ours:
            break
    else:
        raise OidcError(Reason.OIDC_AUDIENCE, "the token is for another client", repr(audiences)[:200])
    if len(audiences) > 1:
        strangers = set(audiences).difference(expectation.client_ids, ours)
        if strangers:
            raise OidcError(
                Reason.OIDC_AUDIENCE_UNTRUSTED,
                "the token is also for a client that is not registered",
                repr(sorted(strangers))[:200],
            )
    return match


def check_authorized_party(claims: JsonObject, audiences: tuple[str, ...], login: LoginExpectation | None) -> None:
    """Check 13. For an exchange `azp` is only reported: workloads' tokens name themselves in it.

    Raises: OidcError(OIDC_AUTHORIZED_PARTY). Rule: OpenID Connect Core 1.0 §2, §3.1.3.7 numbers 4 and 5.
    """
    party = claims.get("azp")
    if party is not None and not isinstance(party, str):
        raise OidcError(Reason.OIDC_AUTHORIZED_PARTY, "the token's authorized party is malformed")
    if login is not None and party != login.client_id and (party is not None or len(audiences) > 1):
        raise OidcError(Reason.OIDC_AUTHORIZED_PARTY, "the token was issued to another client", repr(party)[:200])


def check_times(claims: JsonObject, now_s: float, expectation: IdTokenExpectation) -> Times:
    """Checks 14 to 17. From `iat` plus the limit on, a token is refused, however long it says it is good for.

    Raises: OidcError(OIDC_EXPIRED) from `exp` plus the skew on; OidcError(OIDC_ISSUED_AT),
    OidcError(OIDC_ISSUANCE_LIMIT); OidcError(OIDC_NOT_YET_VALID); OidcError(OIDC_AUTH_TIME); OidcError(OIDC_TIME).
    Rule: sso-contract §3.1; OpenID Connect Core 1.0 §3.1.2.1 max_age, §3.1.3.7 number 13.
    """
    skew_s, limit_s = expectation.skew.total_seconds(), expectation.issuance_limit.total_seconds()
    expires_s = get_seconds(claims, "exp")  # 14
    if now_s >= expires_s + skew_s:
        raise OidcError(Reason.OIDC_EXPIRED, "the token is expired", f"exp {expires_s}")
    issued_s = get_seconds(claims, "iat")  # 15
    if issued_s > now_s + skew_s:
        raise OidcError(Reason.OIDC_ISSUED_AT, "the token was issued in the future", f"iat {issued_s}")
    if now_s >= issued_s + limit_s:
        raise OidcError(
            Reason.OIDC_ISSUANCE_LIMIT, "the token was issued longer ago than the provider's limit", f"iat {issued_s}"
        )
    if claims.get("nbf") is not None:  # 16
        not_before_s = get_seconds(claims, "nbf")
        if now_s < not_before_s - skew_s:
            raise OidcError(Reason.OIDC_NOT_YET_VALID, "the token is not valid yet", f"nbf {not_before_s}")
    authenticated_s = None if claims.get("auth_time") is None else get_seconds(claims, "auth_time")  # 17
    if authenticated_s is not None and authenticated_s > now_s + skew_s:
        raise OidcError(Reason.OIDC_AUTH_TIME, "the token's login lies in the future", f"auth_time {authenticated_s}")
    login = expectation.login
    if login is not None and login.max_age is not None:
        _check_age(authenticated_s, now_s, skew_s, login.max_age)
    if login is not None and login.authenticated_since is not None:
        _check_fresh(authenticated_s, skew_s, login.authenticated_since)
    return issued_s, min(expires_s + skew_s, issued_s + limit_s), authenticated_s


def _check_age(authenticated_s: float | None, now_s: float, skew_s: float, max_age: timedelta) -> None:
    if authenticated_s is None:
        raise OidcError(Reason.OIDC_AUTH_TIME, "the token does not say when its login was")
    if now_s > authenticated_s + max_age.total_seconds() + skew_s:
        raise OidcError(Reason.OIDC_AUTH_TIME, "the token's login was too long ago", f"auth_time {authenticated_s}")


def _check_fresh(authenticated_s: float | None, skew_s: float, since: datetime) -> None:
    """Where the person had to prove anew who it is, that did not happen before we asked."""
    if authenticated_s is None:
        raise OidcError(Reason.OIDC_AUTH_TIME, "the token does not say when its login was")
    if authenticated_s < since.timestamp() - skew_s:
        raise OidcError(
            Reason.OIDC_AUTH_TIME, "the token's login is older than what was asked for", f"auth_time {authenticated_s}"
        )


def check_nonce(claims: JsonObject, nonce: str) -> None:
    """Check 19. Raises: OidcError(OIDC_NONCE). Rule: OpenID Connect Core 1.0 §3.1.3.7 number 11, §15.5.2."""
    found = claims.get("nonce")
    if not isinstance(found, str) or not hmac.compare_digest(found.encode(), nonce.encode()):
        raise OidcError(Reason.OIDC_NONCE, "the token does not answer the login that was begun")


def check_hash(found: Json, algorithm: str, text: Secret, reason: Reason) -> None:
    """Checks 20 and 21: `at_hash` or `c_hash` fits what came with the token.

    Raises: OidcError with `reason`. Rule: OpenID Connect Core 1.0 §3.1.3.8, §3.3.2.10.
    """
    if not isinstance(found, str) or not hmac.compare_digest(
        found.encode(), half_hash(algorithm, text.reveal()).encode()
    ):
        raise OidcError(reason, "the token was not issued together with what it came with")


def check_authentication_context(context: str | None, acr_values: tuple[str, ...]) -> None:
    """Check 22. Raises: OidcError(OIDC_ACR). Rule: OpenID Connect Core 1.0 §3.1.3.7 number 12."""
    if context not in acr_values:
        raise OidcError(Reason.OIDC_ACR, "the token's login was not of the kind that was asked", repr(context)[:200])


def find_text(claims: JsonObject, name: str) -> str | None:
    """A claim that should be a text; None if it is absent or something else."""
    value = claims.get(name)
    return value if isinstance(value, str) else None
