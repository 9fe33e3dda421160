"""Calls foreseen: each step is what the real code says, and the first that stops it is named with what would help."""

import json
from collections.abc import Mapping

import pytest

from gateway.errors import InputError, NotFound, Reason
from gateway.simulation.call import Supposed, simulate_call
from gateway.simulation.chain import Chain, StepKind, chain_fields
from gateway.simulation.circumstances import read_circumstances
from tests.unit.directory.world import ACCOUNT, OTHER_ACCOUNT, refused
from tests.unit.simulation.world import BUCKET, World, document, statement

READER, BOSS = f"acs:ram::{ACCOUNT}:role/reader", f"acs:ram::{ACCOUNT}:role/boss"


def simulate(world: World, supposed: Supposed, context: Mapping[str, object] | None = None) -> Chain:
    text = json.dumps(context or {})
    return world.read(lambda stage: simulate_call(stage, supposed, read_circumstances(text, stage.now)))


def test_simulate_call__user__decides_as_the_authorizer(world: World) -> None:
    get = Supposed(world.alice.arn, action="oss:GetObject", resource=f"{BUCKET}/1")
    inside = simulate(world, get, {"acs:SourceIp": "10.0.0.1"})
    assert inside.allowed
    (step,) = inside.steps
    assert (step.kind, step.outcome) == (StepKind.IDENTITY, "Allow")
    assert step.statement is not None
    assert (step.statement.policy_name, step.statement.index) == ("reads", 0)
    outside = simulate(world, get, {"acs:SourceIp": "192.0.2.1"})
    assert outside.stopped_at == outside.steps[0]
    assert "acs:SourceIp IpAddress 10.0.0.0/8" in outside.steps[0].helps


def test_simulate_call__second_factor_missing__says_that_it_would_help(world: World) -> None:
    chain = simulate(
        world,
        Supposed(world.alice.arn, (READER, BOSS), action="oss:GetObject", resource="*"),
        {"acs:MFAPresent": False},
    )
    kinds = [(step.kind, step.passed) for step in chain.steps]
    assert kinds == [
        (StepKind.CALLER, True),
        (StepKind.TRUST, True),
        (StepKind.CALLER, True),
        (StepKind.TRUST, False),
        (StepKind.IDENTITY, True),
    ]
    stopped = chain.stopped_at
    assert stopped is not None
    assert "a second factor" in stopped.helps
    proved = Supposed(world.alice.arn, (READER, BOSS), action="oss:GetObject", resource="*")
    assert simulate(world, proved, {"acs:MFAPresent": True}).allowed


def test_simulate_call__session_policy__narrows_and_has_a_step(world: World) -> None:
    only_get = document(statement("oss:Get*"))
    put = Supposed(READER, session_policy=only_get, action="oss:PutObject", resource=f"{BUCKET}/1")
    assert [step.kind for step in simulate(world, put).steps if step.passed is False] == [StepKind.SESSION]
    get = Supposed(READER, session_policy=only_get, action="oss:GetObject", resource=f"{BUCKET}/1")
    assert [(step.kind, step.passed) for step in simulate(world, get).steps] == [
        (StepKind.SESSION, True),
        (StepKind.IDENTITY, True),
    ]


def test_simulate_call__nobody_allows__says_what_is_missing(world: World) -> None:
    chain = simulate(world, Supposed(world.bob.arn, (READER,)))
    assert [step.passed for step in chain.steps] == [False, False]
    assert "sts:AssumeRole" in chain.steps[0].helps
    assert f"name {world.bob.arn}" in chain.steps[1].helps
    assert json.loads(json.dumps(chain_fields(chain)))["stopped_at"] == 0


def test_simulate_call__role_of_another_account__is_asked_about_on_ones_own_side_only(world: World) -> None:
    chain = simulate(world, Supposed(READER, (f"acs:ram::{OTHER_ACCOUNT}:role/any",)))
    assert [(step.kind, step.passed, step.outcome) for step in chain.steps] == [
        (StepKind.CALLER, True, "Allow"),
        (StepKind.TRUST, False, "Unknown"),
    ]


def test_simulate_call__others__are_refused(world: World) -> None:
    with refused(NotFound, Reason.NOT_FOUND, "User"):
        simulate(world, Supposed(f"acs:ram::{OTHER_ACCOUNT}:user/alice"))
    with refused(NotFound, Reason.NOT_FOUND, "Role"):
        simulate(world, Supposed(f"acs:ram::{ACCOUNT}:role/nobody"))
    with refused(InputError, Reason.ARN_MALFORMED, "PrincipalArn"):
        simulate(world, Supposed("alice"))
    with refused(InputError, Reason.PARAMETER_INVALID, "RoleArn"):
        simulate(world, Supposed(world.alice.arn, (READER,) * 9))
    with refused(InputError, Reason.PARAMETER_INVALID, "Policy"):
        simulate(world, Supposed(world.alice.arn, session_policy=document(statement("*"))))


def test_simulate_call__owner__may_everything_and_assumes_nothing(world: World) -> None:
    root = f"acs:ram::{ACCOUNT}:root"
    assert simulate(world, Supposed(root, action="a:B", resource="*")).allowed
    assert not simulate(world, Supposed(root, (READER,))).allowed


@pytest.mark.parametrize(
    "text",
    [
        "[]",
        "{",
        '{"a": 1}',
        '{"acs:A": 1, "ACS:a": 2}',
        '{"acs:A": {}}',
        '{"acs:A": 1, "acs:A": 1}',
        '{"acs:A": "\\ud800"}',
    ],
)
def test_read_circumstances__not_a_flat_object__is_refused(world: World, text: str) -> None:
    with refused(InputError, Reason.PARAMETER_INVALID, "Context"):
        read_circumstances(text, world.clock.now())


def test_simulate_call__anything__writes_nothing(world: World) -> None:
    before = world.contents()
    simulate(world, Supposed(world.alice.arn, (READER, BOSS), action="ram:DeleteUser", resource="*"))
    assert world.contents() == before
