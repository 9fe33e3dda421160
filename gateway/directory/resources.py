"""Resources of any service, registered so that they outlive the user who made them.

A resource belongs to its account. Who registered it is kept for ever; who looks after it now, its owner, can change,
and can be gone: then `owner_gone` lists it for handover. Being either gives no rights. Rule: policy-language §5.2.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, ForeignKey, Index, Select, UniqueConstraint, exists, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from gateway.directory import quotas
from gateway.directory.accounts import lock_account
from gateway.directory.roles import Role
from gateway.directory.tags import TagKind, drop_tags, ids_with_tags, set_tags, tags_of_each
from gateway.directory.ties import check_group_of_resources
from gateway.directory.unique import insert_unique
from gateway.directory.users import User
from gateway.errors import InputError, NotFound, Reason
from gateway.ids import new_entity_id
from gateway.principal import AccountOwner, Principal, RamUser
from gateway.store.base import Base
from gateway.store.paging import Page, Slice, read_slice

LONGEST_ARN = 512  # the longest that both databases index in any script
_PARTS = 5
_SERVICE = re.compile(r"[a-z][a-z0-9-]{0,31}")
_REGION = re.compile(r"[a-z0-9-]{0,64}")
_TYPE = re.compile(r"[A-Za-z0-9][A-Za-z0-9:._/-]{0,63}")
_GROUP = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,63}")
_OURS = frozenset(("ram", "sts", "ims"))


class Resource(Base):
    __tablename__ = "resources"
    __table_args__ = (
        UniqueConstraint("account_id", "arn"),
        Index(None, "account_id", "creator_id", "arn"),
        Index(None, "account_id", "owner_id", "arn"),
        Index(None, "account_id", "resource_group_id", "arn"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)  # 18 digits, never reused
    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"))
    arn: Mapped[str]
    resource_type: Mapped[str]
    resource_group_id: Mapped[str]  # empty: none
    creator_kind: Mapped[str]  # "Account", "User" or "Role"; so is the owner's
    creator_id: Mapped[str]  # of the account, the user, or the role
    creator_name: Mapped[str]  # as it was called then; `<role>:<session>` of a role session
    owner_kind: Mapped[str]
    owner_id: Mapped[str]
    owner_name: Mapped[str]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


@dataclass(frozen=True, slots=True)
class NewResource:
    """What is registered. `resource_type` is the registrar's word, such as `oss:bucket`."""

    arn: str
    resource_type: str
    resource_group_id: str
    tags: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Search:
    """Which resources a list holds: those that meet everything that is given."""

    creator_id: str | None = None
    owner_id: str | None = None
    owner_gone: bool | None = None
    resource_type: str | None = None
    resource_group_id: str | None = None
    tags: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True, slots=True)
class _Party:
    kind: str
    id: str
    name: str


def check_resource_arn(arn: str) -> None:
    """Read the name of one resource: `acs:<service>:<region>:<account>:<relative id>`.

    Refused: more than 512 characters, patterns (`*`, `?`), white space, what can't be printed, and the services whose
    things the gateway keeps itself: tags of a user are not to be had by registering the user's ARN.
    Raises: InputError(ARN_MALFORMED), subject "ResourceArn".
    """
    parts = arn.split(":", _PARTS - 1) if len(arn) <= LONGEST_ARN else []
    if (
        len(parts) != _PARTS
        or parts[0] != "acs"
        or not _SERVICE.fullmatch(parts[1])
        or parts[1] in _OURS
        or not _REGION.fullmatch(parts[2])
        or not re.fullmatch(r"[0-9]{16}", parts[3])
        or not parts[4]
        or not parts[4].isprintable()
        or re.search(r"[\s*?]", parts[4])
    ):
        raise _not_an_arn(arn)


def service_of(arn: str) -> str:
    return arn.split(":", 2)[1]


def check_resource_type(text: str) -> None:
    """Raises: InputError(PARAMETER_INVALID), subject "ResourceType"."""
    if not _TYPE.fullmatch(text):
        message = "a resource type has up to 64 letters, digits and : . _ / -"
        raise InputError(Reason.PARAMETER_INVALID, message, subject="ResourceType")


def check_resource_group(text: str) -> None:
    """Raises: InputError(PARAMETER_INVALID), subject "ResourceGroupId"."""
    if not _GROUP.fullmatch(text):
        message = "a resource group id has up to 64 letters, digits and hyphens"
        raise InputError(Reason.PARAMETER_INVALID, message, subject="ResourceGroupId")


def register_resource(session: Session, by: Principal, new: NewResource, now: datetime) -> Resource:
    """Keep a resource of the caller's account; the caller is its creator and its first owner.

    Raises: InputError(ARN_MALFORMED), subject "ResourceArn", for another account's too; InputError of the tags;
    NotFound, subject "ResourceGroup"; AlreadyExists and LimitExceeded, subject "Resource".
    """
    check_resource_arn(new.arn)
    if new.arn.split(":", _PARTS - 1)[3] != by.account_id:
        raise _not_an_arn(new.arn)
    check_resource_type(new.resource_type)
    lock_account(session, by.account_id)
    quotas.check_room(session, Resource.account_id, by.account_id, quotas.RESOURCES_PER_ACCOUNT, "Resource")
    if new.resource_group_id:
        check_group_of_resources(session, by.account_id, new.resource_group_id)
    maker = _party(by)
    resource = Resource(
        id=new_entity_id(),
        account_id=by.account_id,
        arn=new.arn,
        resource_type=new.resource_type,
        resource_group_id=new.resource_group_id,
        creator_kind=maker.kind,
        creator_id=maker.id,
        creator_name=maker.name,
        owner_kind=maker.kind,
        owner_id=maker.id,
        owner_name=maker.name,
        created_at=now,
        updated_at=now,
    )
    insert_unique(session, resource, "Resource")
    set_tags(session, by.account_id, TagKind.RESOURCE, resource.id, new.tags)
    return resource


def get_resource(session: Session, account_id: str, arn: str) -> Resource:
    """By its ARN, letter by letter. Raises: NotFound, subject "Resource"."""
    return get_resources(session, account_id, (arn,))[0]


def get_resources(session: Session, account_id: str, arns: Sequence[str]) -> Sequence[Resource]:
    """Several, in this order, once each. Raises: NotFound, subject "Resource", if one is not registered."""
    found = _by_arn(session, account_id, arns)
    missing = next((arn for arn in arns if arn not in found), None)
    if missing is not None:
        raise NotFound(Reason.NOT_FOUND, "the resource does not exist", missing[:LONGEST_ARN], subject="Resource")
    return [found[arn] for arn in dict.fromkeys(arns)]


def tags_of_resource(session: Session, account_id: str, arn: str) -> Mapping[str, str]:
    """What `acs:ResourceTag/<key>` reads of a resource; nothing for one that is not registered."""
    return tags_of_resources(session, account_id, (arn,))[arn]


def tags_of_resources(session: Session, account_id: str, arns: Sequence[str]) -> Mapping[str, Mapping[str, str]]:
    """The same for several, in two queries; every ARN has an entry."""
    ids = {arn: resource.id for arn, resource in _by_arn(session, account_id, arns).items()}
    tags = tags_of_each(session, account_id, TagKind.RESOURCE, ids.values())
    return {arn: tags[ids[arn]] if arn in ids else {} for arn in arns}


def list_resources(session: Session, account_id: str, search: Search, page: Page) -> Slice[Resource]:
    """One page, by ARN."""
    query = _matching(account_id, search)
    return read_slice(session, query, Resource.arn, page, lambda resource: resource.arn)


def gone_owners(session: Session, resources: Sequence[Resource]) -> frozenset[str]:
    """Which owners of these resources do not exist any more."""
    ids = {resource.owner_id for resource in resources}
    there = select(User.id).where(User.id.in_(ids)).union(select(Role.id).where(Role.id.in_(ids)))
    accounts = {resource.account_id for resource in resources}
    return frozenset(ids - set(session.scalars(there)) - accounts)


def update_resource(
    session: Session,
    account_id: str,
    arn: str,
    *,
    resource_type: str | None = None,
    resource_group_id: str | None = None,
    now: datetime,
) -> Resource:
    """Change what is given; an empty resource group takes the resource out of its group.

    Raises: InputError; NotFound, subject "Resource" or "ResourceGroup".
    """
    lock_account(session, account_id)
    resource = get_resource(session, account_id, arn)
    if resource_group_id:
        check_group_of_resources(session, account_id, resource_group_id)
    resource.resource_type = resource.resource_type if resource_type is None else resource_type
    resource.resource_group_id = resource.resource_group_id if resource_group_id is None else resource_group_id
    resource.updated_at = now
    session.flush()
    return resource


def transfer_resources(
    session: Session, account_id: str, arns: Sequence[str], new_owner: User, now: datetime
) -> Sequence[str]:
    """Hand resources to another user, all or none; the ARNs of those that changed hands.

    Raises: NotFound, subject "User" for a user of another account; subject "Resource" if one is not registered.
    """
    if new_owner.account_id != account_id:
        raise NotFound(Reason.NOT_FOUND, "the user does not exist", "user of another account", subject="User")
    lock_account(session, account_id)
    moving = [resource for resource in get_resources(session, account_id, arns) if resource.owner_id != new_owner.id]
    session.execute(
        update(Resource)
        .where(Resource.id.in_([resource.id for resource in moving]))
        .values(owner_kind="User", owner_id=new_owner.id, owner_name=new_owner.name, updated_at=now)
    )
    return [resource.arn for resource in moving]


def deregister_resource(session: Session, account_id: str, arn: str) -> Resource:
    """Forget a resource and its tags. Raises: NotFound, subject "Resource"."""
    lock_account(session, account_id)
    resource = get_resource(session, account_id, arn)
    drop_tags(session, account_id, TagKind.RESOURCE, resource.id)
    session.delete(resource)
    session.flush()
    return resource


def _by_arn(session: Session, account_id: str, arns: Sequence[str]) -> Mapping[str, Resource]:
    wanted = {arn for arn in arns if arn.isprintable()}
    query = select(Resource).where(Resource.account_id == account_id, Resource.arn.in_(wanted))
    return {resource.arn: resource for resource in session.scalars(query)}


def _matching(account_id: str, search: Search) -> Select[Resource]:
    query = select(Resource).where(Resource.account_id == account_id)
    for column, value in (
        (Resource.creator_id, search.creator_id),
        (Resource.owner_id, search.owner_id),
        (Resource.resource_type, search.resource_type),
        (Resource.resource_group_id, search.resource_group_id),
    ):
        query = query if value is None else query.where(column == value)
    if search.owner_gone is not None:
        query = query.where(_owner_gone() if search.owner_gone else ~_owner_gone())
    if search.tags:
        query = query.where(Resource.id.in_(ids_with_tags(account_id, TagKind.RESOURCE, search.tags)))
    return query


def _owner_gone() -> ColumnElement[bool]:
    return (
        (Resource.owner_kind != "Account")
        & ~exists(select(User.id).where(User.id == Resource.owner_id))
        & ~exists(select(Role.id).where(Role.id == Resource.owner_id))
    )


def _party(principal: Principal) -> _Party:
    """Who made something. The owner of an account is called by the account's id: its login name is a person's."""
    if isinstance(principal, AccountOwner):
        return _Party("Account", principal.account_id, principal.account_id)
    if isinstance(principal, RamUser):
        return _Party("User", principal.user_id, principal.name)
    return _Party("Role", principal.role_id, f"{principal.role_name}:{principal.session_name}")


def _not_an_arn(arn: str) -> InputError:
    message = "it is not the ARN of one resource of this account"
    return InputError(Reason.ARN_MALFORMED, message, arn[:LONGEST_ARN], subject="ResourceArn")
