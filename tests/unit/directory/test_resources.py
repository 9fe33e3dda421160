"""Resources that outlive the user who made them."""

import pytest
from sqlalchemy.orm import Session

from gateway.directory import quotas
from gateway.directory.recycle_bin import delete_user, recycle_user
from gateway.directory.resource_groups import ResourceGroup
from gateway.directory.resources import (
    NewResource,
    Resource,
    Search,
    deregister_resource,
    get_resource,
    gone_owners,
    list_resources,
    register_resource,
    tags_of_resource,
    tags_of_resources,
    transfer_resources,
    update_resource,
)
from gateway.directory.roles import delete_role
from gateway.errors import AlreadyExists, InputError, LimitExceeded, NotFound, Reason
from gateway.principal import AccountOwner, Principal, RamUser, RoleSession
from gateway.store.engine import Store
from gateway.store.paging import Page
from tests.fake_clock import NOON
from tests.unit.directory.world import OTHER_ACCOUNT, refused, role, user

OWNER = AccountOwner("1234567890123456", "owner@company.example")
ALL = Page(100)


def arn_of(name: str, account: str = OWNER.account_id) -> str:
    return f"acs:oss:cn-hangzhou:{account}:{name}"


def register(session: Session, name: str, by: Principal = OWNER, **tags: str) -> Resource:
    if session.get(ResourceGroup, (OWNER.account_id, "rg-1")) is None:
        session.add(
            ResourceGroup(
                account_id=OWNER.account_id, id="rg-1", name="one", name_key="one", display_name="", created_at=NOON
            )
        )
        session.flush()
    return register_resource(session, by, NewResource(arn_of(name), "oss:bucket", "rg-1", tags), NOON)


def names(session: Session, account: str, page: Page = ALL, **search: object) -> list[str]:
    rows = list_resources(session, account, Search(**search), page).rows  # type: ignore[arg-type]
    return [row.arn.rpartition(":")[2] for row in rows]


def test_register_resource__by_anybody__says_who_made_it(store: Store, account: str) -> None:
    with store.transaction() as session:
        alice, reader = user(session), role(session)
        by_user = register(session, "a", RamUser(account, alice.id, "alice"))
        by_role = register(session, "b", RoleSession(account, reader.id, "reader", "batch"))
        by_owner = register(session, "c")
    made = [(row.creator_kind, row.creator_id, row.creator_name) for row in (by_user, by_role, by_owner)]
    assert made == [
        ("User", alice.id, "alice"),
        ("Role", reader.id, "reader:batch"),
        ("Account", account, account),
    ]


@pytest.mark.parametrize(
    "arn",
    [
        "",
        "acs:oss",
        "arn:oss::1234567890123456:b",
        "acs:OSS::1234567890123456:b",
        "acs::cn:1234567890123456:b",
        "acs:oss:CN!:1234567890123456:b",
        "acs:oss::123:b",
        "acs:oss::1234567890123456:",
        "acs:oss::1234567890123456:*",
        "acs:oss::1234567890123456:b?",
        "acs:oss::1234567890123456:a b",
        "acs:oss::1234567890123456:a\0",
        "acs:oss::1234567890123456:a\ud800",
        "acs:oss::1234567890123456:a\u202eb",
        "acs:ram::1234567890123456:user/alice",
        "acs:sts::1234567890123456:assumed-role/r/s",
        f"acs:oss::{OTHER_ACCOUNT}:b",
        "acs:oss::1234567890123456:" + "b" * 512,
        "acs:oss::１２３４５６７８９０１２３４５６:b",
    ],
)
def test_register_resource__not_the_arn_of_one_of_ours__refused(sqlite_store: Store, arn: str) -> None:
    with sqlite_store.reading() as session, refused(InputError, Reason.ARN_MALFORMED, "ResourceArn"):
        register_resource(session, OWNER, NewResource(arn, "t", "", {}), NOON)


def test_register_resource__longest_arn_in_any_script__kept_and_found(store: Store, account: str) -> None:
    arn = arn_of("")
    arn += "".join(chr(0x20000 + number) for number in range(512 - len(arn)))
    with store.transaction() as session:
        register_resource(session, OWNER, NewResource(arn, "t", "", {}), NOON)
        assert get_resource(session, account, arn).arn == arn


def test_register_resource__twice__refused_and_the_first_stays(store: Store, account: str) -> None:
    with store.transaction() as session:
        register(session, "a", env="prod")
        with refused(AlreadyExists, Reason.ALREADY_EXISTS, "Resource"):
            register(session, "a", env="dev")
        register(session, "A")  # another resource: ARNs are compared letter by letter
        assert tags_of_resource(session, account, arn_of("a")) == {"env": "prod"}
        assert tags_of_resource(session, account, arn_of("A")) == tags_of_resource(session, account, "\0") == {}


def test_register_resource__beyond_the_quota__refused(
    store: Store, account: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quotas, "RESOURCES_PER_ACCOUNT", 1)
    with store.transaction() as session:
        register(session, "a")
        with refused(LimitExceeded, Reason.LIMIT_EXCEEDED, "Resource"):
            register(session, "b")


def test_list_resources__every_filter__narrows(store: Store, account: str) -> None:
    with store.transaction() as session:
        alice, bob = user(session), user(session, "bob")
        register(session, "a", RamUser(account, alice.id, "alice"), env="prod", team="x")
        register(session, "b", RamUser(account, bob.id, "bob"), env="prod")
        register(session, "c")
        update_resource(session, account, arn_of("c"), resource_type="ecs:instance", resource_group_id="", now=NOON)
        assert names(session, account) == ["a", "b", "c"]
        assert names(session, account, creator_id=alice.id) == ["a"]
        assert names(session, account, owner_id=bob.id) == ["b"]
        assert names(session, account, resource_type="ecs:instance") == ["c"]
        assert names(session, account, resource_group_id="rg-1") == ["a", "b"]
        assert names(session, account, tags=(("env", "prod"),)) == ["a", "b"]
        assert names(session, account, tags=(("env", "prod"), ("team", ""))) == ["a"]
        assert names(session, account, page=Page(1, arn_of("a"))) == ["b"]
        assert names(session, OTHER_ACCOUNT) == []


def test_delete_user__with_resources__they_stay_and_are_listed_for_handover(store: Store, account: str) -> None:
    with store.transaction() as session:
        alice, bob, carol, reader = user(session), user(session, "bob"), user(session, "carol"), role(session)
        register(session, "a", RamUser(account, alice.id, "alice"), env="prod")
        register(session, "b", RamUser(account, bob.id, "bob"))
        register(session, "c")
        register(session, "d", RoleSession(account, reader.id, "reader", "batch"))
        register(session, "e", RamUser(account, carol.id, "carol"))
        delete_user(session, account, "alice", NOON)
        recycle_user(session, account, carol.id, NOON)
        delete_role(session, account, "reader")
    with store.transaction() as session:
        assert names(session, account, owner_gone=True) == ["a", "d", "e"]
        assert names(session, account, owner_gone=False) == ["b", "c"]
        rows = list_resources(session, account, Search(), ALL).rows
        assert gone_owners(session, rows) == {alice.id, carol.id, reader.id}
        assert tags_of_resource(session, account, arn_of("a")) == {"env": "prod"}
        moved = transfer_resources(session, account, [arn_of("a"), arn_of("b"), arn_of("a")], bob, NOON)
        assert moved == [arn_of("a")]  # the other was bob's already
        taken = get_resource(session, account, arn_of("a"))
        session.refresh(taken)
        assert (taken.creator_name, taken.owner_kind, taken.owner_name) == ("alice", "User", "bob")
        assert names(session, account, owner_gone=True) == ["d", "e"]


def test_transfer_resources__one_unknown_or_a_foreign_user__nothing_moves(store: Store, account: str) -> None:
    with store.transaction() as session:
        bob, stranger = user(session, "bob"), user(session, "bob", OTHER_ACCOUNT)
        register(session, "a")
        for missing in (arn_of("b"), "\0", arn_of("a", OTHER_ACCOUNT)):
            with refused(NotFound, Reason.NOT_FOUND, "Resource"):
                transfer_resources(session, account, [arn_of("a"), missing], bob, NOON)
        with refused(NotFound, Reason.NOT_FOUND, "User"):
            transfer_resources(session, account, [arn_of("a")], stranger, NOON)
        assert names(session, account, owner_id=account) == ["a"]


def test_deregister_resource__again_registered__starts_without_tags(store: Store, account: str) -> None:
    with store.transaction() as session:
        register(session, "a", env="prod")
        with refused(NotFound, Reason.NOT_FOUND, "Resource"):
            deregister_resource(session, OTHER_ACCOUNT, arn_of("a"))
        deregister_resource(session, account, arn_of("a"))
        with refused(NotFound, Reason.NOT_FOUND, "Resource"):
            deregister_resource(session, account, arn_of("a"))
        register(session, "a")
        assert tags_of_resources(session, account, [arn_of("a"), "x"]) == {arn_of("a"): {}, "x": {}}
