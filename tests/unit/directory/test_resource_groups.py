"""Resource groups, and rights that count within one only."""

import pytest
from sqlalchemy.orm import Session

from gateway.directory.attachments import attach_policy, detach_policy, entries_of
from gateway.directory.authorization import Authorizer
from gateway.directory.policies import create_policy
from gateway.directory.resource_groups import (
    ResourceGroup,
    create_resource_group,
    delete_resource_group,
    find_resource_group,
)
from gateway.directory.resources import NewResource, register_resource, update_resource
from gateway.errors import AlreadyExists, Conflict, InputError, NotFound, Reason
from gateway.policy import Layer
from gateway.principal import AccountOwner, RamUser
from gateway.store.engine import Store
from tests.fake_clock import NOON, FakeClock
from tests.unit.directory.world import ACCOUNT, OTHER_ACCOUNT, policy, refused, user

OWNER = AccountOwner(ACCOUNT, "owner@company.example")


def arn_of(relative: str) -> str:
    return f"acs:oss:cn-hangzhou:{ACCOUNT}:{relative}"


def register(session: Session, relative: str, group: ResourceGroup | None = None) -> None:
    new = NewResource(arn_of(relative), "oss:bucket", "" if group is None else group.id, {})
    register_resource(session, OWNER, new, NOON)


class World:
    """Group `web` with bucket `site`, bucket `books` in no group; alice may read within `web`."""

    def __init__(self, store: Store) -> None:
        self.store, self.authorizer = store, Authorizer(FakeClock())
        with store.transaction() as session:
            self.user = user(session)
            self.web = create_resource_group(session, ACCOUNT, "web", now=NOON)
            create_policy(session, ACCOUNT, "reads", policy(action="oss:Get*"), now=NOON)
            create_policy(session, ACCOUNT, "no-reads", policy("Deny", "oss:Get*"), now=NOON)
            register(session, "site", self.web)
            register(session, "books")
            attach_policy(session, ACCOUNT, "Custom", "reads", self.user, NOON, group=self.web.id)

    def layer(self, relative: str) -> tuple[bool, Layer]:
        with self.store.reading() as session:
            alice = RamUser(ACCOUNT, self.user.id, "alice")
            decision = self.authorizer.decide(session, alice, "oss:GetObject", arn_of(relative), {})
        return decision.allowed, decision.layer


@pytest.fixture
def world(store: Store, account: str) -> World:
    return World(store)


def test_decide__attached_within_a_group__counts_on_its_resources_and_below_them_only(world: World) -> None:
    allowed = (True, Layer.RESOURCE_GROUP_IDENTITY)
    assert [world.layer(name) for name in ("site", "site/index.html", "site/a/b")] == [allowed] * 3
    for name in ("books", "books/1", "sites", "elsewhere/site"):
        assert world.layer(name) == (False, Layer.ACCOUNT_IDENTITY)


def test_decide__account_and_group_disagree__the_account_is_heard_first(world: World) -> None:
    with world.store.transaction() as session:
        attach_policy(session, ACCOUNT, "Custom", "no-reads", world.user, NOON)
    assert world.layer("site") == (False, Layer.ACCOUNT_IDENTITY)
    with world.store.transaction() as session:
        detach_policy(session, ACCOUNT, "Custom", "no-reads", world.user)
        attach_policy(session, ACCOUNT, "Custom", "no-reads", world.user, NOON, group=world.web.id)
        attach_policy(session, ACCOUNT, "Custom", "reads", world.user, NOON)
    # Rule: an Allow of the account beats a Deny of the group.
    assert world.layer("site") == (True, Layer.ACCOUNT_IDENTITY)


def test_decide__resource_moved__counts_at_the_next_request(world: World) -> None:
    assert not world.layer("books/1")[0]
    with world.store.transaction() as session:
        update_resource(session, ACCOUNT, arn_of("books"), resource_group_id=world.web.id, now=NOON)
        update_resource(session, ACCOUNT, arn_of("site"), resource_group_id="", now=NOON)
    assert (world.layer("books/1")[0], world.layer("site")[0]) == (True, False)


def test_find_resource_group__registered_below_another__the_nearest_counts(world: World) -> None:
    with world.store.transaction() as session:
        register(session, "site/private")
    with world.store.reading() as session:
        assert find_resource_group(session, ACCOUNT, arn_of("site/private/x")) == ""
        assert find_resource_group(session, ACCOUNT, arn_of("site/public/x")) == world.web.id
        assert find_resource_group(session, OTHER_ACCOUNT, arn_of("site")) == ""
        assert find_resource_group(session, ACCOUNT, "acs:oss:x") == ""


def test_attachments__of_a_group__are_listed_and_detached_within_it(world: World) -> None:
    with world.store.transaction() as session:
        assert [entry.name for entry in entries_of(session, world.user, group=world.web.id)] == ["reads"]
        assert entries_of(session, world.user) == []
        with refused(NotFound, Reason.NOT_FOUND, "User.Policy"):
            detach_policy(session, ACCOUNT, "Custom", "reads", world.user)
        with refused(AlreadyExists, Reason.ALREADY_EXISTS, "User.Policy"):
            attach_policy(session, ACCOUNT, "Custom", "reads", world.user, NOON, group=world.web.id)
        detach_policy(session, ACCOUNT, "Custom", "reads", world.user, group=world.web.id)
    assert not world.layer("site")[0]


def test_groups__of_another_account_or_unknown__are_refused(world: World) -> None:
    with world.store.transaction() as session:
        foreign = create_resource_group(session, OTHER_ACCOUNT, "web", now=NOON)
    for group_id in (foreign.id, "rg-unknown"):
        with world.store.transaction() as session, refused(NotFound, Reason.NOT_FOUND, "ResourceGroup"):
            attach_policy(session, ACCOUNT, "Custom", "reads", world.user, NOON, group=group_id)
        with world.store.transaction() as session, refused(NotFound, Reason.NOT_FOUND, "ResourceGroup"):
            update_resource(session, ACCOUNT, arn_of("site"), resource_group_id=group_id, now=NOON)


def test_delete_resource_group__in_use__is_refused(world: World) -> None:
    with world.store.transaction() as session:
        with refused(Conflict, Reason.DELETE_CONFLICT, "ResourceGroup"):
            delete_resource_group(session, ACCOUNT, world.web.id)
        update_resource(session, ACCOUNT, arn_of("site"), resource_group_id="", now=NOON)
        with refused(Conflict, Reason.DELETE_CONFLICT, "ResourceGroup"):
            delete_resource_group(session, ACCOUNT, world.web.id)
        detach_policy(session, ACCOUNT, "Custom", "reads", world.user, group=world.web.id)
        delete_resource_group(session, ACCOUNT, world.web.id)
        with refused(NotFound, Reason.NOT_FOUND, "ResourceGroup"):
            delete_resource_group(session, ACCOUNT, world.web.id)


def test_create_resource_group__bad_or_taken_name__is_refused(world: World) -> None:
    with world.store.transaction() as session:
        with refused(AlreadyExists, Reason.ALREADY_EXISTS, "ResourceGroup"):
            create_resource_group(session, ACCOUNT, "WEB", now=NOON)
        with refused(InputError, Reason.NAME_INVALID_CHARS, "Name"):
            create_resource_group(session, ACCOUNT, "a b", now=NOON)
