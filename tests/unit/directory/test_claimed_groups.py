"""Groups by the word of an identity provider: their rights begin at once and end by themselves."""

from collections.abc import Mapping
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from gateway.directory.accounts import Account
from gateway.directory.attachments import attach_policy, detach_policy
from gateway.directory.authorization import Authorizer
from gateway.directory.claimed_groups import DerivedGroups, delete_claimed_groups_of, replace_claimed_groups
from gateway.directory.groups import delete_group
from gateway.directory.policies import create_policy
from gateway.directory.provider_keys import oidc_provider_key
from gateway.principal import RamUser
from gateway.store.engine import Store
from tests.fake_clock import NOON, FakeClock
from tests.unit.directory.world import ACCOUNT, OTHER_ACCOUNT, group, policy, user

KEY, OTHER_KEY = oidc_provider_key(1), oidc_provider_key(2)
HOUR = timedelta(hours=1)
NOTHING: Mapping[str, tuple[str, ...]] = {}


class World:
    """Alice in no group; group staff may read."""

    def __init__(self, store: Store, clock: FakeClock) -> None:
        self.store, self.clock = store, clock
        self.authorizer = Authorizer(clock)
        with store.transaction() as session:
            self.user, self.group = user(session), group(session)
            create_policy(session, ACCOUNT, "reads", policy(action="oss:Get*"), now=NOON)
            attach_policy(session, ACCOUNT, "Custom", "reads", self.group, NOON)

    def claim(self, *names: str, key: str = KEY, hours: int = 1) -> DerivedGroups:
        with self.store.transaction() as session:
            until = self.clock.now() + hours * HOUR
            return replace_claimed_groups(session, self.user, key, dict.fromkeys(names, until))

    def may(self) -> bool:
        alice = RamUser(ACCOUNT, self.user.id, "alice")
        with self.store.reading() as session:
            return self.authorizer.decide(session, alice, "oss:GetObject", "acs:oss:*:*:b/o", NOTHING).allowed

    def stamp(self) -> int:
        with self.store.reading() as session:
            return session.scalars(select(Account.policy_stamp).where(Account.id == ACCOUNT)).one()


@pytest.fixture
def world(store: Store, account: str, clock: FakeClock) -> World:
    return World(store, clock)


def test_replace_claimed_groups__known_and_unknown_names__rights_of_the_known_ones(world: World) -> None:
    assert not world.may()
    assert world.claim("STAFF", "nobody", "") == DerivedGroups(("STAFF",))
    assert world.may()


def test_replace_claimed_groups__not_named_at_the_next_login__over_at_once(world: World) -> None:
    world.claim("staff")
    assert world.may()
    assert world.claim() == DerivedGroups((), lapsed=("staff",))
    assert not world.may()


def test_claimed_groups__nobody_comes_back__over_when_the_time_is_up(world: World) -> None:
    world.claim("staff")
    world.clock.advance(3600 - 1e-6)
    assert world.may()
    world.clock.advance(1e-6)
    assert not world.may(), "exactly at the end it is over, also for what was compiled before"


def test_replace_claimed_groups__same_groups_again__goes_on_and_compiles_nothing_anew(world: World) -> None:
    world.claim("staff")
    before = world.stamp()
    assert world.may()
    world.claim("staff", hours=2)
    assert world.stamp() == before
    world.clock.advance(3600)
    assert world.may()
    world.claim("staff", hours=1)
    assert world.stamp() == before
    world.clock.advance(3600)
    assert not world.may()


def test_replace_claimed_groups__ends_earlier_than_before__what_was_compiled_is_void(world: World) -> None:
    world.claim("staff", hours=9)
    assert world.may()
    world.claim("staff", hours=1)
    world.clock.advance(3600)
    assert not world.may()


def test_replace_claimed_groups__another_provider__does_not_end_what_the_first_said(world: World) -> None:
    world.claim("staff")
    world.claim(key=OTHER_KEY)
    assert world.may()


def test_claimed_groups__provider_deleted__over_at_once(world: World) -> None:
    world.claim("staff")
    assert world.may()
    with world.store.transaction() as session:
        delete_claimed_groups_of(session, ACCOUNT, KEY)
    assert not world.may()


def test_claimed_groups__group_deleted__no_more_rights_and_no_conflict(world: World) -> None:
    world.claim("staff")
    assert world.may()

    def delete(session: Session) -> None:
        detach_policy(session, ACCOUNT, "Custom", "reads", world.group)
        delete_group(session, ACCOUNT, "staff")

    with world.store.transaction() as session:
        delete(session)
    assert not world.may()


def test_replace_claimed_groups__group_of_another_account__left_out(world: World) -> None:
    with world.store.transaction() as session:
        group(session, "elsewhere", OTHER_ACCOUNT)
    assert world.claim("elsewhere") == DerivedGroups()
