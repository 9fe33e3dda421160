"""Every job there is."""

from datetime import timedelta

from gateway.clockwork.expiry import plan_expiry_notices, send_expiry_notices
from gateway.clockwork.federations import tend_federations
from gateway.clockwork.job import Job
from gateway.clockwork.keeping import note_heads_of, prune_old_decisions
from gateway.clockwork.logins import forget_logins
from gateway.clockwork.metadata import tend_metadata

JOBS: tuple[Job, ...] = (
    Job("login-traces", timedelta(hours=1), forget_logins),
    Job("metadata", timedelta(minutes=1), tend_metadata),
    Job("federations", timedelta(minutes=1), tend_federations),
    Job("chain-heads", timedelta(hours=1), note_heads_of),
    Job("old-decisions", timedelta(hours=24), prune_old_decisions),
    Job("expiry-plan", timedelta(hours=1), plan_expiry_notices),
    Job("expiry-send", timedelta(minutes=1), send_expiry_notices),
)
