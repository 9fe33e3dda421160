"""What hangs on a user: taken off when the user is deleted, and given back when it is restored, as far as it exists.

Given back: membership in groups that are still there, policies that are still there, tags. Not given back are the
password and the binding of an MFA device: they end with the deletion, so that nobody comes back with an old password
and without the second factor. AccessKeys go to their own recycle bin.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from gateway.directory.access_keys import list_access_keys
from gateway.directory.attachments import Attachment, policies_of
from gateway.directory.groups import Group, GroupMembership
from gateway.directory.login_profiles import delete_login_profile, find_login_profile
from gateway.directory.mfa_devices import find_device_of, unbind_device
from gateway.directory.policies import Policy
from gateway.directory.recycled_keys import recycle_access_key
from gateway.directory.tags import TagKind, drop_tags, set_tags, tags_of
from gateway.directory.users import User
from gateway.policy import SYSTEM_POLICIES, PolicyType


@dataclass(frozen=True, slots=True)
class KeptMembership:
    group_id: str
    joined_at: datetime


@dataclass(frozen=True, slots=True)
class KeptPolicy:
    policy_type: str
    name: str
    policy_id: int | None  # of a custom policy
    attached_at: datetime


@dataclass(frozen=True, slots=True)
class Belongings:
    """What a deleted user had, and gets back if it is restored."""

    memberships: tuple[KeptMembership, ...]
    policies: tuple[KeptPolicy, ...]
    tags: Mapping[str, str]

    def to_json(self) -> str:
        return json.dumps(
            {
                "memberships": [[kept.group_id, kept.joined_at.isoformat()] for kept in self.memberships],
                "policies": [
                    [kept.policy_type, kept.name, kept.policy_id, kept.attached_at.isoformat()]
                    for kept in self.policies
                ],
                "tags": dict(self.tags),
            },
            separators=(",", ":"),
        )


def belongings_from_json(text: str) -> Belongings:
    """What `Belongings.to_json` wrote."""
    stored: dict[str, Any] = json.loads(text)
    return Belongings(
        tuple(KeptMembership(group_id, datetime.fromisoformat(at)) for group_id, at in stored["memberships"]),
        tuple(
            KeptPolicy(policy_type, name, policy_id, datetime.fromisoformat(at))
            for policy_type, name, policy_id, at in stored["policies"]
        ),
        stored["tags"],
    )


def take_belongings(session: Session, user: User, now: datetime) -> Belongings:
    """Take off a user whatever hangs on it. The account must be locked."""
    memberships = session.scalars(select(GroupMembership).where(GroupMembership.user_id == user.id)).all()
    attachments = policies_of(session, user)
    belongings = Belongings(
        tuple(KeptMembership(row.group_id, row.joined_at) for row in memberships),
        tuple(KeptPolicy(row.policy_type, row.policy_name, row.policy_id, row.attached_at) for row in attachments),
        tags_of(session, user.account_id, TagKind.USER, user.id),
    )
    for row in (*memberships, *attachments):
        session.delete(row)
    drop_tags(session, user.account_id, TagKind.USER, user.id)
    _take_credentials(session, user, now)
    session.flush()
    return belongings


def give_back(session: Session, user: User, belongings: Belongings) -> Sequence[str]:
    """Hang on a restored user what still exists; what does not, in words. The account must be locked."""
    lost = [kept.group_id for kept in belongings.memberships if not _rejoin(session, user, kept)]
    gone = [kept.name for kept in belongings.policies if not _reattach(session, user, kept)]
    session.flush()
    set_tags(session, user.account_id, TagKind.USER, user.id, belongings.tags)
    return [*(f"group {group_id}" for group_id in lost), *(f"policy {name}" for name in gone)]


def _take_credentials(session: Session, user: User, now: datetime) -> None:
    for key in list_access_keys(session, user.account_id, user.id):
        recycle_access_key(session, key, now)
    if find_login_profile(session, user) is not None:
        delete_login_profile(session, user)
    if find_device_of(session, user) is not None:
        unbind_device(session, user)


def _rejoin(session: Session, user: User, kept: KeptMembership) -> bool:
    group = session.get(Group, kept.group_id)
    if group is None or group.account_id != user.account_id:
        return False
    session.add(GroupMembership(group_id=group.id, user_id=user.id, joined_at=kept.joined_at))
    return True


def _reattach(session: Session, user: User, kept: KeptPolicy) -> bool:
    name = _policy_name(session, user.account_id, kept)
    if name is None:
        return False
    session.add(
        Attachment(
            account_id=user.account_id,
            target_kind="User",
            target_id=user.id,
            policy_type=kept.policy_type,
            policy_name=name,
            policy_key=name.lower(),
            policy_id=kept.policy_id,
            attached_at=kept.attached_at,
        )
    )
    return True


def _policy_name(session: Session, account_id: str, kept: KeptPolicy) -> str | None:
    if kept.policy_type == PolicyType.SYSTEM:
        return kept.name if kept.name in SYSTEM_POLICIES else None
    policy = session.get(Policy, kept.policy_id, populate_existing=True)
    # INVARIANT: a policy made later is another policy, though SQLite may have given it the number of a deleted one.
    if policy is None or policy.account_id != account_id or policy.created_at > kept.attached_at:
        return None
    return policy.name
