"""Deleting users, and the recycle bin that they are in for 30 days.

A deleted user's row moves out of `users`, and what hung on it out of the tables beside: whatever looks users up, for
a call, a login, a group or a rename, can't find it, and no query needs to leave it out. Its sessions and tokens are
revoked. Its name is free at once. The AccessKeys it had are in a recycle bin of their own.

ASSUMPTION: 30 days, and no more than 1,000 users of an account, the oldest making room. What `restore_user` gives
back, and that a restored user has no password, is our choice: the sources do not say.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ForeignKey, Index, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from gateway.directory import quotas, ties
from gateway.directory.accounts import change_policies, lock_account
from gateway.directory.belongings import belongings_from_json, give_back, take_belongings
from gateway.directory.identity_links import delete_links_of_user
from gateway.directory.names import name_key
from gateway.directory.recycled_keys import SWEPT_AFTER, purge_keys_of
from gateway.directory.revocations import revoke_for_ever, revoke_until
from gateway.directory.unique import insert_unique
from gateway.directory.users import User, get_user, get_user_by_id
from gateway.errors import NotFound, Reason
from gateway.store.base import Base
from gateway.store.paging import Page, Slice, read_slice

KEPT_FOR = timedelta(days=30)
USERS_PER_ACCOUNT = 1000
_SWEPT_AT_ONCE = 100

_COPIED = (
    "id",
    "account_id",
    "name",
    "name_key",
    "display_name",
    "comments",
    "email",
    "mobile_phone",
    "provision_type",
    "created_at",
    "last_login_at",
)


class RecycledUser(Base):
    __tablename__ = "recycled_users"
    __table_args__ = (Index(None, "account_id", "name_key"),)

    id: Mapped[str] = mapped_column(primary_key=True)  # the user's
    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"))
    name: Mapped[str]
    name_key: Mapped[str]
    display_name: Mapped[str]
    comments: Mapped[str]
    email: Mapped[str]
    mobile_phone: Mapped[str]
    provision_type: Mapped[str]
    belongings: Mapped[str]  # JSON of `Belongings`
    created_at: Mapped[datetime]
    last_login_at: Mapped[datetime | None]
    recycled_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)


@dataclass(frozen=True, slots=True)
class Restored:
    user: User
    lost: Sequence[str]  # what it had and can't have back, such as `group <id>` and `policy <name>`


def delete_user(session: Session, account_id: str, name: str, now: datetime) -> RecycledUser:
    """Move a user that nothing hangs on any more to the recycle bin; its sessions end.

    Raises: NotFound; Conflict(DELETE_CONFLICT), subject "User.Group", "User.Policy", "User.AccessKey",
    "User.LoginProfile" or "User.MFADevice".
    """
    change_policies(session, account_id)
    user = get_user(session, account_id, name)
    ties.check_user_untied(session, user.id)
    return recycle_user(session, account_id, user.id, now)


def recycle_user(session: Session, account_id: str, user_id: str, now: datetime) -> RecycledUser:
    """Move a user and what hangs on it to the recycle bin; its sessions end. Resources it registered stay.

    Raises: NotFound, subject "User".
    """
    change_policies(session, account_id)
    user = get_user_by_id(session, account_id, user_id)
    belongings = take_belongings(session, user, now)
    # For ever until it is restored: no instant is compared, so that a token made while this commits dies too.
    revoke_for_ever(session, "user", user.id)
    kept = RecycledUser(
        **{column: getattr(user, column) for column in _COPIED},
        belongings=belongings.to_json(),
        recycled_at=now,
        expires_at=now + KEPT_FOR,
    )
    session.delete(user)
    session.add(kept)
    session.flush()
    _sweep(session, now)
    _make_room(session, account_id)
    return kept


def restore_user(session: Session, account_id: str, user_id: str, now: datetime) -> Restored:
    """Give a deleted user back: its id, what it is called, its groups, policies and tags as far as they exist.

    It has no password and no MFA device, its AccessKeys are still in the recycle bin, and the sessions that it had
    stay ended. Raises: NotFound, subject "User"; AlreadyExists, subject "User", if somebody else is called so now;
    LimitExceeded, subject "User".
    """
    change_policies(session, account_id)
    kept = get_recycled_user(session, account_id, user_id, now)
    quotas.check_room(session, User.account_id, account_id, quotas.USERS_PER_ACCOUNT, "User")
    user = User(**{column: getattr(kept, column) for column in _COPIED}, updated_at=now)
    insert_unique(session, user, "User")
    lost = give_back(session, user, belongings_from_json(kept.belongings))
    revoke_until(session, "user", user.id, now)
    session.delete(kept)
    session.flush()
    return Restored(user, lost)


def purge_user(session: Session, account_id: str, user_id: str, now: datetime) -> RecycledUser:
    """Delete a user in the recycle bin for good, its AccessKeys too. Raises: NotFound, subject "User"."""
    lock_account(session, account_id)
    kept = get_recycled_user(session, account_id, user_id, now)
    _purge(session, kept)
    return kept


def find_recycled_user(session: Session, account_id: str, user_id: str, now: datetime) -> RecycledUser | None:
    """A user in the recycle bin, whose time is not over."""
    kept = session.get(RecycledUser, name_key(user_id), populate_existing=True)
    return kept if kept is not None and kept.account_id == account_id and kept.expires_at > now else None


def get_recycled_user(session: Session, account_id: str, user_id: str, now: datetime) -> RecycledUser:
    """Raises: NotFound, subject "User"."""
    kept = find_recycled_user(session, account_id, user_id, now)
    if kept is None:
        raise NotFound(Reason.NOT_FOUND, "the user is not in the recycle bin", subject="User")
    return kept


def page_recycled_users(
    session: Session, account_id: str, page: Page, now: datetime, *, name: str | None = None
) -> Slice[RecycledUser]:
    """One page of the recycle bin, by user id; with a name, of those only that were called so."""
    query = select(RecycledUser).where(RecycledUser.account_id == account_id, RecycledUser.expires_at > now)
    if name is not None:
        query = query.where(RecycledUser.name_key == name_key(name))
    return read_slice(session, query, RecycledUser.id, page, lambda kept: kept.id)


def _make_room(session: Session, account_id: str) -> None:
    mine = RecycledUser.account_id == account_id
    surplus = session.scalars(select(func.count()).where(mine)).one() - USERS_PER_ACCOUNT
    if surplus > 0:
        oldest = select(RecycledUser).where(mine).order_by(RecycledUser.recycled_at, RecycledUser.id).limit(surplus)
        for kept in session.scalars(oldest).all():
            _purge(session, kept)


def _sweep(session: Session, now: datetime) -> None:
    """Clear away users of any account whose time is over, a few at a time."""
    over = select(RecycledUser).where(RecycledUser.expires_at < now - SWEPT_AFTER).limit(_SWEPT_AT_ONCE)
    for kept in session.scalars(over.with_for_update(skip_locked=True)).all():
        _purge(session, kept)


def _purge(session: Session, kept: RecycledUser) -> None:
    purge_keys_of(session, kept.account_id, kept.id)
    delete_links_of_user(session, kept.id)
    session.delete(kept)
    session.flush()
