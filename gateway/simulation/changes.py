"""Changes that somebody thinks of making: checked as if they were made, and not saved."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from gateway.directory.attachments import Attachment, policies_of
from gateway.directory.control_policies import ControlPolicy
from gateway.directory.groups import Group
from gateway.directory.mapping_rules import RuleContent, get_rule
from gateway.directory.names import name_key
from gateway.directory.policies import PolicyVersion, get_policy
from gateway.directory.resource_directory import Member
from gateway.directory.rights import NOTHING_PROPOSED, Proposed, ProposedAttachment, attached_policy
from gateway.directory.roles import Role, check_not_service_linked, get_role
from gateway.directory.users import User
from gateway.errors import AlreadyExists, InputError, NotFound, Reason
from gateway.federation.registered import RegisteredProvider
from gateway.federation.role_options import rules_of
from gateway.federation.rules import MappingRule, check_session_name_template
from gateway.policy import PolicyType, parse_condition_block, parse_policy, parse_trust_policy

Holder = User | Group | Role


@dataclass(frozen=True, slots=True)
class ProposedTrust:
    role: Role
    document: str


@dataclass(frozen=True, slots=True)
class ProposedRules:
    """All mapping rules of a provider, as they are and as they would be, in the order in which they are asked."""

    provider: RegisteredProvider
    before: Sequence[MappingRule]
    after: Sequence[MappingRule]


@dataclass(frozen=True, slots=True)
class Change:
    """One change to one account. `told` says what it is."""

    told: str
    proposed: Proposed = NOTHING_PROPOSED
    trust: ProposedTrust | None = None
    rules: ProposedRules | None = None


def change_policy(session: Session, account_id: str, name: str, document: str) -> Change:
    """Another document in force for a custom policy.

    Raises: NotFound, subject "Policy"; InputError of the document.
    """
    policy = get_policy(session, account_id, name)
    return Change(f"policy {policy.name}", Proposed(documents={policy.id: parse_policy(document)}))


def change_attached(
    session: Session, account_id: str, policy_type: str, name: str, holder: Holder, *, group: str = ""
) -> Change:
    """A policy attached to a user, group or role that does not have it.

    Raises: NotFound, subject "Policy"; AlreadyExists, subject "User.Policy" and so on; InputError, "PolicyType".
    """
    kind = type(holder).__name__
    if _find_attachment(session, policy_type, name, holder, group) is not None:
        message = f"the policy is attached to the {kind.lower()} already"
        raise AlreadyExists(Reason.ALREADY_EXISTS, message, subject=f"{kind}.Policy")
    version = None
    if policy_type == PolicyType.CUSTOM:
        policy = get_policy(session, account_id, name)
        name = policy.name
        version = session.get(PolicyVersion, (policy.id, policy.default_version))
    elif policy_type != PolicyType.SYSTEM:
        raise InputError(Reason.PARAMETER_INVALID, "PolicyType is System or Custom", subject="PolicyType")
    attachment = Attachment(target_kind=kind, policy_type=policy_type, policy_name=name)
    attached = attached_policy(attachment, version, holder.arn)
    if attached is None:
        raise NotFound(Reason.NOT_FOUND, "the policy does not exist", subject="Policy")
    return Change(
        f"policy {name} attached to {kind.lower()} {holder.name}",
        Proposed(attach=(ProposedAttachment(holder.id, attached, group),)),
    )


def change_detached(session: Session, policy_type: str, name: str, holder: Holder, *, group: str = "") -> Change:
    """Raises: NotFound, subject "User.Policy" and so on."""
    kind = type(holder).__name__
    attachment = _find_attachment(session, policy_type, name, holder, group)
    if attachment is None:
        message = f"the policy is not attached to the {kind.lower()}"
        raise NotFound(Reason.NOT_FOUND, message, subject=f"{kind}.Policy")
    return Change(
        f"policy {attachment.policy_name} detached from {kind.lower()} {holder.name}",
        Proposed(detach=frozenset((attachment.id,))),
    )


def change_trust(session: Session, account_id: str, name: str, document: str) -> Change:
    """Another trust policy for a role.

    Raises: NotFound, subject "Role"; InputError of the document; Conflict(ROLE_SERVICE_LINKED).
    """
    role = get_role(session, account_id, name)
    check_not_service_linked(role)
    parse_trust_policy(document)
    return Change(f"trust policy of role {role.name}", trust=ProposedTrust(role, document))


def change_control(session: Session, account_id: str, name: str, document: str) -> Change:
    """Another document for a control policy of the directory that the account is in.

    Raises: NotFound, subject "ControlPolicy"; InputError of the document.
    """
    query = (
        select(ControlPolicy)
        .join(Member, Member.directory_id == ControlPolicy.directory_id)
        .where(Member.account_id == account_id, ControlPolicy.name_key == name_key(name))
    )
    policy = session.scalar(query)
    if policy is None:
        message = "no control policy of this name is kept for a directory that the account is in"
        raise NotFound(Reason.NOT_FOUND, message, subject="ControlPolicy")
    return Change(f"control policy {policy.name}", Proposed(control={policy.id: parse_policy(document)}))


def change_rule(session: Session, provider: RegisteredProvider, name: str, content: RuleContent) -> Change:
    """A mapping rule as it would read: in the place of the one of this name, or behind all others.

    Raises: InputError of the condition and the session name.
    """
    check_session_name_template(content.session_name)
    made = MappingRule(
        name,
        parse_condition_block(content.condition),
        content.role_arns,
        content.session_name,
        content.max_duration_s,
    )
    before = rules_of(session, provider.key)
    key = name_key(name)
    after = [made if name_key(rule.name) == key else rule for rule in before]
    if made not in after:
        after.append(made)
    return Change(f"mapping rule {name} of {provider.name}", rules=ProposedRules(provider, before, after))


def drop_rule(session: Session, provider: RegisteredProvider, name: str) -> Change:
    """Raises: NotFound, subject "MappingRule"."""
    dropped = get_rule(session, provider.key, name)
    before = rules_of(session, provider.key)
    after = [rule for rule in before if rule.name != dropped.name]
    return Change(f"no mapping rule {dropped.name} of {provider.name}", rules=ProposedRules(provider, before, after))


def _find_attachment(session: Session, policy_type: str, name: str, holder: Holder, group: str) -> Attachment | None:
    key = name_key(name)
    for attachment in policies_of(session, holder):
        if (attachment.policy_type, attachment.policy_key, attachment.resource_group_id) == (policy_type, key, group):
            return attachment
    return None
