"""Where time comes from. Everything else takes a clock or an instant, so that tests never sleep."""

from datetime import UTC, datetime
from typing import Protocol

WIRE_FORMAT = "%Y-%m-%dT%H:%M:%SZ"


class Clock(Protocol):
    def now(self) -> datetime:
        """The present instant, an aware datetime in UTC."""
        ...


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)


def wire_time(instant: datetime) -> str:
    """Render an instant as `2026-01-02T03:04:05Z`, the only form the official clients parse."""
    # What `strftime` makes of "%Y-%m-%dT%H:%M:%SZ", in a tenth of its time: it stands in every line of the log.
    return instant.astimezone(UTC).isoformat(timespec="seconds")[:19] + "Z"
