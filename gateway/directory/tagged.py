"""The things that tags are put on, by name: roles and policies. Users have operations of their own to be found by."""

from collections.abc import Collection, Mapping

from sqlalchemy import select
from sqlalchemy.orm import Session

from gateway.directory.policies import Policy, get_policy
from gateway.directory.roles import Role, get_role
from gateway.directory.tags import TagKind


def thing_id_of(session: Session, account_id: str, kind: TagKind, name: str) -> str:
    """What the tags of a role or a policy are kept under. Raises: NotFound, subject "Role" or "Policy"."""
    if kind is TagKind.ROLE:
        return get_role(session, account_id, name).id
    return get_policy(session, account_id, name).tag_id


def names_of(session: Session, account_id: str, kind: TagKind, thing_ids: Collection[str]) -> Mapping[str, str]:
    """The names of roles or policies, by what their tags are kept under. One query."""
    if kind is TagKind.ROLE:
        roles = select(Role).where(Role.account_id == account_id, Role.id.in_(thing_ids))
        return {role.id: role.name for role in session.scalars(roles)}
    numbers = [int(thing_id) for thing_id in thing_ids]
    policies = select(Policy).where(Policy.account_id == account_id, Policy.id.in_(numbers))
    return {policy.tag_id: policy.name for policy in session.scalars(policies)}
