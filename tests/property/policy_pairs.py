"""The engine against the slow reference on many generated (policy, request) pairs.

    python -m tests.property.policy_pairs 1000000

Plain random numbers instead of a search for small examples: a million pairs take minutes, and a pair that differs is
printed with its seed.
"""

import random
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gateway.policy import AccessRequest, AttachedPolicy, Layers, PolicyType, compile_policies, decide, parse_policy
from tests.property.policy_reference import (
    ACTION_PATTERNS,
    ACTIONS,
    OPERATORS_OF,
    RESOURCE_PATTERNS,
    RESOURCES,
    SEEN,
    WANTED,
    Context,
    Node,
    render,
    slow_decide,
)

_OPERATORS = [(operator, kind) for kind, operators in OPERATORS_OF.items() for operator in operators]
_REQUESTS_PER_POLICY = 20
_MOST_STATEMENTS = 10


@dataclass(frozen=True, slots=True)
class Disagreement:
    seed: int
    policy: str
    request: tuple[str, str, Context]
    engine: tuple[str, int | None]
    reference: tuple[str, int | None]


def find_disagreement(pairs: int, seed: int) -> Disagreement | None:
    """The first of `pairs` pairs that the two decide differently; None if there is none."""
    for start in range(0, pairs, _REQUESTS_PER_POLICY):
        source = random.Random(seed + start)
        nodes = [_statement(source) for _ in range(source.randint(1, _MOST_STATEMENTS))]
        text = render(nodes)
        attached = AttachedPolicy("p", PolicyType.CUSTOM, "v1", parse_policy(text), "acs:ram::1:user/u", "User")
        layers = Layers(identity=compile_policies((attached,)))
        for _ in range(min(_REQUESTS_PER_POLICY, pairs - start)):
            request = (source.choice(ACTIONS), source.choice(RESOURCES), _context(source))
            decision = decide(AccessRequest(*request), layers)
            place = None if decision.statement is None else decision.statement.index
            engine, reference = (decision.outcome.value, place), slow_decide(nodes, *request)
            if engine != reference:
                return Disagreement(seed + start, text, request, engine, reference)
    return None


def _statement(source: random.Random) -> Node:
    node: Node = {
        "Effect": source.choice(("Allow", "Deny")),
        source.choice(("Action", "Action", "Action", "NotAction")): _some(source, ACTION_PATTERNS),
        "Resource": _some(source, RESOURCE_PATTERNS),
    }
    block: dict[str, dict[str, list[str]]] = {}
    for _ in range(source.choice((0, 0, 1, 1, 2, 3))):
        operator, kind = source.choice(_OPERATORS)
        block.setdefault(operator, {})[f"acs:{kind}"] = _some(source, WANTED[kind])
    return {**node, "Condition": block} if block else node


def _some(source: random.Random, values: Sequence[str]) -> list[str]:
    return source.sample(list(values), source.randint(1, min(3, len(values))))


def _context(source: random.Random) -> Context:
    kinds = source.sample(sorted(SEEN), source.randint(0, len(SEEN)))
    return {f"acs:{kind}": tuple(source.sample(list(SEEN[kind]), source.randint(0, 2))) for kind in kinds}


def main(say: Callable[[str], None] = print) -> int:
    pairs = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    seed, started = random.SystemRandom().randrange(1 << 40), time.monotonic()
    found = find_disagreement(pairs, seed)
    if found is not None:
        say(f"differs: {found}")
        return 1
    say(f"{pairs} pairs, no difference, seed {seed}, {time.monotonic() - started:.0f} s")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
