"""Groups that a user is in because an identity provider says so: derived anew at each login, and over with it.

They stand beside the lasting memberships, which only administrators change. A membership counts until `expires_at`, so
that whoever is taken off a group upstream, or never comes back, loses its rights without anybody doing anything.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ForeignKey, delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from gateway.directory.accounts import change_policies
from gateway.directory.groups import Group
from gateway.directory.names import name_key
from gateway.directory.users import User
from gateway.store.base import Base


class ClaimedMembership(Base):
    __tablename__ = "claimed_memberships"

    user_id: Mapped[str] = mapped_column(primary_key=True)
    group_id: Mapped[str] = mapped_column(ForeignKey("groups.id", ondelete="CASCADE"), primary_key=True, index=True)
    provider_key: Mapped[str]
    expires_at: Mapped[datetime]


@dataclass(frozen=True, slots=True)
class DerivedGroups:
    """What a login did about groups, by their names: those that count from now on, and those that it says no more."""

    counting: tuple[str, ...] = ()
    lapsed: tuple[str, ...] = ()


def replace_claimed_groups(
    session: Session, user: User, provider_key: str, until: Mapping[str, datetime]
) -> DerivedGroups:
    """Let `user` be in exactly these groups of its account, as far as this provider is concerned: name to end.

    Names that no group has are left out. What every worker has compiled
    is void only if a membership begins, or ends earlier than it would have; one that goes on is looked up in time.
    """
    wanted = _groups(session, user.account_id, until)
    own = select(ClaimedMembership).where(ClaimedMembership.user_id == user.id)
    present = {row.group_id: row for row in session.scalars(own)}
    gone = {key for key, row in present.items() if row.provider_key == provider_key} - set(wanted)
    if gone or any(key not in present or present[key].expires_at > until[name] for key, name in wanted.items()):
        change_policies(session, user.account_id)
    lapsed = tuple(session.scalars(select(Group.name).where(Group.id.in_(gone)).order_by(Group.name))) if gone else ()
    for key in gone:
        session.delete(present[key])
    for key, name in wanted.items():
        row = ClaimedMembership(user_id=user.id, group_id=key, provider_key=provider_key, expires_at=until[name])
        session.merge(row)
    session.flush()
    return DerivedGroups(tuple(sorted(wanted.values())), lapsed)


def claimed_groups(session: Session, user_id: str, now: datetime) -> tuple[tuple[str, ...], datetime | None]:
    """The ids of the groups that count at `now`, and when the first of them lapses."""
    rows = session.execute(
        select(ClaimedMembership.group_id, ClaimedMembership.expires_at)
        .join(Group, Group.id == ClaimedMembership.group_id)
        .where(ClaimedMembership.user_id == user_id, ClaimedMembership.expires_at > now)
    ).all()
    return tuple(group_id for group_id, _ in rows), min((expires_at for _, expires_at in rows), default=None)


def delete_claimed_groups_of(session: Session, account_id: str, provider_key: str) -> None:
    """With a provider goes what it said about groups."""
    change_policies(session, account_id)
    session.execute(delete(ClaimedMembership).where(ClaimedMembership.provider_key == provider_key))


def drop_claimed_groups(session: Session, user: User) -> None:
    """For whoever deletes a user. The account must be locked, its policy stamp new."""
    session.execute(delete(ClaimedMembership).where(ClaimedMembership.user_id == user.id))


def _groups(session: Session, account_id: str, names: Collection[str]) -> dict[str, str]:
    """Ids of the groups that exist, to the names as they were given; of two spellings of one name the first counts."""
    spelt: dict[str, str] = {}
    for name in names:
        spelt.setdefault(name_key(name), name)
    query = select(Group.id, Group.name_key).where(
        Group.account_id == account_id, Group.name_key.in_(spelt.keys() - {""})
    )
    return {group_id: spelt[key] for group_id, key in session.execute(query)} if spelt else {}
