"""A session has a part of the rights and of the time of what it came from, by whatever way it was issued."""

import json
from collections.abc import Sequence
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from gateway.directory.attachments import attach_policy
from gateway.directory.authorization import Authorizer
from gateway.directory.policies import create_policy, create_policy_version
from gateway.directory.roles import Role
from gateway.errors import GatewayError
from gateway.principal import Principal, RamUser, RoleSession
from gateway.store.engine import Store
from gateway.sts.assume import assume_as_caller, assume_with_identity
from gateway.sts.duration import Cap
from gateway.sts.token import SessionToken, open_token, seal_token
from tests.company import RING, Company, make_company
from tests.databases import SqliteFiles
from tests.fake_clock import NOON, FakeClock
from tests.property.policy_reference import ACTIONS, RESOURCES, Node, policies, render
from tests.sessions import make_provenance

CALLS = [(action, resource) for action in ACTIONS[::2] for resource in RESOURCES[::5]]
ROLES = ("first", "second", "third")


class World:
    """Three roles that trust each other, a user and a provider; each has a policy of its own."""

    def __init__(self, store: Store) -> None:
        self.store, self.authorizer = store, Authorizer(FakeClock())
        self.provenance = make_provenance()
        with store.transaction() as session:
            self.company = make_company(session)
            account = self.company.account.id
            trust = {
                "Version": "1",
                "Statement": [
                    {
                        "Effect": "Allow",
                        "Action": "sts:AssumeRole",
                        "Principal": {"RAM": f"acs:ram::{account}:root", "Federated": self.provenance.provider_arn},
                    }
                ],
            }
            for name in ROLES:
                role = self.company.role(name, trust=json.dumps(trust), max_s=43200)
                create_policy(session, account, f"of-{name}", render([_NOTHING]), now=NOON)
                attach_policy(session, account, "Custom", f"of-{name}", role, NOON)

    def set_policies(self, documents: Sequence[list[Node]]) -> None:
        with self.store.transaction() as session:
            for name, nodes in zip(ROLES, documents, strict=True):
                create_policy_version(
                    session,
                    self.company.account.id,
                    f"of-{name}",
                    render(nodes),
                    set_as_default=True,
                    rotate=True,
                    now=NOON,
                )

    def allowed(self, session: Session, who: Principal) -> set[tuple[str, str]]:
        decide = self.authorizer.decide
        return {call for call in CALLS if decide(session, who, *call, {}).allowed}

    def role(self, name: str) -> Role:
        return self.company.roles[name]

    def user(self) -> RamUser:
        return RamUser(self.company.account.id, "200000000000000001", "alice")


_NOTHING: Node = {"Effect": "Deny", "Action": "*", "Resource": "*"}


@pytest.fixture(scope="module")
def world(sqlite_files: SqliteFiles) -> World:
    return World(Store(sqlite_files.migrated()))


def _federated(world: World, session: Session, policy: str | None) -> SessionToken:
    grant = assume_with_identity(
        session,
        ring=RING,
        role=world.role("first"),
        provider_arn=world.provenance.provider_arn,
        session_name="alice",
        identity_context={},
        provenance=world.provenance,
        duration=Cap("test", 3600),
        session_policy=policy,
        now=NOON,
    )
    return grant.token


def _derived(
    world: World, session: Session, caller: RamUser | SessionToken, name: str, policy: str | None
) -> SessionToken:
    grant = assume_as_caller(
        session,
        ring=RING,
        caller=caller,
        role=world.role(name),
        session_name="alice",
        context={},
        duration_s=3600,
        session_policy=policy,
        now=NOON + timedelta(minutes=10),
    )
    return open_token(RING, seal_token(RING, grant.token))


def _check(world: World, session: Session, chain: Sequence[SessionToken]) -> None:
    """Against the role alone, and against every session upstream: of the same role no more rights, never more time."""
    last = chain[-1]
    who = last.principal
    rights = world.allowed(session, who)
    bare = RoleSession(who.account_id, who.role_id, who.role_name, who.session_name)
    assert rights <= world.allowed(session, bare)
    for upstream in chain[:-1]:
        assert last.expires_at <= upstream.expires_at
        assert ("session", upstream.session_id) in last.lineage
        if upstream.principal.role_id == who.role_id:
            assert rights <= world.allowed(session, upstream.principal)


session_policies = st.none() | policies(3).map(render)
steps = st.lists(st.tuples(st.sampled_from(ROLES), session_policies), max_size=3)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    documents=st.tuples(policies(3), policies(3), policies(3)),
    federated=st.booleans(),
    first=session_policies,
    then=steps,
)
def test_issued_session__any_way_and_any_policies__has_a_part_of_what_it_came_from(
    world: World,
    documents: tuple[list[Node], list[Node], list[Node]],
    federated: bool,
    first: str | None,
    then: list[tuple[str, str | None]],
) -> None:
    world.set_policies(documents)
    with world.store.transaction() as session:
        token = (
            _federated(world, session, first) if federated else _derived(world, session, world.user(), "first", first)
        )
        chain = [token]
        _check(world, session, chain)
        for name, policy in then:
            try:
                chain.append(_derived(world, session, chain[-1], name, policy))
            except GatewayError:  # a second session policy on top of the first
                continue
            _check(world, session, chain)


def test_assume_as_caller__back_to_a_role_by_a_detour__keeps_its_session_policy(world: World) -> None:
    narrow = render([{"Effect": "Allow", "Action": "oss:GetObject", "Resource": "*"}])
    with world.store.transaction() as session:
        first = _derived(world, session, world.user(), "first", narrow)
        back = _derived(world, session, _derived(world, session, first, "second", None), "first", None)
        assert back.principal.session_policy == narrow
        with pytest.raises(GatewayError):
            _derived(world, session, _derived(world, session, first, "second", None), "first", render([_NOTHING]))


def test_world__company__is_what_the_tests_think(world: World) -> None:
    assert isinstance(world.company, Company)
    assert set(ROLES) <= set(world.company.roles)
