"""Sign-outs that go from here to a SAML identity provider: offered to a browser, sent, answered; bound to that browser.

The session here has ended before, whatever becomes of them. Who is to be signed out is personal, and sealed.
"""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import CursorResult, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from gateway.errors import AuthenticationError, CredentialError, Reason
from gateway.federation.browser import is_same_browser
from gateway.ids import new_handle
from gateway.keyring import KeyRing
from gateway.store.base import Base
from gateway.store.hashed_key import hash_key
from gateway.store.sweep import sweep_expired
from gateway.sts.token import Provenance, provenance_fields

LIFETIME = timedelta(minutes=10)
PURPOSE = "saml-logout"


class PendingSamlLogoutRow(Base):
    __tablename__ = "pending_saml_logouts"

    handle_hash: Mapped[str] = mapped_column(primary_key=True)
    provider_key: Mapped[str] = mapped_column(index=True)  # see `directory.provider_keys`
    browser_hash: Mapped[str]
    sealed: Mapped[bytes]
    request_id: Mapped[str | None] = mapped_column(index=True)  # of our LogoutRequest, the last one if it was repeated
    outcome: Mapped[str]
    expires_at: Mapped[datetime] = mapped_column(index=True)


class Outcome(StrEnum):
    OFFERED = "offered"
    SENT = "sent"
    SUCCESS = "success"
    PARTIAL = "partial"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class SamlLogout:
    """A sign-out that this browser may ask for, or has asked for."""

    handle: str
    provider_key: str
    session_id: str  # of the session that ended
    origin: Provenance  # where it came from
    outcome: Outcome
    request_id: str | None


def offer_logout(
    session: Session,
    ring: KeyRing,
    *,
    session_id: str,
    origin: Provenance,
    provider_key: str,
    browser: str,
    now: datetime,
) -> str:
    """Remember where a session came from that has just ended; gives the handle of the offer."""
    sweep_expired(session, PendingSamlLogoutRow.handle_hash, PendingSamlLogoutRow.expires_at, now)
    handle = new_handle()
    key = hash_key(handle)
    content = json.dumps([handle, session_id, provenance_fields(origin)])
    sealed = ring.seal(PURPOSE, content.encode(), bound_to=key.encode())
    session.add(
        PendingSamlLogoutRow(
            handle_hash=key,
            provider_key=provider_key,
            browser_hash=hash_key(browser),
            sealed=sealed,
            request_id=None,
            outcome=Outcome.OFFERED.value,
            expires_at=now + LIFETIME,
        )
    )
    session.flush()
    return handle


def find_logout(session: Session, ring: KeyRing, *, handle: str, browser: str, now: datetime) -> SamlLogout:
    """The sign-out of this browser.

    Raises: AuthenticationError(LOGIN_NOT_PENDING) for one that is unknown or older than ten minutes,
    AuthenticationError(LOGIN_OTHER_BROWSER).
    """
    row = session.get(PendingSamlLogoutRow, hash_key(handle))
    return _read(ring, row, browser, now)


def find_answered_logout(
    session: Session, ring: KeyRing, *, request_id: str, browser: str, now: datetime
) -> SamlLogout:
    """The sign-out whose request an answer names. Raises: as `find_logout`."""
    query = select(PendingSamlLogoutRow).where(
        PendingSamlLogoutRow.request_id == request_id, PendingSamlLogoutRow.outcome == Outcome.SENT.value
    )
    return _read(ring, session.scalar(query), browser, now)


def mark_sent(session: Session, handle: str, request_id: str) -> None:
    """From now on an answer to this request is awaited, and one to an earlier request is not.

    Raises: AuthenticationError(LOGIN_NOT_PENDING) where an answer came already.
    """
    open_ones = (Outcome.OFFERED.value, Outcome.SENT.value, Outcome.FAILED.value)
    sent = session.execute(
        update(PendingSamlLogoutRow)
        .where(PendingSamlLogoutRow.handle_hash == hash_key(handle), PendingSamlLogoutRow.outcome.in_(open_ones))
        .values(request_id=request_id, outcome=Outcome.SENT.value)
    )
    _check_one(sent, "answered already")


def take_answer(session: Session, request_id: str, outcome: Outcome) -> None:
    """Write down how the provider answered; of two answers one counts.

    Raises: AuthenticationError(LOGIN_NOT_PENDING).
    """
    answered = session.execute(
        update(PendingSamlLogoutRow)
        .where(PendingSamlLogoutRow.request_id == request_id, PendingSamlLogoutRow.outcome == Outcome.SENT.value)
        .values(outcome=outcome.value)
    )
    _check_one(answered, "answered at this very moment")


def _read(ring: KeyRing, row: PendingSamlLogoutRow | None, browser: str, now: datetime) -> SamlLogout:
    if row is None or now >= row.expires_at:
        raise _not_pending("unknown or answered" if row is None else "expired")
    if not is_same_browser(row.browser_hash, browser):
        raise AuthenticationError(
            Reason.LOGIN_OTHER_BROWSER,
            "This sign-out was started in another browser.",
            detail=f"sign-out, {'another' if browser else 'no'} binding cookie",
        )
    try:
        plain = ring.open(PURPOSE, row.sealed, bound_to=row.handle_hash.encode())
    except CredentialError as exc:
        raise _not_pending("sealed under a key that is not in the ring") from exc
    handle, session_id, origin = json.loads(plain)
    outcome = Outcome(row.outcome)
    return SamlLogout(handle, row.provider_key, session_id, Provenance(*origin), outcome, row.request_id)


def _check_one(result: object, why: str) -> None:
    assert isinstance(result, CursorResult)
    if result.rowcount != 1:
        raise _not_pending(why)


def _not_pending(why: str) -> AuthenticationError:
    return AuthenticationError(
        Reason.LOGIN_NOT_PENDING, "This sign-out is not under way any more. You are signed out here.", detail=why
    )
