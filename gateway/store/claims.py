"""One-time things: an assertion id, a request nonce, an offer. Claimed by a unique insert, so that of two
processes only one can win.

Rule: SAML Profiles 2.0 §4.1.4.5 (an assertion is used once).
"""

from datetime import datetime

from sqlalchemy.orm import Mapped, Session, mapped_column

from gateway.store.base import Base
from gateway.store.direct import Source, Statement
from gateway.store.hashed_key import hash_key
from gateway.store.once import insert_once_statement
from gateway.store.sweep import sweep_expired

_SWEEP_BATCH = 200
_SWEEP_ONE_IN = 16


class OneTimeClaim(Base):
    __tablename__ = "one_time_claims"

    kind: Mapped[str] = mapped_column(primary_key=True)
    key_hash: Mapped[str] = mapped_column(primary_key=True)  # SHA-256: keys are foreign texts of any length
    expires_at: Mapped[datetime] = mapped_column(index=True)


_CLAIM = Statement(
    lambda dialect: insert_once_statement(dialect, OneTimeClaim, ("kind", "key_hash", "expires_at")),
    "kind",
    "key_hash",
    "expires_at",
)


def claim_once(source: Source, kind: str, key: str, expires_at: datetime, *, now: datetime) -> bool:
    """Claim `key` among the claims of one kind; False if it was claimed before, by whatever process.

    The claim counts once the session's transaction commits, and is given back if it rolls back. The session stays
    usable either way. A claim past `expires_at` still refuses until it is swept, which one claim in sixteen does
    in passing, so that the table stays about as large as what is alive in it.
    """
    key_hash = hash_key(key)
    if int(key_hash[:8], 16) % _SWEEP_ONE_IN == 0:
        sweep_claims(source, now)
    if isinstance(source, Session):
        source.flush()
    return _CLAIM.first(source, kind, key_hash, expires_at) is not None


def sweep_claims(source: Source, now: datetime) -> int:
    """Delete up to 200 claims that expired before `now`; how many there were. Never waits for another sweeper."""
    return sweep_expired(source, OneTimeClaim.key_hash, OneTimeClaim.expires_at, now, at_most=_SWEEP_BATCH)
