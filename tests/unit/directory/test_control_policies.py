"""Control policies: what accounts of a resource directory may do at most."""

import json
from collections.abc import Callable

import pytest
from sqlalchemy.orm import Session

from gateway.directory.attachments import attach_policy, hang_policy
from gateway.directory.authorization import Authorizer
from gateway.directory.control_policies import (
    attach_control_policy,
    create_control_policy,
    delete_control_policy,
    detach_control_policy,
    update_control_policy,
)
from gateway.directory.resource_directory import (
    ResourceDirectory,
    add_folder,
    add_member,
    create_directory,
    delete_folder,
    enable_controls,
    get_directory,
    move_member,
    remove_member,
)
from gateway.directory.roles import create_role, find_assumable_role, get_role
from gateway.directory.service_roles import create_service_role
from gateway.directory.users import get_user
from gateway.errors import AlreadyExists, Conflict, InputError, NotFound, Reason
from gateway.policy import SERVICE_ROLES, Layer, Outcome
from gateway.principal import AccountOwner, Principal, RamUser, RoleSession
from gateway.store.engine import Store
from gateway.sts.assume import decide_caller
from tests.fake_clock import NOON, FakeClock
from tests.unit.directory.world import ACCOUNT, OTHER_ACCOUNT, policy, refused, role, user

MANAGEMENT, MEMBER = ACCOUNT, OTHER_ACCOUNT
RESOURCE = f"acs:oss:*:{MEMBER}:bucket/object"


class World:
    """A directory root / eu / prod with the member in prod; its user alice may do everything."""

    def __init__(self, store: Store) -> None:
        self.store, self.authorizer = store, Authorizer(FakeClock())
        with store.transaction() as session:
            directory = create_directory(session, MANAGEMENT, NOON)
            self.root = directory.root_id
            self.eu = add_folder(session, directory, "eu", self.root, NOON).id
            self.prod = add_folder(session, directory, "prod", self.eu, NOON).id
            add_member(session, directory, MEMBER, self.prod, NOON)
            enable_controls(session, directory, enabled=True)
            create_control_policy(session, directory, "no-delete", policy("Deny", "oss:Delete*"), now=NOON)
            create_control_policy(session, directory, "only-oss", policy("Allow", "oss:*"), now=NOON)
            for account in (MANAGEMENT, MEMBER):
                person = user(session, account_id=account)
                attach_policy(session, account, "System", "AdministratorAccess", person, NOON)
        self.alice = RamUser(MEMBER, person.id, "alice")

    def change(self, work: Callable[[Session, ResourceDirectory], object]) -> None:
        with self.store.transaction() as session:
            work(session, get_directory(session, MANAGEMENT))

    def decide(self, action: str, who: Principal | None = None) -> tuple[Outcome, Layer]:
        with self.store.reading() as session:
            decision = self.authorizer.decide(session, who or self.alice, action, RESOURCE, {})
        return decision.outcome, decision.layer

    def may(self, action: str) -> bool:
        return self.decide(action)[0] is Outcome.ALLOW


@pytest.fixture
def world(store: Store, account: str) -> World:
    return World(store)


def test_decide__only_full_access_on_every_level__takes_nothing_away(world: World) -> None:
    assert world.decide("oss:DeleteObject") == (Outcome.ALLOW, Layer.ACCOUNT_IDENTITY)


@pytest.mark.parametrize("level", ["root", "eu", "prod", "account"])
def test_decide__denied_on_any_level__is_denied_below_it(world: World, level: str) -> None:
    node = MEMBER if level == "account" else str(getattr(world, level))
    world.change(lambda session, directory: attach_control_policy(session, directory, "no-delete", node, NOON))
    assert world.decide("oss:DeleteObject") == (Outcome.EXPLICIT_DENY, Layer.CONTROL)
    assert world.may("oss:GetObject")
    world.change(lambda session, directory: detach_control_policy(session, directory, "no-delete", node))
    assert world.may("oss:DeleteObject")


def test_decide__level_that_allows_less__nothing_else_can_be_done(world: World) -> None:
    def narrow(session: Session, directory: ResourceDirectory) -> None:
        attach_control_policy(session, directory, "only-oss", world.eu, NOON)
        detach_control_policy(session, directory, "FullAliyunAccess", world.eu)

    world.change(narrow)
    assert world.decide("ecs:StopInstance") == (Outcome.IMPLICIT_DENY, Layer.CONTROL)
    assert world.may("oss:PutObject")
    world.change(
        lambda session, directory: update_control_policy(session, directory, "only-oss", policy(action="ecs:*"), NOON)
    )
    assert (world.may("ecs:StopInstance"), world.may("oss:PutObject")) == (True, False)


def test_decide__owner_management_account_and_service_roles__are_not_touched(world: World) -> None:
    world.change(lambda session, directory: attach_control_policy(session, directory, "no-delete", world.root, NOON))
    with world.store.transaction() as session:
        served = create_service_role(session, MEMBER, next(iter(SERVICE_ROLES)), NOON)
        plain = role(session, account_id=MEMBER)
        hang_policy(session, MEMBER, "System", "AdministratorAccess", served, NOON)
        attach_policy(session, MEMBER, "System", "AdministratorAccess", plain, NOON)
        manager = get_user(session, MANAGEMENT, "alice")
    exempt = (
        AccountOwner(MEMBER, "owner@other.example"),
        RamUser(MANAGEMENT, manager.id, "alice"),
        RoleSession(MEMBER, served.id, served.name, "batch"),
    )
    assert [world.decide("oss:DeleteObject", who)[0] for who in exempt] == [Outcome.ALLOW] * 3
    assert world.decide("oss:DeleteObject", RoleSession(MEMBER, plain.id, plain.name, "batch"))[1] is Layer.CONTROL


def test_decide__controls_off_or_member_gone_or_moved__counts_at_once(world: World) -> None:
    world.change(lambda session, directory: attach_control_policy(session, directory, "no-delete", world.prod, NOON))
    assert not world.may("oss:DeleteObject")
    world.change(lambda session, directory: move_member(session, directory, MEMBER, world.eu))
    assert world.may("oss:DeleteObject")
    world.change(lambda session, directory: move_member(session, directory, MEMBER, world.prod))
    assert not world.may("oss:DeleteObject")
    world.change(lambda session, directory: enable_controls(session, directory, enabled=False))
    assert world.may("oss:DeleteObject")
    world.change(lambda session, directory: enable_controls(session, directory, enabled=True))
    world.change(lambda session, directory: remove_member(session, directory, MEMBER))
    assert world.may("oss:DeleteObject")


def test_detach_control_policy__the_last_one__is_refused(world: World) -> None:
    with world.store.transaction() as session, refused(Conflict, Reason.DELETE_CONFLICT, "ControlPolicyAttachment"):
        detach_control_policy(session, get_directory(session, MANAGEMENT), "FullAliyunAccess", world.eu)


def test_nodes__of_another_directory_or_unknown__are_refused(world: World) -> None:
    with world.store.transaction() as session:
        directory = get_directory(session, MANAGEMENT)
        for node, subject in ((MANAGEMENT, "Member"), ("fd-1", "Folder"), ("r-1", "Member")):
            with refused(NotFound, Reason.NOT_FOUND, subject):
                attach_control_policy(session, directory, "no-delete", node, NOON)
        with refused(NotFound, Reason.NOT_FOUND, "ResourceDirectory"):
            get_directory(session, MEMBER)
        with refused(AlreadyExists, Reason.ALREADY_EXISTS, "ResourceDirectory"):
            create_directory(session, MEMBER, NOON)
        with refused(InputError, Reason.PARAMETER_INVALID, "AccountId"):
            add_member(session, directory, MANAGEMENT, world.root, NOON)
        with refused(AlreadyExists, Reason.ALREADY_EXISTS, "Member"):
            add_member(session, directory, MEMBER, world.root, NOON)


def test_delete__what_is_in_use__is_refused(world: World) -> None:
    world.change(lambda session, directory: attach_control_policy(session, directory, "no-delete", world.prod, NOON))
    with world.store.transaction() as session:
        directory = get_directory(session, MANAGEMENT)
        for folder in (world.eu, world.prod):
            with refused(Conflict, Reason.DELETE_CONFLICT, "Folder"):
                delete_folder(session, directory, folder)
        with refused(Conflict, Reason.DELETE_CONFLICT, "ControlPolicy"):
            delete_control_policy(session, directory, "no-delete")
        move_member(session, directory, MEMBER, world.root)
        delete_folder(session, directory, world.prod)
        delete_control_policy(session, directory, "no-delete")


def test_create_control_policy__too_long_or_malformed__is_refused(world: World) -> None:
    with world.store.transaction() as session:
        directory = get_directory(session, MANAGEMENT)
        for document, reason in ((policy() + " " * 4096, Reason.POLICY_TOO_LONG), ("{}", Reason.POLICY_MALFORMED)):
            with refused(InputError, reason, "PolicyDocument"):
                create_control_policy(session, directory, "p", document, now=NOON)


def test_add_folder__deeper_than_five__is_refused(world: World) -> None:
    with world.store.transaction() as session:
        directory = get_directory(session, MANAGEMENT)
        parent = world.prod
        for name in ("c", "d", "e"):
            parent = add_folder(session, directory, name, parent, NOON).id
        with refused(InputError, Reason.PARAMETER_INVALID, "ParentFolderId"):
            add_folder(session, directory, "f", parent, NOON)


def test_decide_caller__role_of_a_controlled_account__needs_the_control_policies_too(world: World) -> None:
    root = {"RAM": [f"acs:ram::{MEMBER}:root"]}
    trust = {"Version": "1", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": root}]}
    with world.store.transaction() as session:
        create_role(session, MEMBER, "ops", trust_document=json.dumps(trust), now=NOON)
    world.change(
        lambda session, directory: create_control_policy(
            session, directory, "no-ops", policy("Deny", "sts:AssumeRole", "acs:ram::*:role/ops"), now=NOON
        )
    )

    def decide() -> tuple[Outcome, Layer]:
        with world.store.looking() as reading:
            found = find_assumable_role(reading, MEMBER, "ops")
            assert found is not None
            decision = decide_caller(reading, found, world.alice, {})
        with world.store.reading() as session:
            again = decide_caller(session, get_role(session, MEMBER, "ops"), world.alice, {})
        assert (again.outcome, again.layer) == (decision.outcome, decision.layer)
        return decision.outcome, decision.layer

    assert decide() == (Outcome.ALLOW, Layer.TRUST)
    world.change(lambda session, directory: attach_control_policy(session, directory, "no-ops", world.eu, NOON))
    assert decide() == (Outcome.EXPLICIT_DENY, Layer.CONTROL)
