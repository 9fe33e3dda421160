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


def _group(work: Work, resource_group_id: str | None) -> str:
    """The resource group that an attachment counts in; empty for the whole account, which its own id stands for."""
    return "" if resource_group_id in {None, work.account_id} else resource_group_id or ""


def _holder_actions(kind: HolderKind) -> tuple[AnyAction, ...]:
    """Attach, detach and list, for one kind of holder. The first two need rights on the holder and on the policy."""

    def read(parameters: Parameters) -> AttachmentRequest:
        return AttachmentRequest(
            holder=read_name(parameters, kind.rule),
            policy=read_policy_name(parameters),
            resource_group_id=parameters.optional_text("ResourceGroupId", max_length=_LONGEST_GROUP_ID),
        )

    def read_listing(parameters: Parameters) -> tuple[str, str | None]:
        return read_name(parameters, kind.rule), parameters.optional_text(
            "ResourceGroupId", max_length=_LONGEST_GROUP_ID
        )

    def attach(work: Work, request: AttachmentRequest) -> Outcome:
        """Raises: NotFound, "ResourceGroup" too; AlreadyExists and LimitExceeded, subject "User.Policy" and so on."""
        policy, holder = request.policy, kind.get(work, request.holder)
        group = _group(work, request.resource_group_id)
        attach_policy(work.session, work.account_id, policy.type, policy.name, holder, work.now, group=group)
        return Outcome()

    def detach(work: Work, request: AttachmentRequest) -> Outcome:
        """Raises: NotFound, subject "User.Policy" and so on too."""
        policy, holder = request.policy, kind.get(work, request.holder)
        group = _group(work, request.resource_group_id)
        detach_policy(work.session, work.account_id, policy.type, policy.name, holder, group=group)
        return Outcome()

    def list_policies(work: Work, listing: tuple[str, str | None]) -> Outcome:
        """What is attached to the holder itself. Raises: NotFound, subject "User" and so on."""
        entries = entries_of(work.session, kind.get(work, listing[0]), group=_group(work, listing[1]))
        return Outcome({"Policies": {"Policy": [_attached_fields(entry) for entry in entries]}})

    def both_targets(work: Work, request: AttachmentRequest) -> tuple[Target, ...]:
        policy = policy_target(work, request.policy.type, request.policy.name)
        return kind.target(work, request.holder), policy

    def holder_target(work: Work, listing: tuple[str, str | None]) -> tuple[Target, ...]:
        return (kind.target(work, listing[0]),)

    attaching, detaching = f"AttachPolicyTo{kind.name}", f"DetachPolicyFrom{kind.name}"
    listing = f"ListPoliciesFor{kind.name}"
    return (
        ram_action(attaching, RAM, read, attach, both_targets),
        ram_action(detaching, RAM, read, detach, both_targets),
        ram_action(listing, RAM, read_listing, list_policies, holder_target, reads=True),
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
