"""What a user or a role may do, read and compiled: all that a decision about it needs besides the request.

`Proposed` are changes that nobody has saved: rights can be read as they would be with them, by the same code.
Rule: policy-language §5.2.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import lru_cache

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import Session

from gateway.arn import group_arn, role_arn, user_arn
from gateway.directory.attachments import Attachment
from gateway.directory.claimed_groups import claimed_groups
from gateway.directory.control_levels import PROPOSED_VERSION, control_levels
from gateway.directory.groups import Group, GroupMembership
from gateway.directory.policies import Policy, PolicyVersion
from gateway.directory.roles import Role
from gateway.directory.users import User
from gateway.policy import (
    SYSTEM_POLICIES,
    SYSTEM_POLICY_VERSION,
    AccessRequest,
    AttachedPolicy,
    Decision,
    Layer,
    Layers,
    Outcome,
    PolicyDocument,
    PolicySet,
    PolicyType,
    compile_policies,
    decide,
    parse_policy,
    parse_session_policy,
)
from gateway.principal import RamUser, RoleSession


@dataclass(frozen=True, slots=True)
class Rights:
    """What a user or role may do, compiled, under one policy stamp of its account."""

    stamp: int
    arn: str  # the user's or the role's, as it is called today
    policies: PolicySet
    by_group: Mapping[str, PolicySet]  # what counts within a resource group only, by its id
    until: datetime | None  # when the first of its claimed memberships lapses
    control: tuple[PolicySet, ...]  # what its account may do at most, a level each
    touched: bool = False  # whether anything here is proposed; if not, every decision is as it would be without


@dataclass(frozen=True, slots=True)
class ProposedAttachment:
    """`holder_id`: of a user, a group or a role of the account."""

    holder_id: str
    policy: AttachedPolicy
    resource_group_id: str = ""


@dataclass(frozen=True, slots=True)
class Proposed:
    """Changes to one account that nobody has saved."""

    documents: Mapping[int, PolicyDocument] = field(default_factory=dict)  # custom policies, by their row
    control: Mapping[str, PolicyDocument] = field(default_factory=dict)  # control policies, by their id
    attach: tuple[ProposedAttachment, ...] = ()
    detach: frozenset[int] = frozenset()  # rows of attachments


NOTHING_PROPOSED = Proposed()


def decide_by(
    rights: Rights, principal: RamUser | RoleSession, request: AccessRequest, find_group: Callable[[str], str]
) -> Decision:
    """Allow or deny. `find_group` tells the resource group of a resource, and is asked only where that matters.

    `acs:PrincipalARN` of the request is to be that of `rights`.
    """
    layers = Layers(identity=rights.policies, session=_session_layer(principal), control=rights.control)
    decision = decide(request, layers)
    if rights.by_group and decision.layer is Layer.ACCOUNT_IDENTITY and decision.outcome is Outcome.IMPLICIT_DENY:
        group = rights.by_group.get(find_group(request.resource))
        return decision if group is None else decide(request, replace(layers, resource_group=group))
    return decision


def layers_of(rights: Rights, principal: RamUser | RoleSession) -> tuple[PolicySet, ...]:
    """Every set of policies that can have a say in a decision about it."""
    session = _session_layer(principal)
    own = () if session is None else (session,)
    return (*rights.control, *own, rights.policies, *rights.by_group.values())


def _session_layer(principal: RamUser | RoleSession) -> PolicySet | None:
    if isinstance(principal, RoleSession) and principal.session_policy is not None:
        return _compiled_session_policy(principal.session_policy, principal.arn)
    return None


@lru_cache(maxsize=1024)
def _compiled_session_policy(text: str, session_arn: str) -> PolicySet:
    """Pure in its arguments; memoised because a session asks with the same text again and again."""
    policy = AttachedPolicy(
        name="session policy",
        type=PolicyType.SESSION,
        version="",
        document=parse_session_policy(text),
        attached_to=session_arn,
        via="Role",
    )
    return compile_policies((policy,))


def load_rights(
    session: Session,
    principal: RamUser | RoleSession,
    stamp: int,
    now: datetime,
    proposed: Proposed = NOTHING_PROPOSED,
) -> Rights | None:
    """What a user or a role may do at `now`; None if it is gone."""
    account_id, until = principal.account_id, None
    control = control_levels(session, account_id, proposed.control)
    claimed: Collection[str] = ()
    if isinstance(principal, RoleSession):
        query = select(Role.name, Role.service_name).where(Role.id == principal.role_id, Role.account_id == account_id)
        name, service = session.execute(query).one_or_none() or (None, None)
        control = control if service is None else ()  # what a service does for the account is not the account's doing
        attached = and_(Attachment.target_kind == "Role", Attachment.target_id == principal.role_id)
        arn = None if name is None else role_arn(account_id, name)
    else:
        user = select(User.name).where(User.id == principal.user_id, User.account_id == account_id)
        name = session.scalar(user)
        claimed, until = claimed_groups(session, principal.user_id, now)
        attached = _attached_to_user(principal.user_id, claimed)
        arn = None if name is None else user_arn(account_id, name)
    if arn is None:
        return None
    held = _read_held(session, account_id, attached, arn, proposed.documents)
    touched = _any_proposed(control) or any(each.is_proposed for each in held)
    if proposed.attach or proposed.detach:
        holders = _holders(session, principal, claimed) if proposed.attach else frozenset()
        changed = _with_proposed(held, holders, proposed)
        held, touched = changed, touched or changed != held
    by_group: dict[str, list[AttachedPolicy]] = {}
    for each in held:
        by_group.setdefault(each.resource_group_id, []).append(each.policy)
    everywhere = compile_policies(by_group.pop("", ()))
    groups = {group: compile_policies(policies) for group, policies in by_group.items()}
    return Rights(stamp, arn, everywhere, groups, until, control, touched=touched)


@dataclass(frozen=True, slots=True)
class _Held:
    """A policy that somebody has, by which attachment (None: it is proposed), and where it counts."""

    attachment_id: int | None
    policy: AttachedPolicy
    resource_group_id: str

    @property
    def is_proposed(self) -> bool:
        return self.policy.version == PROPOSED_VERSION


def _any_proposed(control: Iterable[PolicySet]) -> bool:
    return any(each.ref.policy_version == PROPOSED_VERSION for level in control for each in level.statements)


def _with_proposed(held: list[_Held], holders: Collection[str], proposed: Proposed) -> list[_Held]:
    """In the order in which they would be read: own policies first, what is attached last at the end of its kind."""
    kept = [each for each in held if each.attachment_id not in proposed.detach]
    added = [_Held(None, each.policy, each.resource_group_id) for each in proposed.attach if each.holder_id in holders]
    return sorted([*kept, *added], key=lambda each: each.policy.via, reverse=True)


def _holders(session: Session, principal: RamUser | RoleSession, claimed: Collection[str]) -> frozenset[str]:
    """Ids of those whose attachments count for a principal."""
    if isinstance(principal, RoleSession):
        return frozenset((principal.role_id,))
    groups = session.scalars(select(GroupMembership.group_id).where(GroupMembership.user_id == principal.user_id))
    return frozenset((principal.user_id, *claimed, *groups))


def _attached_to_user(user_id: str, claimed: Collection[str]) -> ColumnElement[bool]:
    groups = select(GroupMembership.group_id).where(GroupMembership.user_id == user_id)
    return or_(
        and_(Attachment.target_kind == "User", Attachment.target_id == user_id),
        and_(Attachment.target_kind == "Group", Attachment.target_id.in_(groups)),
        and_(Attachment.target_kind == "Group", Attachment.target_id.in_(claimed)),
    )


def _read_held(
    session: Session,
    account_id: str,
    attached: ColumnElement[bool],
    own_arn: str,
    proposed: Mapping[int, PolicyDocument],
) -> list[_Held]:
    """The default versions of what is attached: own policies first, then those of groups, oldest attachment first."""
    query = (
        select(Attachment, Group.name, PolicyVersion)
        .outerjoin(Group, and_(Attachment.target_kind == "Group", Group.id == Attachment.target_id))
        .outerjoin(Policy, Policy.id == Attachment.policy_id)
        .outerjoin(
            PolicyVersion,
            and_(PolicyVersion.policy_id == Policy.id, PolicyVersion.number == Policy.default_version),
        )
        .where(Attachment.account_id == account_id, attached)
        .order_by(Attachment.target_kind.desc(), Attachment.id)
    )
    held: list[_Held] = []
    rows: Iterable[tuple[Attachment, str | None, PolicyVersion | None]] = session.execute(query)
    for attachment, group_name, version in rows:
        attached_to = own_arn if group_name is None else group_arn(account_id, group_name)
        policy = attached_policy(attachment, version, attached_to, proposed)
        if policy is not None:
            held.append(_Held(attachment.id, policy, attachment.resource_group_id))
    return held


def attached_policy(
    attachment: Attachment,
    version: PolicyVersion | None,
    attached_to: str,
    proposed: Mapping[int, PolicyDocument] = NOTHING_PROPOSED.documents,
) -> AttachedPolicy | None:
    """What is attached, as the engine takes it; None for what does not exist. `version`: the one in force of a custom
    policy.
    """
    name, via = attachment.policy_name, attachment.target_kind
    if version is not None:
        changed = proposed.get(version.policy_id)
        label = version.version_id if changed is None else PROPOSED_VERSION
        document = parse_policy(version.document) if changed is None else changed
        return AttachedPolicy(name, PolicyType.CUSTOM, label, document, attached_to, via)
    # By its type, not only by its name: a custom policy may be called like one of these.
    of_system = attachment.policy_type == PolicyType.SYSTEM
    if of_system and (system := SYSTEM_POLICIES.get(name)) is not None:
        return AttachedPolicy(name, PolicyType.SYSTEM, SYSTEM_POLICY_VERSION, system.document, attached_to, via)
    return None
