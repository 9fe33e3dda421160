"""Several transactions at once about one user: one wins, the others are refused with a reason, nothing is half done."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from gateway.directory.access_keys import AccessKeyRow, create_access_key
from gateway.directory.attachments import Attachment, attach_policy
from gateway.directory.groups import GroupMembership, add_user, get_group
from gateway.directory.login_profiles import create_login_profile
from gateway.directory.recycle_bin import RecycledUser, recycle_user, restore_user
from gateway.directory.recycled_keys import RecycledAccessKey, restore_access_key
from gateway.directory.users import User, find_user, find_user_by_id, get_user, update_user
from gateway.errors import GatewayError
from gateway.keyring import KeyRing, new_master_key
from gateway.secret import Secret
from gateway.store.base import Base
from gateway.store.engine import Store
from tests.fake_clock import NOON
from tests.unit.directory.world import ACCOUNT, group, user

RING = KeyRing((new_master_key(),))
Change = Callable[[Session], object]


def at_once(store: Store, changes: Sequence[Change]) -> list[str]:
    """Run each in a transaction of its own, all at the same time; "" or the reason and subject of its refusal."""
    barrier = Barrier(len(changes))

    def run(change: Change) -> str:
        try:
            with store.transaction() as session:
                # As a request does: read first, and then wait for the others, where the database lets it.
                find_user(session, ACCOUNT, "alice")
                if store.engine.dialect.name == "postgresql":
                    barrier.wait(timeout=20)
                change(session)
        except GatewayError as refused:
            return f"{refused.reason} {refused.subject}"
        return ""

    with ThreadPoolExecutor(len(changes)) as pool:
        return list(pool.map(run, changes))


def count(session: Session, table: type[Base]) -> int:
    return session.scalars(select(func.count()).select_from(table)).one()


def test_recycle_user__five_at_once__one_does_it(store: Store, account: str) -> None:
    with store.transaction() as session:
        alice = user(session)
        create_access_key(session, RING, account_id=account, user_id=alice.id, now=NOON)
    outcomes = at_once(store, [lambda s: recycle_user(s, account, alice.id, NOON)] * 5)
    assert sorted(outcomes) == ["", *["NotFound User"] * 4]
    with store.reading() as session:
        assert (count(session, RecycledUser), count(session, RecycledAccessKey)) == (1, 1)


def test_restore_user__five_at_once_and_somebody_takes_the_name__one_has_it(store: Store, account: str) -> None:
    with store.transaction() as session:
        alice = user(session)
        recycle_user(session, account, alice.id, NOON)
    changes: list[Change] = [lambda s: restore_user(s, account, alice.id, NOON)] * 5
    outcomes = at_once(store, [*changes, lambda s: user(s, "Alice")])
    assert outcomes.count("") == 1
    assert set(outcomes) <= {"", "NotFound User", "AlreadyExists User"}
    with store.reading() as session:
        assert count(session, User) == 1
        restored = find_user_by_id(session, account, alice.id) is not None
        assert count(session, RecycledUser) == (0 if restored else 1)


def test_recycle_user__while_everybody_hangs_things_on_it__nothing_is_left_hanging(store: Store, account: str) -> None:
    with store.transaction() as session:
        alice = user(session)
        group(session)

    def join(session: Session) -> None:
        staff, who = get_group(session, account, "staff"), get_user(session, account, "alice")
        add_user(session, staff, who, NOON)

    outcomes = at_once(
        store,
        [
            lambda s: recycle_user(s, account, alice.id, NOON),
            join,
            lambda s: create_access_key(s, RING, account_id=account, user_id=alice.id, now=NOON),
            lambda s: attach_policy(s, account, "System", "AliyunRAMReadOnlyAccess", alice, NOON),
            lambda s: create_login_profile(s, alice, Secret("Correct-Horse-7"), now=NOON),
            lambda s: update_user(s, account, "alice", new_name="alicia", now=NOON),
        ],
    )
    assert outcomes[0] == ""
    assert set(outcomes) <= {"", "NotFound User"}
    with store.transaction() as session:
        for table in (User, GroupMembership, AccessKeyRow, Attachment):
            assert count(session, table) == 0
        restore_user(session, account, alice.id, NOON)
        assert count(session, GroupMembership) == (1 if outcomes[1] == "" else 0)
        assert count(session, Attachment) == (1 if outcomes[3] == "" else 0)
        assert count(session, RecycledAccessKey) == (1 if outcomes[2] == "" else 0)


def test_restore_access_key__beside_new_keys__never_more_than_two(store: Store, account: str) -> None:
    with store.transaction() as session:
        alice = user(session)
        key = create_access_key(session, RING, account_id=account, user_id=alice.id, now=NOON).access_key_id
        recycle_user(session, account, alice.id, NOON)
        restore_user(session, account, alice.id, NOON)

    def restore(session: Session) -> None:
        restore_access_key(session, account_id=account, user_id=alice.id, access_key_id=key, now=NOON)

    new_keys: list[Change] = [lambda s: create_access_key(s, RING, account_id=account, user_id=alice.id, now=NOON)] * 3
    outcomes = at_once(store, [restore, restore, *new_keys])
    assert set(outcomes) <= {"", "NotFound User.AccessKey", "LimitExceeded User.AccessKey"}
    assert outcomes.count("") == 2
    with store.reading() as session:
        assert count(session, AccessKeyRow) == 2
