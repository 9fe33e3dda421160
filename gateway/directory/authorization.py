"""May this principal do that? The one place where directory and policy engine meet.

Rule: policy-language §5.2.
"""

from collections import OrderedDict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from threading import Lock

from sqlalchemy import ColumnElement, and_, bindparam, or_, select
from sqlalchemy.orm import Session

from gateway.arn import group_arn, role_arn, user_arn
from gateway.clock import Clock
from gateway.directory.accounts import Account
from gateway.directory.attachments import Attachment
from gateway.directory.claimed_groups import claimed_groups
from gateway.directory.control_levels import control_levels
from gateway.directory.groups import Group, GroupMembership
from gateway.directory.policies import Policy, PolicyVersion
from gateway.directory.resource_groups import find_resource_group
from gateway.directory.roles import Role
from gateway.directory.users import User
from gateway.errors import Denied, Reason
from gateway.policy import (
    SYSTEM_POLICIES,
    SYSTEM_POLICY_VERSION,
    AccessRequest,
    AttachedPolicy,
    Decision,
    Layer,
    Layers,
    Outcome,
    PolicySet,
    PolicyType,
    compile_policies,
    decide,
    parse_policy,
    parse_session_policy,
)
from gateway.principal import AccountOwner, Principal, RamUser, RoleSession
from gateway.store.direct import Statement
from gateway.store.reading import Reading

_PRINCIPAL_ARN = "acs:PrincipalARN"
_REMEMBERED_PRINCIPALS = 4096
_NO_POLICIES = compile_policies(())
# Every decision asks.
_FIND_STAMP = Statement(
    lambda _dialect: select(Account.policy_stamp).where(Account.id == bindparam("account_id")), "account_id"
)


@dataclass(frozen=True, slots=True)
class _Rights:
    """What a user or role may do, compiled, under one policy stamp of its account."""

    stamp: int
    arn: str  # the user's or the role's, as it is called today
    policies: PolicySet
    by_group: Mapping[str, PolicySet]  # what counts within a resource group only, by its id
    until: datetime | None  # when the first of its claimed memberships lapses
    control: tuple[PolicySet, ...]  # what its account may do at most, a level each


class Authorizer:
    """Decides. One per process, shared by its threads.

    Compiled policies are remembered per user and role until the account's policy stamp changes, or a membership that an
    identity provider claimed lapses. The stamp is read for every decision, so that a change counts at the next request
    on every worker.
    """

    def __init__(self, clock: Clock, remembered: int = _REMEMBERED_PRINCIPALS) -> None:
        self._clock = clock
        self._remembered = remembered
        self._rights: OrderedDict[tuple[str, str, str], _Rights] = OrderedDict()
        self._lock = Lock()

    def decide(
        self,
        source: Session | Reading,
        principal: Principal,
        action: str,
        resource: str,
        context: Mapping[str, tuple[str, ...]],
    ) -> Decision:
        """Allow or deny, with the statement behind it. Reads the store, changes nothing.

        The account owner may do everything. A user has its own policies and those of its groups, a role session
        those of its role, narrowed by its session policy. A principal that is gone has no rights at all.
        `acs:PrincipalARN` is added here; one in `context` does not count.
        """
        return self._decide(source, principal, action, resource, context)[0]

    def require(
        self,
        source: Session | Reading,
        principal: Principal,
        action: str,
        resource: str,
        context: Mapping[str, tuple[str, ...]],
    ) -> Decision:
        """As `decide`, but a denial is an error.

        Raises: Denied(ACCESS_DENIED), with the decision.
        """
        decision, exists = self._decide(source, principal, action, resource, context)
        if not decision.allowed:
            why = decision.explain() if exists else f"{principal.arn} does not exist any more"
            message = "you are not authorized to do this action"
            raise Denied(Reason.ACCESS_DENIED, message, decision, detail=why)
        return decision

    def _decide(
        self,
        source: Session | Reading,
        principal: Principal,
        action: str,
        resource: str,
        context: Mapping[str, tuple[str, ...]],
    ) -> tuple[Decision, bool]:
        """The decision, and whether the principal exists."""
        stamp = _find_stamp(source, principal.account_id)
        facts = {key: values for key, values in context.items() if key.lower() != _PRINCIPAL_ARN.lower()}
        facts[_PRINCIPAL_ARN] = (principal.arn,)
        if isinstance(principal, AccountOwner):
            layers = Layers(owner=stamp is not None, identity=_NO_POLICIES)
            return decide(AccessRequest(action, resource, facts), layers), stamp is not None
        rights = None if stamp is None else self._find_rights(source, principal, stamp)
        if rights is None:
            return decide(AccessRequest(action, resource, facts), Layers(identity=_NO_POLICIES)), False
        facts[_PRINCIPAL_ARN] = (rights.arn,)
        layers = Layers(identity=rights.policies, session=_session_layer(principal), control=rights.control)
        request = AccessRequest(action, resource, facts)
        decision = decide(request, layers)
        if rights.by_group and decision.layer is Layer.ACCOUNT_IDENTITY and decision.outcome is Outcome.IMPLICIT_DENY:
            group = rights.by_group.get(find_resource_group(source, principal.account_id, resource))
            decision = decision if group is None else decide(request, replace(layers, resource_group=group))
        return decision, True

    def _find_rights(self, source: Session | Reading, principal: RamUser | RoleSession, stamp: int) -> _Rights | None:
        key = (
            ("User", principal.account_id, principal.user_id)
            if isinstance(principal, RamUser)
            else ("Role", principal.account_id, principal.role_id)
        )
        with self._lock:
            known = self._rights.get(key)
            if known is not None and known.stamp == stamp and (known.until is None or self._clock.now() < known.until):
                self._rights.move_to_end(key)
                return known
        session = source.session if isinstance(source, Reading) else source
        rights = _load_rights(session, principal, stamp, self._clock.now())
        with self._lock:
            self._rights.pop(key, None)
            if rights is not None:
                self._rights[key] = rights
            while len(self._rights) > self._remembered:
                self._rights.popitem(last=False)
        return rights


def _find_stamp(source: Session | Reading, account_id: str) -> int | None:
    if isinstance(source, Session):
        source.flush()  # what this transaction changed counts already
    found = _FIND_STAMP.first(source, account_id)
    return None if found is None else int(found[0])


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


def _load_rights(session: Session, principal: RamUser | RoleSession, stamp: int, now: datetime) -> _Rights | None:
    account_id, until = principal.account_id, None
    control = control_levels(session, account_id)
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
    by_group = _load_policies(session, account_id, attached, arn)
    everywhere = compile_policies(by_group.pop("", ()))
    groups = {group: compile_policies(policies) for group, policies in by_group.items()}
    return _Rights(stamp=stamp, arn=arn, policies=everywhere, by_group=groups, until=until, control=control)


def _attached_to_user(user_id: str, claimed: Collection[str]) -> ColumnElement[bool]:
    groups = select(GroupMembership.group_id).where(GroupMembership.user_id == user_id)
    return or_(
        and_(Attachment.target_kind == "User", Attachment.target_id == user_id),
        and_(Attachment.target_kind == "Group", Attachment.target_id.in_(groups)),
        and_(Attachment.target_kind == "Group", Attachment.target_id.in_(claimed)),
    )


def _load_policies(
    session: Session, account_id: str, attached: ColumnElement[bool], own_arn: str
) -> dict[str, list[AttachedPolicy]]:
    """The default versions of what is attached, by the resource group that it counts in, "" for the whole account: own
    policies first, then those of groups, oldest attachment first.
    """
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
    by_group: dict[str, list[AttachedPolicy]] = {}
    rows: Iterable[tuple[Attachment, str | None, PolicyVersion | None]] = session.execute(query)
    for attachment, group_name, version in rows:
        attached_to = own_arn if group_name is None else group_arn(account_id, group_name)
        policies = by_group.setdefault(attachment.resource_group_id, [])
        if version is not None:
            policies.append(
                AttachedPolicy(
                    name=attachment.policy_name,
                    type=PolicyType.CUSTOM,
                    version=version.version_id,
                    document=parse_policy(version.document),
                    attached_to=attached_to,
                    via=attachment.target_kind,
                )
            )
            continue
        # By its type, not only by its name: a custom policy may be called like one of these.
        of_system = attachment.policy_type == PolicyType.SYSTEM
        if of_system and (system := SYSTEM_POLICIES.get(attachment.policy_name)) is not None:
            policies.append(
                AttachedPolicy(
                    name=attachment.policy_name,
                    type=PolicyType.SYSTEM,
                    version=SYSTEM_POLICY_VERSION,
                    document=system.document,
                    attached_to=attached_to,
                    via=attachment.target_kind,
                )
            )
    return by_group
