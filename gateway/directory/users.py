"""RAM users. Rule: ram-limits §1, §2, §10."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, UniqueConstraint, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from gateway.arn import user_arn
from gateway.directory import quotas
from gateway.directory.accounts import change_policies, lock_account
from gateway.directory.contacts import check_email, check_mobile_phone
from gateway.directory.names import DISPLAY_NAME, USER_NAME, check_name, check_text, name_key
from gateway.directory.tags import TagKind, ids_with_tags
from gateway.directory.unique import insert_unique, unique_change
from gateway.errors import NotFound, Reason
from gateway.ids import new_entity_id
from gateway.store.base import Base
from gateway.store.paging import Page, Slice, read_slice

_LONGEST_COMMENTS = 128


class ProvisionType(StrEnum):
    """Where a user comes from. ASSUMPTION: the platform's other kinds are not made here, and it has none like ours."""

    MANUAL = "Manual"
    FEDERATED = "Federated"  # made at the first sign-in through an identity provider


class User(Base):
    __tablename__ = "users"
    __table_args__ = (UniqueConstraint("account_id", "name_key"),)

    id: Mapped[str] = mapped_column(primary_key=True)  # 18 digits, never reused
    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"))
    name: Mapped[str]
    name_key: Mapped[str]  # the name in lower case
    display_name: Mapped[str]
    comments: Mapped[str]
    email: Mapped[str] = mapped_column(server_default="")
    mobile_phone: Mapped[str] = mapped_column(server_default="")  # <country code>-<number>
    provision_type: Mapped[str] = mapped_column(server_default="Manual")  # a ProvisionType
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    last_login_at: Mapped[datetime | None]

    @property
    def arn(self) -> str:
        return user_arn(self.account_id, self.name)


def create_user(
    session: Session,
    account_id: str,
    name: str,
    *,
    display_name: str = "",
    comments: str = "",
    email: str = "",
    mobile_phone: str = "",
    provision_type: ProvisionType = ProvisionType.MANUAL,
    now: datetime,
) -> User:
    """Raises: InputError; AlreadyExists and LimitExceeded, subject "User"."""
    check_name(USER_NAME, name)
    check_name(DISPLAY_NAME, display_name)
    check_text("Comments", comments, _LONGEST_COMMENTS)
    if email:
        check_email("Email", email)
    if mobile_phone:
        check_mobile_phone("MobilePhone", mobile_phone)
    lock_account(session, account_id)
    quotas.check_room(session, User.account_id, account_id, quotas.USERS_PER_ACCOUNT, "User")
    user = User(
        id=new_entity_id(),
        account_id=account_id,
        name=name,
        name_key=name_key(name),
        display_name=display_name,
        comments=comments,
        email=email,
        mobile_phone=mobile_phone,
        provision_type=provision_type,
        created_at=now,
        updated_at=now,
    )
    insert_unique(session, user, "User")
    return user


def find_user(session: Session, account_id: str, name: str) -> User | None:
    """By name, in any case. Asked anew: who waited for the account's lock must see what was done meanwhile."""
    query = select(User).where(User.account_id == account_id, User.name_key == name_key(name))
    return session.scalar(query.execution_options(populate_existing=True))


def get_user(session: Session, account_id: str, name: str) -> User:
    """Raises: NotFound, subject "User"."""
    user = find_user(session, account_id, name)
    if user is None:
        raise _no_user()
    return user


def find_user_by_id(session: Session, account_id: str, user_id: str) -> User | None:
    """By id, if the user is one of this account; asked anew, as `find_user`."""
    user = session.get(User, name_key(user_id), populate_existing=True)
    return user if user is not None and user.account_id == account_id else None


def get_user_by_id(session: Session, account_id: str, user_id: str) -> User:
    """Raises: NotFound, subject "User"."""
    user = find_user_by_id(session, account_id, user_id)
    if user is None:
        raise _no_user()
    return user


def list_users(session: Session, account_id: str) -> Sequence[User]:
    return session.scalars(select(User).where(User.account_id == account_id).order_by(User.name_key)).all()


def page_users(session: Session, account_id: str, page: Page, tags: Sequence[tuple[str, str]] = ()) -> Slice[User]:
    """One page of the users, by name; with `tags` of those only that have them all."""
    query = select(User).where(User.account_id == account_id)
    if tags:
        query = query.where(User.id.in_(ids_with_tags(account_id, TagKind.USER, tags)))
    return read_slice(session, query, User.name_key, page, lambda user: user.name_key)


def update_user(
    session: Session,
    account_id: str,
    name: str,
    *,
    new_name: str | None = None,
    display_name: str | None = None,
    comments: str | None = None,
    email: str | None = None,
    mobile_phone: str | None = None,
    now: datetime,
) -> User:
    """Change what is given; None leaves a thing as it is, "" clears it. Attachments follow a renamed user.

    Raises: InputError (subjects "NewUserName", "NewDisplayName", "NewComments", "NewEmail", "NewMobilePhone");
    NotFound, AlreadyExists.
    """
    if new_name is not None:
        check_name(USER_NAME.renamed("NewUserName"), new_name)
    if display_name is not None:
        check_name(DISPLAY_NAME.renamed("NewDisplayName"), display_name)
    if comments is not None:
        check_text("NewComments", comments, _LONGEST_COMMENTS)
    if email:
        check_email("NewEmail", email)
    if mobile_phone:
        check_mobile_phone("NewMobilePhone", mobile_phone)
    change_policies(session, account_id)  # the name is part of the ARN that policies are decided on
    user = get_user(session, account_id, name)
    with unique_change(session, "User"):
        user.name = user.name if new_name is None else new_name
        user.name_key = name_key(user.name)
        user.display_name = user.display_name if display_name is None else display_name
        user.comments = user.comments if comments is None else comments
        user.email = user.email if email is None else email
        user.mobile_phone = user.mobile_phone if mobile_phone is None else mobile_phone
        user.updated_at = now
    return user


def record_login(session: Session, user: User, now: datetime) -> None:
    """Remember when the user last signed in to the browser. Writes nothing else: the row at hand may be old."""
    session.execute(update(User).where(User.id == user.id).values(last_login_at=now))


def _no_user() -> NotFound:
    return NotFound(Reason.NOT_FOUND, "the user does not exist", subject="User")
