"""Browsers that are spared the second factor for seven days, where the account allows it.

A ticket is a sealed text that only the gateway can make. It names the holder, the device with the moment it was bound,
and the password; when any of them is another one, or the user was revoked since, the ticket is worth nothing.
Rule: ram-limits §7, EnableSaveMFATicket.
"""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from gateway.directory.mfa_devices import MfaDevice
from gateway.directory.password_holders import Holder
from gateway.directory.revocations import find_revocation
from gateway.errors import CredentialError
from gateway.keyring import KeyRing

LIFETIME = timedelta(days=7)
LONGEST = 1000

_PURPOSE = "mfa-ticket"


def make_ticket(ring: KeyRing, holder: Holder, device: MfaDevice, password_mark: str, now: datetime) -> str:
    """`password_mark` tells one password of the holder from another, without telling it."""
    fields = json.dumps([*_facts(holder, device, password_mark), now.isoformat()])
    return urlsafe_b64encode(ring.seal(_PURPOSE, fields.encode())).decode()


def ticket_counts(  # noqa: PLR0917 - what it is bound to, and when
    session: Session, ring: KeyRing, ticket: str, holder: Holder, device: MfaDevice, password_mark: str, now: datetime
) -> bool:
    """Whether a ticket was made for these, at most seven days ago. Anything that is no ticket is worth nothing."""
    if not 0 < len(ticket) <= LONGEST:
        return False
    try:
        *facts, made = json.loads(ring.open(_PURPOSE, urlsafe_b64decode(ticket.encode("ascii"))))
    except (CredentialError, ValueError):
        return False
    made_at = datetime.fromisoformat(made)
    if facts != _facts(holder, device, password_mark) or not made_at <= now < made_at + LIFETIME:
        return False
    return find_revocation(session, [("user", holder.id)], made_at) is None


def _facts(holder: Holder, device: MfaDevice, password_mark: str) -> list[str]:
    bound_at = device.bound_at.isoformat() if device.bound_at else ""
    return [holder.id, device.id, bound_at, password_mark]
