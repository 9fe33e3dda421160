"""Every minute: files that were dropped, sources that are due, documents that lapse."""

import time
from collections.abc import Callable

from gateway.federation.dropped_metadata import reconcile_files
from gateway.federation.metadata_refresh import keep_house, refresh_due
from gateway.services import Services

_LONGEST_TURN_S = 40.0  # then other jobs are to have their turn; the rest comes with the next one


def tend_metadata(services: Services) -> None:
    """The order matters: what was just fetched does not lapse."""
    if services.metadata_dir is not None:
        reconcile_files(services.store, services.clock, services.metadata_dir, services.domain_suffix)
    refresh_due(services.store, services.fetcher, services.clock, _time_limit())
    keep_house(services.store, services.clock)


def _time_limit() -> Callable[[], bool]:
    ends = time.monotonic() + _LONGEST_TURN_S
    return lambda: time.monotonic() < ends
