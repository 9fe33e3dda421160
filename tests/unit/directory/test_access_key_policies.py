"""Setting the network policies of keys and accounts."""

import json

from sqlalchemy import select

from gateway.directory.access_key_policies import (
    check_still_usable,
    get_account_policy,
    get_key_policy,
    set_account_policy,
    set_key_policy,
)
from gateway.directory.access_keys import create_access_key, find_access_key
from gateway.directory.network_policies import NO_POLICY, NetworkPolicyRow, parse_network_policy
from gateway.directory.recycled_keys import delete_access_key, purge_access_key, restore_access_key
from gateway.errors import InputError, NotFound, Reason
from gateway.keyring import KeyRing, new_master_key
from gateway.store.engine import Store
from tests.fake_clock import NOON
from tests.unit.directory.world import OTHER_ACCOUNT, refused, user

RING = KeyRing((new_master_key(),))
NONE = NO_POLICY.render()


def policy(network: str, status: str = "Active") -> str:
    statements = [{"Type": "ClassicWhiteList", "IPList": [network]}]
    return parse_network_policy(json.dumps({"Status": status, "Statements": statements})).render()


HERE, ELSEWHERE = policy("192.0.2.0/24"), policy("198.51.100.0/24")


def test_find_access_key__policies_are_set__brings_them_along(store: Store, account: str) -> None:
    with store.transaction() as session:
        made = create_access_key(session, RING, account_id=account, user_id=None, now=NOON)
        key_id = made.access_key_id
        found = find_access_key(session, RING, key_id)
        assert found is not None
        assert (found.own_policy, found.account_policy) == (None, None)
        set_key_policy(
            session, account_id=account, user_id=None, access_key_id=key_id, policy=parse_network_policy(HERE)
        )
        set_account_policy(session, account, parse_network_policy(ELSEWHERE))
        set_account_policy(session, OTHER_ACCOUNT, parse_network_policy(HERE))
        found = find_access_key(session, RING, key_id)
        assert found is not None
        assert (found.own_policy, found.account_policy) == (HERE, ELSEWHERE)
        assert get_key_policy(session, account_id=account, user_id=None, access_key_id=key_id) == HERE
        set_account_policy(session, account, NO_POLICY)
        set_key_policy(session, account_id=account, user_id=None, access_key_id=key_id, policy=NO_POLICY)
        assert get_key_policy(session, account_id=account, user_id=None, access_key_id=key_id) == NONE
        assert (get_account_policy(session, account), get_account_policy(session, OTHER_ACCOUNT)) == (NONE, HERE)


def test_set_key_policy__key_of_somebody_else__refused(store: Store, account: str) -> None:
    with store.transaction() as session:
        alice, bob = user(session, "alice"), user(session, "bob")
        made = create_access_key(session, RING, account_id=account, user_id=alice.id, now=NOON)
        for account_id, user_id, key_id in (
            (account, bob.id, made.access_key_id),
            (account, None, made.access_key_id),
            (OTHER_ACCOUNT, alice.id, made.access_key_id),
            (account, alice.id, account),
            (account, alice.id, "\x00"),
        ):
            with refused(NotFound, Reason.NOT_FOUND, "User.AccessKey"):
                set_key_policy(
                    session,
                    account_id=account_id,
                    user_id=user_id,
                    access_key_id=key_id,
                    policy=parse_network_policy(HERE),
                )
        assert session.scalars(select(NetworkPolicyRow)).all() == []


def test_set_key_policy__key_goes_through_the_recycle_bin__is_held_by_its_policy_as_before(
    store: Store, account: str
) -> None:
    with store.transaction() as session:
        alice = user(session)
        ids = [
            create_access_key(session, RING, account_id=account, user_id=alice.id, now=NOON).access_key_id
            for _ in range(2)
        ]
        for key_id in ids:
            set_key_policy(
                session, account_id=account, user_id=alice.id, access_key_id=key_id, policy=parse_network_policy(HERE)
            )
        delete_access_key(session, account_id=account, user_id=alice.id, access_key_id=ids[0], now=NOON)
        set_key_policy(
            session, account_id=account, user_id=alice.id, access_key_id=ids[1], policy=parse_network_policy(ELSEWHERE)
        )
        restore_access_key(session, account_id=account, user_id=alice.id, access_key_id=ids[0], now=NOON)
        assert get_key_policy(session, account_id=account, user_id=alice.id, access_key_id=ids[0]) == HERE


def test_set_key_policy__another_key_is_gone_for_good__forgets_its_policy(store: Store, account: str) -> None:
    with store.transaction() as session:
        alice = user(session)
        ids = [
            create_access_key(session, RING, account_id=account, user_id=alice.id, now=NOON).access_key_id
            for _ in range(2)
        ]
        set_account_policy(session, account, parse_network_policy(HERE))
        for key_id in ids:
            set_key_policy(
                session, account_id=account, user_id=alice.id, access_key_id=key_id, policy=parse_network_policy(HERE)
            )
        delete_access_key(session, account_id=account, user_id=alice.id, access_key_id=ids[0], now=NOON)
        purge_access_key(session, account_id=account, user_id=alice.id, access_key_id=ids[0], now=NOON)
        set_key_policy(
            session, account_id=account, user_id=alice.id, access_key_id=ids[1], policy=parse_network_policy(ELSEWHERE)
        )
        assert set(session.scalars(select(NetworkPolicyRow.holder_id))) == {account, ids[1]}


def test_check_still_usable__policies_in_force__refuses_what_would_shut_the_caller_out(
    store: Store, account: str
) -> None:
    with store.transaction() as session:
        key_id = create_access_key(session, RING, account_id=account, user_id=None, now=NOON).access_key_id
        check_still_usable(session, account, key_id, "203.0.113.1")
        set_account_policy(session, account, parse_network_policy(HERE))
        check_still_usable(session, account, key_id, "192.0.2.1")
        for address in ("203.0.113.1", ""):
            with refused(InputError, Reason.PARAMETER_INVALID, "AccessKeyPolicy"):
                check_still_usable(session, account, key_id, address)
        set_key_policy(
            session, account_id=account, user_id=None, access_key_id=key_id, policy=parse_network_policy(ELSEWHERE)
        )
        check_still_usable(session, account, key_id, "198.51.100.1")
        with refused(InputError, Reason.PARAMETER_INVALID, "AccessKeyPolicy"):
            check_still_usable(session, account, key_id, "192.0.2.1")
