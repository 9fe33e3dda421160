"""Every minute: federations that are due, entities to be asked for again, and what left its federation."""

import time
from collections.abc import Callable

from gateway.federation.federation_refresh import lapse_entities, refresh_due_federations
from gateway.federation.metadata_queries import ask_again
from gateway.services import Services

_LONGEST_TURN_S = 40.0  # then other jobs are to have their turn; the rest comes with the next one


def tend_federations(services: Services) -> None:
    """The order matters: what comes back does not lapse."""
    may_go_on = _time_limit()
    refresh_due_federations(services.store, services.fetcher, services.clock, may_go_on)
    ask_again(services.store, services.fetcher, services.clock, may_go_on)
    lapse_entities(services.store, services.clock)


def _time_limit() -> Callable[[], bool]:
    ends = time.monotonic() + _LONGEST_TURN_S
    return lambda: time.monotonic() < ends
