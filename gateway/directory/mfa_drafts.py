"""Seeds on their way into an app: shown once to one browser, and a device only when its codes came back.

A draft belongs to a key that only its browser can name, is overwritten when another is asked for, and gone after ten
minutes or five wrong tries. So a device never stands in the directory that nobody has in an app.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Mapped, Session, mapped_column

from gateway.directory.mfa_devices import Codes, matching
from gateway.errors import NotFound, Reason
from gateway.keyring import KeyRing
from gateway.secret import Secret
from gateway.store.base import Base
from gateway.store.hashed_key import hash_key
from gateway.store.once import insert_or_lock
from gateway.store.sweep import sweep_expired
from gateway.totp import new_seed

LIFETIME = timedelta(minutes=10)
MOST_TRIES = 5

_PURPOSE = "mfa-draft"


class MfaDraft(Base):
    __tablename__ = "mfa_drafts"

    key_hash: Mapped[str] = mapped_column(primary_key=True)
    sealed_seed: Mapped[bytes]
    wrong_tries: Mapped[int]
    expires_at: Mapped[datetime] = mapped_column(index=True)


@dataclass(frozen=True, slots=True)
class ProvenSeed:
    """A seed that is in somebody's app, as codes up to `used_step` proved."""

    seed: Secret
    used_step: int


def start_draft(session: Session, ring: KeyRing, key: str, now: datetime) -> Secret:
    """A new seed to show, in Base32. The one that the key had before is void."""
    sweep_expired(session, MfaDraft.key_hash, MfaDraft.expires_at, now)
    key_hash, seed = hash_key(key), new_seed()
    sealed = ring.seal(_PURPOSE, seed.reveal().encode(), bound_to=key_hash.encode())
    fresh = {"sealed_seed": sealed, "wrong_tries": 0, "expires_at": now + LIFETIME}
    draft = insert_or_lock(session, MfaDraft, {"key_hash": key_hash, **fresh})
    draft.sealed_seed, draft.wrong_tries, draft.expires_at = sealed, 0, now + LIFETIME
    session.flush()
    return seed


def try_draft(session: Session, ring: KeyRing, key: str, codes: Codes, now: datetime) -> ProvenSeed | None:
    """The seed whose codes these are, which is used up; None for wrong codes, which are counted: commit either way.

    Raises: InputError(PARAMETER_INVALID), subject "AuthenticationCode"; NotFound, subject "MFADraft", without a live
    draft.
    """
    codes.check_format()
    draft = session.get(MfaDraft, hash_key(key), with_for_update=True, populate_existing=True)
    if draft is None or now >= draft.expires_at:
        message = "the QR code was not used in time, or too many codes were wrong: begin with a new one"
        raise NotFound(Reason.NOT_FOUND, message, subject="MFADraft")
    seed = Secret(ring.open(_PURPOSE, draft.sealed_seed, bound_to=draft.key_hash.encode()).decode())
    step = matching(seed, codes, now)
    draft.wrong_tries += 1
    if step is not None or draft.wrong_tries >= MOST_TRIES:
        session.delete(draft)
    session.flush()
    return None if step is None else ProvenSeed(seed, step)
