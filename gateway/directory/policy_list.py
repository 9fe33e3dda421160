"""System and custom policies as one kind of thing to read. Rule: ram-limits §9; operations.md, paging."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import String, cast, select
from sqlalchemy.orm import Session

from gateway.directory.attachments import attachment_counts
from gateway.directory.names import name_key
from gateway.directory.policies import Policy, get_policy, get_version, list_versions
from gateway.directory.tags import TagKind, ids_with_tags, tags_of_each
from gateway.errors import NotFound, Reason
from gateway.policy import (
    SYSTEM_POLICIES,
    SYSTEM_POLICY_DATE,
    SYSTEM_POLICY_VERSION,
    PolicyType,
    SystemPolicy,
    find_system_policy,
)
from gateway.store.paging import Page, Slice, cut

_SYSTEM = sorted(SYSTEM_POLICIES.values(), key=lambda policy: name_key(policy.name))


@dataclass(frozen=True, slots=True)
class PolicyEntry:
    """A policy of either type."""

    name: str
    type: PolicyType
    description: str
    default_version: str
    created_at: datetime
    updated_at: datetime
    attachment_count: int
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class VersionEntry:
    """A version of a policy of either type."""

    version_id: str
    document: str
    created_at: datetime
    is_default: bool


def list_policy_page(
    session: Session,
    account_id: str,
    page: Page,
    policy_type: PolicyType | None = None,
    wanted: Sequence[tuple[str, str]] = (),
) -> Slice[PolicyEntry]:
    """One page of all policies, of those of one type, of those that have all wanted tags.

    System policies come first; they have no tags. Both types share one marker.
    """
    reached, _, after = page.after.partition("/")
    entries: list[PolicyEntry] = []
    if policy_type is not PolicyType.CUSTOM and reached != PolicyType.CUSTOM and not wanted:
        rest = [policy for policy in _SYSTEM if name_key(policy.name) > after]
        entries += _system_entries(session, account_id, rest[: page.size + 1])
    if policy_type is not PolicyType.SYSTEM and len(entries) <= page.size:
        start = after if reached == PolicyType.CUSTOM else ""
        rows = _custom_rows(session, account_id, start, page.size + 1 - len(entries), wanted)
        entries += _custom_entries(session, account_id, rows)
    return cut(entries, page, lambda entry: f"{entry.type.value}/{name_key(entry.name)}")


def get_entry(session: Session, account_id: str, policy_type: PolicyType, name: str) -> PolicyEntry:
    """Raises: NotFound, subject "Policy"."""
    if policy_type is PolicyType.SYSTEM:
        return _system_entries(session, account_id, [_get_system(name)])[0]
    return _custom_entries(session, account_id, [get_policy(session, account_id, name)])[0]


def version_entries(session: Session, account_id: str, policy_type: PolicyType, name: str) -> Sequence[VersionEntry]:
    """All versions of a policy, oldest first. Raises: NotFound, subject "Policy"."""
    if policy_type is PolicyType.SYSTEM:
        return [_system_version(_get_system(name))]
    policy = get_policy(session, account_id, name)
    return [
        VersionEntry(version.version_id, version.document, version.created_at, version.number == policy.default_version)
        for version in list_versions(session, policy)
    ]


def get_version_entry(
    session: Session, account_id: str, policy_type: PolicyType, name: str, version_id: str | None = None
) -> VersionEntry:
    """One version of a policy; without an id its default version.

    Raises: NotFound, subject "Policy" or "Policy.Version"; InputError(PARAMETER_INVALID), subject "VersionId".
    """
    if policy_type is PolicyType.SYSTEM:
        version = _system_version(_get_system(name))
        if version_id not in {None, version.version_id}:
            raise NotFound(Reason.NOT_FOUND, "the policy version does not exist", subject="Policy.Version")
        return version
    policy = get_policy(session, account_id, name)
    row = get_version(session, policy, version_id or policy.default_version_id)
    return VersionEntry(row.version_id, row.document, row.created_at, row.number == policy.default_version)


def _get_system(name: str) -> SystemPolicy:
    policy = find_system_policy(name)
    if policy is None:
        raise NotFound(Reason.NOT_FOUND, "the policy does not exist", subject="Policy")
    return policy


def _system_version(policy: SystemPolicy) -> VersionEntry:
    return VersionEntry(SYSTEM_POLICY_VERSION, policy.document_text, SYSTEM_POLICY_DATE, is_default=True)


def _system_entries(session: Session, account_id: str, policies: Sequence[SystemPolicy]) -> list[PolicyEntry]:
    counts = attachment_counts(session, account_id, PolicyType.SYSTEM, [policy.name for policy in policies])
    return [
        PolicyEntry(
            name=policy.name,
            type=PolicyType.SYSTEM,
            description=policy.description,
            default_version=SYSTEM_POLICY_VERSION,
            created_at=SYSTEM_POLICY_DATE,
            updated_at=SYSTEM_POLICY_DATE,
            attachment_count=counts.get(name_key(policy.name), 0),
        )
        for policy in policies
    ]


def _custom_rows(
    session: Session, account_id: str, after: str, at_most: int, wanted: Sequence[tuple[str, str]]
) -> Sequence[Policy]:
    query = select(Policy).where(Policy.account_id == account_id)
    if after:
        query = query.where(Policy.name_key > after)
    if wanted:
        query = query.where(cast(Policy.id, String).in_(ids_with_tags(account_id, TagKind.POLICY, wanted)))
    return session.scalars(query.order_by(Policy.name_key).limit(at_most)).all()


def _custom_entries(session: Session, account_id: str, policies: Sequence[Policy]) -> list[PolicyEntry]:
    counts = attachment_counts(session, account_id, PolicyType.CUSTOM, [policy.name for policy in policies])
    tags = tags_of_each(session, account_id, TagKind.POLICY, [policy.tag_id for policy in policies])
    return [
        PolicyEntry(
            name=policy.name,
            type=PolicyType.CUSTOM,
            description=policy.description,
            default_version=policy.default_version_id,
            created_at=policy.created_at,
            updated_at=policy.updated_at,
            attachment_count=counts.get(policy.name_key, 0),
            tags=tags[policy.tag_id],
        )
        for policy in policies
    ]
