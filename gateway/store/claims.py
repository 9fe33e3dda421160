"""One-time things: an assertion id, a request nonce, an offer. Claimed by a unique insert, so that of two
processes only one can win.

Rule: SAML Profiles 2.0 §4.1.4.5 (an assertion is used once).
"""

import hashlib
from datetime import datetime

from sqlalchemy import CursorResult, delete
from sqlalchemy.orm import Mapped, Session, mapped_column

from gateway.store.base import Base
from gateway.store.once import insert_once


class OneTimeClaim(Base):
    __tablename__ = "one_time_claims"

    kind: Mapped[str] = mapped_column(primary_key=True)
    key_hash: Mapped[str] = mapped_column(primary_key=True)  # SHA-256: keys are foreign texts of any length
    expires_at: Mapped[datetime] = mapped_column(index=True)


def claim_once(session: Session, kind: str, key: str, expires_at: datetime) -> bool:
    """Claim `key` among the claims of one kind; False if it was claimed before, by whatever process.

    The claim counts once the session's transaction commits, and is given back if it rolls back. The session stays
    usable either way. A claim past `expires_at` still refuses until it is swept.
    """
    values = {"kind": kind, "key_hash": _hash(key), "expires_at": expires_at}
    return insert_once(session, OneTimeClaim, values)


def sweep_claims(session: Session, now: datetime) -> int:
    """Delete the claims that expired before `now`; how many there were."""
    result = session.execute(delete(OneTimeClaim).where(OneTimeClaim.expires_at < now))
    assert isinstance(result, CursorResult)
    return result.rowcount


def _hash(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
