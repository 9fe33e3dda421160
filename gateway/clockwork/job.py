"""What is done by the clock: a job and its turns. Of all the processes of a gateway one does each turn."""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta

from gateway.services import Services
from gateway.store.jobs import is_due, take_turn


@dataclass(frozen=True, slots=True)
class Job:
    """`run` makes its own transactions, and can be killed at any line: the next turn carries on."""

    name: str
    every: timedelta
    run: Callable[[Services], None]


def run_due(services: Services, jobs: Iterable[Job]) -> tuple[str, ...]:
    """Do the jobs that are due and that nobody else does; their names. A job that fails is logged and comes again."""
    done = []
    for job in jobs:
        with services.store.reading() as session:
            due = is_due(session, job.name, services.clock.now())
        if not due:
            continue
        with services.store.transaction() as session:
            session.connection()  # wait for the write lock before the clock is read
            mine = take_turn(session, job.name, job.every, services.clock.now())
        if mine:
            _run(services, job)
            done.append(job.name)
    return tuple(done)


def _run(services: Services, job: Job) -> None:
    try:
        job.run(services)
    except Exception:  # one broken job must not end the others
        logging.getLogger("ramgate").exception("the job %s failed", job.name)
