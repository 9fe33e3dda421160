"""Every published operation by the name that the official SDK has for it: answered as its shape says, or not known."""

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from gateway.api.actions.table import ACTIONS
from tests.wire.coverage import README, coverage_table, written_table
from tests.wire.operations import OPERATIONS, Operation
from tests.wire.refusal import refusal
from tests.wire.seed import Seed
from tests.wire.walk.scenario import Scenario
from tests.wire.walk.table import SCENARIOS
from tests.wire.walk.walker import Call, Walk

OPERATION = {(operation.service, operation.action): operation for operation in OPERATIONS}
CLAIMED = [operation for operation in OPERATIONS if operation.claimed]
UNCLAIMED = [operation for operation in OPERATIONS if not operation.claimed]
OURS = {".DecodedDiagnosticMessage.Explanation is unknown"}  # fields on top of the published ones
# Fields that are left out where there is nothing to say.
OPTIONAL = {"Marker", "NextToken", "SourceIdentity", "RoleId", "UserId"}
KINDS: Mapping[str, Callable[[Any], bool]] = {
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "any": lambda _value: True,
}


def named(row: Scenario | Operation | Call) -> str:
    return f"{row.service}-{row.action}"


def misfits(value: object, shape: object, path: str = "") -> list[str]:
    """Where an answer is not of its published shape: wrong types, wrong nesting, fields that nobody published."""
    if isinstance(shape, str):
        return [] if KINDS[shape](value) else [f"{path} is no {shape}: {value!r}"]
    if isinstance(shape, list):
        if not isinstance(value, list):
            return [f"{path} is no list: {value!r}"]
        return [found for number, item in enumerate(value) for found in misfits(item, shape[0], f"{path}[{number}]")]
    assert isinstance(shape, dict)
    if not isinstance(value, dict):
        return [f"{path} has no fields: {value!r}"]
    unknown = [f"{path}.{name} is unknown" for name in value.keys() - shape.keys()]
    return unknown + [
        found for name in value.keys() & shape.keys() for found in misfits(value[name], shape[name], f"{path}.{name}")
    ]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=named)
def test_success__answer__has_the_published_shape(company: Seed, scenario: Scenario) -> None:
    walk = Walk(company, scenario.service)
    scenario.success(walk)
    call = next(call for call in reversed(walk.calls) if named(call) == named(scenario))
    shape = OPERATION[scenario.service, scenario.action].response
    assert call.answer is not None
    assert set(misfits(call.answer, shape)) - OURS == set()
    assert shape.keys() - call.answer.keys() - OPTIONAL == set()


@pytest.mark.parametrize("scenario", SCENARIOS, ids=named)
def test_refusal__reason__has_the_published_code(company: Seed, scenario: Scenario) -> None:
    walk = Walk(company, scenario.service)
    error = refusal(scenario.refusal, walk)
    assert walk.calls[-1] == Call(scenario.service, scenario.action)
    assert error.code == scenario.code
    assert 400 <= error.status_code < 500
    assert error.request_id


@pytest.mark.parametrize("operation", UNCLAIMED, ids=named)
def test_unclaimed__any_call__not_found(company: Seed, operation: Operation) -> None:
    walk = Walk(company, operation.service)
    given = {name: "x" for name, kind in operation.parameters.items() if kind == "string"}
    error = refusal(walk, operation.action, **given)
    assert (error.status_code, error.code) == (404, "InvalidAction.NotFound")


def test_scenarios__every_claimed_operation__has_one() -> None:
    walked = Counter(named(scenario) for scenario in SCENARIOS)
    assert [name for name, count in walked.items() if count > 1] == []
    assert {named(operation) for operation in CLAIMED} - walked.keys() == set()
    assert walked.keys() - {named(operation) for operation in CLAIMED} == set()


def test_action_table__what_is_claimed__is_in_it_and_nothing_else() -> None:
    answered = {(operation.version, operation.action) for operation in OPERATIONS} & ACTIONS.keys()
    assert answered == {(operation.version, operation.action) for operation in CLAIMED}


def test_readme__coverage_table__is_what_the_scenarios_say() -> None:
    assert written_table(README.read_text()) == coverage_table(), "run python -m tests.wire.coverage --write"
