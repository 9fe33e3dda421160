"""Which person of an identity provider is which RAM user. Keyed by provider and subject, never by an address or a name.

A link of a user who was deleted means nobody, until the user is restored. Deleting a provider deletes its links.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ForeignKey, delete, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from gateway.directory.accounts import lock_account
from gateway.directory.users import User
from gateway.errors import AlreadyExists, NotFound, Reason
from gateway.store.base import Base
from gateway.store.hashed_key import hash_key
from gateway.store.paging import Page, Slice, read_row_slice


class IdentityLink(Base):
    __tablename__ = "identity_links"

    provider_key: Mapped[str] = mapped_column(primary_key=True)  # see `directory.provider_keys`
    subject_hash: Mapped[str] = mapped_column(primary_key=True)  # SHA-256: subjects are foreign texts of any length
    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"))
    user_id: Mapped[str] = mapped_column(index=True)
    created_at: Mapped[datetime]
    last_login_at: Mapped[datetime | None]


def find_linked_user(session: Session, provider_key: str, account_id: str, subject: str) -> User | None:
    """The user that a subject of this provider is; letter by letter. One query."""
    query = (
        select(User)
        .join(IdentityLink, IdentityLink.user_id == User.id)
        .where(
            IdentityLink.provider_key == provider_key,
            IdentityLink.subject_hash == hash_key(subject),
            User.account_id == account_id,
        )
    )
    return session.scalar(query)


def link_user(session: Session, provider_key: str, subject: str, user: User, *, now: datetime) -> IdentityLink:
    """Let a subject of this provider be `user` from now on.

    Refused: a subject that is another living user, a user whom this provider or any other knows already. So nobody who
    is given an address or a name that somebody else had elsewhere becomes that user.
    Raises: AlreadyExists, subject "IdentityLink".
    """
    lock_account(session, user.account_id)
    taken = find_linked_user(session, provider_key, user.account_id, subject)
    if taken is not None and taken.id != user.id:
        raise _taken("this person is linked to another user already")
    if any(
        link.provider_key != provider_key or link.subject_hash != hash_key(subject) for link in links_of(session, user)
    ):
        raise _taken("another person is linked to this user already")
    _delete_dead_link(session, provider_key, subject)
    link = IdentityLink(
        provider_key=provider_key,
        subject_hash=hash_key(subject),
        account_id=user.account_id,
        user_id=user.id,
        created_at=now,
        last_login_at=None,
    )
    merged = session.merge(link)
    session.flush()
    return merged


def links_of(session: Session, user: User) -> Sequence[IdentityLink]:
    query = select(IdentityLink).where(IdentityLink.user_id == user.id).order_by(IdentityLink.created_at)
    return session.scalars(query).all()


def page_links(session: Session, provider_key: str, page: Page) -> Slice[tuple[IdentityLink, User]]:
    """The links of a provider with their users, by user ID; without those of deleted users."""
    query = (
        select(IdentityLink, User)
        .join(User, User.id == IdentityLink.user_id)
        .where(IdentityLink.provider_key == provider_key)
    )
    found = read_row_slice(session, query, IdentityLink.user_id, page, lambda row: row[0].user_id)
    return found.map(lambda row: (row[0], row[1]))


def record_link_use(session: Session, provider_key: str, subject: str, now: datetime) -> None:
    """Remember when a link was last used."""
    session.execute(
        update(IdentityLink)
        .where(IdentityLink.provider_key == provider_key, IdentityLink.subject_hash == hash_key(subject))
        .values(last_login_at=now)
    )


def unlink_user(session: Session, user: User, provider_key: str) -> None:
    """Let nobody of this provider be `user`. Raises: NotFound, subject "IdentityLink"."""
    lock_account(session, user.account_id)
    found = [link for link in links_of(session, user) if link.provider_key == provider_key]
    if not found:
        raise NotFound(Reason.NOT_FOUND, "the user has no link to this provider", subject="IdentityLink")
    for link in found:
        session.delete(link)
    session.flush()


def delete_links_of(session: Session, provider_key: str) -> None:
    """With a provider go its links."""
    session.execute(delete(IdentityLink).where(IdentityLink.provider_key == provider_key))


def delete_links_of_user(session: Session, user_id: str) -> None:
    """With a user who is gone for good go its links."""
    session.execute(delete(IdentityLink).where(IdentityLink.user_id == user_id))


def _delete_dead_link(session: Session, provider_key: str, subject: str) -> None:
    """A link to a user who is gone would stand in the way of the next one."""
    session.execute(
        delete(IdentityLink)
        .where(IdentityLink.provider_key == provider_key, IdentityLink.subject_hash == hash_key(subject))
        .where(IdentityLink.user_id.not_in(select(User.id)))
    )


def _taken(message: str) -> AlreadyExists:
    return AlreadyExists(Reason.ALREADY_EXISTS, message, subject="IdentityLink")
