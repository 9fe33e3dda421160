"""NumericDate claims: seconds since 1970, with or without a fraction. Rule: RFC 7519 §2."""

from datetime import UTC, datetime

from gateway.errors import OidcError, Reason
from gateway.oidc.json_text import JsonObject

_LAST = 253_402_300_799  # the end of the year 9999, the last instant that a datetime can hold


def find_seconds(claims: JsonObject, name: str) -> float | None:
    """Raises: OidcError(OIDC_TIME) for anything but a number within the years 1970 to 9999."""
    return None if claims.get(name) is None else get_seconds(claims, name)


def get_seconds(claims: JsonObject, name: str) -> float:
    """The same, of a claim that must be there. Raises: OidcError(OIDC_TIME)."""
    value = claims.get(name)
    # By exact type: true is an int to isinstance.
    if (type(value) is int or type(value) is float) and 0 <= value <= _LAST:
        return value
    raise OidcError(Reason.OIDC_TIME, "a time in the token is missing or malformed", f"{name} {value!r:.100}")


def instant(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
