"""Custom policies and their versions. System policies are not stored: `gateway.policy.SYSTEM_POLICIES` has them.

Rule: policy-language §6; ram-limits §1, §2, §10.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import ForeignKey, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from gateway.directory import quotas, ties
from gateway.directory.accounts import change_policies, lock_account
from gateway.directory.names import POLICY_NAME, check_name, check_text, name_key
from gateway.directory.tags import TagKind, drop_tags, set_tags
from gateway.directory.unique import insert_unique
from gateway.errors import Conflict, InputError, LimitExceeded, NotFound, Reason
from gateway.policy import parse_policy
from gateway.store.base import Base, RowNumber

_LONGEST_DESCRIPTION = 1024
_NO_TAGS: Mapping[str, str] = {}
_VERSION_ID = re.compile(r"v([1-9][0-9]{0,8})")


class Policy(Base):
    __tablename__ = "policies"
    __table_args__ = (UniqueConstraint("account_id", "name_key"),)

    id: Mapped[int] = mapped_column(RowNumber, primary_key=True)
    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"))
    name: Mapped[str]
    name_key: Mapped[str]
    description: Mapped[str]
    default_version: Mapped[int]
    last_version: Mapped[int]  # counts up only: a version number is never given twice
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]

    @property
    def default_version_id(self) -> str:
        return f"v{self.default_version}"

    @property
    def tag_id(self) -> str:
        """What the policy's tags are kept under."""
        return str(self.id)


class PolicyVersion(Base):
    __tablename__ = "policy_versions"

    policy_id: Mapped[int] = mapped_column(RowNumber, ForeignKey("policies.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    document: Mapped[str]
    created_at: Mapped[datetime]

    @property
    def version_id(self) -> str:
        return f"v{self.number}"


def create_policy(
    session: Session,
    account_id: str,
    name: str,
    document: str,
    *,
    description: str = "",
    tags: Mapping[str, str] = _NO_TAGS,
    now: datetime,
) -> Policy:
    """Make a policy with version v1 as its default.

    Raises: InputError, of the document and the tags too; AlreadyExists and LimitExceeded, subject "Policy".
    """
    check_name(POLICY_NAME, name)
    check_text("Description", description, _LONGEST_DESCRIPTION)
    parse_policy(document)
    lock_account(session, account_id)
    quotas.check_room(session, Policy.account_id, account_id, quotas.POLICIES_PER_ACCOUNT, "Policy")
    policy = Policy(
        account_id=account_id,
        name=name,
        name_key=name_key(name),
        description=description,
        default_version=1,
        last_version=1,
        created_at=now,
        updated_at=now,
    )
    insert_unique(session, policy, "Policy")
    session.add(PolicyVersion(policy_id=policy.id, number=1, document=document, created_at=now))
    session.flush()
    set_tags(session, account_id, TagKind.POLICY, policy.tag_id, tags)
    return policy


def find_policy(session: Session, account_id: str, name: str) -> Policy | None:
    """By name, in any case."""
    return session.scalar(select(Policy).where(Policy.account_id == account_id, Policy.name_key == name_key(name)))


def get_policy(session: Session, account_id: str, name: str) -> Policy:
    """Raises: NotFound, subject "Policy"."""
    policy = find_policy(session, account_id, name)
    if policy is None:
        raise NotFound(Reason.NOT_FOUND, "the policy does not exist", subject="Policy")
    return policy


def list_policies(session: Session, account_id: str) -> Sequence[Policy]:
    return session.scalars(select(Policy).where(Policy.account_id == account_id).order_by(Policy.name_key)).all()


def update_description(session: Session, account_id: str, name: str, description: str, now: datetime) -> Policy:
    """Raises: InputError, subject "NewDescription"; NotFound, subject "Policy"."""
    check_text("NewDescription", description, _LONGEST_DESCRIPTION)
    policy = _get_for_change(session, account_id, name)
    policy.description = description
    policy.updated_at = now
    session.flush()
    return policy


def list_versions(session: Session, policy: Policy) -> Sequence[PolicyVersion]:
    """Oldest first."""
    query = select(PolicyVersion).where(PolicyVersion.policy_id == policy.id).order_by(PolicyVersion.number)
    return session.scalars(query).all()


def get_version(session: Session, policy: Policy, version_id: str) -> PolicyVersion:
    """Raises: InputError(PARAMETER_INVALID), subject "VersionId"; NotFound, subject "Policy.Version"."""
    number = _VERSION_ID.fullmatch(version_id)
    if number is None:
        raise InputError(Reason.PARAMETER_INVALID, "`VersionId` must look like v1", subject="VersionId")
    version = session.get(PolicyVersion, (policy.id, int(number[1])))
    if version is None:
        raise NotFound(Reason.NOT_FOUND, "the policy version does not exist", subject="Policy.Version")
    return version


def create_policy_version(
    session: Session,
    account_id: str,
    name: str,
    document: str,
    *,
    set_as_default: bool,
    rotate: bool = False,
    now: datetime,
) -> PolicyVersion:
    """Add a version. At the limit of five it is refused, or with `rotate` the oldest version that is not the
    default one makes room (RotateStrategy DeleteOldestNonDefaultVersionWhenLimitExceeded).

    Raises: InputError, of the document; NotFound, subject "Policy"; LimitExceeded, subject "Policy.Version".
    """
    parse_policy(document)
    policy = _get_for_change(session, account_id, name)
    versions = list_versions(session, policy)
    if len(versions) >= quotas.VERSIONS_PER_POLICY:
        if not rotate:
            message = "the policy has as many versions as it may have"
            raise LimitExceeded(Reason.LIMIT_EXCEEDED, message, subject="Policy.Version")
        session.delete(next(version for version in versions if version.number != policy.default_version))
    policy.last_version += 1
    policy.updated_at = now
    version = PolicyVersion(policy_id=policy.id, number=policy.last_version, document=document, created_at=now)
    session.add(version)
    if set_as_default:
        policy.default_version = version.number
    session.flush()
    return version


def set_default_version(session: Session, account_id: str, name: str, version_id: str, now: datetime) -> None:
    """Raises: NotFound, subject "Policy" or "Policy.Version"; InputError, subject "VersionId"."""
    policy = _get_for_change(session, account_id, name)
    policy.default_version = get_version(session, policy, version_id).number
    policy.updated_at = now
    session.flush()


def delete_version(session: Session, account_id: str, name: str, version_id: str) -> None:
    """Raises: as `set_default_version`; Conflict(DELETE_CONFLICT), subject "Policy.Version.Default"."""
    policy = _get_for_change(session, account_id, name)
    version = get_version(session, policy, version_id)
    if version.number == policy.default_version:
        message = "the default version of a policy can't be deleted"
        raise Conflict(Reason.DELETE_CONFLICT, message, subject="Policy.Version.Default")
    session.delete(version)
    session.flush()


def delete_policy(session: Session, account_id: str, name: str, *, cascade: bool = False) -> None:
    """Delete a policy that is attached nowhere, and its tags. With `cascade` its versions go along; without, there
    must be none besides the default one.

    Raises: NotFound, subject "Policy"; Conflict(DELETE_CONFLICT), subject "Policy.User", "Policy.Group",
    "Policy.Role" or "Policy.Version".
    """
    policy = _get_for_change(session, account_id, name)
    ties.check_policy_untied(session, policy.id)
    versions = list_versions(session, policy)
    if len(versions) > 1 and not cascade:
        message = "a policy can't be deleted while it has versions besides the default one"
        raise Conflict(Reason.DELETE_CONFLICT, message, subject="Policy.Version")
    drop_tags(session, account_id, TagKind.POLICY, policy.tag_id)
    for version in versions:
        session.delete(version)
    session.flush()
    session.delete(policy)
    session.flush()


def _get_for_change(session: Session, account_id: str, name: str) -> Policy:
    """The policy as it is now that the account is locked; what this session read before may be old."""
    change_policies(session, account_id)
    policy = get_policy(session, account_id, name)
    session.refresh(policy)
    return policy
