"""The day after a promotion: failures that can't be made up are counted, and too many bring the previous document back.

What counts is up to `federation.metadata_use`. Why so: docs/decisions/0014-metadata-life.md.
"""

from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from gateway.directory.metadata_sources import lock_source
from gateway.directory.provider_certificates import recent_uses

SPIKE = 5  # failures, and more than there were logins
WINDOW = timedelta(minutes=10)


def count_failure(session: Session, provider_key: str, account_id: str, now: datetime) -> bool:
    """Count one login that a promoted document refused and the previous one would have accepted.

    True if there are so many within ten minutes that the promotion was wrong. False outside of the day of trial.
    """
    source = lock_source(session, provider_key, account_id, now)
    if source.trial_until is None or source.trial_until <= now:
        return False
    if source.trial_began_at is None or source.trial_began_at <= now - WINDOW:
        source.trial_began_at, source.trial_failures = now, 0
    source.trial_failures += 1
    session.flush()
    return source.trial_failures >= SPIKE and source.trial_failures > recent_uses(session, provider_key, now)
