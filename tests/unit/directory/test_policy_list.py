"""System and custom policies in one list, and who has them."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from sqlalchemy import event

from gateway.directory.attachments import attach_policy, entities_of, entries_of
from gateway.directory.policies import create_policy, create_policy_version, delete_policy, update_description
from gateway.directory.policy_list import (
    PolicyEntry,
    get_entry,
    get_version_entry,
    list_policy_page,
    version_entries,
)
from gateway.directory.tags import TagKind, tags_of
from gateway.errors import InputError, NotFound, Reason
from gateway.policy import SYSTEM_POLICIES, PolicyType
from gateway.store.engine import Store
from gateway.store.paging import Page
from tests.fake_clock import NOON
from tests.unit.directory.world import OTHER_ACCOUNT, group, policy, refused, role, user

SYSTEM, CUSTOM = PolicyType.SYSTEM, PolicyType.CUSTOM


def pages(
    store: Store,
    account: str,
    size: int,
    policy_type: PolicyType | None = None,
    wanted: tuple[tuple[str, str], ...] = (),
) -> Iterator[PolicyEntry]:
    after = ""
    with store.reading() as session:
        while True:
            got = list_policy_page(session, account, Page(size, after), policy_type, wanted)
            assert len(got.rows) <= size
            yield from got.rows
            if got.next_after is None:
                return
            after = got.next_after


@contextmanager
def counted(store: Store) -> Iterator[list[str]]:
    statements: list[str] = []

    def remember(*args: object) -> None:
        statements.append(str(args[2]))

    event.listen(store.engine, "before_cursor_execute", remember)
    try:
        yield statements
    finally:
        event.remove(store.engine, "before_cursor_execute", remember)


@pytest.mark.parametrize("size", [1, 3, len(SYSTEM_POLICIES), len(SYSTEM_POLICIES) + 1, 1000])
def test_list_policy_page__any_size__everything_once_system_first(store: Store, account: str, size: int) -> None:
    with store.transaction() as session:
        for name in ("b", "A", "zz-top"):
            create_policy(session, account, name, policy(), now=NOON)
        create_policy(session, OTHER_ACCOUNT, "theirs", policy(), now=NOON)
    found = [(entry.type, entry.name) for entry in pages(store, account, size)]
    system = sorted(SYSTEM_POLICIES, key=str.lower)
    assert found == [*((SYSTEM, name) for name in system), (CUSTOM, "A"), (CUSTOM, "b"), (CUSTOM, "zz-top")]
    assert [entry.name for entry in pages(store, account, size, CUSTOM)] == ["A", "b", "zz-top"]
    assert [entry.name for entry in pages(store, account, size, SYSTEM)] == system


def test_list_policy_page__by_tags__custom_ones_that_have_them(store: Store, account: str) -> None:
    with store.transaction() as session:
        for name, env in (("a", "prod"), ("b", "dev"), ("c", "prod")):
            create_policy(session, account, name, policy(), tags={"Env": env, "team": "x"}, now=NOON)
        create_policy(session, account, "d", policy(), now=NOON)
    found = list(pages(store, account, 1, None, (("env", "prod"), ("team", "x"))))
    assert [(entry.name, entry.tags) for entry in found] == [
        ("a", {"Env": "prod", "team": "x"}),
        ("c", {"Env": "prod", "team": "x"}),
    ]
    assert list(pages(store, account, 10, SYSTEM, (("env", "prod"),))) == []


def test_list_policy_page__many_policies__costs_as_many_queries_as_few(store: Store, account: str) -> None:
    def queries() -> int:
        with store.reading() as session, counted(store) as statements:
            list_policy_page(session, account, Page(1000))
        return len(statements)

    with store.transaction() as session:
        create_policy(session, account, "first", policy(), tags={"k": "v"}, now=NOON)
    few = queries()
    with store.transaction() as session:
        alice = user(session)
        for number in range(40):
            create_policy(session, account, f"p{number}", policy(), tags={"k": "v"}, now=NOON)
        attach_policy(session, account, "Custom", "p1", alice, NOON)
    assert queries() == few


def test_get_entry__attached_changed_and_versioned__says_so(store: Store, account: str) -> None:
    later = NOON + timedelta(hours=1)
    with store.transaction() as session:
        create_policy(session, account, "Reads", policy(), description="old", now=NOON)
        for target in (user(session), group(session), role(session)):
            attach_policy(session, account, "Custom", "reads", target, NOON)
            attach_policy(session, account, "System", "readonlyaccess", target, NOON)
        create_policy_version(session, account, "reads", policy("Deny"), set_as_default=True, now=NOON)
        update_description(session, account, "READS", "new", later)
        with refused(InputError, Reason.PARAMETER_TOO_LONG, "NewDescription"):
            update_description(session, account, "reads", "d" * 1025, later)
        with refused(InputError, Reason.PARAMETER_INVALID, "NewDescription"):
            update_description(session, account, "reads", "\0", later)
    with store.reading() as session:
        entry = get_entry(session, account, CUSTOM, "reads")
        assert (entry.name, entry.description, entry.default_version) == ("Reads", "new", "v2")
        assert (entry.attachment_count, entry.created_at, entry.updated_at) == (3, NOON, later)
        system = get_entry(session, account, SYSTEM, "readonlyACCESS")
        assert (system.name, system.attachment_count) == ("ReadOnlyAccess", 3)
        assert get_entry(session, OTHER_ACCOUNT, SYSTEM, "ReadOnlyAccess").attachment_count == 0
        assert [(each.version_id, each.is_default) for each in version_entries(session, account, CUSTOM, "reads")] == [
            ("v1", False),
            ("v2", True),
        ]
        assert get_version_entry(session, account, CUSTOM, "reads").document == policy("Deny")
        assert get_version_entry(session, account, CUSTOM, "reads", "v1").document == policy()


def test_policies_of_either_type__unknown__refused(store: Store, account: str) -> None:
    with store.transaction() as session:
        create_policy(session, account, "reads", policy(), now=NOON)
    with store.reading() as session:
        for policy_type, name in ((SYSTEM, "reads"), (CUSTOM, "ReadOnlyAccess"), (SYSTEM, ""), (CUSTOM, "r\0")):
            with refused(NotFound, Reason.NOT_FOUND, "Policy"):
                get_entry(session, account, policy_type, name)
            with refused(NotFound, Reason.NOT_FOUND, "Policy"):
                version_entries(session, account, policy_type, name)
            with refused(NotFound, Reason.NOT_FOUND, "Policy"):
                get_version_entry(session, account, policy_type, name)
            with refused(NotFound, Reason.NOT_FOUND, "Policy"):
                entities_of(session, account, policy_type, name)
        for version_id in ("v2", "1", "v1 "):
            with refused(NotFound, Reason.NOT_FOUND, "Policy.Version"):
                get_version_entry(session, account, SYSTEM, "ReadOnlyAccess", version_id)
        with refused(InputError, Reason.PARAMETER_INVALID, "PolicyType"):
            entities_of(session, account, "Trust", "reads")


def test_entries_and_entities__both_sides__tell_the_same(store: Store, account: str) -> None:
    later = NOON + timedelta(minutes=5)
    with store.transaction() as session:
        create_policy(session, account, "Reads", policy(), description="d", now=NOON)
        alice, bob, staff, reader = user(session), user(session, "bob"), group(session), role(session)
        for target in (bob, alice, staff, reader):
            attach_policy(session, account, "Custom", "reads", target, NOON if target is bob else later)
        attach_policy(session, account, "System", "ReadOnlyAccess", alice, later)
    with store.reading() as session:
        found = entities_of(session, account, CUSTOM, "READS")
        assert [(each.name, since) for each, since in found.users] == [("bob", NOON), ("alice", later)]
        assert [(each.name, since) for each, since in found.groups] == [("staff", later)]
        assert [(each.name, since) for each, since in found.roles] == [("reader", later)]
        assert [(each.name, each.type.value, each.default_version) for each in entries_of(session, alice)] == [
            ("Reads", "Custom", "v1"),
            ("ReadOnlyAccess", "System", "v1"),
        ]
        described = [each.description for each in entries_of(session, alice)]
        assert described == ["d", SYSTEM_POLICIES["ReadOnlyAccess"].description]


def test_delete_policy__cascading__takes_versions_and_tags_along(store: Store, account: str) -> None:
    with store.transaction() as session:
        made = create_policy(session, account, "reads", policy(), tags={"env": "prod"}, now=NOON)
        tag_id = made.tag_id
        create_policy_version(session, account, "reads", policy(), set_as_default=False, now=NOON)
        delete_policy(session, account, "reads", cascade=True)
        assert tags_of(session, account, TagKind.POLICY, tag_id) == {}
        again = create_policy(session, account, "reads", policy(), now=NOON)
        assert tags_of(session, account, TagKind.POLICY, again.tag_id) == {}
