"""Browser sessions, kept on the server. The cookie holds a random handle, the table only its hash.

Signing out ends the browser session; credentials that were copied out of a role session live until they expire or
are revoked, like any other.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from sqlalchemy import ColumnElement, Index, Row, Table, bindparam, false, insert, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from gateway.directory.accounts import Account
from gateway.directory.revocations import find_dated_revocation, revoke
from gateway.directory.roles import Role
from gateway.directory.users import User
from gateway.errors import AuthenticationError, CredentialError, Reason
from gateway.ids import new_handle, new_request_id
from gateway.keyring import KeyRing
from gateway.principal import AccountOwner, Principal, RamUser, RoleSession
from gateway.store.base import Base
from gateway.store.direct import Statement
from gateway.store.hashed_key import hash_key
from gateway.store.sweep import sweep_expired
from gateway.sts.revocation import Dated, origin_pairs, own_pairs, token_pairs
from gateway.sts.token import Provenance, SessionToken, open_token, provenance_fields, seal_token

_OWNER, _USER, _ROLE = "owner", "user", "role"


class BrowserSessionRow(Base):
    __tablename__ = "browser_sessions"
    __table_args__ = (Index(None, "account_id", "created_at"),)

    handle_hash: Mapped[str] = mapped_column(primary_key=True)
    session_id: Mapped[str]  # a role session's is that of its token; revocations of kind `session` name it
    kind: Mapped[str]
    account_id: Mapped[str]
    entity_id: Mapped[str] = mapped_column(index=True)  # of the user or role; empty for the owner
    sealed_token: Mapped[str | None]
    provenance: Mapped[str | None]  # JSON list in the order of `Provenance`
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    ended_at: Mapped[datetime | None]
    duration_cap: Mapped[str]  # in words, which limit set `expires_at`
    mfa_present: Mapped[bool] = mapped_column(server_default=false())
    mfa_at: Mapped[datetime | None]


@dataclass(frozen=True, slots=True)
class BrowserSession:
    """A live session: as of `find_session`, nothing that it depends on is over, revoked or deleted."""

    session_id: str
    principal: Principal  # with the names of today, not those at sign-in
    token: SessionToken | None  # of a role session only
    provenance: Provenance | None  # None after a sign-in with a password
    created_at: datetime
    expires_at: datetime
    duration_cap: str
    mfa_present: bool  # a second factor was proved at the sign-in
    mfa_at: datetime | None  # when, if it is known


_WHOSE = (
    select(BrowserSessionRow, Account.owner_login, User.name, Role.name)
    .join(Account, Account.id == BrowserSessionRow.account_id)
    .outerjoin(User, (BrowserSessionRow.kind == _USER) & (User.id == BrowserSessionRow.entity_id))
    .outerjoin(Role, (BrowserSessionRow.kind == _ROLE) & (Role.id == BrowserSessionRow.entity_id))
)


# In the order in which `open_session` gives them.
_INSERT = Statement(
    lambda _dialect: insert(cast("Table", BrowserSessionRow.__table__)),
    "handle_hash",
    "session_id",
    "kind",
    "account_id",
    "entity_id",
    "sealed_token",
    "provenance",
    "created_at",
    "expires_at",
    "duration_cap",
    "mfa_present",
    "mfa_at",
)
_FIND_CONSOLE = Statement(
    lambda _dialect: select(Role.allow_console_login).where(Role.id == bindparam("role_id")), "role_id"
)


def open_session(
    session: Session,
    ring: KeyRing,
    principal: Principal,
    *,
    token: SessionToken | None,
    provenance: Provenance | None,
    expires_at: datetime,
    duration_cap: str,
    now: datetime,
    mfa_present: bool = False,
    mfa_at: datetime | None = None,
) -> str:
    """Sign a principal in; returns the handle for its cookie, which can't be had a second time.

    A role session takes its `token`, and never outlives it. Raises: ValueError if the two don't belong together;
    AuthenticationError(ROLE_NO_CONSOLE) for a role that is not for the browser.
    """
    if (token.principal if token else None) != (principal if isinstance(principal, RoleSession) else None):
        raise ValueError("a token comes with the role session that it was made for, and with nothing else")
    if isinstance(principal, RoleSession):
        _check_for_browser(session, principal)
    sweep_expired(session, BrowserSessionRow.handle_hash, BrowserSessionRow.expires_at, now)
    handle = new_handle()
    origin = token.provenance if token else provenance
    kind, entity_id = _stored(principal)
    session.flush()
    _INSERT.run(
        session,
        hash_key(handle),
        token.session_id if token else new_request_id(),
        kind,
        principal.account_id,
        entity_id,
        seal_token(ring, token) if token else None,
        json.dumps(provenance_fields(origin)) if origin else None,
        now,
        min(expires_at, token.expires_at) if token else expires_at,
        duration_cap,
        token.mfa_present if token else mfa_present,
        token.mfa_at if token else mfa_at,
    )
    return handle


def _check_for_browser(session: Session, principal: RoleSession) -> None:
    """ASSUMPTION: `AllowConsoleLogin` false shuts the browser only, and leaves sessions alone that are open already."""
    found = _FIND_CONSOLE.first(session, principal.role_id)
    if found is not None and not found[0]:
        message = "This role is not for use in the browser."
        raise AuthenticationError(Reason.ROLE_NO_CONSOLE, message, f"{principal.arn}: AllowConsoleLogin is false")


def find_session(session: Session, ring: KeyRing, handle: str, now: datetime) -> BrowserSession | None:
    """The live session behind a cookie; None if there is none, or it is over, ended or revoked, or its user,
    role or account is gone. Exactly at `expires_at` it is over. Costs two queries.
    """
    return find_session_of_hash(session, ring, hash_key(handle), now)


def find_session_of_hash(session: Session, ring: KeyRing, handle_hash: str, now: datetime) -> BrowserSession | None:
    """The same for whatever hangs on a session and has no handle of it, see `app_sessions`."""
    found = session.execute(_WHOSE.where(BrowserSessionRow.handle_hash == handle_hash)).one_or_none()
    if found is None:
        return None
    live = _live(ring, found, now)
    return None if live is None or find_dated_revocation(session, session_pairs(live)) else live


def read_sessions(session: Session, ring: KeyRing, handle_hashes: Sequence[str], now: datetime) -> list[BrowserSession]:
    """Those of these sessions that are live, in this order, each by the rules of `find_session`."""
    rows = session.execute(_WHOSE.where(BrowserSessionRow.handle_hash.in_(handle_hashes))).all()
    by_hash = {row[0].handle_hash: _live(ring, row, now) for row in rows}
    listed = [by_hash.get(handle_hash) for handle_hash in handle_hashes]
    return [live for live in listed if live is not None and not find_dated_revocation(session, session_pairs(live))]


def _live(ring: KeyRing, found: Row[BrowserSessionRow, str, str, str], now: datetime) -> BrowserSession | None:
    """What a row tells, if it is not over by itself; that nothing of it was revoked is owed."""
    row, owner_login, user_name, role_name = found
    if row.ended_at is not None or now >= row.expires_at:
        return None
    try:
        token = open_token(ring, row.sealed_token) if row.sealed_token else None
    except CredentialError:  # the key that sealed it was taken out of the ring
        return None
    principal = _principal(row, token, owner_login, user_name, role_name)
    if principal is None:
        return None
    return BrowserSession(
        session_id=row.session_id,
        principal=principal,
        token=token,
        provenance=Provenance(*json.loads(row.provenance)) if row.provenance else None,
        created_at=row.created_at,
        expires_at=row.expires_at,
        duration_cap=row.duration_cap,
        mfa_present=row.mfa_present,
        mfa_at=row.mfa_at,
    )


def end_session(session: Session, handle: str, now: datetime) -> None:
    """Sign out. An unknown or ended handle is no error: the wish is fulfilled already."""
    session.execute(
        update(BrowserSessionRow)
        .where(BrowserSessionRow.handle_hash == hash_key(handle), BrowserSessionRow.ended_at.is_(None))
        .values(ended_at=now)
    )


def end_sessions_of_user(session: Session, user_id: str, now: datetime, *, keep: str | None = None) -> None:
    """Sign a RAM user out of every browser but the one whose handle is `keep`: the password was changed or taken away.

    The role sessions that were taken from those browsers end too, with their credentials. Access keys, and what was got
    with them, stay. Call it after the change of the login profile in its transaction: a sign-in with the old password
    either came in before, and is ended here, or comes too late.
    """
    whose = (BrowserSessionRow.kind == _USER) & (BrowserSessionRow.entity_id == user_id)
    _end_all(session, whose, now, keep)
    # Those that ended before, as they were changed for a role's, are among them. Each is a row for a day at most.
    recent = select(BrowserSessionRow.session_id).where(whose, BrowserSessionRow.expires_at > now)
    if keep is not None:
        recent = recent.where(BrowserSessionRow.handle_hash != hash_key(keep))
    for session_id in session.scalars(recent).all():
        revoke(session, "session", session_id, now)


def end_sessions_of_owner(session: Session, account_id: str, now: datetime, *, keep: str | None = None) -> None:
    """The same for the owner of an account."""
    _end_all(session, (BrowserSessionRow.kind == _OWNER) & (BrowserSessionRow.account_id == account_id), now, keep)


def _end_all(session: Session, whose: ColumnElement[bool], now: datetime, keep: str | None) -> None:
    ended = update(BrowserSessionRow).where(whose, BrowserSessionRow.ended_at.is_(None)).values(ended_at=now)
    if keep is not None:
        ended = ended.where(BrowserSessionRow.handle_hash != hash_key(keep))
    session.execute(ended.execution_options(synchronize_session=False))


def _stored(principal: Principal) -> tuple[str, str]:
    match principal:
        case AccountOwner():
            return _OWNER, ""
        case RamUser():
            return _USER, principal.user_id
        case RoleSession():
            return _ROLE, principal.role_id


def _principal(
    row: BrowserSessionRow, token: SessionToken | None, owner_login: str, user_name: str | None, role_name: str | None
) -> Principal | None:
    if row.kind == _OWNER:
        return AccountOwner(account_id=row.account_id, login=owner_login)
    if row.kind == _USER and user_name is not None:
        return RamUser(account_id=row.account_id, user_id=row.entity_id, name=user_name)
    if row.kind == _ROLE and role_name is not None and token is not None:
        return token.principal
    return None


def session_pairs(live: BrowserSession) -> Dated:
    """Everything whose revocation ends this session, as `token_pairs`."""
    if live.token is not None:
        return token_pairs(live.token)
    pairs = own_pairs(live.principal.account_id, live.session_id, live.created_at)
    if isinstance(live.principal, RamUser):
        pairs["user", live.principal.user_id] = live.created_at
    return pairs | origin_pairs(live.provenance, live.created_at)
