"""Deleted AccessKeys: in the recycle bin, back again, or gone for good."""

from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from gateway.directory import recycled_keys
from gateway.directory.access_keys import create_access_key, find_access_key, list_access_keys
from gateway.directory.recycled_keys import (
    delete_access_key,
    get_recycled_key,
    list_recycled_keys,
    restore_access_key,
)
from gateway.directory.users import User
from gateway.errors import LimitExceeded, NotFound, Reason
from gateway.keyring import KeyRing, new_master_key
from gateway.store.engine import Store
from tests.fake_clock import NOON
from tests.unit.directory.world import ACCOUNT, refused, user

RING = KeyRing((new_master_key(),))
LATER = NOON + timedelta(days=1)


def new_key(session: Session, of: User, now: datetime = NOON) -> str:
    return create_access_key(session, RING, account_id=ACCOUNT, user_id=of.id, now=now).access_key_id


def test_recycle_bin__more_keys_of_a_user_than_it_holds__the_oldest_makes_room(store: Store, account: str) -> None:
    assert recycled_keys.KEYS_PER_USER == 3
    with store.transaction() as session:
        alice, bob = user(session), user(session, "bob")
        other = new_key(session, bob)
        delete_access_key(session, account_id=account, user_id=bob.id, access_key_id=other, now=NOON)
        keys = []
        for minute in range(4):
            now = NOON + timedelta(minutes=minute)
            keys.append(new_key(session, alice, now))
            delete_access_key(session, account_id=account, user_id=alice.id, access_key_id=keys[-1], now=now)
        kept = [row.id for row in list_recycled_keys(session, account, alice.id, LATER)]
        assert kept == [keys[3], keys[2], keys[1]]
        assert [row.id for row in list_recycled_keys(session, account, bob.id, LATER)] == [other]


def test_delete_access_key__of_the_account_owner__gone_for_good(store: Store, account: str) -> None:
    with store.transaction() as session:
        key = create_access_key(session, RING, account_id=account, user_id=None, now=NOON).access_key_id
        delete_access_key(session, account_id=account, user_id=None, access_key_id=key, now=NOON)
        with refused(NotFound, Reason.NOT_FOUND, "User.AccessKey"):
            get_recycled_key(session, account, key, NOON)


def test_restore_access_key__opens_with_the_same_secret_and_is_inactive(store: Store, account: str) -> None:
    with store.transaction() as session:
        alice = user(session)
        made = create_access_key(session, RING, account_id=account, user_id=alice.id, now=NOON)
        key = made.access_key_id
        delete_access_key(session, account_id=account, user_id=alice.id, access_key_id=key, now=NOON)
        restore_access_key(session, account_id=account, user_id=alice.id, access_key_id=key, now=LATER)
        found = find_access_key(session, RING, key)
        assert found is not None
        assert (found.secret.reveal(), found.active, found.user_id) == (made.secret.reveal(), False, alice.id)
        [row] = list_access_keys(session, account, alice.id)
        assert (row.created_at, row.updated_at) == (NOON, LATER)
        assert list_recycled_keys(session, account, alice.id, LATER) == []


def test_restore_access_key__user_has_two_others__refused(store: Store, account: str) -> None:
    with store.transaction() as session:
        alice = user(session)
        key = new_key(session, alice)
        delete_access_key(session, account_id=account, user_id=alice.id, access_key_id=key, now=NOON)
        new_key(session, alice)
        new_key(session, alice)
        with refused(LimitExceeded, Reason.LIMIT_EXCEEDED, "User.AccessKey"):
            restore_access_key(session, account_id=account, user_id=alice.id, access_key_id=key, now=LATER)
        assert get_recycled_key(session, account, key, LATER).user_id == alice.id
