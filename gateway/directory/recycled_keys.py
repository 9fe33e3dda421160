"""The recycle bin for AccessKeys: what a deleted key is until it is restored or gone for good.

A deleted key's row moves out of `access_keys`, so that whatever looks a key up there can't find it: no call is signed
with it. The account owner's keys have no bin, since its operations name users; they are deleted for good.
ASSUMPTION: 30 days, and no more than three keys of a user, the oldest making room. A restored key comes back inactive,
because the platform deletes only keys that were switched off before. Rule: ram-limits §3.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import ForeignKey, delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from gateway.directory.access_keys import AccessKeyRow, AccessKeyStatus, check_room_for_key, lock_access_key
from gateway.directory.accounts import lock_account
from gateway.directory.names import is_storable
from gateway.directory.ties import check_still_there
from gateway.errors import NotFound, Reason
from gateway.store.base import Base
from gateway.store.sweep import sweep_expired

KEPT_FOR = timedelta(days=30)
KEYS_PER_USER = 3
# Nobody who looks finds a key or user whose time is over. The row goes later: by another gateway's clock it may not be.
SWEPT_AFTER = timedelta(hours=1)


class RecycledAccessKey(Base):
    __tablename__ = "recycled_access_keys"

    id: Mapped[str] = mapped_column(primary_key=True)
    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"), index=True)
    user_id: Mapped[str] = mapped_column(index=True)  # of a user who is there, or is in the recycle bin too
    sealed_secret: Mapped[bytes]
    created_at: Mapped[datetime]
    recycled_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)


def delete_access_key(
    session: Session, *, account_id: str, user_id: str | None, access_key_id: str, now: datetime
) -> None:
    """Move a user's key to the recycle bin; with None delete a key of the account owner for good.

    Raises: NotFound, subject "User.AccessKey".
    """
    recycle_access_key(session, lock_access_key(session, account_id, user_id, access_key_id), now)


def recycle_access_key(session: Session, row: AccessKeyRow, now: datetime) -> None:
    """The same for a key that is at hand, its account locked."""
    if row.user_id is not None:
        session.add(
            RecycledAccessKey(
                id=row.id,
                account_id=row.account_id,
                user_id=row.user_id,
                sealed_secret=row.sealed_secret,
                created_at=row.created_at,
                recycled_at=now,
                expires_at=now + KEPT_FOR,
            )
        )
    session.delete(row)
    session.flush()
    sweep_expired(session, RecycledAccessKey.id, RecycledAccessKey.expires_at, now - SWEPT_AFTER)
    if row.user_id is not None:
        _make_room(session, row.account_id, row.user_id, now)


def list_recycled_keys(session: Session, account_id: str, user_id: str, now: datetime) -> Sequence[RecycledAccessKey]:
    """A user's deleted keys, the one deleted last first."""
    query = (
        select(RecycledAccessKey)
        .where(
            RecycledAccessKey.account_id == account_id,
            RecycledAccessKey.user_id == user_id,
            RecycledAccessKey.expires_at > now,
        )
        .order_by(RecycledAccessKey.recycled_at.desc(), RecycledAccessKey.created_at.desc(), RecycledAccessKey.id)
    )
    return session.scalars(query).all() if is_storable(user_id) else []


def get_recycled_key(session: Session, account_id: str, access_key_id: str, now: datetime) -> RecycledAccessKey:
    """Raises: NotFound, subject "User.AccessKey"."""
    row = session.get(RecycledAccessKey, access_key_id) if is_storable(access_key_id) else None
    if row is None or row.account_id != account_id or row.expires_at <= now:
        message = "the access key is not in the recycle bin"
        raise NotFound(Reason.NOT_FOUND, message, subject="User.AccessKey")
    return row


def restore_access_key(session: Session, *, account_id: str, user_id: str, access_key_id: str, now: datetime) -> None:
    """Give a user a deleted key back, switched off.

    Raises: NotFound, subject "User.AccessKey", or "User" while its user is in the recycle bin itself; LimitExceeded,
    subject "User.AccessKey", if the user has as many keys as it may have.
    """
    kept = _lock_kept(session, account_id, user_id, access_key_id, now)
    check_still_there(session, "User", user_id)
    check_room_for_key(session, account_id, user_id)
    session.add(
        AccessKeyRow(
            id=kept.id,
            account_id=account_id,
            user_id=user_id,
            sealed_secret=kept.sealed_secret,
            status=AccessKeyStatus.INACTIVE,
            created_at=kept.created_at,
            updated_at=now,
        )
    )
    session.delete(kept)
    session.flush()


def purge_access_key(session: Session, *, account_id: str, user_id: str, access_key_id: str, now: datetime) -> None:
    """Delete a key for good. Raises: NotFound, subject "User.AccessKey"."""
    session.delete(_lock_kept(session, account_id, user_id, access_key_id, now))
    session.flush()


def purge_keys_of(session: Session, account_id: str, user_id: str) -> None:
    """Delete all keys for good that the recycle bin keeps for a user."""
    session.execute(
        delete(RecycledAccessKey).where(
            RecycledAccessKey.account_id == account_id, RecycledAccessKey.user_id == user_id
        )
    )


def _lock_kept(session: Session, account_id: str, user_id: str, access_key_id: str, now: datetime) -> RecycledAccessKey:
    lock_account(session, account_id)
    kept = get_recycled_key(session, account_id, access_key_id, now)
    if kept.user_id != user_id:
        message = "the access key is not in the recycle bin"
        raise NotFound(Reason.NOT_FOUND, message, "it belongs to another user", subject="User.AccessKey")
    return kept


def _make_room(session: Session, account_id: str, user_id: str, now: datetime) -> None:
    for row in list_recycled_keys(session, account_id, user_id, now)[KEYS_PER_USER:]:
        session.delete(row)
    session.flush()
