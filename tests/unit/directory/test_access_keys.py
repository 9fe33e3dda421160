"""AccessKeys."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from gateway.directory import quotas
from gateway.directory.access_keys import (
    AccessKeyRow,
    create_access_key,
    find_access_key,
    is_idle,
    list_access_keys,
    lock_access_key,
    set_status,
)
from gateway.directory.recycled_keys import delete_access_key
from gateway.directory.security_preference import SecurityChange, set_security_preference
from gateway.errors import CredentialError, InputError, LimitExceeded, NotFound, Reason
from gateway.keyring import KeyRing, new_master_key
from gateway.store.engine import Store
from gateway.store.fleeting import LastUse
from tests.fake_clock import NOON
from tests.statements import counted_queries
from tests.unit.directory.world import OTHER_ACCOUNT, refused, user

RING = KeyRing((new_master_key(),))


def test_create_access_key__of_a_user__is_found_with_its_secret_by_one_query(store: Store, account: str) -> None:
    with store.transaction() as session:
        alice = user(session)
        made = create_access_key(session, RING, account_id=account, user_id=alice.id, now=NOON)
    assert made.secret.reveal() not in repr(made)
    with store.reading() as session, counted_queries(session) as queries:
        found = find_access_key(session, RING, made.access_key_id)
    assert len(queries) == 1
    assert found is not None
    assert found.secret == made.secret
    assert made.secret.reveal() not in repr(found)
    assert (found.account_id, found.user_id, found.user_name) == (account, alice.id, "alice")
    assert (found.owner_login, found.active) == ("owner@company.example", True)


def test_create_access_key__of_the_owner__has_no_user(store: Store, account: str) -> None:
    with store.transaction() as session:
        made = create_access_key(session, RING, account_id=account, user_id=None, now=NOON)
        found = find_access_key(session, RING, made.access_key_id)
        assert found is not None
        assert (found.user_id, found.user_name, found.owner_login) == (None, None, "owner@company.example")


def test_create_access_key__secret_at_rest__is_sealed_and_bound_to_its_id(store: Store, account: str) -> None:
    with store.transaction() as session:
        first, second = (create_access_key(session, RING, account_id=account, user_id=None, now=NOON) for _ in "12")
        rows = {row.id: row for row in session.scalars(select(AccessKeyRow))}
        assert first.secret.reveal().encode() not in rows[first.access_key_id].sealed_secret
        rows[first.access_key_id].sealed_secret = rows[second.access_key_id].sealed_secret
        session.flush()
        with pytest.raises(CredentialError) as caught:
            find_access_key(session, RING, first.access_key_id)
        assert caught.value.reason is Reason.TOKEN_MALFORMED


def test_create_access_key__third_or_for_a_stranger__refused(store: Store, account: str) -> None:
    assert (quotas.ACCESS_KEYS_PER_USER, quotas.ACCESS_KEYS_PER_OWNER) == (2, 2)
    with store.transaction() as session:
        mallory = user(session, "mallory", OTHER_ACCOUNT)
        for user_id in (user(session).id, None):
            for _ in range(2):
                create_access_key(session, RING, account_id=account, user_id=user_id, now=NOON)
            with refused(LimitExceeded, Reason.LIMIT_EXCEEDED, "User.AccessKey"):
                create_access_key(session, RING, account_id=account, user_id=user_id, now=NOON)
        for stranger in (mallory.id, "123456789012345678", "\0"):
            with refused(NotFound, Reason.NOT_FOUND, "User"):
                create_access_key(session, RING, account_id=account, user_id=stranger, now=NOON)


@pytest.mark.parametrize(
    "key_id", ["", "LTAIunknown", "LTAI\0", "\ud800", "x" * 300_000, "STS.key"], ids=lambda k: ascii(k[:9])
)
def test_find_access_key__unknown__none(store: Store, account: str, key_id: str) -> None:
    with store.reading() as session:
        assert find_access_key(session, RING, key_id) is None


def test_set_status__inactive__is_found_but_not_active(store: Store, account: str) -> None:
    with store.transaction() as session:
        alice = user(session)
        key = create_access_key(session, RING, account_id=account, user_id=alice.id, now=NOON).access_key_id
        set_status(session, account_id=account, user_id=alice.id, access_key_id=key, status="Inactive", now=NOON)
        found = find_access_key(session, RING, key)
        assert found is not None
        assert not found.active
        with refused(InputError, Reason.PARAMETER_INVALID, "Status"):
            set_status(session, account_id=account, user_id=alice.id, access_key_id=key, status="active", now=NOON)


def test_delete_access_key__somebody_elses__not_found(store: Store, account: str) -> None:
    with store.transaction() as session:
        alice, bob = user(session), user(session, "bob")
        key = create_access_key(session, RING, account_id=account, user_id=alice.id, now=NOON).access_key_id
        for account_id, user_id in ((account, bob.id), (account, None), (OTHER_ACCOUNT, alice.id)):
            with refused(NotFound, Reason.NOT_FOUND, "User.AccessKey"):
                delete_access_key(session, account_id=account_id, user_id=user_id, access_key_id=key, now=NOON)
            with refused(NotFound, Reason.NOT_FOUND, "User.AccessKey"):
                set_status(
                    session, account_id=account_id, user_id=user_id, access_key_id=key, status="Inactive", now=NOON
                )
        assert [row.id for row in list_access_keys(session, account, alice.id)] == [key]
        delete_access_key(session, account_id=account, user_id=alice.id, access_key_id=key, now=NOON)
        assert find_access_key(session, RING, key) is None
        assert list_access_keys(session, account, alice.id) == []


@pytest.mark.parametrize(
    ("created", "changed", "used", "idle"),
    [
        (91, 91, None, True),
        (90, 90, None, False),
        (91, 7, None, False),
        (91, 8, None, True),
        (400, 400, 90, False),
        (400, 400, 91, True),
        (400, 6, 300, False),
    ],
)
def test_is_idle__days_since__counts_from_the_last_use(
    created: int, changed: int, used: int | None, *, idle: bool
) -> None:
    last_use = None if used is None else LastUse(NOON - timedelta(days=used), "Ram")
    days = NOON - timedelta(days=created), NOON - timedelta(days=changed)
    assert is_idle(*days, last_use, 90, NOON) is idle


def test_find_access_key__account_chose_how_long_keys_may_idle__knows_it(store: Store, account: str) -> None:
    with store.transaction() as session:
        key_id = create_access_key(session, RING, account_id=account, user_id=None, now=NOON).access_key_id
        found = find_access_key(session, RING, key_id)
        assert found is not None
        assert (found.max_idle_days, found.idle(None, NOON + timedelta(days=731))) == (730, True)
        set_security_preference(session, account, SecurityChange(max_idle_days_for_access_keys=90))
        found = find_access_key(session, RING, key_id)
        assert found is not None
        assert (found.max_idle_days, found.created_at, found.changed_at) == (90, NOON, NOON)
        assert found.idle(None, NOON + timedelta(days=91))
        assert not found.idle(LastUse(NOON + timedelta(days=1), "Ram"), NOON + timedelta(days=91))


def test_lock_access_key__another_process_deleted_it_since_it_was_read__not_found(store: Store, account: str) -> None:
    with store.transaction() as session:
        key_id = create_access_key(session, RING, account_id=account, user_id=None, now=NOON).access_key_id
    with store.reading() as early:
        stale = early.get_one(AccessKeyRow, key_id)
    with store.transaction() as session:
        delete_access_key(session, account_id=account, user_id=None, access_key_id=key_id, now=NOON)
    with store.transaction() as session:
        session.merge(stale, load=False)
        with refused(NotFound, Reason.NOT_FOUND, "User.AccessKey"):
            lock_access_key(session, account, None, key_id)
