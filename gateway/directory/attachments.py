"""Which policies are attached to which users, groups and roles. Rule: ram-limits §1, §10."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from sqlalchemy import ColumnElement, ForeignKey, Index, UniqueConstraint, and_, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from gateway.directory import quotas, ties
from gateway.directory.accounts import change_policies
from gateway.directory.groups import Group
from gateway.directory.names import name_key
from gateway.directory.policies import Policy, get_policy
from gateway.directory.roles import Role, check_not_service_linked
from gateway.directory.unique import insert_unique
from gateway.directory.users import User
from gateway.errors import InputError, LimitExceeded, NotFound, Reason
from gateway.policy import SYSTEM_POLICY_VERSION, PolicyType, find_system_policy
from gateway.store.base import Base, RowNumber

Target = User | Group | Role
Row = TypeVar("Row", User, Group, Role)


class Attachment(Base):
    __tablename__ = "policy_attachments"
    __table_args__ = (
        UniqueConstraint("target_kind", "target_id", "resource_group_id", "policy_type", "policy_key"),
        Index(None, "account_id", "policy_type", "policy_key"),
    )

    id: Mapped[int] = mapped_column(RowNumber, primary_key=True)
    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"))
    target_kind: Mapped[str]  # "User", "Group" or "Role"
    target_id: Mapped[str]
    policy_type: Mapped[str]  # "System" or "Custom"
    policy_name: Mapped[str]
    policy_key: Mapped[str]  # the name in lower case
    policy_id: Mapped[int | None] = mapped_column(RowNumber, ForeignKey("policies.id"), index=True)  # custom ones
    resource_group_id: Mapped[str] = mapped_column(server_default="")  # where it counts; empty: in the whole account
    attached_at: Mapped[datetime]


def attach_policy(  # noqa: PLR0917 - what, to whom, when: read in that order at every call
    session: Session,
    account_id: str,
    policy_type: str,
    policy_name: str,
    target: Target,
    now: datetime,
    *,
    group: str = "",
) -> Attachment:
    """Give a user, group or role of this account the rights of a policy, from its next request on.

    With `group`, the id of a resource group of the account, on the resources in it only.
    Raises: InputError(PARAMETER_INVALID), subject "PolicyType"; NotFound, subject "Policy", or "User", "Group",
    "Role" for a target of another account; AlreadyExists and LimitExceeded, subject "User.Policy" and so on;
    Conflict(ROLE_SERVICE_LINKED).
    """
    _check_changeable(account_id, target)
    return hang_policy(session, account_id, policy_type, policy_name, target, now, group=group)


def hang_policy(  # noqa: PLR0917 - as attach_policy
    session: Session,
    account_id: str,
    policy_type: str,
    policy_name: str,
    target: Target,
    now: datetime,
    *,
    group: str = "",
) -> Attachment:
    """The same for whatever target of this account, service-linked roles too: those get theirs when they are made."""
    kind = type(target).__name__
    change_policies(session, account_id)
    ties.check_still_there(session, kind, target.id)
    if group:
        ties.check_group_of_resources(session, account_id, group)
    name, policy_id = _policy(session, account_id, policy_type, policy_name)
    attachment = Attachment(
        account_id=account_id,
        target_kind=kind,
        target_id=target.id,
        policy_type=policy_type,
        policy_name=name,
        policy_key=name_key(name),
        policy_id=policy_id,
        resource_group_id=group,
        attached_at=now,
    )
    if _find(session, target, policy_type, name, group) is None:
        _check_quota(session, target, policy_type, group)
    insert_unique(session, attachment, f"{kind}.Policy")
    return attachment


def detach_policy(
    session: Session, account_id: str, policy_type: str, policy_name: str, target: Target, *, group: str = ""
) -> None:
    """Raises: as `attach_policy`; NotFound, subject "User.Policy" and so on, if the policy is not attached."""
    kind = _check_changeable(account_id, target)
    change_policies(session, account_id)
    if group:
        ties.check_group_of_resources(session, account_id, group)
    name, _policy_id = _policy(session, account_id, policy_type, policy_name)
    attachment = _find(session, target, policy_type, name, group)
    if attachment is None:
        message = f"the policy is not attached to the {kind.lower()}"
        raise NotFound(Reason.NOT_FOUND, message, subject=f"{kind}.Policy")
    session.delete(attachment)
    session.flush()


def policies_of(session: Session, target: Target) -> Sequence[Attachment]:
    """What is attached to the target itself, in the account or in a resource group, oldest first; a user's groups are
    not looked at.
    """
    return session.scalars(select(Attachment).where(_is_of(target)).order_by(Attachment.id)).all()


def _is_of(target: Target) -> ColumnElement[bool]:
    return and_(Attachment.target_kind == type(target).__name__, Attachment.target_id == target.id)


@dataclass(frozen=True, slots=True)
class AttachedEntry:
    """A policy as a list of what somebody has shows it."""

    name: str
    type: PolicyType
    description: str
    default_version: str
    attached_at: datetime


def entries_of(session: Session, target: Target, *, group: str = "") -> Sequence[AttachedEntry]:
    """What is attached to the target itself, oldest first, with what the policies say of themselves: for the whole
    account, or within one resource group.
    """
    query = (
        select(Attachment, Policy)
        .outerjoin(Policy, Policy.id == Attachment.policy_id)
        .where(_is_of(target), Attachment.resource_group_id == group)
        .order_by(Attachment.id)
    )
    return [_entry(attachment, policy) for attachment, policy in session.execute(query)]


def _entry(attachment: Attachment, policy: Policy | None) -> AttachedEntry:
    system = find_system_policy(attachment.policy_name) if policy is None else None
    description = policy.description if policy is not None else system.description if system is not None else ""
    version = SYSTEM_POLICY_VERSION if policy is None else policy.default_version_id
    return AttachedEntry(
        attachment.policy_name, PolicyType(attachment.policy_type), description, version, attachment.attached_at
    )


def attachment_counts(session: Session, account_id: str, policy_type: str, names: Collection[str]) -> Mapping[str, int]:
    """How often each of these policies is attached in the account, by name in lower case; zeros are left out."""
    query = (
        select(Attachment.policy_key, func.count())
        .where(
            Attachment.account_id == account_id,
            Attachment.policy_type == policy_type,
            Attachment.policy_key.in_([name_key(name) for name in names]),
        )
        .group_by(Attachment.policy_key)
    )
    return dict(session.execute(query).all())


@dataclass(frozen=True, slots=True)
class Entities:
    """Who a policy is attached to, and since when; each kind oldest attachment first."""

    users: Sequence[tuple[User, datetime]]
    groups: Sequence[tuple[Group, datetime]]
    roles: Sequence[tuple[Role, datetime]]


def entities_of(session: Session, account_id: str, policy_type: str, policy_name: str) -> Entities:
    """Wherever it counts. Raises: InputError(PARAMETER_INVALID), subject "PolicyType"; NotFound, subject "Policy"."""
    name, _policy_id = _policy(session, account_id, policy_type, policy_name)

    def of_kind(kind: type[Row]) -> Sequence[tuple[Row, datetime]]:
        query = (
            select(kind, Attachment.attached_at)
            .join(Attachment, Attachment.target_id == kind.id)
            .where(
                Attachment.account_id == account_id,
                Attachment.policy_type == policy_type,
                Attachment.policy_key == name_key(name),
                Attachment.target_kind == kind.__name__,
            )
            .order_by(Attachment.id)
        )
        first: dict[str, tuple[Row, datetime]] = {}
        for holder, since in session.execute(query):
            first.setdefault(holder.id, (holder, since))
        return list(first.values())

    return Entities(of_kind(User), of_kind(Group), of_kind(Role))


def _check_changeable(account_id: str, target: Target) -> str:
    """The kind of the target, if its policies may be changed by hand in this account."""
    kind = type(target).__name__
    if target.account_id != account_id:
        message = f"the {kind.lower()} does not exist"
        raise NotFound(Reason.NOT_FOUND, message, "it belongs to another account", subject=kind)
    if isinstance(target, Role):
        check_not_service_linked(target)
    return kind


def _policy(session: Session, account_id: str, policy_type: str, name: str) -> tuple[str, int | None]:
    """The policy's name as it is spelt, and its row if it is a custom one."""
    if policy_type == PolicyType.CUSTOM:
        policy = get_policy(session, account_id, name)
        return policy.name, policy.id
    if policy_type == PolicyType.SYSTEM:
        known = find_system_policy(name)
        if known is None:
            raise NotFound(Reason.NOT_FOUND, "the policy does not exist", subject="Policy")
        return known.name, None
    raise InputError(Reason.PARAMETER_INVALID, "`PolicyType` must be System or Custom", subject="PolicyType")


def _find(session: Session, target: Target, policy_type: str, name: str, group: str) -> Attachment | None:
    query = select(Attachment).where(
        _is_of(target),
        Attachment.resource_group_id == group,
        Attachment.policy_type == policy_type,
        Attachment.policy_key == name_key(name),
    )
    return session.scalar(query)


def _check_quota(session: Session, target: Target, policy_type: str, group: str) -> None:
    """ASSUMPTION: the limit holds for the account and for each resource group apart."""
    custom = policy_type == PolicyType.CUSTOM
    most = quotas.CUSTOM_POLICIES_PER_TARGET if custom else quotas.SYSTEM_POLICIES_PER_TARGET
    kind = type(target).__name__
    count = (
        select(func.count())
        .select_from(Attachment)
        .where(
            _is_of(target),
            Attachment.resource_group_id == group,
            Attachment.policy_type == policy_type,
        )
    )
    if session.scalars(count).one() >= most:
        message = f"the {kind.lower()} has as many {policy_type.lower()} policies as it may have"
        raise LimitExceeded(Reason.LIMIT_EXCEEDED, message, subject=f"{kind}.Policy")
