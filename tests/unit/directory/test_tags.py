"""Tags."""

import pytest

from gateway.directory.accounts import create_account
from gateway.directory.tags import (
    TagKind,
    check_tags,
    check_wanted,
    drop_tags,
    ids_with_tags,
    list_tags,
    remove_tags,
    set_tags,
    tags_of,
    tags_of_each,
)
from gateway.errors import InputError, LimitExceeded, NotFound, Reason
from gateway.secret import Secret
from gateway.store.engine import Store
from gateway.store.paging import Page
from tests.databases import PostgresServer, opened
from tests.fake_clock import NOON
from tests.unit.directory.world import OTHER_ACCOUNT, refused

USER, ROLE = TagKind.USER, TagKind.ROLE


def test_set_tags__again__adds_and_replaces_whatever_the_case(store: Store, account: str) -> None:
    with store.transaction() as session:
        set_tags(session, account, USER, "1", {"Env": "prod", "team": ""})
        set_tags(session, account, USER, "1", {"ENV": "dev", "cost": "7"})
        set_tags(session, account, ROLE, "1", {"env": "other kind"})
        set_tags(session, OTHER_ACCOUNT, USER, "1", {"env": "other account"})
    with store.reading() as session:
        assert tags_of(session, account, USER, "1") == {"ENV": "dev", "team": "", "cost": "7"}
        each = tags_of_each(session, account, USER, ["1", "2"])
        assert each == {"1": {"ENV": "dev", "team": "", "cost": "7"}, "2": {}}


def test_remove_tags__by_key__leaves_the_rest_and_other_things(store: Store, account: str) -> None:
    with store.transaction() as session:
        for thing in ("1", "2"):
            set_tags(session, account, USER, thing, {"env": "prod", "team": "a"})
        remove_tags(session, account, USER, "1", ["ENV", "unknown", "nul\0", "half\ud800"])
        assert tags_of(session, account, USER, "1") == {"team": "a"}
        drop_tags(session, account, USER, "1")
        assert tags_of(session, account, USER, "1") == {}
        assert tags_of(session, account, USER, "2") == {"env": "prod", "team": "a"}


def test_set_tags__twenty_per_thing__one_more_refused_and_replacing_is_not_more(store: Store, account: str) -> None:
    with store.transaction() as session:
        set_tags(session, account, USER, "1", {f"k{number}": "v" for number in range(20)})
        set_tags(session, account, USER, "1", {f"K{number}": "w" for number in range(20)})
        with refused(LimitExceeded, Reason.LIMIT_EXCEEDED, "Tag"):
            set_tags(session, account, USER, "1", {"k0": "x", "one-more": "v"})
        assert set(tags_of(session, account, USER, "1").values()) == {"w"}
        with refused(NotFound, Reason.NOT_FOUND, "Account"):
            set_tags(session, "0000000000000000", USER, "1", {"k": "v"})


@pytest.mark.parametrize(
    ("key", "value", "reason", "subject"),
    [
        ("", "v", Reason.PARAMETER_INVALID, "TagKey"),
        ("k" * 129, "v", Reason.PARAMETER_TOO_LONG, "TagKey"),
        ("aliyunteam", "v", Reason.PARAMETER_INVALID, "TagKey"),
        ("Aliyun", "v", Reason.PARAMETER_INVALID, "TagKey"),
        ("ACS:team", "v", Reason.PARAMETER_INVALID, "TagKey"),
        ("see HTTP://x", "v", Reason.PARAMETER_INVALID, "TagKey"),
        ("k\0", "v", Reason.PARAMETER_INVALID, "TagKey"),
        ("k\nk", "v", Reason.PARAMETER_INVALID, "TagKey"),
        ("k\ud800", "v", Reason.PARAMETER_INVALID, "TagKey"),
        ("k", "v" * 129, Reason.PARAMETER_TOO_LONG, "TagValue"),
        ("k", "https://x", Reason.PARAMETER_INVALID, "TagValue"),
        ("k", "v\x7f", Reason.PARAMETER_INVALID, "TagValue"),
    ],
)
def test_check_tags__outside_the_rules__refused(key: str, value: str, reason: Reason, subject: str) -> None:
    with refused(InputError, reason, subject):
        check_tags([(key, value)])


def test_check_tags__at_the_limits__accepted() -> None:
    pairs = [("k" * 128, "v" * 128), ("not-aliyun acs:", ""), ("Abteilung", "Ämter & Söhne")]
    assert check_tags(pairs) == dict(pairs)


def test_check_tags__too_many_or_twice__refused() -> None:
    many = [(f"k{number}", "v") for number in range(21)]
    assert len(check_tags(many[:20])) == 20
    with refused(InputError, Reason.PARAMETER_INVALID, "Tag"):
        check_tags(many)
    with refused(InputError, Reason.PARAMETER_INVALID, "Tag"):
        check_tags([("env", "a"), ("ENV", "b")])
    with refused(InputError, Reason.PARAMETER_INVALID, "Tag"):
        check_wanted(many)


def test_list_tags__in_pages__every_tag_once(store: Store, account: str) -> None:
    with store.transaction() as session:
        for thing in ("10", "2", "3"):
            set_tags(session, account, USER, thing, {"env": "prod", "a/b": thing, "Über": ""})
        set_tags(session, account, ROLE, "9", {"env": "prod"})
    seen: list[tuple[str, str]] = []
    page = Page(2)
    with store.reading() as session:
        while True:
            got = list_tags(session, account, USER, page)
            assert len(got.rows) <= 2
            seen += [(tag.thing_id, tag.key) for tag in got.rows]
            if got.next_after is None:
                break
            page = Page(2, got.next_after)
    assert len(seen) == len(set(seen)) == 9
    assert sorted(seen) == sorted((thing, key) for thing in ("10", "2", "3") for key in ("env", "a/b", "Über"))


def test_list_tags__of_things_and_by_tags__all_must_be_met(store: Store, account: str) -> None:
    with store.transaction() as session:
        set_tags(session, account, USER, "1", {"env": "prod", "team": "a"})
        set_tags(session, account, USER, "2", {"env": "prod", "team": "b"})
        set_tags(session, account, USER, "3", {"env": "dev", "team": "a"})

    def listed(thing_ids: list[str] | None, *wanted: tuple[str, str]) -> set[str]:
        with store.reading() as session:
            rows = list_tags(session, account, USER, Page(100), thing_ids=thing_ids, wanted=wanted).rows
            return {tag.thing_id for tag in rows}

    assert listed(None, ("ENV", "prod")) == {"1", "2"}
    assert listed(None, ("env", "prod"), ("team", "a")) == {"1"}
    assert listed(None, ("team", "")) == {"1", "2", "3"}
    assert listed(["1", "3"], ("env", "prod")) == {"1"}
    assert listed([]) == set()
    assert listed(None, ("env", "PROD")) == set()
    with store.reading() as session:
        assert set(session.scalars(ids_with_tags(account, USER, [("team", "a")]))) == {"1", "3"}


def test_set_tags__others_changed_them_since_they_were_read__counts_what_is_there_now(
    postgres_server: PostgresServer,
) -> None:
    """Only PostgreSQL lets somebody else change what this transaction has read already."""
    with opened(postgres_server.migrated()) as store:
        with store.transaction() as session:
            account = create_account(
                session,
                alias="company",
                display_name="",
                owner_login="owner@example.com",
                owner_password=Secret("correct horse"),
                now=NOON,
            ).id
            set_tags(session, account, USER, "1", {"env": "prod"})
        with store.transaction() as late:
            assert tags_of(late, account, USER, "1") == {"env": "prod"}
            with store.transaction() as session:
                remove_tags(session, account, USER, "1", ["env"])
                set_tags(session, account, USER, "1", {f"k{number}": "v" for number in range(20)})
            with refused(LimitExceeded, Reason.LIMIT_EXCEEDED, "Tag"):
                set_tags(late, account, USER, "1", {"env": "dev"})
            set_tags(late, account, USER, "1", {"k0": "w"})
        with store.reading() as session:
            assert len(tags_of(session, account, USER, "1")) == 20
