"""What hangs on a user: taken off when the user is deleted, and given back when it is restored, as far as it exists.

Given back: membership in groups that are still there, policies that are still there, tags. Not given back are the
password and the binding of an MFA device: they end with the deletion, so that nobody comes back with an old password
and without the second factor; nor what an identity provider claimed at a login. AccessKeys go to their own recycle bin.
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
from gateway.directory.claimed_groups import drop_claimed_groups
from gateway.directory.groups import Group, GroupMembership
from gateway.directory.login_profiles import delete_login_profile, find_login_profile
from gateway.directory.mfa_devices import find_device_of, unbind_device
from gateway.directory.names import name_key
from gateway.directory.policies import Policy
from gateway.directory.recycled_keys import recycle_access_key
from gateway.directory.tags import TagKind, drop_tags, set_tags, tags_of
from gateway.directory.users import User
from gateway.policy import SYSTEM_POLICIES


@dataclass(frozen=True, slots=True)
class KeptMembership:
    group_id: str
    joined_at: datetime


@dataclass(frozen=True, slots=True)
class KeptPolicy:
    policy_type: str
    name: str
    attached_at: datetime
    custom: "KeptCustomPolicy | None"


@dataclass(frozen=True, slots=True)
class KeptCustomPolicy:
    """Which row it was. The number alone does not tell: SQLite gives that of a deleted last row a second time."""

    id: int
    made_at: datetime


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
                "policies": [_policy_to_json(kept) for kept in self.policies],
                "tags": dict(self.tags),
            },
            separators=(",", ":"),
        )


def belongings_from_json(text: str) -> Belongings:
    """What `Belongings.to_json` wrote."""
    stored: dict[str, Any] = json.loads(text)
    return Belongings(
        tuple(KeptMembership(group_id, datetime.fromisoformat(at)) for group_id, at in stored["memberships"]),
        tuple(_policy_from_json(each) for each in stored["policies"]),
        stored["tags"],
    )


def _policy_to_json(kept: KeptPolicy) -> dict[str, Any]:
    custom = None if kept.custom is None else [kept.custom.id, kept.custom.made_at.isoformat()]
    return {"type": kept.policy_type, "name": kept.name, "at": kept.attached_at.isoformat(), "custom": custom}


def _policy_from_json(stored: Mapping[str, Any]) -> KeptPolicy:
    custom = stored["custom"]
    return KeptPolicy(
        stored["type"],
        stored["name"],
        datetime.fromisoformat(stored["at"]),
        None if custom is None else KeptCustomPolicy(custom[0], datetime.fromisoformat(custom[1])),
    )


def take_belongings(session: Session, user: User, now: datetime) -> Belongings:
    """Take off a user whatever hangs on it. The account must be locked."""
    memberships = session.scalars(select(GroupMembership).where(GroupMembership.user_id == user.id)).all()
    attachments = policies_of(session, user)
    belongings = Belongings(
        tuple(KeptMembership(row.group_id, row.joined_at) for row in memberships),
        tuple(_kept_policy(session, row) for row in attachments),
        tags_of(session, user.account_id, TagKind.USER, user.id),
    )
    for row in (*memberships, *attachments):
        session.delete(row)
    drop_tags(session, user.account_id, TagKind.USER, user.id)
    drop_claimed_groups(session, user)
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


def _kept_policy(session: Session, row: Attachment) -> KeptPolicy:
    policy = None if row.policy_id is None else session.get_one(Policy, row.policy_id)
    custom = None if policy is None else KeptCustomPolicy(policy.id, policy.created_at)
    return KeptPolicy(row.policy_type, row.policy_name, row.attached_at, custom)


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
    if not _still_there(session, user.account_id, kept):
        return False
    session.add(
        Attachment(
            account_id=user.account_id,
            target_kind="User",
            target_id=user.id,
            policy_type=kept.policy_type,
            policy_name=kept.name,
            policy_key=name_key(kept.name),
            policy_id=None if kept.custom is None else kept.custom.id,
            attached_at=kept.attached_at,
        )
    )
    return True


def _still_there(session: Session, account_id: str, kept: KeptPolicy) -> bool:
    """INVARIANT: a policy that was made since, under whatever name and number, is another policy."""
    if kept.custom is None:
        return kept.name in SYSTEM_POLICIES
    policy = session.get(Policy, kept.custom.id, populate_existing=True)
    return policy is not None and (policy.account_id, policy.name, policy.created_at) == (
        account_id,
        kept.name,
        kept.custom.made_at,
    )
