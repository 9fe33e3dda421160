"""How long a session may last. Several parties set a limit; the least wins, and the session page says which.

Rule: sso-contract §2.3, §1.5; sts-contract §2.5.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from gateway.errors import CredentialError, InputError, Reason, SamlError

MIN_DURATION_S = 900
DEFAULT_DURATION_S = 3600
# ASSUMPTION: a session got with the credentials of another role session lasts an hour at most.
CHAINED_MAX_DURATION_S = 3600
_INTEGER = re.compile(r"[0-9]{1,9}", re.ASCII)

IDP_SESSION_DURATION = "the SessionDuration that your company's identity provider sent"
IDP_SESSION_END = "the end of your session at your company's identity provider (SessionNotOnOrAfter)"
ROLE_MAXIMUM = "the role's maximum session duration"
ACCOUNT_LOGIN_LIMIT = "the account's login session limit"
REQUESTED = "the duration that was asked for"
DEFAULT = "the default duration"
PARENT_END = "the end of the session it was derived from"
CHAIN_LIMIT = "the limit for sessions that are derived from a role session"


@dataclass(frozen=True, slots=True)
class Cap:
    """One limit, in words for the person whose session it ends, and in whole seconds from now."""

    name: str
    seconds: int
    among: tuple["Cap", ...] = field(default=(), compare=False, repr=False)  # all that were compared, for receipts

    @property
    def told(self) -> tuple[str, ...]:
        """Every cap that was compared, each in words with its seconds."""
        return tuple(f"{each.name}: {each.seconds}" for each in self.among or (self,))


def least(caps: Sequence[Cap]) -> Cap:
    """The cap that wins; of equal ones the first."""
    return replace(min(caps, key=lambda cap: cap.seconds), among=tuple(caps))


def parse_session_duration(values: tuple[str, ...]) -> int | None:
    """Read the SessionDuration attribute, seconds; None when the assertion has none.

    Refused: several values, anything but decimal digits, less than 900.
    ASSUMPTION: a value above the role's maximum is not refused but cut down to it, since one assertion
    may name several roles whose maxima differ.
    Raises: SamlError(SESSION_DURATION). Rule: sso-contract §2.2.
    """
    if not values:
        return None
    if len(values) > 1 or not _INTEGER.fullmatch(values[0]) or int(values[0]) < MIN_DURATION_S:
        raise SamlError(
            Reason.SESSION_DURATION,
            "The SessionDuration that your identity provider sent must be one whole number of seconds, at least 900.",
            detail=f"SessionDuration={values!r:.200}",
        )
    return int(values[0])


def console_duration(
    *,
    attribute_s: int | None,
    session_not_on_or_after: datetime | None,
    role_max_s: int,
    login_limit_h: int,
    now: datetime,
) -> Cap:
    """How long a role session in the browser lasts: the least of everything that limits it.

    Raises: SamlError(SAML_EXPIRED) when the session at the identity provider is over already.
    """
    caps = [Cap(ROLE_MAXIMUM, role_max_s), Cap(ACCOUNT_LOGIN_LIMIT, login_limit_h * 3600)]
    if attribute_s is not None:
        caps.insert(0, Cap(IDP_SESSION_DURATION, attribute_s))
    return least([*caps, *_idp_session_end(session_not_on_or_after, now)])


def user_duration(*, session_not_on_or_after: datetime | None, login_limit_h: int, now: datetime) -> Cap:
    """How long the browser session of a RAM user lasts.

    Raises: SamlError(SAML_EXPIRED) when the session at the identity provider is over already.
    """
    limit = Cap(ACCOUNT_LOGIN_LIMIT, login_limit_h * 3600)
    return least([limit, *_idp_session_end(session_not_on_or_after, now)])


def api_duration(
    *,
    duration_s: int | None,
    session_not_on_or_after: datetime | None,
    role_max_s: int,
    now: datetime,
    parent_expires_at: datetime | None = None,
) -> Cap:
    """How long a session got through the API lasts. The SessionDuration attribute has no say here.

    `parent_expires_at` is the end of the role session whose credentials signed the call, if one did.
    Refused: a `duration_s` below 900 or above the role's maximum.
    Raises: InputError(PARAMETER_INVALID) about DurationSeconds; SamlError(SAML_EXPIRED) when the session at the
    identity provider is over already; CredentialError(TOKEN_EXPIRED) when the calling session is.
    """
    if duration_s is not None and not MIN_DURATION_S <= duration_s <= role_max_s:
        raise InputError(
            Reason.PARAMETER_INVALID,
            f"DurationSeconds must be between {MIN_DURATION_S} and {role_max_s}, the role's maximum",
            subject="DurationSeconds",
        )
    wanted = Cap(DEFAULT, DEFAULT_DURATION_S) if duration_s is None else Cap(REQUESTED, duration_s)
    caps = [wanted, Cap(ROLE_MAXIMUM, role_max_s), *_idp_session_end(session_not_on_or_after, now)]
    if parent_expires_at is not None:
        left_s = int((parent_expires_at - now).total_seconds())
        if left_s <= 0:
            raise CredentialError(Reason.TOKEN_EXPIRED, "the security token has expired")
        caps += [Cap(CHAIN_LIMIT, CHAINED_MAX_DURATION_S), Cap(PARENT_END, left_s)]
    return least(caps)


def _idp_session_end(end: datetime | None, now: datetime) -> list[Cap]:
    if end is None:
        return []
    left_s = int((end - now).total_seconds())
    if left_s <= 0:
        raise SamlError(
            Reason.SAML_EXPIRED,
            "Your session at your company's identity provider is over. Sign in there again.",
            detail=f"SessionNotOnOrAfter={end.isoformat()} now={now.isoformat()}",
        )
    return [Cap(IDP_SESSION_END, left_s)]
