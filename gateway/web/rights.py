"""Where somebody's rights come from: the policies attached to them, and through what."""

from dataclasses import dataclass

from sqlalchemy.orm import Session

from gateway.directory.attachments import Attachment, policies_of
from gateway.directory.groups import Group, groups_of
from gateway.directory.roles import Role, get_role_by_id
from gateway.directory.users import User, get_user_by_id
from gateway.principal import AccountOwner, Principal, RamUser


@dataclass(frozen=True, slots=True)
class Right:
    """A policy that counts for somebody. `through` is in words, such as `group developers`."""

    policy_type: str
    policy_name: str
    through: str


def rights_of(session: Session, principal: Principal) -> tuple[Right, ...]:
    """Own policies first, then those of groups; none for the account owner, who needs none."""
    match principal:
        case AccountOwner():
            holders: list[User | Group | Role | None] = []
        case RamUser():
            user = get_user_by_id(session, principal.user_id)
            holders = [user, *groups_of(session, user)] if user else []
        case _:
            holders = [get_role_by_id(session, principal.role_id)]
    return tuple(_right(attached, holder) for holder in holders if holder for attached in policies_of(session, holder))


def _right(attached: Attachment, holder: User | Group | Role) -> Right:
    return Right(attached.policy_type, attached.policy_name, f"{type(holder).__name__.lower()} {holder.name}")
