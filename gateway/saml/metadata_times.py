"""How long a metadata document holds, and how long a copy of it may be kept. Rule: SAML Metadata 2.0 §2.3.2, §4.3.1."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from gateway.errors import Reason, SamlError

_INSTANT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})?")
_DURATION = re.compile(
    r"P(?=[0-9T])(?:(?P<years>[0-9]{1,4})Y)?(?:(?P<months>[0-9]{1,4})M)?(?:(?P<days>[0-9]{1,6})D)?"
    r"(?:T(?=[0-9])(?:(?P<hours>[0-9]{1,6})H)?(?:(?P<minutes>[0-9]{1,8})M)?(?:(?P<seconds>[0-9]{1,9})(?:\.[0-9]{1,9})?S)?)?"
)
# How many days a year and a month have depends on when one asks. For how long to keep a copy this is exact enough.
_YEAR = timedelta(days=365)
_MONTH = timedelta(days=30)


def earliest_limit(texts: Iterable[str | None], now: datetime) -> datetime | None:
    """The earliest of the `validUntil` that are given.

    Raises: SamlError(METADATA_EXPIRED) if it is at or before `now`, SamlError(METADATA_MALFORMED).
    """
    limits = [parse_instant(text) for text in texts if text is not None]
    if not limits:
        return None
    earliest = min(limits)
    if earliest <= now:
        raise SamlError(
            Reason.METADATA_EXPIRED,
            f"The metadata was valid until {earliest:%Y-%m-%d %H:%M} UTC only: download it again.",
        )
    return earliest


def shortest_duration(texts: Iterable[str | None]) -> timedelta | None:
    """The shortest of the `cacheDuration` that are given. It is advice, so one that makes no sense is no error."""
    found = [duration for text in texts if text is not None and (duration := parse_duration(text)) is not None]
    return min(found, default=None)


def parse_instant(text: str) -> datetime:
    """An `xs:dateTime`; without a zone it is UTC. Raises: SamlError(METADATA_MALFORMED)."""
    refusal = SamlError(
        Reason.METADATA_MALFORMED,
        "validUntil is not a date and time such as 2030-01-02T03:04:05Z: correct it.",
        ascii(text[:99]),
    )
    if not _INSTANT.fullmatch(text.strip()):
        raise refusal
    try:
        instant = datetime.fromisoformat(text.strip())
        return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)
    except (ValueError, OverflowError) as exc:
        raise refusal from exc


def parse_duration(text: str) -> timedelta | None:
    """An `xs:duration` such as `PT6H` or `P1DT12H`; None for what is none, and for a negative one."""
    found = _DURATION.fullmatch(text.strip())
    if found is None:
        return None
    part = {name: int(value or 0) for name, value in found.groupdict().items()}
    return (
        part["years"] * _YEAR
        + part["months"] * _MONTH
        + timedelta(days=part["days"], hours=part["hours"], minutes=part["minutes"], seconds=part["seconds"])
    )
