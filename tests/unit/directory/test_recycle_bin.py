"""The recycle bin: where deleted users and AccessKeys are, until they come back or are gone for good."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from gateway.directory import quotas, recycle_bin
from gateway.directory.access_keys import create_access_key, find_access_key
from gateway.directory.attachments import attach_policy, detach_policy, policies_of
from gateway.directory.groups import add_user, delete_group, groups_of, memberships_of
from gateway.directory.login_profiles import create_login_profile, find_login_profile
from gateway.directory.mfa_devices import bind_device, create_device, find_device_of, get_device
from gateway.directory.policies import create_policy, delete_policy
from gateway.directory.recycle_bin import (
    RecycledUser,
    find_recycled_user,
    page_recycled_users,
    purge_user,
    recycle_user,
    restore_user,
)
from gateway.directory.recycled_keys import (
    RecycledAccessKey,
    get_recycled_key,
    list_recycled_keys,
    purge_access_key,
    restore_access_key,
)
from gateway.directory.tags import TagKind, set_tags, tags_of
from gateway.directory.users import User, find_user, get_user, list_users
from gateway.errors import AlreadyExists, LimitExceeded, NotFound, Reason
from gateway.keyring import KeyRing, new_master_key
from gateway.secret import Secret
from gateway.store.base import Base
from gateway.store.engine import Store
from gateway.store.paging import Page
from tests.fake_clock import NOON
from tests.unit.directory.world import ACCOUNT, OTHER_ACCOUNT, group, policy, refused, stamp, user

RING = KeyRing((new_master_key(),))
LATER = NOON + timedelta(days=1)
EVERYTHING = Page(size=100)
BIN = timedelta(days=30)


def new_key(session: Session, of: User, now: datetime = NOON) -> str:
    return create_access_key(session, RING, account_id=ACCOUNT, user_id=of.id, now=now).access_key_id


def bin_of(session: Session, now: datetime) -> list[str]:
    return [kept.name for kept in page_recycled_users(session, ACCOUNT, EVERYTHING, now).rows]


def test_recycle_user__with_everything_on_it__takes_all_off(store: Store, account: str) -> None:
    with store.transaction() as session:
        alice, staff = user(session), group(session)
        add_user(session, staff, alice, NOON)
        attach_policy(session, account, "System", "AliyunRAMReadOnlyAccess", alice, NOON)
        key = new_key(session, alice)
        create_login_profile(session, alice, Secret("Correct-Horse-7"), now=NOON)
        device = create_device(session, RING, account, "phone", NOON).device
        bind_device(session, device.id, alice, NOON)
        set_tags(session, account, TagKind.USER, alice.id, {"team": "blue"})
    with store.transaction() as session:
        before = stamp(session)
        kept = recycle_user(session, account, alice.id, LATER)
        assert stamp(session) != before
        assert (kept.id, kept.recycled_at, kept.expires_at) == (alice.id, LATER, LATER + BIN)
    with store.reading() as session:
        assert find_user(session, account, "alice") is None
        assert not [*groups_of(session, alice), *policies_of(session, alice), *list_users(session, account)]
        assert find_access_key(session, RING, key) is None
        assert find_login_profile(session, alice) is None
        assert find_device_of(session, alice) is None
        assert not get_device(session, account, device.serial_number).bound
        assert tags_of(session, account, TagKind.USER, alice.id) == {}
        assert [row.id for row in list_recycled_keys(session, account, alice.id, LATER)] == [key]
        assert bin_of(session, LATER) == ["alice"]


def test_every_table_that_refers_to_users__is_emptied_by_the_deletion_or_goes_with_it() -> None:
    """A new table with a foreign key to users needs a line in `belongings`, or must go with the user by itself."""
    taken_off = {"access_keys", "group_memberships", "login_profiles", "mfa_devices"}
    for table in Base.metadata.tables.values():
        for key in table.foreign_keys:
            if key.column.table.name == "users" and table.name not in taken_off:
                assert key.ondelete == "CASCADE", f"{table.name} would keep users from being deleted"


def test_restore_user__gives_back_what_is_still_there(store: Store, account: str) -> None:
    with store.transaction() as session:
        alice, staff, gone = user(session), group(session), group(session, "gone")
        add_user(session, staff, alice, NOON)
        add_user(session, gone, alice, NOON)
        create_policy(session, account, "kept", policy(), now=NOON)
        create_policy(session, account, "lost", policy(), now=NOON)
        for kind, name in (("System", "AliyunRAMReadOnlyAccess"), ("Custom", "kept"), ("Custom", "lost")):
            attach_policy(session, account, kind, name, alice, NOON)
        set_tags(session, account, TagKind.USER, alice.id, {"Team": "blue", "x": ""})
        recycle_user(session, account, alice.id, LATER)
        delete_group(session, account, "gone")
        delete_policy(session, account, "lost")
    with store.transaction() as session:
        before = stamp(session)
        restored = restore_user(session, account, alice.id, LATER + timedelta(days=2))
        assert stamp(session) != before
        assert restored.lost == [f"group {gone.id}", "policy lost"]
    with store.reading() as session:
        back = get_user(session, account, "alice")
        assert (back.id, back.created_at, back.updated_at) == (alice.id, NOON, LATER + timedelta(days=2))
        assert [(each.group.name, each.joined_at) for each in memberships_of(session, back)] == [("staff", NOON)]
        attached = {(row.policy_name, row.attached_at) for row in policies_of(session, back)}
        assert attached == {("AliyunRAMReadOnlyAccess", NOON), ("kept", NOON)}
        assert tags_of(session, account, TagKind.USER, alice.id) == {"Team": "blue", "x": ""}
        assert bin_of(session, LATER) == []


def test_restore_user__had_a_password_and_a_device__comes_back_with_neither(store: Store, account: str) -> None:
    with store.transaction() as session:
        alice = user(session)
        create_login_profile(session, alice, Secret("Correct-Horse-7"), now=NOON)
        device = create_device(session, RING, account, "phone", NOON).device
        bind_device(session, device.id, alice, NOON)
        recycle_user(session, account, alice.id, NOON)
        back = restore_user(session, account, alice.id, LATER).user
        assert find_login_profile(session, back) is None
        assert find_device_of(session, back) is None


def test_restore_user__policy_deleted_and_made_anew__is_another_policy(store: Store, account: str) -> None:
    """Its number may be the same: SQLite gives the number of the last row, once that is gone, to the next one."""
    with store.transaction() as session:
        alice = user(session)
        create_policy(session, account, "p", policy(action="oss:GetObject"), now=NOON)
        attach_policy(session, account, "Custom", "p", alice, NOON)
        recycle_user(session, account, alice.id, NOON)
        delete_policy(session, account, "p")
        create_policy(session, account, "p", policy(action="*"), now=LATER)
        restored = restore_user(session, account, alice.id, LATER)
        assert policies_of(session, restored.user) == []
        assert restored.lost == ["policy p"]


def test_restore_user__policy_renumbered_to_another_name__is_not_given(store: Store, account: str) -> None:
    with store.transaction() as session:
        alice = user(session)
        create_policy(session, account, "harmless", policy(action="oss:GetObject"), now=NOON)
        attach_policy(session, account, "Custom", "harmless", alice, LATER)
        recycle_user(session, account, alice.id, LATER)
        delete_policy(session, account, "harmless")
        create_policy(session, account, "powerful", policy(action="*"), now=NOON)
        assert policies_of(session, restore_user(session, account, alice.id, LATER).user) == []


def test_restore_user__name_taken__refused_and_still_in_the_bin(store: Store, account: str) -> None:
    with store.transaction() as session:
        alice = user(session)
        recycle_user(session, account, alice.id, NOON)
        user(session, "ALICE")
    with refused(AlreadyExists, Reason.ALREADY_EXISTS, "User"), store.transaction() as session:
        restore_user(session, account, alice.id, LATER)
    with store.transaction() as session:
        assert bin_of(session, LATER) == ["alice"]
        recycle_user(session, account, get_user(session, account, "alice").id, LATER)
        assert bin_of(session, LATER) in (["alice", "ALICE"], ["ALICE", "alice"])
        assert restore_user(session, account, alice.id, LATER).user.name == "alice"


def test_restore_user__account_full__refused(store: Store, account: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quotas, "USERS_PER_ACCOUNT", 1)
    with store.transaction() as session:
        alice = user(session)
        recycle_user(session, account, alice.id, NOON)
        user(session, "bob")
        with refused(LimitExceeded, Reason.LIMIT_EXCEEDED, "User"):
            restore_user(session, account, alice.id, LATER)
        assert bin_of(session, LATER) == ["alice"]


def test_recycle_bin__time_over__user_and_keys_are_gone_and_swept_in_passing(store: Store, account: str) -> None:
    end = NOON + BIN
    with store.transaction() as session:
        alice, bob = user(session), user(session, "bob")
        key = new_key(session, alice)
        recycle_user(session, account, alice.id, NOON)
        just_before = end - timedelta(microseconds=1)
        assert find_recycled_user(session, account, alice.id, just_before) is not None
        assert get_recycled_key(session, account, key, just_before).user_id == alice.id
        assert bin_of(session, end) == []
        assert list_recycled_keys(session, account, alice.id, end) == []
        with refused(NotFound, Reason.NOT_FOUND, "User"):
            restore_user(session, account, alice.id, end)
        with refused(NotFound, Reason.NOT_FOUND, "User"):
            purge_user(session, account, alice.id, end)
        with refused(NotFound, Reason.NOT_FOUND, "User.AccessKey"):
            get_recycled_key(session, account, key, end)
        new_key(session, bob)
        recycle_user(session, account, bob.id, end + timedelta(hours=1, seconds=1))
        session.expire_all()
        assert session.get(RecycledUser, alice.id) is None
        assert session.get(RecycledAccessKey, key) is None


def test_recycle_bin__more_users_than_it_holds__the_oldest_make_room(
    store: Store, account: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert recycle_bin.USERS_PER_ACCOUNT == 1000
    monkeypatch.setattr(recycle_bin, "USERS_PER_ACCOUNT", 2)
    with store.transaction() as session:
        elsewhere = user(session, "elsewhere", OTHER_ACCOUNT)
        recycle_user(session, OTHER_ACCOUNT, elsewhere.id, NOON)
        for number, name in enumerate(("first", "second", "third")):
            made = user(session, name)
            key = new_key(session, made)
            recycle_user(session, account, made.id, NOON + timedelta(minutes=number))
            if name == "first":
                first = key
        assert sorted(bin_of(session, LATER)) == ["second", "third"]
        with refused(NotFound, Reason.NOT_FOUND, "User.AccessKey"):
            get_recycled_key(session, account, first, LATER)
        assert find_recycled_user(session, OTHER_ACCOUNT, elsewhere.id, LATER) is not None


def test_recycle_bin__somebody_elses__not_found(store: Store, account: str) -> None:
    with store.transaction() as session:
        alice, bob = user(session), user(session, "bob")
        mallory = user(session, "mallory", OTHER_ACCOUNT)
        key = new_key(session, alice)
        recycle_user(session, account, alice.id, NOON)
        assert find_recycled_user(session, OTHER_ACCOUNT, alice.id, NOON) is None
        for act in (recycle_user, restore_user, purge_user):
            with refused(NotFound, Reason.NOT_FOUND, "User"):
                act(session, OTHER_ACCOUNT, alice.id, NOON)
        with refused(NotFound, Reason.NOT_FOUND, "User"):
            recycle_user(session, account, mallory.id, NOON)
        for act_on_key in (restore_access_key, purge_access_key):
            for account_id, user_id in ((account, bob.id), (OTHER_ACCOUNT, alice.id), (OTHER_ACCOUNT, mallory.id)):
                with refused(NotFound, Reason.NOT_FOUND, "User.AccessKey"):
                    act_on_key(session, account_id=account_id, user_id=user_id, access_key_id=key, now=NOON)
        assert list_recycled_keys(session, OTHER_ACCOUNT, alice.id, NOON) == []


@pytest.mark.parametrize(
    "text", ["", "\0", "\ud800", "x" * 300_000, "LTAI", "' OR 1=1"], ids=lambda text: ascii(text[:9])
)
def test_recycle_bin__nobodys_id__not_found(store: Store, account: str, text: str) -> None:
    with store.transaction() as session:
        recycle_user(session, account, user(session).id, NOON)
        assert find_recycled_user(session, account, text, NOON) is None
        assert list_recycled_keys(session, account, text, NOON) == []
        assert page_recycled_users(session, account, EVERYTHING, NOON, name=text).rows == []
        with refused(NotFound, Reason.NOT_FOUND, "User"):
            recycle_user(session, account, text, NOON)
        with refused(NotFound, Reason.NOT_FOUND, "User.AccessKey"):
            get_recycled_key(session, account, text, NOON)


def test_recycle_user__twice__the_second_finds_nobody(store: Store, account: str) -> None:
    with store.transaction() as session:
        alice = user(session)
        recycle_user(session, account, alice.id, NOON)
        with refused(NotFound, Reason.NOT_FOUND, "User"):
            recycle_user(session, account, alice.id, NOON)


def test_detach_policy__user_in_the_bin__nothing_to_detach(store: Store, account: str) -> None:
    with store.transaction() as session:
        alice = user(session)
        attach_policy(session, account, "System", "AliyunRAMReadOnlyAccess", alice, NOON)
        recycle_user(session, account, alice.id, NOON)
        with refused(NotFound, Reason.NOT_FOUND, "User.Policy"):
            detach_policy(session, account, "System", "AliyunRAMReadOnlyAccess", alice)
        with refused(NotFound, Reason.NOT_FOUND, "User"):
            attach_policy(session, account, "System", "AliyunRAMReadOnlyAccess", alice, NOON)
