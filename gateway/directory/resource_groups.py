"""Resource groups: an account's resources put together, so that rights can be given on them alone.

A resource is in at most one group; which, the register of resources says. What lies below it (`bucket/key` below
`bucket`) is in its group too. Rule: policy-language §5.2, step 3.
"""

import re
from datetime import datetime

from sqlalchemy import ForeignKey, UniqueConstraint, bindparam, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from gateway.directory import quotas
from gateway.directory.accounts import lock_account
from gateway.directory.attachments import Attachment
from gateway.directory.names import NameRule, check_name, check_text, name_key
from gateway.directory.resources import LONGEST_ARN, Resource
from gateway.directory.unique import insert_unique
from gateway.errors import Conflict, NotFound, Reason
from gateway.ids import new_node_id
from gateway.store.base import Base
from gateway.store.direct import Source, Statement
from gateway.store.paging import Page, Slice, read_slice

RESOURCE_GROUP_NAME = NameRule("Name", re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_.-]*[A-Za-z0-9])?"), 50)
_LONGEST_DISPLAY_NAME = 50
_MOST_LEVELS = 8  # how far up it is looked for what a resource lies below


class ResourceGroup(Base):
    __tablename__ = "resource_groups"
    __table_args__ = (UniqueConstraint("account_id", "name_key"),)

    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"), primary_key=True)
    id: Mapped[str] = mapped_column(primary_key=True)  # rg-...
    name: Mapped[str]
    name_key: Mapped[str]
    display_name: Mapped[str]
    created_at: Mapped[datetime]


_FIND = Statement(
    lambda _dialect: select(Resource.arn, Resource.resource_group_id).where(
        Resource.account_id == bindparam("account_id"),
        Resource.arn.in_([bindparam(f"arn{place}") for place in range(_MOST_LEVELS)]),
    ),
    "account_id",
    *(f"arn{place}" for place in range(_MOST_LEVELS)),
)


def create_resource_group(
    session: Session, account_id: str, name: str, *, display_name: str = "", now: datetime
) -> ResourceGroup:
    """Raises: InputError; AlreadyExists and LimitExceeded, subject "ResourceGroup"."""
    check_name(RESOURCE_GROUP_NAME, name)
    check_text("DisplayName", display_name, _LONGEST_DISPLAY_NAME)
    lock_account(session, account_id)
    most = quotas.RESOURCE_GROUPS_PER_ACCOUNT
    quotas.check_room(session, ResourceGroup.account_id, account_id, most, "ResourceGroup")
    group = ResourceGroup(
        account_id=account_id,
        id=new_node_id("rg"),
        name=name,
        name_key=name_key(name),
        display_name=display_name,
        created_at=now,
    )
    insert_unique(session, group, "ResourceGroup")
    return group


def get_resource_group(session: Session, account_id: str, group_id: str) -> ResourceGroup:
    """Raises: NotFound, subject "ResourceGroup"."""
    group = session.get(ResourceGroup, (account_id, group_id))
    if group is None:
        raise NotFound(Reason.NOT_FOUND, "the resource group does not exist", subject="ResourceGroup")
    return group


def page_resource_groups(session: Session, account_id: str, page: Page) -> Slice[ResourceGroup]:
    """By name."""
    query = select(ResourceGroup).where(ResourceGroup.account_id == account_id)
    return read_slice(session, query, ResourceGroup.name_key, page, lambda row: row.name_key)


def delete_resource_group(session: Session, account_id: str, group_id: str) -> None:
    """Raises: NotFound; Conflict(DELETE_CONFLICT) while resources are in it, or rights are given in it."""
    lock_account(session, account_id)
    group = get_resource_group(session, account_id, group_id)
    in_it = select(Resource.id).where(Resource.account_id == account_id, Resource.resource_group_id == group_id)
    attached = select(Attachment.id).where(
        Attachment.account_id == account_id, Attachment.resource_group_id == group_id
    )
    for found, why in ((in_it, "resources are in it"), (attached, "policies are attached within it")):
        if session.scalar(found.limit(1)) is not None:
            raise Conflict(Reason.DELETE_CONFLICT, f"it can't be deleted: {why}", subject="ResourceGroup")
    session.delete(group)
    session.flush()


def find_resource_group(source: Source, account_id: str, resource: str) -> str:
    """The id of the group that a resource of the account is in, itself or with what it lies below; empty: in none.

    One indexed query. The nearest registered resource counts, in a group or not.
    """
    names = _and_above(resource)
    if not names:
        return ""
    padded = [*names, *[""] * (_MOST_LEVELS - len(names))]
    groups: dict[str, str] = dict(_FIND.all(source, account_id, *padded))
    return next((groups[name] for name in names if name in groups), "")


def _and_above(resource: str) -> list[str]:
    """The name, then what it lies below, nearest first: `b/k/x`, `b/k`, `b` behind the fourth colon."""
    head, _, relative = resource.rpartition(":") if resource.count(":") == 4 else ("", "", "")  # noqa: PLR2004
    if not head or len(resource) > LONGEST_ARN:
        return []
    names = [resource]
    while "/" in relative and len(names) < _MOST_LEVELS:
        relative = relative.rpartition("/")[0]
        names.append(f"{head}:{relative}")
    return names
