"""RAM users. Rule: ram-limits §1, §2, §10."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ForeignKey, UniqueConstraint, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from gateway.arn import user_arn
from gateway.directory import quotas, ties
from gateway.directory.accounts import change_policies, lock_account
from gateway.directory.names import DISPLAY_NAME, USER_NAME, check_name, check_text, name_key
from gateway.directory.revocations import revoke_for_ever
from gateway.directory.unique import insert_unique, unique_change
from gateway.errors import NotFound, Reason
from gateway.ids import new_entity_id
from gateway.store.base import Base

_LONGEST_COMMENTS = 128


class User(Base):
    __tablename__ = "users"
    __table_args__ = (UniqueConstraint("account_id", "name_key"),)

    id: Mapped[str] = mapped_column(primary_key=True)  # 18 digits, never reused
    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"))
    name: Mapped[str]
    name_key: Mapped[str]  # the name in lower case
    display_name: Mapped[str]
    comments: Mapped[str]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    last_login_at: Mapped[datetime | None]

    @property
    def arn(self) -> str:
        return user_arn(self.account_id, self.name)


def create_user(
    session: Session, account_id: str, name: str, *, display_name: str = "", comments: str = "", now: datetime
) -> User:
    """Raises: InputError; AlreadyExists and LimitExceeded, subject "User"."""
    check_name(USER_NAME, name)
    check_name(DISPLAY_NAME, display_name)
    check_text("Comments", comments, _LONGEST_COMMENTS)
    lock_account(session, account_id)
    quotas.check_room(session, User.account_id, account_id, quotas.USERS_PER_ACCOUNT, "User")
    user = User(
        id=new_entity_id(),
        account_id=account_id,
        name=name,
        name_key=name_key(name),
        display_name=display_name,
        comments=comments,
        created_at=now,
        updated_at=now,
    )
    insert_unique(session, user, "User")
    return user


def find_user(session: Session, account_id: str, name: str) -> User | None:
    """By name, in any case."""
    return session.scalar(select(User).where(User.account_id == account_id, User.name_key == name_key(name)))


def get_user(session: Session, account_id: str, name: str) -> User:
    """Raises: NotFound, subject "User"."""
    user = find_user(session, account_id, name)
    if user is None:
        raise NotFound(Reason.NOT_FOUND, "the user does not exist", subject="User")
    return user


def get_user_by_id(session: Session, user_id: str) -> User | None:
    return session.get(User, name_key(user_id))


def list_users(session: Session, account_id: str) -> Sequence[User]:
    return session.scalars(select(User).where(User.account_id == account_id).order_by(User.name_key)).all()


def update_user(
    session: Session,
    account_id: str,
    name: str,
    *,
    new_name: str | None = None,
    display_name: str | None = None,
    comments: str | None = None,
    now: datetime,
) -> User:
    """Change what is given; None leaves a thing as it is. Attachments follow a renamed user.

    Raises: InputError (subjects "NewUserName", "NewDisplayName", "NewComments"); NotFound, AlreadyExists.
    """
    if new_name is not None:
        check_name(USER_NAME.renamed("NewUserName"), new_name)
    if display_name is not None:
        check_name(DISPLAY_NAME.renamed("NewDisplayName"), display_name)
    if comments is not None:
        check_text("NewComments", comments, _LONGEST_COMMENTS)
    change_policies(session, account_id)  # the name is part of the ARN that policies are decided on
    user = get_user(session, account_id, name)
    with unique_change(session, "User"):
        user.name = user.name if new_name is None else new_name
        user.name_key = name_key(user.name)
        user.display_name = user.display_name if display_name is None else display_name
        user.comments = user.comments if comments is None else comments
        user.updated_at = now
    return user


def delete_user(session: Session, account_id: str, name: str) -> None:
    """Delete a user that nothing hangs on any more; its sessions end.

    Raises: NotFound; Conflict(DELETE_CONFLICT), subject "User.Group", "User.Policy", "User.AccessKey" or
    "User.LoginProfile".
    """
    change_policies(session, account_id)
    user = get_user(session, account_id, name)
    ties.check_user_untied(session, user.id)
    revoke_for_ever(session, "user", user.id)
    session.delete(user)
    session.flush()


def record_login(session: Session, user: User, now: datetime) -> None:
    """Remember when the user last signed in to the browser. Writes nothing else: the row at hand may be old."""
    session.execute(update(User).where(User.id == user.id).values(last_login_at=now))
