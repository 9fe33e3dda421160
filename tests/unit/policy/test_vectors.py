"""Decisions pinned in tests/vectors/policy: outcome, layer, statement, nearest miss, condition results and the reason in
words, also after a round trip.
"""

import json
from pathlib import Path

import pytest

from gateway.policy import (
    AccessRequest,
    AttachedPolicy,
    Decision,
    FederatedPrincipal,
    Layers,
    PolicySet,
    PolicyType,
    RamKind,
    RamPrincipal,
    ServicePrincipal,
    StatementRef,
    TrustedPrincipal,
    compile_policies,
    decide,
    decide_trust,
    parse_policy,
    parse_trust_policy,
    render_policy,
)
from tests.unit.policy.builders import ALICE

_ROLE = "acs:ram::1234567890123456:role/ops"
_VECTORS = Path(__file__).parents[2] / "vectors" / "policy"
_DECISIONS = json.loads((_VECTORS / "decisions.json").read_text())
_TRUST = json.loads((_VECTORS / "trust.json").read_text())


def _compile(policies: list[dict[str, object]], *, rendered: bool) -> PolicySet:
    compiled = []
    for policy in policies:
        document = parse_policy(json.dumps(policy["document"]))
        if rendered:
            document = parse_policy(render_policy(document))
        compiled.append(AttachedPolicy(str(policy["name"]), PolicyType.CUSTOM, "v1", document, ALICE, "User"))
    return compile_policies(compiled)


def _conditions(decision: Decision) -> list[list[object]]:
    return [[value.operator, value.key, value.met] for value in decision.condition_values]


@pytest.mark.parametrize("rendered", [False, True], ids=["as written", "rendered"])
@pytest.mark.parametrize("vector", _DECISIONS, ids=[vector["name"] for vector in _DECISIONS])
def test_decide__vector__as_pinned(vector: dict[str, dict[str, object]], rendered: bool) -> None:
    layers, request, expected = json.loads(json.dumps([vector["layers"], vector["request"], vector["expect"]]))
    decision = decide(
        AccessRequest(
            request["action"], request["resource"], {key: tuple(values) for key, values in request["context"].items()}
        ),
        Layers(
            owner=layers.get("owner", False),
            control=tuple(_compile(level, rendered=rendered) for level in layers.get("control", [])),
            session=_compile(layers["session"], rendered=rendered) if "session" in layers else None,
            identity=_compile(layers["identity"], rendered=rendered),
            resource_group=_compile(layers["resource_group"], rendered=rendered)
            if "resource_group" in layers
            else None,
        ),
    )
    assert {
        "outcome": decision.outcome.value,
        "layer": decision.layer.value,
        "statement": _place(decision.statement),
        "nearest": _place(decision.nearest),
        "conditions": _conditions(decision),
        "reason": decision.explain(),
    } == expected


def _place(statement: StatementRef | None) -> list[object] | None:
    return None if statement is None else [statement.policy_name, statement.index]


def _principal(kind: str, text: str) -> TrustedPrincipal:
    if kind == "Federated":
        return FederatedPrincipal(text)
    if kind == "Service":
        return ServicePrincipal(text)
    account, entity = text.split(":")[3:]
    return RamPrincipal(account, RamKind(entity.partition("/")[0]), entity.partition("/")[2])


@pytest.mark.parametrize("vector", _TRUST, ids=[vector["name"] for vector in _TRUST])
def test_decide_trust__vector__as_pinned(vector: dict[str, object]) -> None:
    document, principals, context, expected = json.loads(
        json.dumps([vector["document"], vector["principal"], vector["context"], vector["expect"]])
    )
    ((kind, text),) = principals.items()
    seen = {key: tuple(values) for key, values in context.items()}
    control = tuple(_compile(level, rendered=False) for level in vector.get("control", []))  # type: ignore[attr-defined]
    decision = decide_trust(
        parse_trust_policy(json.dumps(document)), _principal(kind, text), seen, role_arn=_ROLE, control=control
    )
    assert {
        "outcome": decision.outcome.value,
        "layer": decision.layer.value,
        "statement": _place(decision.statement),
        "nearest": _place(decision.nearest),
        "conditions": _conditions(decision),
        "reason": decision.explain(),
    } == expected
