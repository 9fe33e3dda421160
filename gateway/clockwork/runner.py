"""The thread of each worker process that looks for jobs that are due."""

import logging
import random
from threading import Event, Thread

from gateway.audit.packing import start_packing
from gateway.clockwork.job import run_due
from gateway.clockwork.table import JOBS
from gateway.services import Services

_LOOK_EVERY_S = 5.0


def start_clockwork(services: Services) -> Event:
    """Look for due jobs every few seconds until the event that is returned is set, or the process ends."""
    stop = Event()
    start_packing(services.store, services.clock, stop)
    Thread(target=_look, args=(services, stop), name="clockwork", daemon=True).start()
    return stop


def _look(services: Services, stop: Event) -> None:
    # Processes that start together take turns all the same: each looks at times of its own.
    while not stop.wait(_LOOK_EVERY_S * random.uniform(0.5, 1.5)):  # noqa: S311 - nothing secret
        try:
            run_due(services, JOBS)
        except Exception:  # the database may be away for a moment
            logging.getLogger("ramgate").exception("due jobs can't be looked up")
