"""Users, their groups, and what keeps them from being deleted."""

from datetime import timedelta

import pytest

from gateway.directory import quotas
from gateway.directory.access_keys import create_access_key
from gateway.directory.attachments import attach_policy, detach_policy
from gateway.directory.groups import (
    add_user,
    delete_group,
    find_group,
    get_group,
    groups_of,
    list_groups,
    members_of,
    remove_user,
    update_group,
)
from gateway.directory.login_profiles import create_login_profile, delete_login_profile
from gateway.directory.recycle_bin import delete_user
from gateway.directory.recycled_keys import delete_access_key
from gateway.directory.revocations import find_revocation
from gateway.directory.users import (
    create_user,
    find_user,
    find_user_by_id,
    get_user,
    get_user_by_id,
    list_users,
    record_login,
    update_user,
)
from gateway.errors import AlreadyExists, Conflict, InputError, LimitExceeded, NotFound, Reason
from gateway.keyring import KeyRing, new_master_key
from gateway.secret import Secret
from gateway.store.engine import Store
from tests.fake_clock import NOON
from tests.unit.directory.world import ACCOUNT, OTHER_ACCOUNT, group, refused, user


def test_create_user__in_two_accounts__each_has_its_own(store: Store, account: str) -> None:
    with store.transaction() as session:
        made = create_user(session, account, "Alice", display_name="Alice.Li", comments="hired 2026", now=NOON)
        other = user(session, "alice", OTHER_ACCOUNT)
    with store.reading() as session:
        for spelling in ("Alice", "alice", "ALICE"):
            assert get_user(session, account, spelling).id == made.id
            assert get_user(session, OTHER_ACCOUNT, spelling).id == other.id
        found = get_user_by_id(session, account, made.id)
        assert (found.name, found.display_name, found.comments) == ("Alice", "Alice.Li", "hired 2026")
        assert (found.created_at, found.last_login_at) == (NOON, None)
        assert found.arn == f"acs:ram::{account}:user/Alice"
        assert len(found.id) == 18
        assert [each.id for each in list_users(session, account)] == [made.id]


def test_create_user__name_taken_in_other_case__refused_and_transaction_usable(store: Store, account: str) -> None:
    with store.transaction() as session:
        user(session, "alice")
        with refused(AlreadyExists, Reason.ALREADY_EXISTS, "User"):
            user(session, "Alice")
        user(session, "bob")
    with store.reading() as session:
        assert [each.name for each in list_users(session, account)] == ["alice", "bob"]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("", Reason.NAME_LENGTH),
        ("a" * 65, Reason.NAME_LENGTH),
        ("alice li", Reason.NAME_INVALID_CHARS),
        ("alice@example.com", Reason.NAME_INVALID_CHARS),
        ("älice", Reason.NAME_INVALID_CHARS),
        ("alice\n", Reason.NAME_INVALID_CHARS),
        ("alice\0", Reason.NAME_INVALID_CHARS),
        ("alice/../bob", Reason.NAME_INVALID_CHARS),
    ],
    ids=ascii,
)
def test_create_user__malformed_name__refused(store: Store, account: str, name: str, reason: Reason) -> None:
    with refused(InputError, reason, "UserName"), store.transaction() as session:
        user(session, name)
    with refused(InputError, reason, "NewUserName"), store.transaction() as session:
        user(session, "alice")
        update_user(session, account, "alice", new_name=name, now=NOON)


def test_create_user__longest_texts__accepted_and_one_more_refused(store: Store, account: str) -> None:
    with store.transaction() as session:
        create_user(session, account, "a.b_c-9" + "d" * 57, display_name="é" * 128, comments="é" * 128, now=NOON)
        with refused(InputError, Reason.NAME_LENGTH, "DisplayName"):
            create_user(session, account, "bob", display_name="x" * 129, now=NOON)
        with refused(InputError, Reason.NAME_INVALID_CHARS, "DisplayName"):
            create_user(session, account, "bob", display_name="<b>bob</b>", now=NOON)
        with refused(InputError, Reason.PARAMETER_TOO_LONG, "Comments"):
            create_user(session, account, "bob", comments="x" * 129, now=NOON)
        with refused(InputError, Reason.PARAMETER_INVALID, "Comments"):
            create_user(session, account, "bob", comments="a\0b", now=NOON)


def test_create_user__account_unknown__not_found(store: Store, account: str) -> None:
    with refused(NotFound, Reason.NOT_FOUND, "Account"), store.transaction() as session:
        user(session, "alice", "1111111111111111")


def test_create_user__account_full__refused(store: Store, account: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert quotas.USERS_PER_ACCOUNT == 5000
    monkeypatch.setattr(quotas, "USERS_PER_ACCOUNT", 1)
    with store.transaction() as session:
        user(session, "elsewhere", OTHER_ACCOUNT)
        user(session, "alice")
        with refused(LimitExceeded, Reason.LIMIT_EXCEEDED, "User"):
            user(session, "bob")


@pytest.mark.parametrize("name", ["bob", "", "alice\0", "\ud800", "x" * 300_000], ids=lambda name: ascii(name[:9]))
def test_get_user__nobody_of_that_name__not_found(store: Store, account: str, name: str) -> None:
    with store.transaction() as session:
        user(session, "alice")
    with store.reading() as session:
        assert find_user(session, account, name) is None
        assert find_user_by_id(session, account, name) is None
        with refused(NotFound, Reason.NOT_FOUND, "User"):
            get_user(session, account, name)


def test_update_user__renamed__keeps_id_and_frees_the_old_name(store: Store, account: str) -> None:
    later = NOON + timedelta(hours=1)
    with store.transaction() as session:
        made = user(session, "alice")
        update_user(session, account, "ALICE", new_name="Alicia", display_name="A", now=later)
        user(session, "alice")
        assert get_user(session, account, "alicia").id == made.id
        assert (made.display_name, made.created_at, made.updated_at) == ("A", NOON, later)
        with refused(AlreadyExists, Reason.ALREADY_EXISTS, "User"):
            update_user(session, account, "alicia", new_name="ALICE", now=later)
        assert get_user(session, account, "alicia").name == "Alicia"
        update_user(session, account, "alicia", new_name="ALICIA", now=later)
        assert get_user(session, account, "alicia").name == "ALICIA"


def test_delete_user__still_tied__refused_until_the_last_tie_is_cut(store: Store, account: str) -> None:
    ring = KeyRing((new_master_key(),))
    with store.transaction() as session:
        alice, staff = user(session), group(session)
        add_user(session, staff, alice, NOON)
        attach_policy(session, account, "System", "ReadOnlyAccess", alice, NOON)
        key = create_access_key(session, ring, account_id=account, user_id=alice.id, now=NOON)
        create_login_profile(session, alice, Secret("correct horse"), now=NOON)
        with refused(Conflict, Reason.DELETE_CONFLICT, "User.Group"):
            delete_user(session, account, "alice", NOON)
        remove_user(session, staff, alice)
        with refused(Conflict, Reason.DELETE_CONFLICT, "User.Policy"):
            delete_user(session, account, "alice", NOON)
        detach_policy(session, account, "System", "ReadOnlyAccess", alice)
        with refused(Conflict, Reason.DELETE_CONFLICT, "User.AccessKey"):
            delete_user(session, account, "alice", NOON)
        delete_access_key(session, account_id=account, user_id=alice.id, access_key_id=key.access_key_id, now=NOON)
        with refused(Conflict, Reason.DELETE_CONFLICT, "User.LoginProfile"):
            delete_user(session, account, "alice", NOON)
        delete_login_profile(session, alice)
        delete_user(session, account, "alice", NOON)
    with store.reading() as session:
        assert find_user(session, account, "alice") is None
        assert find_revocation(session, [("user", alice.id)], NOON) == ("user", alice.id)


def test_delete_user__of_another_account__not_found(store: Store, account: str) -> None:
    with store.transaction() as session:
        user(session, "alice")
        with refused(NotFound, Reason.NOT_FOUND, "User"):
            delete_user(session, OTHER_ACCOUNT, "alice", NOON)


def test_record_login__user_read_in_another_transaction__is_stored(store: Store, account: str) -> None:
    with store.transaction() as session:
        user(session)
    with store.reading() as session:
        alice = get_user(session, account, "alice")
    with store.transaction() as session:
        update_user(session, account, "alice", new_name="alicia", now=NOON)
    with store.transaction() as session:
        record_login(session, alice, NOON)
    with store.reading() as session:
        assert get_user(session, account, "alicia").last_login_at == NOON


def test_groups__members_and_groups__are_listed_from_both_sides(store: Store, account: str) -> None:
    with store.transaction() as session:
        alice, bob = user(session, "alice"), user(session, "bob")
        staff, admins = group(session, "staff"), group(session, "Admins")
        add_user(session, staff, alice, NOON)
        add_user(session, staff, bob, NOON)
        add_user(session, admins, alice, NOON)
    with store.reading() as session:
        assert [each.name for each in groups_of(session, alice)] == ["Admins", "staff"]
        assert [each.name for each in members_of(session, staff)] == ["alice", "bob"]
        assert [each.name for each in list_groups(session, account)] == ["Admins", "staff"]
        assert get_group(session, account, "ADMINS").arn == f"acs:ram::{account}:group/Admins"
        assert find_group(session, OTHER_ACCOUNT, "admins") is None


def test_add_user__already_in_it_or_not_in_it__refused(store: Store, account: str) -> None:
    with store.transaction() as session:
        alice, staff = user(session), group(session)
        with refused(NotFound, Reason.NOT_FOUND, "User.Group"):
            remove_user(session, staff, alice)
        add_user(session, staff, alice, NOON)
        with refused(AlreadyExists, Reason.ALREADY_EXISTS, "User.Group"):
            add_user(session, staff, alice, NOON)
        remove_user(session, staff, alice)
        assert groups_of(session, alice) == []


def test_add_user__user_of_another_account__refused(store: Store, account: str) -> None:
    with store.transaction() as session, refused(NotFound, Reason.NOT_FOUND, "User"):
        add_user(session, group(session), user(session, "mallory", OTHER_ACCOUNT), NOON)


def test_add_user__user_or_group_deleted_meanwhile__refused(store: Store, account: str) -> None:
    with store.transaction() as session:
        alice, bob, staff = user(session), user(session, "bob"), group(session)
    with store.transaction() as session:
        delete_user(session, account, "alice", NOON)
        with refused(NotFound, Reason.NOT_FOUND, "User"):
            add_user(session, staff, alice, NOON)
        with refused(NotFound, Reason.NOT_FOUND, "User"):
            attach_policy(session, account, "System", "ReadOnlyAccess", alice, NOON)
        with refused(NotFound, Reason.NOT_FOUND, "User"):
            create_login_profile(session, alice, Secret("correct horse"), now=NOON)
        delete_group(session, account, "staff")
        with refused(NotFound, Reason.NOT_FOUND, "Group"):
            add_user(session, staff, bob, NOON)


def test_add_user__in_ten_groups__refused(store: Store, account: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert quotas.GROUPS_PER_USER == 10
    monkeypatch.setattr(quotas, "GROUPS_PER_USER", 1)
    with store.transaction() as session:
        alice = user(session)
        add_user(session, group(session, "one"), alice, NOON)
        with refused(LimitExceeded, Reason.LIMIT_EXCEEDED, "User.Group"):
            add_user(session, group(session, "two"), alice, NOON)


def test_create_group__taken_malformed_or_full__refused(
    store: Store, account: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert quotas.GROUPS_PER_ACCOUNT == 300
    monkeypatch.setattr(quotas, "GROUPS_PER_ACCOUNT", 2)
    with store.transaction() as session:
        group(session, "staff")
        with refused(AlreadyExists, Reason.ALREADY_EXISTS, "Group"):
            group(session, "STAFF")
        with refused(InputError, Reason.NAME_INVALID_CHARS, "GroupName"):
            group(session, "staff room")
        group(session, "second")
        with refused(LimitExceeded, Reason.LIMIT_EXCEEDED, "Group"):
            group(session, "third")


def test_update_group__renamed__members_stay(store: Store, account: str) -> None:
    with store.transaction() as session:
        alice, staff = user(session), group(session)
        add_user(session, staff, alice, NOON)
        update_group(session, account, "staff", new_name="People", comments="all of us", now=NOON)
        group(session, "staff")
        with refused(AlreadyExists, Reason.ALREADY_EXISTS, "Group"):
            update_group(session, account, "people", new_name="Staff", now=NOON)
        assert [each.name for each in groups_of(session, alice)] == ["People"]


def test_delete_group__still_tied__refused_until_the_last_tie_is_cut(store: Store, account: str) -> None:
    with store.transaction() as session:
        alice, staff = user(session), group(session)
        add_user(session, staff, alice, NOON)
        attach_policy(session, account, "System", "ReadOnlyAccess", staff, NOON)
        with refused(Conflict, Reason.DELETE_CONFLICT, "Group.User"):
            delete_group(session, account, "staff")
        remove_user(session, staff, alice)
        with refused(Conflict, Reason.DELETE_CONFLICT, "Group.Policy"):
            delete_group(session, account, "staff")
        detach_policy(session, account, "System", "ReadOnlyAccess", staff)
        delete_group(session, account, "staff")
        with refused(NotFound, Reason.NOT_FOUND, "Group"):
            delete_group(session, ACCOUNT, "staff")
