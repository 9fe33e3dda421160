"""Decisions on what is stored: whose policies count, and from when on."""

from collections.abc import Callable, Mapping
from threading import Thread

import pytest
from sqlalchemy.orm import Session

from gateway.directory.attachments import attach_policy, detach_policy
from gateway.directory.authorization import Authorizer
from gateway.directory.groups import add_user, remove_user
from gateway.directory.policies import create_policy, create_policy_version, set_default_version
from gateway.directory.recycle_bin import delete_user
from gateway.directory.roles import delete_role
from gateway.directory.users import update_user
from gateway.errors import Denied, Reason
from gateway.policy import Layer, Outcome
from gateway.principal import AccountOwner, Principal, RamUser, RoleSession
from gateway.store.engine import Store
from tests.fake_clock import NOON, FakeClock
from tests.statements import counted_queries
from tests.unit.directory.world import ACCOUNT, OTHER_ACCOUNT, group, policy, role, user

RESOURCE = f"acs:oss:*:{ACCOUNT}:bucket/object"
OWNER = AccountOwner(ACCOUNT, "owner@company.example")


class World:
    """Alice in group staff, and role reader; nothing attached yet."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.authorizer = Authorizer(FakeClock())
        with store.transaction() as session:
            self.user, self.group, self.role = user(session), group(session), role(session)
            add_user(session, self.group, self.user, NOON)
            for name, document in {
                "reads": policy(action="oss:Get*"),
                "writes": policy(action="oss:Put*"),
                "no-writes": policy("Deny", "oss:Put*"),
            }.items():
                create_policy(session, ACCOUNT, name, document, now=NOON)
        self.alice = RamUser(ACCOUNT, self.user.id, "alice")

    def reader(self, session_policy: str | None = None) -> RoleSession:
        return RoleSession(ACCOUNT, self.role.id, "reader", "alice@example.com", session_policy)

    def change(self, work: Callable[[Session], object]) -> None:
        with self.store.transaction() as session:
            work(session)

    def may(
        self, who: Principal, action: str = "oss:GetObject", context: Mapping[str, tuple[str, ...]] | None = None
    ) -> bool:
        with self.store.reading() as session:
            return self.authorizer.decide(session, who, action, RESOURCE, context or {}).allowed


@pytest.fixture
def world(store: Store, account: str) -> World:
    return World(store)


def test_decide__owner__may_everything_in_an_account_that_exists(world: World) -> None:
    assert world.may(OWNER, "anything:AtAll")
    with world.store.reading() as session:
        assert world.authorizer.decide(session, OWNER, "a:b", "*", {}).layer is Layer.OWNER
    assert not world.may(AccountOwner("1111111111111111", "owner@example.com"))


def test_decide__nothing_attached__denied(world: World) -> None:
    assert not world.may(world.alice)
    assert not world.may(world.reader())


def test_decide__attached_and_detached__acts_at_the_next_request_on_every_worker(world: World) -> None:
    other_worker = Authorizer(FakeClock())
    for target, who in ((world.user, world.alice), (world.group, world.alice), (world.role, world.reader())):
        for expected in (True, False):
            if expected:
                world.change(lambda s, t=target: attach_policy(s, ACCOUNT, "Custom", "reads", t, NOON))  # type: ignore[misc]
            else:
                world.change(lambda s, t=target: detach_policy(s, ACCOUNT, "Custom", "reads", t))  # type: ignore[misc]
            assert world.may(who) is expected
            with world.store.reading() as session:
                assert other_worker.decide(session, who, "oss:GetObject", RESOURCE, {}).allowed is expected


def test_decide__deny_by_group__beats_own_allow_and_is_named(world: World) -> None:
    world.change(lambda s: attach_policy(s, ACCOUNT, "System", "AdministratorAccess", world.user, NOON))
    assert world.may(world.alice, "oss:PutObject")
    world.change(lambda s: attach_policy(s, ACCOUNT, "Custom", "no-writes", world.group, NOON))
    with world.store.reading() as session:
        decision = world.authorizer.decide(session, world.alice, "oss:PutObject", RESOURCE, {})
    assert decision.outcome is Outcome.EXPLICIT_DENY
    assert decision.layer is Layer.ACCOUNT_IDENTITY
    assert decision.statement is not None
    assert (decision.statement.policy_name, decision.statement.policy_type) == ("no-writes", "Custom")
    assert (decision.statement.policy_version, decision.statement.index) == ("v1", 0)
    assert (decision.statement.attached_to, decision.statement.via) == (world.group.arn, "Group")


def test_decide__same_policy_directly_and_by_group__works_until_both_are_gone(world: World) -> None:
    for kind, name in (("Custom", "reads"), ("System", "ReadOnlyAccess")):
        for target in (world.user, world.group):
            world.change(lambda s, t=target, k=kind, n=name: attach_policy(s, ACCOUNT, k, n, t, NOON))  # type: ignore[misc]
        with world.store.reading() as session:
            decision = world.authorizer.decide(session, world.alice, "oss:GetObject", RESOURCE, {})
        assert decision.statement is not None
        assert decision.statement.via == "User", "the user's own policies are looked at first"
        world.change(lambda s, k=kind, n=name: detach_policy(s, ACCOUNT, k, n, world.user))  # type: ignore[misc]
        assert world.may(world.alice)
        world.change(lambda s, k=kind, n=name: detach_policy(s, ACCOUNT, k, n, world.group))  # type: ignore[misc]
        assert not world.may(world.alice)


def test_decide__left_the_group__has_no_more_of_its_rights(world: World) -> None:
    world.change(lambda s: attach_policy(s, ACCOUNT, "Custom", "reads", world.group, NOON))
    assert world.may(world.alice)
    world.change(lambda s: remove_user(s, world.group, world.user))
    assert not world.may(world.alice)


def test_decide__default_version__is_the_one_that_counts(world: World) -> None:
    world.change(lambda s: attach_policy(s, ACCOUNT, "Custom", "reads", world.user, NOON))
    nothing = policy("Deny", "oss:Get*")
    world.change(lambda s: create_policy_version(s, ACCOUNT, "reads", nothing, set_as_default=False, now=NOON))
    assert world.may(world.alice)
    world.change(lambda s: set_default_version(s, ACCOUNT, "reads", "v2", NOON))
    assert not world.may(world.alice)


def test_decide__session_policy__narrows_and_never_widens(world: World) -> None:
    world.change(lambda s: attach_policy(s, ACCOUNT, "System", "ReadOnlyAccess", world.role, NOON))
    world.change(lambda s: attach_policy(s, ACCOUNT, "Custom", "writes", world.role, NOON))
    narrowed = world.reader(policy(action="oss:Get*"))
    assert world.may(narrowed, "oss:GetObject")
    assert not world.may(narrowed, "oss:PutObject")
    assert world.may(world.reader(), "oss:PutObject")
    assert not world.may(world.reader(policy(action="*")), "oss:DeleteObject")
    with world.store.reading() as session:
        assert world.authorizer.decide(session, narrowed, "oss:PutObject", RESOURCE, {}).layer is Layer.SESSION


def test_require__denied__carries_the_decision_and_why(world: World) -> None:
    with world.store.reading() as session, pytest.raises(Denied) as caught:
        world.authorizer.require(session, world.alice, "oss:GetObject", RESOURCE, {})
    assert caught.value.reason is Reason.ACCESS_DENIED
    decision = caught.value.decision
    with world.store.reading() as session:
        again = world.authorizer.decide(session, world.alice, "oss:GetObject", RESOURCE, {})
    assert caught.value.detail == again.explain()
    assert getattr(decision, "outcome", None) is Outcome.IMPLICIT_DENY


def test_require__principal_is_gone_or_of_another_account__denied_and_said_so(world: World) -> None:
    world.change(lambda s: delete_role(s, ACCOUNT, "reader"))
    world.change(lambda s: remove_user(s, world.group, world.user))
    world.change(lambda s: delete_user(s, ACCOUNT, "alice", NOON))
    mallory = RamUser(OTHER_ACCOUNT, world.user.id, "alice")
    for who in (world.alice, world.reader(policy()), mallory, RamUser("1" * 16, "2" * 18, "alice")):
        with world.store.reading() as session, pytest.raises(Denied) as caught:
            world.authorizer.require(session, who, "oss:GetObject", RESOURCE, {})
        assert caught.value.reason is Reason.ACCESS_DENIED
        assert caught.value.detail == f"{who.arn} does not exist any more"


def test_decide__user_of_another_account_under_this_id__has_no_rights(world: World) -> None:
    world.change(lambda s: attach_policy(s, ACCOUNT, "System", "AdministratorAccess", world.user, NOON))
    assert world.may(world.alice)
    assert not world.may(RamUser(OTHER_ACCOUNT, world.user.id, "alice"))
    assert not world.may(RoleSession(ACCOUNT, world.user.id, "alice", "s")), "a user's id is no role's"
    assert world.may(world.alice)


def test_decide__deleted_after_it_was_remembered__denied_at_once(world: World) -> None:
    world.change(lambda s: attach_policy(s, ACCOUNT, "System", "AdministratorAccess", world.role, NOON))
    assert world.may(world.reader())
    world.change(lambda s: detach_policy(s, ACCOUNT, "System", "AdministratorAccess", world.role))
    world.change(lambda s: delete_role(s, ACCOUNT, "reader"))
    assert not world.may(world.reader())


def test_decide__principal_arn__is_added_as_called_today_and_not_taken_from_the_context(world: World) -> None:
    document = policy().replace(
        '"Resource": "*"', '"Resource": "*", "Condition": {"StringLike": {"acs:PrincipalARN": "acs:ram::*:*/ali*"}}'
    )
    world.change(lambda s: create_policy(s, ACCOUNT, "by-name", document, now=NOON))
    for target in (world.user, world.role):
        world.change(lambda s, t=target: attach_policy(s, ACCOUNT, "Custom", "by-name", t, NOON))  # type: ignore[misc]
    assert world.may(world.alice)
    assert not world.may(world.reader()), "a role session is known by its role, not by its session name"
    for key in ("acs:PrincipalARN", "ACS:principalarn"):
        assert not world.may(world.reader(), context={key: (world.user.arn,)})
        assert world.may(world.alice, context={key: ("acs:ram::1:user/bob",)})
    world.change(lambda s: update_user(s, ACCOUNT, "alice", new_name="bob", now=NOON))
    assert not world.may(world.alice)


def test_decide__stamp_of_a_transaction_that_rolled_back__is_not_believed_later(world: World) -> None:
    def attach_then_fail() -> None:
        with world.store.transaction() as session:
            attach_policy(session, ACCOUNT, "System", "AdministratorAccess", world.user, NOON)
            assert world.authorizer.decide(session, world.alice, "oss:GetObject", RESOURCE, {}).allowed
            raise RuntimeError

    with pytest.raises(RuntimeError):
        attach_then_fail()
    assert not world.may(world.alice)
    world.change(lambda s: attach_policy(s, ACCOUNT, "Custom", "writes", world.user, NOON))
    assert not world.may(world.alice)
    assert world.may(world.alice, "oss:PutObject")


def test_decide__remembered__costs_one_query(world: World) -> None:
    world.change(lambda s: attach_policy(s, ACCOUNT, "Custom", "reads", world.user, NOON))
    assert world.may(world.alice)
    with world.store.reading() as session, counted_queries(session) as queries:
        assert world.authorizer.decide(session, world.alice, "oss:GetObject", RESOURCE, {}).allowed
        assert len(queries) == 1
        assert world.authorizer.decide(session, OWNER, "oss:GetObject", RESOURCE, {}).allowed
        assert len(queries) == 2


def test_decide__more_principals_than_are_remembered__all_are_right(world: World) -> None:
    world.authorizer = Authorizer(FakeClock(), remembered=2)
    with world.store.transaction() as session:
        people = [user(session, f"user{number}") for number in range(5)]
        for person in people[::2]:
            attach_policy(session, ACCOUNT, "Custom", "reads", person, NOON)
    for _ in range(2):
        answers = [world.may(RamUser(ACCOUNT, person.id, person.name)) for person in people]
        assert answers == [True, False, True, False, True]


def test_decide__many_threads_while_rights_change__end_with_the_last_state(world: World) -> None:
    failures: list[BaseException] = []

    def ask() -> None:
        try:
            for _ in range(20):
                world.may(world.alice)
        except BaseException as exc:  # noqa: BLE001 - a thread's failure is the test's
            failures.append(exc)

    threads = [Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(5):
        world.change(lambda s: attach_policy(s, ACCOUNT, "Custom", "reads", world.user, NOON))
        assert world.may(world.alice)
        world.change(lambda s: detach_policy(s, ACCOUNT, "Custom", "reads", world.user))
        assert not world.may(world.alice)
    for thread in threads:
        thread.join()
    assert failures == []
    assert not world.may(world.alice)
