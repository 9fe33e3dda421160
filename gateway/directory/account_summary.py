"""How many things of each kind an account has. Each count looks at the account's own rows only, in an index."""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from gateway.directory.groups import Group
from gateway.directory.mfa_devices import MfaDevice
from gateway.directory.policies import Policy
from gateway.directory.roles import Role
from gateway.directory.users import User


@dataclass(frozen=True, slots=True)
class Counts:
    users: int
    groups: int
    roles: int
    policies: int  # custom ones
    mfa_devices: int
    mfa_devices_in_use: int  # bound to a user or to the account owner


def count_things(session: Session, account_id: str) -> Counts:
    """What there is now; what is in the recycle bin does not count."""
    mine = MfaDevice.account_id == account_id
    return Counts(
        users=_count(session, User.account_id == account_id),
        groups=_count(session, Group.account_id == account_id),
        roles=_count(session, Role.account_id == account_id),
        policies=_count(session, Policy.account_id == account_id),
        mfa_devices=_count(session, mine),
        mfa_devices_in_use=_count(session, mine & (MfaDevice.bound_at.is_not(None))),
    )


def _count(session: Session, mine: ColumnElement[bool]) -> int:
    return session.scalars(select(func.count()).where(mine)).one()
