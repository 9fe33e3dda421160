"""The order of the layers, and what is reported of each."""

import json

import pytest

from gateway.policy import Effect, Layer, Layers, Outcome, PolicyType, StatementRef, compile_policies, decide
from tests.unit.policy.builders import ALICE, BUCKET, UID, ask, attached, policy_set, statement

ALLOW = policy_set(statement())
DENY = policy_set(statement("Deny"))
SILENT = policy_set()

OK, NO, NOTHING = Outcome.ALLOW, Outcome.EXPLICIT_DENY, Outcome.IMPLICIT_DENY
TABLE = {
    "nothing attached": (Layers(identity=SILENT), NOTHING, Layer.ACCOUNT_IDENTITY),
    "identity allows": (Layers(identity=ALLOW), OK, Layer.ACCOUNT_IDENTITY),
    "identity denies": (Layers(identity=DENY), NO, Layer.ACCOUNT_IDENTITY),
    "deny beats allow": (
        Layers(identity=policy_set(statement(), statement("Deny"))),
        NO,
        Layer.ACCOUNT_IDENTITY,
    ),
    "owner needs nothing": (Layers(owner=True, identity=SILENT), OK, Layer.OWNER),
    "owner is above control and identity": (Layers(owner=True, control=(DENY,), identity=DENY), OK, Layer.OWNER),
    "owner session is narrowed": (Layers(owner=True, session=SILENT, identity=SILENT), NOTHING, Layer.SESSION),
    "control allows, identity too": (Layers(control=(ALLOW, ALLOW), identity=ALLOW), OK, Layer.ACCOUNT_IDENTITY),
    "control grants nothing": (Layers(control=(ALLOW,), identity=SILENT), NOTHING, Layer.ACCOUNT_IDENTITY),
    "one control level is silent": (Layers(control=(ALLOW, SILENT), identity=ALLOW), NOTHING, Layer.CONTROL),
    "one control level denies": (Layers(control=(DENY, ALLOW), identity=ALLOW), NO, Layer.CONTROL),
    "control comes before session": (Layers(control=(DENY,), session=SILENT, identity=ALLOW), NO, Layer.CONTROL),
    "session allows, identity too": (Layers(session=ALLOW, identity=ALLOW), OK, Layer.ACCOUNT_IDENTITY),
    "session grants nothing": (Layers(session=ALLOW, identity=SILENT), NOTHING, Layer.ACCOUNT_IDENTITY),
    "session is silent": (Layers(session=SILENT, identity=ALLOW), NOTHING, Layer.SESSION),
    "session denies": (Layers(session=DENY, identity=ALLOW), NO, Layer.SESSION),
    "group allows": (Layers(identity=SILENT, resource_group=ALLOW), OK, Layer.RESOURCE_GROUP_IDENTITY),
    "group denies": (Layers(identity=SILENT, resource_group=DENY), NO, Layer.RESOURCE_GROUP_IDENTITY),
    "group is silent": (Layers(identity=SILENT, resource_group=SILENT), NOTHING, Layer.RESOURCE_GROUP_IDENTITY),
    "account allow beats group deny": (Layers(identity=ALLOW, resource_group=DENY), OK, Layer.ACCOUNT_IDENTITY),
    "account deny beats group allow": (Layers(identity=DENY, resource_group=ALLOW), NO, Layer.ACCOUNT_IDENTITY),
}


@pytest.mark.parametrize(("layers", "outcome", "layer"), TABLE.values(), ids=TABLE.keys())
def test_decide__layers__in_order(layers: Layers, outcome: Outcome, layer: Layer) -> None:
    decision = decide(ask(), layers)
    assert (decision.outcome, decision.layer) == (outcome, layer)
    assert decision.allowed is (outcome is Outcome.ALLOW)
    assert decision.explain()


def test_decide__matching_statement__is_named() -> None:
    policies = [
        attached("first", statement(action="ecs:*")),
        attached("second", statement(action="ecs:*"), statement(action="oss:Get*"), statement(action="oss:GetObject")),
    ]
    decision = decide(ask(), Layers(identity=compile_policies(policies)))
    assert decision.statement == StatementRef("second", PolicyType.CUSTOM, "v1", 1, Effect.ALLOW, ALICE, "User")


def test_decide__first_deny__is_named_whatever_came_before() -> None:
    policies = [attached("a", statement()), attached("b", statement(), statement("Deny"), statement("Deny"))]
    decision = decide(ask(), Layers(identity=compile_policies(policies)))
    assert decision.statement is not None
    assert (decision.statement.policy_name, decision.statement.index) == ("b", 1)


ACTIONS = [
    ("oss:GetObject", "OSS:getobject", True),
    ("oss:Get*", "oss:GetObject", True),
    ("oss:*", "ossx:GetObject", False),
    ("*:Get*", "oss:GetObject", True),
    ("o?s:Get*", "oss:GetObject", True),
    ("*", "oss:GetObject", True),
    ("oss:GetObject", "oss:GetObjectAcl", False),
    ("oss:*", "oss:", True),
    ("oss:Kill", "oss:\u212aill", False),
]


@pytest.mark.parametrize(("written", "asked", "covered"), ACTIONS)
def test_decide__action__any_case_and_wildcards(written: str, asked: str, covered: bool) -> None:
    assert decide(ask(asked), Layers(identity=policy_set(statement(action=written)))).allowed is covered
    not_action = {"Effect": "Allow", "NotAction": [written, "x:y"], "Resource": "*"}
    assert decide(ask(asked), Layers(identity=policy_set(not_action))).allowed is not covered


ROLE = f"acs:ram::{UID}:role/reader"
RESOURCES = [
    ("*", BUCKET, True),
    (BUCKET, BUCKET, True),
    (f"acs:oss::{UID}:bucket/*", BUCKET, True),
    ("acs:oss:::bucket/*", BUCKET, True),
    ("acs:oss:*:*:bucket/?.txt", BUCKET, True),
    ("acs:oss:*:*:Bucket/*", BUCKET, False),
    ("acs:oss:*", BUCKET, True),
    ("acs:oss:*:bucket/*", BUCKET, True),
    ("acs:oss:cn-hangzhou:*:bucket/*", BUCKET, False),
    ("acs:oss:*:9999999999999999:bucket/*", BUCKET, False),
    ("acs:oss:*:*:bucket", BUCKET, False),
    (f"acs:ram::{UID}:role/reader", ROLE, True),
    (f"acs:ram:*:{UID}:role/reader", ROLE, True),
    (f"acs:ram:*:{UID}:role/Reader", ROLE, True),
    (f"acs:ram::{UID}:role/READ*", f"acs:ram:*:{UID}:role/reader", True),
    (f"acs:ram::{UID}:role/reader", f"acs:ram:*:{UID}:role/Reader", True),
    (f"acs:ram::{UID}:user/Alice", f"acs:ram:*:{UID}:user/alice", True),
    (f"acs:ram::{UID}:role/reader2", ROLE, False),
    (f"acs:ram::{UID}:role/kim", f"acs:ram::{UID}:role/\u212aim", False),
    ("acs:oss:*:*:a:b/*", f"acs:oss:*:{UID}:a:b/c", True),
]


@pytest.mark.parametrize("crowd", [0, 20])
@pytest.mark.parametrize(("written", "asked", "covered"), RESOURCES)
def test_decide__resource__by_pattern(written: str, asked: str, covered: bool, crowd: int) -> None:
    """`crowd` further statements make the list long enough to be indexed by resource."""
    others = [statement(resource=f"acs:oss:*:*:other-{number}/*") for number in range(crowd)]
    layers = Layers(identity=policy_set(*others, statement(resource=["acs:none:*:*:x", written])))
    decision = decide(ask("ram:Any", asked), layers)
    assert decision.allowed is covered
    assert decision.statement is None or decision.statement.index == crowd


def test_decide__many_actions__stay_right_when_the_memo_is_emptied() -> None:
    layers = Layers(identity=policy_set(statement(action="oss:Get1*")))
    for number in [*range(1200), *range(20)]:
        assert decide(ask(f"oss:Get{number}"), layers).allowed is str(number).startswith("1")
    assert decide(ask("oss:Get1" + "x" * 5000), layers).allowed


def test_decide__context_changed_afterwards__changes_nothing() -> None:
    context = {"acs:MFAPresent": ("true",)}
    request = ask(context=context)
    context["acs:MFAPresent"] = ("false",)
    condition = {"Bool": {"acs:mfapresent": "true"}}
    assert decide(request, Layers(identity=policy_set(statement(condition=condition)))).allowed


def test_decide__conditions__all_must_be_met() -> None:
    condition = {
        "StringEquals": {"acs:a": ["1", "2"], "acs:b": "3"},
        "NumericLessThan": {"acs:n": "10"},
    }
    layers = Layers(identity=policy_set(statement(condition=condition)))
    met = {"acs:A": ("2",), "acs:b": ("3",), "acs:n": ("9",)}
    assert decide(ask(context=met), layers).allowed
    for key, value in (("acs:A", "3"), ("acs:b", "1"), ("acs:n", "10")):
        assert not decide(ask(context={**met, key: (value,)}), layers).allowed
        assert not decide(ask(context={name: seen for name, seen in met.items() if name != key}), layers).allowed


def test_decide__everything_but_billing__as_documented() -> None:
    document = json.loads(
        '[{"Effect":"Allow","Action":"*","Resource":"*"},{"Effect":"Deny","Action":["bss:*","efc:*"],"Resource":"*"}]'
    )
    layers = Layers(identity=policy_set(*document))
    assert decide(ask("ecs:StartInstance"), layers).allowed
    assert decide(ask("BSS:PayOrder"), layers).outcome is Outcome.EXPLICIT_DENY
