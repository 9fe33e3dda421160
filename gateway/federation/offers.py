"""Role offers: an assertion that named several roles waits here until the person has chosen one.

An offer is single use, bound to one browser and short-lived. What the assertion said is sealed: it is personal, and
nobody who can merely write to the table can make up an identity.
"""

import json
from dataclasses import astuple, dataclass
from datetime import datetime, timedelta

from sqlalchemy import CursorResult, delete
from sqlalchemy.orm import Mapped, Session, mapped_column

from gateway.errors import AuthenticationError, CredentialError, Reason
from gateway.federation.browser import is_same_browser
from gateway.federation.facts import LoginFacts, dump_facts, load_facts
from gateway.ids import new_handle
from gateway.keyring import KeyRing
from gateway.store.base import Base
from gateway.store.hashed_key import hash_key
from gateway.store.sweep import sweep_expired

LIFETIME = timedelta(minutes=5)
PURPOSE = "role-offer"


class RoleOfferRow(Base):
    __tablename__ = "role_offers"

    id_hash: Mapped[str] = mapped_column(primary_key=True)
    browser_hash: Mapped[str]
    sealed: Mapped[bytes]
    expires_at: Mapped[datetime] = mapped_column(index=True)


@dataclass(frozen=True, slots=True)
class OfferedChoice:
    raw: str
    role_id: str
    session_name: str
    session_duration_s: int | None
    because: str


@dataclass(frozen=True, slots=True)
class OfferContent:
    facts: LoginFacts
    target: str  # where the browser goes afterwards; checked by the edge
    choices: tuple[OfferedChoice, ...]


def save_offer(
    session: Session, ring: KeyRing, *, content: OfferContent, browser: str, now: datetime
) -> tuple[str, datetime]:
    """Keep an offer; returns its id, which can't be had a second time, and when it ends: after five minutes, or
    when the assertion itself would be refused.
    """
    sweep_expired(session, RoleOfferRow.id_hash, RoleOfferRow.expires_at, now)
    offer_id = new_handle()
    id_hash = hash_key(offer_id)
    expires_at = min(now + LIFETIME, content.facts.not_on_or_after)
    session.add(
        RoleOfferRow(
            id_hash=id_hash,
            browser_hash=hash_key(browser),
            sealed=ring.seal(PURPOSE, _dump(content), bound_to=id_hash.encode()),
            expires_at=expires_at,
        )
    )
    session.flush()
    return offer_id, expires_at


def take_offer(session: Session, ring: KeyRing, *, offer_id: str, browser: str, now: datetime) -> OfferContent:
    """Use an offer up. It comes back if the transaction rolls back, so a refused choice can be followed by another.

    Refused: an unknown, used or expired offer; another browser, which does not use the offer up.
    Raises: AuthenticationError(ROLE_CHOICE_GONE), AuthenticationError(LOGIN_OTHER_BROWSER).
    """
    row = session.get(RoleOfferRow, hash_key(offer_id))
    if row is None or now >= row.expires_at:
        raise choice_gone("unknown or used offer" if row is None else "expired offer")
    if not is_same_browser(row.browser_hash, browser):
        raise AuthenticationError(
            Reason.LOGIN_OTHER_BROWSER,
            "These roles were offered to another browser. Start again in this one.",
            detail=f"role offer, {'another' if browser else 'no'} binding cookie",
        )
    id_hash, sealed = row.id_hash, row.sealed
    taken = session.execute(delete(RoleOfferRow).where(RoleOfferRow.id_hash == id_hash))
    assert isinstance(taken, CursorResult)
    if taken.rowcount != 1:  # another process was faster
        raise choice_gone("offer used at this very moment")
    try:
        return _load(ring.open(PURPOSE, sealed, bound_to=id_hash.encode()))
    except CredentialError as exc:
        raise choice_gone("offer sealed under a key that is not in the ring") from exc


def choice_gone(detail: str) -> AuthenticationError:
    return AuthenticationError(
        Reason.ROLE_CHOICE_GONE,
        "This choice is not open any more. Start again at your company's portal.",
        detail=detail,
    )


def _dump(content: OfferContent) -> bytes:
    fields = [
        dump_facts(content.facts),
        content.target,
        [astuple(choice) for choice in content.choices],
    ]
    return json.dumps(fields).encode()


def _load(payload: bytes) -> OfferContent:
    facts, target, choices = json.loads(payload)
    return OfferContent(
        facts=load_facts(facts),
        target=target,
        choices=tuple(OfferedChoice(*fields) for fields in choices),
    )
