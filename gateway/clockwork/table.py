"""Every job there is."""

from gateway.clockwork.job import Job

JOBS: tuple[Job, ...] = ()
