"""How a sign-in gets from the gateway's host to an application's: a state on the way there, a ticket on the way back.

The state names the application, where its browser wanted to go, and (by a hash) the browser, which has the other half
in a cookie of the application's host. The ticket is for that state, for half a minute, and counts once. So nobody can
sign somebody else's browser in as himself, and a ticket that was seen on the way opens nothing. Both are sealed.
"""

import hmac
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from gateway.errors import AuthenticationError, CredentialError, Reason
from gateway.ids import new_handle
from gateway.keyring import KeyRing
from gateway.store.claims import claim_once
from gateway.store.hashed_key import hash_key

TICKET_LIFETIME = timedelta(seconds=30)
_STATE_LIFETIME = timedelta(minutes=10)
_STATE, _TICKET = "app-state", "app-ticket"
_MAX_LENGTH = 4096


@dataclass(frozen=True, slots=True)
class State:
    host: str
    return_to: str  # a path of the application
    browser_hash: str


@dataclass(frozen=True, slots=True)
class Ticket:
    host: str
    session_hash: str  # of the gateway's session
    token_id: str
    expires_at_s: int


@dataclass(frozen=True, slots=True)
class Brought:
    """Two texts of the address, and the cookie that was set at the start."""

    state: str
    ticket: str
    browser: str


def seal_state(ring: KeyRing, state: State, now: datetime) -> str:
    return _seal(ring, _STATE, [state.host, state.return_to, state.browser_hash, _until(now, _STATE_LIFETIME)])


def open_state(ring: KeyRing, text: str, now: datetime) -> State:
    """Raises: AuthenticationError(LOGIN_NOT_PENDING)."""
    host, return_to, browser_hash, until = _open(ring, _STATE, text, 4)
    if now.timestamp() >= until:
        raise _not_pending("the state is too old")
    return State(host, return_to, browser_hash)


def seal_ticket(ring: KeyRing, host: str, session_hash: str, state_text: str, now: datetime) -> str:
    """For the browser that this state was made for."""
    fields: list[str | int] = [host, session_hash, hash_key(state_text), _until(now, TICKET_LIFETIME), new_handle()]
    return _seal(ring, _TICKET, fields)


def open_ticket(ring: KeyRing, brought: Brought, host: str, now: datetime) -> tuple[State, Ticket]:
    """What a browser brings to the application's `host`. Not checked here: that the ticket counts once, see
    `claim_ticket`.

    Raises: AuthenticationError(LOGIN_NOT_PENDING) for a state or ticket that is none, too old, of another host, or
    for another state; AuthenticationError(LOGIN_OTHER_BROWSER).
    """
    state = open_state(ring, brought.state, now)
    if state.host != host:
        raise _not_pending("the state is for another application")
    if not brought.browser or not hmac.compare_digest(hash_key(brought.browser), state.browser_hash):
        message = "This sign-in was begun in another browser."
        raise AuthenticationError(Reason.LOGIN_OTHER_BROWSER, message, f"at {host}")
    ticket_host, session_hash, state_hash, until, token_id = _open(ring, _TICKET, brought.ticket, 5)
    fits = ticket_host == host and hmac.compare_digest(state_hash, hash_key(brought.state))
    if not fits or now.timestamp() >= until:
        raise _not_pending("the ticket is for another sign-in, or too old")
    return state, Ticket(host, session_hash, token_id, until)


def claim_ticket(session: Session, ticket: Ticket, now: datetime) -> None:
    """Raises: AuthenticationError(LOGIN_NOT_PENDING) the second time, on whatever worker."""
    if not claim_once(session, _TICKET, ticket.token_id, now + TICKET_LIFETIME, now=now):
        raise _not_pending("the ticket was used")


def _until(now: datetime, lifetime: timedelta) -> int:
    return int((now + lifetime).timestamp())


def _seal(ring: KeyRing, purpose: str, fields: list[str | int]) -> str:
    sealed = ring.seal(purpose, json.dumps(fields, separators=(",", ":")).encode())
    return urlsafe_b64encode(sealed).rstrip(b"=").decode()


def _open(ring: KeyRing, purpose: str, text: str, count: int) -> list[Any]:
    if len(text) > _MAX_LENGTH or not text.isascii():
        raise _not_pending("too long")
    try:
        sealed = urlsafe_b64decode(text + "=" * (-len(text) % 4))
        fields = json.loads(ring.open(purpose, sealed))
    except (ValueError, CredentialError) as exc:
        raise _not_pending("not one of ours") from exc
    if not isinstance(fields, list) or len(fields) != count:
        raise _not_pending("of another version")
    return fields


def _not_pending(detail: str) -> AuthenticationError:
    message = "This sign-in is over, or was used already."
    return AuthenticationError(Reason.LOGIN_NOT_PENDING, message, detail)
