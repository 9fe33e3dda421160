"""Signing out: the address that ends the session at the provider, and the provider's word that one has ended.

A logout token passes these checks, in this order:

     1 to 9   the envelope, as for an ID token (`checks`), but `typ` is logout+jwt, JWT or absent
    10  issuer       exactly the registered one
    11  audience     our client ID is in it
    12  issued-at    `iat` not in the future and at most ten minutes old; `exp`, if there is one, lies ahead
    13  whom         `sub`, `sid` or both, usable texts
    14  event        `events` holds the back-channel logout event, an object
    15  nonce        none, so that no ID token passes
    16  id           `jti`, a text

Owed by the caller: that a `jti` of an issuer is taken once (`LogoutNotice.not_on_or_after` says how long to remember).
Rule: OpenID Connect Back-Channel Logout 1.0 §2.4, §2.6; OpenID Connect RP-Initiated Logout 1.0 §2, §3.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum, unique

from gateway.errors import OidcError, Reason
from gateway.oidc.algorithms import SUPPORTED
from gateway.oidc.checks import ENVELOPE
from gateway.oidc.claims import check_issuer, read_audiences, read_subject
from gateway.oidc.discovery import ProviderMetadata
from gateway.oidc.flow import with_query
from gateway.oidc.json_text import JsonObject
from gateway.oidc.jws import verify_jws
from gateway.oidc.keys import KeySet
from gateway.oidc.times import find_seconds, get_seconds, instant
from gateway.secret import Secret

LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout"
_TYPES = frozenset({"logout+jwt", "application/logout+jwt", "jwt", "application/jwt"})
_MAX_AGE_S = 600
_MAX_ID = 255
_MAX_SESSION_ID = 1024  # some providers seal what they know into it


@unique
class LogoutCheck(StrEnum):
    ISSUER = "10 issuer"
    AUDIENCE = "11 audience"
    ISSUED_AT = "12 issued-at"
    WHOM = "13 whom"
    EVENT = "14 event"
    NONCE = "15 nonce"
    ID = "16 id"


@dataclass(frozen=True, slots=True)
class LogoutExpectation:
    """INVARIANT: from the gateway's own records."""

    issuer: str
    client_id: str
    algorithms: frozenset[str] = SUPPORTED
    skew: timedelta = timedelta(seconds=120)


@dataclass(frozen=True, slots=True)
class LogoutNotice:
    """Whose session has ended: all of a subject's, or the one of a session ID. INVARIANT: only `verify_logout_token`
    makes it.
    """

    issuer: str
    subject: str | None
    session_id: str | None
    token_id: str
    not_on_or_after: datetime  # from then on the token is refused; a record of its use must live that long
    evidence: tuple[str, ...]


def verify_logout_token(token: str, expectation: LogoutExpectation, keys: KeySet, now: datetime) -> LogoutNotice:
    """Verify the form field `logout_token`.

    Raises: OidcError with the reason of the first check that fails.
    """
    claims = verify_jws(token, keys, expectation.algorithms, _TYPES).claims  # 1 to 9
    now_s, skew_s = now.timestamp(), expectation.skew.total_seconds()
    check_issuer(claims, expectation.issuer)  # 10
    if expectation.client_id not in read_audiences(claims):  # 11
        raise OidcError(Reason.OIDC_AUDIENCE, "the logout token is for another client")
    end_s = _check_age(claims, now_s, skew_s)  # 12
    subject, session_id = _read_whom(claims)  # 13
    events = claims.get("events")  # 14
    if not isinstance(events, dict) or not isinstance(events.get(LOGOUT_EVENT), dict):
        raise OidcError(Reason.OIDC_LOGOUT_EVENT, "the token does not say that a session has ended")
    if "nonce" in claims:  # 15
        raise OidcError(Reason.OIDC_LOGOUT_NONCE, "a logout token must not have a nonce")
    token_id = claims.get("jti")  # 16
    if not isinstance(token_id, str) or not 0 < len(token_id) <= _MAX_ID:
        raise OidcError(Reason.OIDC_LOGOUT_ID, "the logout token has no ID that can be used")
    return LogoutNotice(
        issuer=expectation.issuer,
        subject=subject,
        session_id=session_id,
        token_id=token_id,
        not_on_or_after=instant(end_s),
        evidence=(*ENVELOPE, *LogoutCheck),
    )


def end_session_url(
    metadata: ProviderMetadata,
    client_id: str,
    *,
    id_token_hint: Secret | None = None,
    post_logout_redirect_uri: str = "",
    state: str = "",
) -> str | None:
    """Where to send the browser to sign out of the provider too; None if the provider does not offer it."""
    if metadata.end_session_endpoint is None:
        return None
    optional = {
        "id_token_hint": "" if id_token_hint is None else id_token_hint.reveal(),
        "post_logout_redirect_uri": post_logout_redirect_uri,
        "state": state if post_logout_redirect_uri else "",
    }
    parameters = [("client_id", client_id), *((name, value) for name, value in optional.items() if value)]
    return with_query(metadata.end_session_endpoint, parameters)


def _check_age(claims: JsonObject, now_s: float, skew_s: float) -> float:
    """Check 12. Returns the instant from which the token is refused.

    ASSUMPTION: `exp` may be absent, as in drafts that providers still follow; the age counts then.
    """
    issued_s, expires_s = get_seconds(claims, "iat"), find_seconds(claims, "exp")
    if issued_s > now_s + skew_s:
        raise OidcError(Reason.OIDC_ISSUED_AT, "the logout token was issued in the future", f"iat {issued_s}")
    end_s = issued_s + _MAX_AGE_S
    if expires_s is not None:
        end_s = min(end_s, expires_s + skew_s)
    if now_s >= end_s:
        raise OidcError(Reason.OIDC_EXPIRED, "the logout token is expired", f"iat {issued_s} exp {expires_s}")
    return end_s


def _read_whom(claims: JsonObject) -> tuple[str | None, str | None]:
    """Check 13."""
    subject = read_subject(claims) if "sub" in claims else None
    session_id = claims.get("sid")
    if "sid" in claims and not (isinstance(session_id, str) and 0 < len(session_id) <= _MAX_SESSION_ID):
        raise OidcError(Reason.OIDC_LOGOUT_WHOM, "the logout token names a session that can't be used")
    if subject is None and session_id is None:
        raise OidcError(Reason.OIDC_LOGOUT_WHOM, "the logout token does not say whose session has ended")
    return subject, session_id if isinstance(session_id, str) else None
