"""Every job there is."""

from datetime import timedelta

from gateway.clockwork.expiry import plan_expiry_notices, send_expiry_notices
from gateway.clockwork.job import Job
from gateway.clockwork.metadata import tend_metadata

JOBS: tuple[Job, ...] = (
    Job("metadata", timedelta(minutes=1), tend_metadata),
    Job("expiry-plan", timedelta(hours=1), plan_expiry_notices),
    Job("expiry-send", timedelta(minutes=1), send_expiry_notices),
)
