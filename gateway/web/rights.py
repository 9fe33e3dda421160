"""Where somebody's rights come from: the policies attached to them, and through what."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from gateway.directory.attachments import Attachment, policies_of
from gateway.directory.claimed_groups import claimed_groups
from gateway.directory.groups import Group, groups_of
from gateway.directory.roles import Role, find_role_by_id
from gateway.directory.users import User, find_user_by_id
from gateway.principal import AccountOwner, Principal, RamUser


@dataclass(frozen=True, slots=True)
class Right:
    """A policy that counts for somebody. `through` is in words, such as `group developers`."""

    policy_type: str
    policy_name: str
    through: str


def rights_of(session: Session, principal: Principal, now: datetime) -> tuple[Right, ...]:
    """Own policies first, then those of groups, also of those that the sign-in said; none for the account owner, who
    needs none.
    """
    match principal:
        case AccountOwner():
            holders: list[User | Group | Role | None] = []
        case RamUser():
            user = find_user_by_id(session, principal.account_id, principal.user_id)
            holders = [user, *groups_of(session, user), *_claimed(session, user, now)] if user else []
        case _:
            holders = [find_role_by_id(session, principal.role_id)]
    return tuple(_right(attached, holder) for holder in holders if holder for attached in policies_of(session, holder))


def _claimed(session: Session, user: User, now: datetime) -> list[Group]:
    """Groups that a login said, without those that the user is in anyway."""
    own = {group.id for group in groups_of(session, user)}
    ids, _ = claimed_groups(session, user.id, now)
    found = (session.get(Group, group_id) for group_id in ids if group_id not in own)
    return [group for group in found if group is not None]


def _right(attached: Attachment, holder: User | Group | Role) -> Right:
    return Right(attached.policy_type, attached.policy_name, f"{type(holder).__name__.lower()} {holder.name}")
