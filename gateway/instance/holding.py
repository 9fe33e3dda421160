"""The credentials that an instance holds: fetched ahead of their end, and handed out until then and no longer.

New ones are fetched at two thirds of a life. While that fails, the old ones are handed out, and it is tried again after
a second, two, four and so on, up to a minute. Where the gateway says that it does not know the instance, what is held
is forgotten: it is dead already.
"""

import threading
from collections.abc import Callable
from datetime import datetime, timedelta

from gateway.clock import Clock
from gateway.errors import GatewayError, Reason, UpstreamError
from gateway.instance.calls import NOT_KNOWN, RefusedByGateway, RoleCredentials

Fetch = Callable[[], RoleCredentials]

_FIRST_WAIT, _LONGEST_WAIT = timedelta(seconds=1), timedelta(minutes=1)
_IDLE_S = 30.0  # how long a sleep is at most: the clock may be set meanwhile


class Holder:
    """Safe under threads: one of them fetches, the others get what is there."""

    def __init__(self, fetch: Fetch, clock: Clock) -> None:
        self._fetch = fetch
        self._clock = clock
        self._fetching = threading.Lock()
        self._held: RoleCredentials | None = None
        self._problem: GatewayError | None = None
        self._wait = _FIRST_WAIT
        self._due: datetime | None = None  # when it is tried again; None: at once

    def current(self) -> RoleCredentials:
        """Credentials that live now. Raises: what the last try to get some ended in."""
        held = self._living()
        if held is None:
            self.refresh()
            held = self._living()
        if held is None:
            raise self._problem or UpstreamError(Reason.FETCH_CONNECT, "there are no credentials yet")
        return held

    def refresh(self) -> None:
        """Fetch new ones if it is time to. Raises nothing: see `current`."""
        with self._fetching:
            now = self._clock.now()
            if self._due is not None and now < self._due:
                return
            try:
                fetched = self._fetch()
            except GatewayError as error:
                self._fail(error, now)
                return
            self._held, self._problem, self._wait = fetched, None, _FIRST_WAIT
            self._due = fetched.issued_at + (fetched.expires_at - fetched.issued_at) * 2 / 3

    def idle_s(self) -> float:
        """How long the thread that refreshes has nothing to do; seconds."""
        if self._due is None:
            return 0.0
        return min(max((self._due - self._clock.now()).total_seconds(), 0.0), _IDLE_S)

    def _fail(self, error: GatewayError, now: datetime) -> None:
        self._problem = error
        self._due, self._wait = now + self._wait, min(self._wait * 2, _LONGEST_WAIT)
        if isinstance(error, RefusedByGateway) and error.said == NOT_KNOWN:
            self._held = None

    def _living(self) -> RoleCredentials | None:
        held = self._held
        return held if held is not None and self._clock.now() < held.expires_at else None
