"""Attaching policies to users, groups and roles on the wire. Rule: ram-limits §1, §10; policy-language §2."""

from collections.abc import Callable
from dataclasses import dataclass

from gateway.api.action import AnyAction, Outcome, Target, Work, ram_action
from gateway.api.named import PolicyName, named_policy, read_name, read_policy_name
from gateway.api.parameters import Parameters
from gateway.api.render import Value
from gateway.api.targets import group_target, policy_target, role_target, user_target
from gateway.api.versions import RAM
from gateway.clock import wire_time
from gateway.directory.attachments import (
    AttachedEntry,
    attach_policy,
    detach_policy,
    entities_of,
    entries_of,
)
from gateway.directory.attachments import Target as Holder
from gateway.directory.groups import Group, get_group
from gateway.directory.names import GROUP_NAME, ROLE_NAME, USER_NAME, NameRule
from gateway.directory.roles import Role, get_role
from gateway.directory.users import User, get_user
from gateway.errors import NotFound, Reason

_LONGEST_GROUP_ID = 128


@dataclass(frozen=True, slots=True)
class HolderKind:
    """What a policy can be attached to: how calls name it, and how it is found."""

    name: str
    rule: NameRule
    get: Callable[[Work, str], Holder]
    target: Callable[[Work, str], Target]


def _get_user(work: Work, name: str) -> User:
    return get_user(work.session, work.account_id, name)


def _get_group(work: Work, name: str) -> Group:
    return get_group(work.session, work.account_id, name)


def _get_role(work: Work, name: str) -> Role:
    return get_role(work.session, work.account_id, name)


_KINDS = (
    HolderKind("User", USER_NAME, _get_user, user_target),
    HolderKind("Group", GROUP_NAME, _get_group, group_target),
    HolderKind("Role", ROLE_NAME, _get_role, role_target),
)


@dataclass(frozen=True, slots=True)
class AttachmentRequest:
    holder: str
    policy: PolicyName
    resource_group_id: str | None


def _check_scope(work: Work, request: AttachmentRequest) -> None:
    """An attachment counts in the whole account, which is what the account's own id stands for.

    Raises: NotFound, subject "ResourceGroup": rights that reach further than they were meant to would be worse.
    """
    if request.resource_group_id not in {None, work.account_id}:
        message = "the resource group does not exist"
        raise NotFound(Reason.NOT_FOUND, message, "attachments have no resource groups", subject="ResourceGroup")


def _holder_actions(kind: HolderKind) -> tuple[AnyAction, ...]:
    """Attach, detach and list, for one kind of holder. The first two need rights on the holder and on the policy."""

    def read(parameters: Parameters) -> AttachmentRequest:
        return AttachmentRequest(
            holder=read_name(parameters, kind.rule),
            policy=read_policy_name(parameters),
            resource_group_id=parameters.optional_text("ResourceGroupId", max_length=_LONGEST_GROUP_ID),
        )

    def read_holder(parameters: Parameters) -> str:
        return read_name(parameters, kind.rule)

    def attach(work: Work, request: AttachmentRequest) -> Outcome:
        """Raises: NotFound; AlreadyExists and LimitExceeded, subject "User.Policy" and so on."""
        _check_scope(work, request)
        policy, holder = request.policy, kind.get(work, request.holder)
        attach_policy(work.session, work.account_id, policy.type, policy.name, holder, work.now)
        return Outcome()

    def detach(work: Work, request: AttachmentRequest) -> Outcome:
        """Raises: NotFound, subject "User.Policy" and so on too."""
        _check_scope(work, request)
        policy, holder = request.policy, kind.get(work, request.holder)
        detach_policy(work.session, work.account_id, policy.type, policy.name, holder)
        return Outcome()

    def list_policies(work: Work, holder: str) -> Outcome:
        """What is attached to the holder itself. Raises: NotFound, subject "User" and so on."""
        entries = entries_of(work.session, kind.get(work, holder))
        return Outcome({"Policies": {"Policy": [_attached_fields(entry) for entry in entries]}})

    def both_targets(work: Work, request: AttachmentRequest) -> tuple[Target, ...]:
        policy = policy_target(work, request.policy.type, request.policy.name)
        return kind.target(work, request.holder), policy

    def holder_target(work: Work, holder: str) -> tuple[Target, ...]:
        return (kind.target(work, holder),)

    attaching, detaching = f"AttachPolicyTo{kind.name}", f"DetachPolicyFrom{kind.name}"
    listing = f"ListPoliciesFor{kind.name}"
    return (
        ram_action(attaching, RAM, read, attach, both_targets),
        ram_action(detaching, RAM, read, detach, both_targets),
        ram_action(listing, RAM, read_holder, list_policies, holder_target, reads=True),
    )


def _attached_fields(entry: AttachedEntry) -> dict[str, Value]:
    return {
        "PolicyName": entry.name,
        "PolicyType": entry.type.value,
        "Description": entry.description,
        "DefaultVersion": entry.default_version,
        "AttachDate": wire_time(entry.attached_at),
    }


def perform_list_entities(work: Work, policy: PolicyName) -> Outcome:
    """Who the policy is attached to. Raises: NotFound, subject "Policy"."""
    found = entities_of(work.session, work.account_id, policy.type, policy.name)
    users: list[Value] = [
        {"UserId": user.id, "UserName": user.name, "DisplayName": user.display_name, "AttachDate": wire_time(since)}
        for user, since in found.users
    ]
    groups: list[Value] = [
        {"GroupName": group.name, "Comments": group.comments, "AttachDate": wire_time(since)}
        for group, since in found.groups
    ]
    roles: list[Value] = [
        {
            "RoleId": role.id,
            "RoleName": role.name,
            "Arn": role.arn,
            "Description": role.description,
            "AttachDate": wire_time(since),
        }
        for role, since in found.roles
    ]
    return Outcome({"Users": {"User": users}, "Groups": {"Group": groups}, "Roles": {"Role": roles}})


ACTIONS: tuple[AnyAction, ...] = (
    *(action for kind in _KINDS for action in _holder_actions(kind)),
    ram_action("ListEntitiesForPolicy", RAM, read_policy_name, perform_list_entities, named_policy, reads=True),
)
