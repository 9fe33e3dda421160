"""Logins that were begun at an OpenID Provider and have not come back: single use, bound to one browser.

What only we may know of them (nonce, PKCE verifier) is sealed: nobody who can merely read the table can finish one.
"""

import json
from dataclasses import dataclass
from dataclasses import fields as dataclass_fields
from datetime import datetime, timedelta

from sqlalchemy import CursorResult, delete
from sqlalchemy.orm import Mapped, Session, mapped_column

from gateway.errors import AuthenticationError, CredentialError, InputError, Reason
from gateway.federation.aims import NO_AIM, USER, Aim, dump_aim, load_aim
from gateway.federation.browser import is_same_browser
from gateway.keyring import KeyRing
from gateway.secret import Secret
from gateway.store.base import Base, RowNumber
from gateway.store.hashed_key import hash_key
from gateway.store.sweep import sweep_expired

LIFETIME = timedelta(minutes=10)
PURPOSE = "oidc-login"


class PendingOidcLoginRow(Base):
    __tablename__ = "pending_oidc_logins"

    state_hash: Mapped[str] = mapped_column(primary_key=True)
    provider_id: Mapped[int] = mapped_column(RowNumber)
    browser_hash: Mapped[str]
    sealed: Mapped[bytes]
    expires_at: Mapped[datetime] = mapped_column(index=True)


@dataclass(frozen=True, slots=True)
class BegunLogin:
    """What is remembered of a login besides its state."""

    nonce: Secret
    code_verifier: Secret
    issuer: str
    client_id: str
    redirect_uri: str
    max_age_s: int | None
    acr_values: tuple[str, ...]
    target: str  # where the browser goes afterwards; checked by the edge
    authenticated_since: datetime | None = None
    passive: bool = False  # nothing was to be shown
    purpose: str = USER  # of `aims`, or of whoever begins logins of another kind
    aim: Aim = NO_AIM


def save_oidc_login(
    session: Session, ring: KeyRing, *, state: str, provider_id: int, browser: str, login: BegunLogin, now: datetime
) -> None:
    """Remember that `browser` was sent to the provider with `state`.

    Raises: InputError(PARAMETER_MISSING) for a browser without a binding cookie.
    """
    if not browser:
        raise InputError(Reason.PARAMETER_MISSING, "the login is not bound to a browser", subject="browser")
    sweep_expired(session, PendingOidcLoginRow.state_hash, PendingOidcLoginRow.expires_at, now)
    state_hash = hash_key(state)
    session.add(
        PendingOidcLoginRow(
            state_hash=state_hash,
            provider_id=provider_id,
            browser_hash=hash_key(browser),
            sealed=ring.seal(PURPOSE, _dump(login), bound_to=state_hash.encode()),
            expires_at=now + LIFETIME,
        )
    )
    session.flush()


def take_oidc_login(
    session: Session, ring: KeyRing, *, state: str, provider_id: int, browser: str, now: datetime
) -> BegunLogin:
    """Use the login up. Of two takers one gets it, other processes included.

    Refused: an unknown, used or expired state; the state of another provider's login, which is used up by it all the
    same; another browser than the one that began, which does not use the login up.
    Raises: AuthenticationError(LOGIN_NOT_PENDING), AuthenticationError(LOGIN_OTHER_BROWSER).
    Rule: OpenID Connect Core 1.0 §3.1.2.1; RFC 9700 §4.4, §4.7.
    """
    row = session.get(PendingOidcLoginRow, hash_key(state))
    if row is None or now >= row.expires_at:
        raise _not_pending("unknown or used" if row is None else "expired")
    if not is_same_browser(row.browser_hash, browser):
        raise AuthenticationError(
            Reason.LOGIN_OTHER_BROWSER,
            "This sign-in was started in another browser. Start again in this one.",
            detail=f"{'another' if browser else 'no'} binding cookie",
        )
    state_hash, sealed, begun_at = row.state_hash, row.sealed, row.provider_id
    taken = session.execute(delete(PendingOidcLoginRow).where(PendingOidcLoginRow.state_hash == state_hash))
    assert isinstance(taken, CursorResult)
    if taken.rowcount != 1:  # another process was faster
        raise _not_pending("used at this very moment")
    if begun_at != provider_id:
        raise _not_pending("begun at another provider")
    try:
        return _load(ring.open(PURPOSE, sealed, bound_to=state_hash.encode()))
    except CredentialError as exc:
        raise _not_pending("sealed under a key that is not in the ring") from exc


def _dump(login: BegunLogin) -> bytes:
    fields = {each.name: getattr(login, each.name) for each in dataclass_fields(login)}  # asdict would copy secrets
    since = login.authenticated_since
    written = {
        "nonce": login.nonce.reveal(),
        "code_verifier": login.code_verifier.reveal(),
        "authenticated_since": None if since is None else since.isoformat(),
        "aim": dump_aim(login.aim),
    }
    return json.dumps(fields | written).encode()


def _load(payload: bytes) -> BegunLogin:
    fields = json.loads(payload)
    since = fields.get("authenticated_since")
    later = {"aim": load_aim(fields["aim"])} if "aim" in fields else {}  # one begun before that was kept has none
    return BegunLogin(
        **{
            **fields,
            **later,
            "authenticated_since": None if since is None else datetime.fromisoformat(since),
            "nonce": Secret(fields["nonce"]),
            "code_verifier": Secret(fields["code_verifier"]),
            "acr_values": tuple(fields["acr_values"]),
        }
    )


def _not_pending(why: str) -> AuthenticationError:
    return AuthenticationError(
        Reason.LOGIN_NOT_PENDING, "This sign-in is not waiting for an answer any more. Start again.", detail=why
    )
