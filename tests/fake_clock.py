"""A clock that moves only when told to."""

from datetime import UTC, datetime, timedelta

NOON = datetime(2026, 3, 4, 12, 0, 0, tzinfo=UTC)


class FakeClock:
    def __init__(self, start: datetime = NOON) -> None:
        self._now = start

    def now(self) -> datetime:
        return self._now

    def advance(self, seconds: float) -> None:
        self._now += timedelta(seconds=seconds)
