"""The engine against the slow reference, and what must hold for every policy."""

import json
import random

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.policy import (
    AccessRequest,
    AttachedPolicy,
    Decision,
    Layers,
    Outcome,
    PolicySet,
    PolicyType,
    compile_policies,
    decide,
    parse_policy,
    render_policy,
)
from tests.property.policy_pairs import find_disagreement
from tests.property.policy_reference import (
    Context,
    Node,
    policies,
    render,
    requests,
    slow_decide,
    slow_match,
    statements,
)

Request = tuple[str, str, Context]


def _compile(*documents: list[Node]) -> PolicySet:
    return compile_policies(
        [
            AttachedPolicy(
                f"p{place}", PolicyType.CUSTOM, "v1", parse_policy(render(nodes)), "acs:ram::1:user/u", "User"
            )
            for place, nodes in enumerate(documents)
            if nodes
        ]
    )


def _decide(request: Request, layers: Layers) -> Decision:
    return decide(AccessRequest(*request), layers)


@settings(max_examples=400, deadline=None)
@given(nodes=policies(), asked=st.lists(requests, min_size=3, max_size=6))
def test_decide__any_policy__agrees_with_the_reference(nodes: list[Node], asked: list[Request]) -> None:
    layers = Layers(identity=_compile(nodes))
    for request in asked:
        decision = _decide(request, layers)
        place = None if decision.statement is None else decision.statement.index
        assert (decision.outcome.value, place) == slow_decide(nodes, *request)
        assert decision.explain()


def test_decide__ten_thousand_pairs__agree_with_the_reference() -> None:
    # `make nightly` looks at a million.
    assert find_disagreement(10_000, seed=random.SystemRandom().randrange(1 << 40)) is None


@settings(max_examples=100, deadline=None)
@given(nodes=policies(), asked=requests)
def test_decide__rendered_and_parsed__decides_the_same(nodes: list[Node], asked: Request) -> None:
    document = parse_policy(render(nodes))
    assert parse_policy(render_policy(document)) == document


@settings(max_examples=200, deadline=None)
@given(nodes=policies(), more=statements(effects=("Deny",)), asked=requests, data=st.data())
def test_decide__deny_added__never_allows_more(
    nodes: list[Node], more: Node, asked: Request, data: st.DataObject
) -> None:
    place = data.draw(st.integers(0, len(nodes)))
    before = _decide(asked, Layers(identity=_compile(nodes)))
    after = _decide(asked, Layers(identity=_compile([*nodes[:place], more, *nodes[place:]])))
    assert before.allowed or not after.allowed


@settings(max_examples=200, deadline=None)
@given(nodes=policies(), asked=requests, data=st.data())
def test_decide__statements_in_any_order__same_outcome(nodes: list[Node], asked: Request, data: st.DataObject) -> None:
    shuffled = data.draw(st.permutations(nodes))
    half = data.draw(st.integers(0, len(nodes)))
    before = _decide(asked, Layers(identity=_compile(nodes)))
    after = _decide(asked, Layers(identity=_compile(shuffled[:half], shuffled[half:])))
    assert (before.outcome, before.layer) == (after.outcome, after.layer)


@settings(max_examples=200, deadline=None)
@given(nodes=policies(4), session=policies(3), control=policies(3), asked=requests, owner=st.booleans())
def test_decide__session_and_control__only_narrow(
    nodes: list[Node], session: list[Node], control: list[Node], asked: Request, owner: bool
) -> None:
    identity = _compile(nodes)
    wide = _decide(asked, Layers(identity=identity, owner=owner))
    narrow = _decide(
        asked, Layers(identity=identity, owner=owner, session=_compile(session), control=(_compile(control),))
    )
    assert wide.allowed or not narrow.allowed
    if narrow.allowed:
        assert slow_decide(session, *asked)[0] == "Allow"
        assert owner or slow_decide(control, *asked)[0] == "Allow"


@settings(max_examples=100, deadline=None)
@given(nodes=policies(), group=policies(4), asked=requests)
def test_decide__resource_group__asked_only_when_the_account_is_silent(
    nodes: list[Node], group: list[Node], asked: Request
) -> None:
    account = _decide(asked, Layers(identity=_compile(nodes)))
    both = _decide(asked, Layers(identity=_compile(nodes), resource_group=_compile(group)))
    if account.outcome is not Outcome.IMPLICIT_DENY:
        assert (both.outcome, both.layer, both.statement) == (account.outcome, account.layer, account.statement)
    else:
        assert both.outcome.value == slow_decide(group, *asked)[0]


@settings(max_examples=50, deadline=None)
@given(asked=st.lists(requests, min_size=2, max_size=6), nodes=policies())
def test_decide__earlier_requests__leave_no_trace(asked: list[Request], nodes: list[Node]) -> None:
    shared = Layers(identity=_compile(nodes))
    for request in [*asked, *asked]:
        fresh = _decide(request, Layers(identity=_compile(nodes)))
        again = _decide(request, shared)
        assert (fresh.outcome, fresh.statement) == (again.outcome, again.statement)


def test_slow_match__obvious_rows__are_right() -> None:
    assert [slow_match("a*b?", text) for text in ("abc", "axxbc", "ab", "xabc")] == [True, True, False, False]
    assert json.loads(render([]))["Version"] == "1"
