"""Policies, their versions, and what they are attached to."""

import pytest

from gateway.directory import quotas
from gateway.directory.accounts import create_account, list_accounts
from gateway.directory.attachments import attach_policy, detach_policy, entities_of, policies_of
from gateway.directory.policies import (
    create_policy,
    create_policy_version,
    delete_policy,
    delete_version,
    get_policy,
    get_version,
    list_policies,
    list_versions,
    set_default_version,
)
from gateway.errors import AlreadyExists, Conflict, InputError, LimitExceeded, NotFound, Reason
from gateway.secret import Secret
from gateway.store.engine import Store
from tests.databases import PostgresServer, opened
from tests.fake_clock import NOON
from tests.unit.directory.world import OTHER_ACCOUNT, group, policy, refused, role, user


def versions(store: Store, account: str, name: str = "reads") -> list[str]:
    with store.reading() as session:
        return [each.version_id for each in list_versions(session, get_policy(session, account, name))]


def test_create_policy__first_version__is_v1_and_default(store: Store, account: str) -> None:
    with store.transaction() as session:
        create_policy(session, account, "Reads", policy(action="oss:Get*"), description="d", now=NOON)
        with refused(AlreadyExists, Reason.ALREADY_EXISTS, "Policy"):
            create_policy(session, account, "READS", policy(), now=NOON)
        create_policy(session, OTHER_ACCOUNT, "reads", policy(), now=NOON)
    with store.reading() as session:
        made = get_policy(session, account, "reads")
        assert (made.name, made.default_version_id, made.description) == ("Reads", "v1", "d")
        assert get_version(session, made, "v1").document == policy(action="oss:Get*")
        assert [each.name for each in list_policies(session, account)] == ["Reads"]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("", Reason.NAME_LENGTH),
        ("p" * 129, Reason.NAME_LENGTH),
        ("a_b", Reason.NAME_INVALID_CHARS),
        ("a.b", Reason.NAME_INVALID_CHARS),
    ],
)
def test_create_policy__malformed_name__refused(store: Store, account: str, name: str, reason: Reason) -> None:
    with refused(InputError, reason, "PolicyName"), store.transaction() as session:
        create_policy(session, account, name, policy(), now=NOON)


def test_create_policy__document_refused__nothing_is_stored(store: Store, account: str) -> None:
    with store.transaction() as session:
        with pytest.raises(InputError) as caught:
            create_policy(session, account, "reads", "{}", now=NOON)
        assert caught.value.reason is Reason.POLICY_MALFORMED
        with pytest.raises(InputError) as caught:
            create_policy(session, account, "reads", policy(action="oss:" + "x" * 6144), now=NOON)
        assert caught.value.reason is Reason.POLICY_TOO_LONG
        assert list_policies(session, account) == []
        create_policy(session, account, "reads", policy(), now=NOON)
        with pytest.raises(InputError) as caught:
            create_policy_version(session, account, "reads", "{}", set_as_default=True, now=NOON)
        assert caught.value.reason is Reason.POLICY_MALFORMED
    assert versions(store, account) == ["v1"]


def test_create_policy__account_full__refused(store: Store, account: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert quotas.POLICIES_PER_ACCOUNT == 1500
    monkeypatch.setattr(quotas, "POLICIES_PER_ACCOUNT", 1)
    with store.transaction() as session:
        create_policy(session, account, "one", policy(), now=NOON)
        with refused(LimitExceeded, Reason.LIMIT_EXCEEDED, "Policy"):
            create_policy(session, account, "two", policy(), now=NOON)


def test_create_policy_version__at_five__refused_or_oldest_other_makes_room(store: Store, account: str) -> None:
    with store.transaction() as session:
        create_policy(session, account, "reads", policy(), now=NOON)
        for _ in range(4):
            create_policy_version(session, account, "reads", policy(), set_as_default=False, now=NOON)
        with refused(LimitExceeded, Reason.LIMIT_EXCEEDED, "Policy.Version"):
            create_policy_version(session, account, "reads", policy(), set_as_default=False, now=NOON)
        made = create_policy_version(session, account, "reads", policy(), set_as_default=False, rotate=True, now=NOON)
        assert made.version_id == "v6"
    assert versions(store, account) == ["v1", "v3", "v4", "v5", "v6"]
    with store.transaction() as session:
        set_default_version(session, account, "reads", "v4", NOON)
        create_policy_version(session, account, "reads", policy(), set_as_default=True, rotate=True, now=NOON)
        assert get_policy(session, account, "reads").default_version_id == "v7"
    assert versions(store, account) == ["v3", "v4", "v5", "v6", "v7"]


def test_create_policy_version__newest_was_deleted__its_number_is_not_given_again(store: Store, account: str) -> None:
    with store.transaction() as session:
        create_policy(session, account, "reads", policy(), now=NOON)
        create_policy_version(session, account, "reads", policy(), set_as_default=False, now=NOON)
        delete_version(session, account, "reads", "v2")
        create_policy_version(session, account, "reads", policy(), set_as_default=False, now=NOON)
    assert versions(store, account) == ["v1", "v3"]


def test_delete_version__default_unknown_or_malformed__refused(store: Store, account: str) -> None:
    with store.transaction() as session:
        create_policy(session, account, "reads", policy(), now=NOON)
        with refused(Conflict, Reason.DELETE_CONFLICT, "Policy.Version.Default"):
            delete_version(session, account, "reads", "v1")
        with refused(NotFound, Reason.NOT_FOUND, "Policy.Version"):
            delete_version(session, account, "reads", "v2")
        with refused(NotFound, Reason.NOT_FOUND, "Policy"):
            delete_version(session, account, "writes", "v1")
        for malformed in ("", "1", "v", "v0", "v01", "v-1", "V1", "v1 ", "v9999999999", "v¹", "v1\0"):
            with refused(InputError, Reason.PARAMETER_INVALID, "VersionId"):
                delete_version(session, account, "reads", malformed)
            with refused(InputError, Reason.PARAMETER_INVALID, "VersionId"):
                set_default_version(session, account, "reads", malformed, NOON)


def test_delete_policy__attached_or_with_versions__refused(store: Store, account: str) -> None:
    with store.transaction() as session:
        create_policy(session, account, "reads", policy(), now=NOON)
        create_policy_version(session, account, "reads", policy(), set_as_default=True, now=NOON)
        for target, subject in (
            (user(session), "Policy.User"),
            (group(session), "Policy.Group"),
            (role(session), "Policy.Role"),
        ):
            attach_policy(session, account, "Custom", "reads", target, NOON)
            with refused(Conflict, Reason.DELETE_CONFLICT, subject):
                delete_policy(session, account, "reads")
            detach_policy(session, account, "Custom", "reads", target)
        with refused(Conflict, Reason.DELETE_CONFLICT, "Policy.Version"):
            delete_policy(session, account, "reads")
        delete_version(session, account, "reads", "v1")
        delete_policy(session, account, "reads")
        with refused(NotFound, Reason.NOT_FOUND, "Policy"):
            delete_policy(session, account, "reads")
        create_policy(session, account, "reads", policy(), now=NOON)


def test_attach_policy__custom_and_system__are_listed_from_both_sides(store: Store, account: str) -> None:
    with store.transaction() as session:
        create_policy(session, account, "Reads", policy(), now=NOON)
        alice, staff = user(session), group(session)
        attach_policy(session, account, "Custom", "reads", alice, NOON)
        attach_policy(session, account, "System", "readonlyaccess", alice, NOON)
        attach_policy(session, account, "Custom", "reads", staff, NOON)
    with store.reading() as session:
        assert [(each.policy_type, each.policy_name) for each in policies_of(session, alice)] == [
            ("Custom", "Reads"),
            ("System", "ReadOnlyAccess"),
        ]
        where = entities_of(session, account, "Custom", "READS")
        assert [holder.id for holder, _ in where.users] == [alice.id]
        assert [holder.id for holder, _ in where.groups] == [staff.id]
        with refused(NotFound, Reason.NOT_FOUND, "Policy"):
            entities_of(session, OTHER_ACCOUNT, "Custom", "Reads")


def test_attach_policy__unknown_or_foreign__refused(store: Store, account: str) -> None:
    with store.transaction() as session:
        create_policy(session, OTHER_ACCOUNT, "theirs", policy(), now=NOON)
        alice, mallory = user(session), user(session, "mallory", OTHER_ACCOUNT)
        for change in (
            lambda kind, name, target: attach_policy(session, account, kind, name, target, NOON),
            lambda kind, name, target: detach_policy(session, account, kind, name, target),
        ):
            with refused(NotFound, Reason.NOT_FOUND, "Policy"):
                change("Custom", "theirs", alice)
            with refused(NotFound, Reason.NOT_FOUND, "Policy"):
                change("System", "NoSuchAccess", alice)
            with refused(NotFound, Reason.NOT_FOUND, "Policy"):
                change("System", "", alice)
            with refused(InputError, Reason.PARAMETER_INVALID, "PolicyType"):
                change("Trust", "theirs", alice)
            with refused(NotFound, Reason.NOT_FOUND, "User"):
                change("System", "ReadOnlyAccess", mallory)


@pytest.mark.parametrize("kind", ["User", "Group", "Role"])
def test_attach_policy__twice_or_beyond_the_quota__refused(
    store: Store, account: str, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (quotas.SYSTEM_POLICIES_PER_TARGET, quotas.CUSTOM_POLICIES_PER_TARGET) == (20, 10)
    monkeypatch.setattr(quotas, "SYSTEM_POLICIES_PER_TARGET", 1)
    monkeypatch.setattr(quotas, "CUSTOM_POLICIES_PER_TARGET", 1)
    with store.transaction() as session:
        target = user(session) if kind == "User" else group(session) if kind == "Group" else role(session)
        for name in ("one", "two"):
            create_policy(session, account, name, policy(), now=NOON)
        attach_policy(session, account, "Custom", "one", target, NOON)
        attach_policy(session, account, "System", "ReadOnlyAccess", target, NOON)
        with refused(AlreadyExists, Reason.ALREADY_EXISTS, f"{kind}.Policy"):
            attach_policy(session, account, "Custom", "ONE", target, NOON)
        with refused(AlreadyExists, Reason.ALREADY_EXISTS, f"{kind}.Policy"):
            attach_policy(session, account, "System", "readonlyAccess", target, NOON)
        with refused(LimitExceeded, Reason.LIMIT_EXCEEDED, f"{kind}.Policy"):
            attach_policy(session, account, "Custom", "two", target, NOON)
        with refused(LimitExceeded, Reason.LIMIT_EXCEEDED, f"{kind}.Policy"):
            attach_policy(session, account, "System", "AdministratorAccess", target, NOON)
        detach_policy(session, account, "Custom", "one", target)
        with refused(NotFound, Reason.NOT_FOUND, f"{kind}.Policy"):
            detach_policy(session, account, "Custom", "one", target)
        attach_policy(session, account, "Custom", "two", target, NOON)


def test_create_policy_version__policy_was_read_before_another_change__numbers_go_on(
    postgres_server: PostgresServer,
) -> None:
    """Only PostgreSQL lets somebody else change what this transaction has read already."""
    with opened(postgres_server.migrated()) as store:
        with store.transaction() as session:
            create_account(
                session,
                alias="company",
                display_name="",
                owner_login="owner@example.com",
                owner_password=Secret("correct horse"),
                now=NOON,
            )
            (account,) = list_accounts(session)
            create_policy(session, account.id, "reads", policy(), now=NOON)
        with store.transaction() as late:
            get_policy(late, account.id, "reads")
            with store.transaction() as session:
                create_policy_version(session, account.id, "reads", policy(), set_as_default=True, now=NOON)
            made = create_policy_version(late, account.id, "reads", policy(), set_as_default=False, now=NOON)
            assert made.version_id == "v3"
        with store.reading() as session:
            assert get_policy(session, account.id, "reads").default_version_id == "v2"
