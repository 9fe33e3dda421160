"""What a browser has at an application behind a proxy: a cookie of that one host, which hangs on the gateway's session.

It says nothing by itself. Whoever signs out of the gateway, or is signed out there, is signed out of every application
by that, at the next request and on every worker. A cookie of one host opens no other: its row names the host.
"""

from datetime import datetime

from sqlalchemy import delete
from sqlalchemy.orm import Mapped, Session, mapped_column

from gateway.ids import new_handle
from gateway.keyring import KeyRing
from gateway.store.base import Base
from gateway.store.hashed_key import hash_key
from gateway.store.sweep import sweep_expired
from gateway.sts.sessions import BrowserSession, find_session_of_hash


class AppSessionRow(Base):
    __tablename__ = "app_sessions"

    handle_hash: Mapped[str] = mapped_column(primary_key=True)
    host: Mapped[str]
    session_hash: Mapped[str]  # `handle_hash` of the browser session
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)


def open_app_session(session: Session, host: str, session_hash: str, expires_at: datetime, now: datetime) -> str:
    """Returns the handle for the cookie of this host, which can't be had a second time."""
    sweep_expired(session, AppSessionRow.handle_hash, AppSessionRow.expires_at, now)
    handle = new_handle()
    session.add(
        AppSessionRow(
            handle_hash=hash_key(handle), host=host, session_hash=session_hash, created_at=now, expires_at=expires_at
        )
    )
    session.flush()
    return handle


def find_app_session(session: Session, ring: KeyRing, host: str, handle: str, now: datetime) -> BrowserSession | None:
    """The live session of the gateway behind a cookie of this host; None where there is none any more."""
    row = session.get(AppSessionRow, hash_key(handle))
    if row is None or row.host != host or now >= row.expires_at:
        return None
    return find_session_of_hash(session, ring, row.session_hash, now)


def end_app_session(session: Session, host: str, handle: str) -> None:
    """Sign out of one application. An unknown handle is no error."""
    session.execute(
        delete(AppSessionRow).where(AppSessionRow.handle_hash == hash_key(handle), AppSessionRow.host == host)
    )
