"""Every job there is."""

from datetime import timedelta

from gateway.clockwork.job import Job
from gateway.clockwork.metadata import tend_metadata

JOBS: tuple[Job, ...] = (Job("metadata", timedelta(minutes=1), tend_metadata),)
