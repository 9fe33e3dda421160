"""Whatever changes rights changes the account's policy stamp, in the same transaction."""

from collections.abc import Callable

import pytest
from sqlalchemy.orm import Session

from gateway.directory.accounts import change_policies
from gateway.directory.attachments import attach_policy, detach_policy
from gateway.directory.authorization import Authorizer
from gateway.directory.groups import add_user, delete_group, get_group, remove_user, update_group
from gateway.directory.policies import (
    create_policy,
    create_policy_version,
    delete_policy,
    delete_version,
    set_default_version,
)
from gateway.directory.policy_stamps import find_stamp
from gateway.directory.recycle_bin import delete_user
from gateway.directory.resource_services import register_service, remove_service
from gateway.directory.roles import delete_role, get_role, update_role
from gateway.directory.users import get_user, update_user
from gateway.store.engine import Store
from tests.fake_clock import NOON, FakeClock
from tests.unit.directory.world import ACCOUNT, OTHER_ACCOUNT, TRUST, group, policy, role, stamp, user

CHANGES: dict[str, Callable[[Session], object]] = {
    "attach to user": lambda s: attach_policy(
        s, ACCOUNT, "System", "ReadOnlyAccess", get_user(s, ACCOUNT, "bob"), NOON
    ),
    "attach to group": lambda s: attach_policy(s, ACCOUNT, "Custom", "p", get_group(s, ACCOUNT, "empty"), NOON),
    "attach to role": lambda s: attach_policy(s, ACCOUNT, "Custom", "p", get_role(s, ACCOUNT, "reader"), NOON),
    "detach": lambda s: detach_policy(s, ACCOUNT, "Custom", "p", get_user(s, ACCOUNT, "alice")),
    "join": lambda s: add_user(s, get_group(s, ACCOUNT, "staff"), get_user(s, ACCOUNT, "bob"), NOON),
    "leave": lambda s: remove_user(s, get_group(s, ACCOUNT, "staff"), get_user(s, ACCOUNT, "alice")),
    "new version": lambda s: create_policy_version(s, ACCOUNT, "p", policy(), set_as_default=True, now=NOON),
    "default version": lambda s: set_default_version(s, ACCOUNT, "p", "v2", NOON),
    "delete version": lambda s: delete_version(s, ACCOUNT, "p", "v2"),
    "delete policy": lambda s: delete_policy(s, ACCOUNT, "unused"),
    "rename user": lambda s: update_user(s, ACCOUNT, "alice", new_name="alicia", now=NOON),
    "rename group": lambda s: update_group(s, ACCOUNT, "staff", new_name="people", now=NOON),
    "trust policy": lambda s: update_role(s, ACCOUNT, "reader", trust_document=TRUST, now=NOON),
    "delete user": lambda s: delete_user(s, ACCOUNT, "bob", NOON),
    "delete group": lambda s: delete_group(s, ACCOUNT, "empty"),
    "delete role": lambda s: delete_role(s, ACCOUNT, "reader"),
    "register a service": lambda s: register_service(s, get_user(s, ACCOUNT, "bob").arn, ["oss"], NOON),
    "remove a service": lambda s: remove_service(s, get_user(s, ACCOUNT, "alice").arn),
}


@pytest.fixture
def populated(store: Store, account: str) -> Store:
    with store.transaction() as session:
        create_policy(session, account, "p", policy(), now=NOON)
        create_policy_version(session, account, "p", policy(), set_as_default=False, now=NOON)
        create_policy(session, account, "unused", policy(), now=NOON)
        alice, staff = user(session), group(session)
        user(session, "bob")
        group(session, "empty")
        role(session)
        add_user(session, staff, alice, NOON)
        attach_policy(session, account, "Custom", "p", alice, NOON)
        register_service(session, alice.arn, ["oss"], NOON)
    return store


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_policy_stamp__change_of_rights__is_new_at_the_commit_and_of_this_account_only(
    populated: Store, change: Callable[[Session], object]
) -> None:
    with populated.reading() as session:
        before, other_before = stamp(session), stamp(session, OTHER_ACCOUNT)
    with populated.transaction() as session:
        change(session)
        with populated.reading() as onlooker:
            assert stamp(onlooker) == before, "nobody sees a change that is not committed"
    with populated.reading() as session:
        assert stamp(session) != before
        assert stamp(session, OTHER_ACCOUNT) == other_before


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_policy_stamp__change_rolled_back__is_the_old_one(
    populated: Store, change: Callable[[Session], object]
) -> None:
    with populated.reading() as session:
        before = stamp(session)

    def fail() -> None:
        with populated.transaction() as session:
            change(session)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    with populated.reading() as session:
        assert stamp(session) == before


def test_find_stamp__asked_twice_in_a_reading__one_query_and_the_next_reading_sees_the_change(
    populated: Store, account: str
) -> None:
    with populated.looking() as reading:
        before = find_stamp(reading, account)
        with populated.transaction() as session:
            change_policies(session, account)
        assert find_stamp(reading, account) == before
        assert reading.stamps_read == {account: before}
    with populated.looking() as reading:
        assert find_stamp(reading, account) != before
        assert find_stamp(reading, "0" * 16) is None


def test_services_of__remembered__counts_until_it_is_taken_away(populated: Store, account: str) -> None:
    authorizer = Authorizer(FakeClock(), remembered=1)
    with populated.reading() as session:
        alice, bob = (get_user(session, account, name) for name in ("alice", "bob"))

    def codes(user_id: str) -> frozenset[str]:
        with populated.looking() as reading:
            return authorizer.services_of(reading, account, user_id)

    assert [codes(each.id) for each in (alice, bob, alice)] == [{"oss"}, set(), {"oss"}]
    with populated.transaction() as session:
        remove_service(session, alice.arn)
        register_service(session, bob.arn, ["log"], NOON)
        assert authorizer.services_of(session, account, alice.id) == set()
    assert [codes(each.id) for each in (alice, bob)] == [set(), {"log"}]
    with populated.looking() as reading:
        assert authorizer.services_of(reading, "0" * 16, alice.id) == set()
