"""Groups: policies attached to a group count for each of its members. Rule: ram-limits §1, §2, §10."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ForeignKey, UniqueConstraint, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from gateway.arn import group_arn
from gateway.directory import quotas, ties
from gateway.directory.accounts import change_policies, lock_account
from gateway.directory.names import DISPLAY_NAME, GROUP_NAME, check_name, check_text, name_key
from gateway.directory.unique import insert_unique, unique_change
from gateway.directory.users import User
from gateway.errors import LimitExceeded, NotFound, Reason
from gateway.ids import new_entity_id
from gateway.store.base import Base
from gateway.store.paging import Page, Slice, read_row_slice, read_slice

_LONGEST_COMMENTS = 128


class Group(Base):
    __tablename__ = "groups"
    __table_args__ = (UniqueConstraint("account_id", "name_key"),)

    id: Mapped[str] = mapped_column(primary_key=True)  # 18 digits, never reused
    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"))
    name: Mapped[str]
    name_key: Mapped[str]
    display_name: Mapped[str]
    comments: Mapped[str]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]

    @property
    def arn(self) -> str:
        return group_arn(self.account_id, self.name)


class GroupMembership(Base):
    __tablename__ = "group_memberships"

    group_id: Mapped[str] = mapped_column(ForeignKey("groups.id"), primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"), primary_key=True, index=True)
    joined_at: Mapped[datetime]


@dataclass(frozen=True, slots=True)
class Membership:
    """A group and one of its members."""

    group: Group
    user: User
    joined_at: datetime


def create_group(
    session: Session, account_id: str, name: str, *, display_name: str = "", comments: str = "", now: datetime
) -> Group:
    """Raises: InputError; AlreadyExists and LimitExceeded, subject "Group"."""
    check_name(GROUP_NAME, name)
    check_name(DISPLAY_NAME, display_name)
    check_text("Comments", comments, _LONGEST_COMMENTS)
    lock_account(session, account_id)
    quotas.check_room(session, Group.account_id, account_id, quotas.GROUPS_PER_ACCOUNT, "Group")
    group = Group(
        id=new_entity_id(),
        account_id=account_id,
        name=name,
        name_key=name_key(name),
        display_name=display_name,
        comments=comments,
        created_at=now,
        updated_at=now,
    )
    insert_unique(session, group, "Group")
    return group


def find_group(session: Session, account_id: str, name: str) -> Group | None:
    """By name, in any case; asked anew, as `find_user`."""
    query = select(Group).where(Group.account_id == account_id, Group.name_key == name_key(name))
    return session.scalar(query.execution_options(populate_existing=True))


def get_group(session: Session, account_id: str, name: str) -> Group:
    """Raises: NotFound, subject "Group"."""
    group = find_group(session, account_id, name)
    if group is None:
        raise NotFound(Reason.NOT_FOUND, "the group does not exist", subject="Group")
    return group


def list_groups(session: Session, account_id: str) -> Sequence[Group]:
    return session.scalars(select(Group).where(Group.account_id == account_id).order_by(Group.name_key)).all()


def page_groups(session: Session, account_id: str, page: Page) -> Slice[Group]:
    """One page of the groups, by name."""
    query = select(Group).where(Group.account_id == account_id)
    return read_slice(session, query, Group.name_key, page, lambda group: group.name_key)


def update_group(
    session: Session,
    account_id: str,
    name: str,
    *,
    new_name: str | None = None,
    display_name: str | None = None,
    comments: str | None = None,
    now: datetime,
) -> Group:
    """Change what is given; None leaves a thing as it is, "" clears it.

    Raises: InputError (subjects "NewGroupName", "NewDisplayName", "NewComments"); NotFound, AlreadyExists.
    """
    if new_name is not None:
        check_name(GROUP_NAME.renamed("NewGroupName"), new_name)
    if display_name is not None:
        check_name(DISPLAY_NAME.renamed("NewDisplayName"), display_name)
    if comments is not None:
        check_text("NewComments", comments, _LONGEST_COMMENTS)
    change_policies(session, account_id)  # decisions name the group that brought a policy
    group = get_group(session, account_id, name)
    with unique_change(session, "Group"):
        group.name = group.name if new_name is None else new_name
        group.name_key = name_key(group.name)
        group.display_name = group.display_name if display_name is None else display_name
        group.comments = group.comments if comments is None else comments
        group.updated_at = now
    return group


def delete_group(session: Session, account_id: str, name: str) -> None:
    """Raises: NotFound; Conflict(DELETE_CONFLICT), subject "Group.User" or "Group.Policy"."""
    change_policies(session, account_id)
    group = get_group(session, account_id, name)
    ties.check_group_untied(session, group.id)
    session.delete(group)
    session.flush()


def add_user(session: Session, group: Group, user: User, now: datetime) -> None:
    """Put a user into a group of the same account; the group's policies count at the user's next request.

    Raises: NotFound, subject "User", for a user of another account; AlreadyExists and LimitExceeded, subject
    "User.Group".
    """
    if user.account_id != group.account_id:
        raise NotFound(Reason.NOT_FOUND, "the user does not exist", "user of another account", subject="User")
    change_policies(session, group.account_id)
    ties.check_still_there(session, "Group", group.id)
    ties.check_still_there(session, "User", user.id)
    count = select(func.count()).select_from(GroupMembership).where(GroupMembership.user_id == user.id)
    joined = session.get(GroupMembership, (group.id, user.id)) is not None
    if not joined and session.scalars(count).one() >= quotas.GROUPS_PER_USER:
        message = "the user is in as many groups as a user may be in"
        raise LimitExceeded(Reason.LIMIT_EXCEEDED, message, subject="User.Group")
    insert_unique(session, GroupMembership(group_id=group.id, user_id=user.id, joined_at=now), "User.Group")


def remove_user(session: Session, group: Group, user: User) -> None:
    """Raises: NotFound, subject "User.Group"."""
    change_policies(session, group.account_id)
    membership = session.get(GroupMembership, (group.id, user.id))
    if membership is None:
        raise NotFound(Reason.NOT_FOUND, "the user is not in the group", subject="User.Group")
    session.delete(membership)
    session.flush()


def groups_of(session: Session, user: User) -> Sequence[Group]:
    return [membership.group for membership in memberships_of(session, user)]


def memberships_of(session: Session, user: User) -> Sequence[Membership]:
    """The groups that a user is in, by name."""
    query = (
        select(Group, GroupMembership.joined_at)
        .join(GroupMembership, GroupMembership.group_id == Group.id)
        .where(GroupMembership.user_id == user.id)
        .order_by(Group.name_key)
    )
    return [Membership(group, user, joined_at) for group, joined_at in session.execute(query)]


def members_of(session: Session, group: Group) -> Sequence[User]:
    query = (
        select(User)
        .join(GroupMembership, GroupMembership.user_id == User.id)
        .where(GroupMembership.group_id == group.id)
        .order_by(User.name_key)
    )
    return session.scalars(query).all()


def page_members(session: Session, group: Group, page: Page) -> Slice[Membership]:
    """One page of the members, by user id: the membership's own key, so that a page costs the same in any group."""
    query = (
        select(User, GroupMembership.joined_at)
        .select_from(GroupMembership)
        .join(User, User.id == GroupMembership.user_id)
        .where(GroupMembership.group_id == group.id)
    )
    rows = read_row_slice(session, query, GroupMembership.user_id, page, lambda row: str(row[0].id))
    return rows.map(lambda row: Membership(group, row[0], row[1]))
