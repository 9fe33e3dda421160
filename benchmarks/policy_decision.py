"""Microseconds of one policy decision, beside a bare index that only says yes or no, and beside other evaluators.

Run: python -m benchmarks.policy_decision [--json]

P policies of four statements with wildcards, each with two conditions. `named` spreads statements over services, `any`
has statements that name no service, so that every one of them is a candidate for every action. Requests alternate
between allowed, denied and unmentioned resources. The machine's speed cancels out in the ratio, the last column.

`decide_us` is the decision, with layer, statement and evidence in it; `told_us` reads all of that as well: statement,
nearest miss, the values of each condition. The peers run in the environment of `requirements/bench.lock`, see
`peers/policy.py`.
"""

import fnmatch
import functools
import ipaddress
import json
import re
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from gateway.policy import (
    AccessRequest,
    AttachedPolicy,
    Layers,
    Outcome,
    PolicyType,
    compile_policies,
    decide,
    parse_policy,
)

_SERVICES = 25
_ROUNDS = 15
_HOME = Path(__file__).resolve().parents[1]
_PEERS_PYTHON = _HOME / "var" / "bench-env" / "bin" / "python"
_CONTEXT: Mapping[str, tuple[str, ...]] = {
    "acs:SourceIp": ("10.1.2.3",),
    "acs:CurrentTime": ("2026-03-04T12:00:00Z",),
    "acs:SecureTransport": ("true",),
    "acs:MFAPresent": ("false",),
    "acs:UserAgent": ("ramgate-sdk/2.1",),
}
Ask = tuple[str, str]


def statement(policy: int, number: int, *, named: bool) -> dict[str, object]:
    service = f"svc{policy % _SERVICES}"
    actions = {
        0: ["Get*", "List*"],
        1: ["PutObject", "CopyObject"],
        2: ["Delete*"],
        3: ["*Version*"],
    }[number]
    return {
        "Effect": "Deny" if number == 2 else "Allow",
        "Action": [f"{service if named else '*'}:{action}" for action in actions],
        "Resource": [f"acs:{service}:*:*:bucket-{policy}/*", f"acs:{service}:*:*:archive-{policy}/20??/*"],
        "Condition": {
            "StringLike": {"acs:UserAgent": ["ramgate-*", "other/*"]},
            "IpAddress": {"acs:SourceIp": ["10.0.0.0/8", "192.0.2.0/24"]},
        },
    }


def documents(count: int, *, named: bool) -> list[dict[str, object]]:
    return [
        {"Version": "1", "Statement": [statement(policy, number, named=named) for number in range(4)]}
        for policy in range(count)
    ]


def questions(count: int) -> list[Ask]:
    """Answers: allow, deny, nothing said, allow."""
    asks = []
    for step in range(64):
        policy = step * 17 % count
        service = f"svc{policy % _SERVICES}"
        asks += [
            (f"{service}:GetObject", f"acs:{service}:cn-hangzhou:1234567890123456:bucket-{policy}/a/b.txt"),
            (f"{service}:DeleteObject", f"acs:{service}:cn-hangzhou:1234567890123456:bucket-{policy}/{step}.txt"),
            (f"{service}:GetObject", f"acs:{service}:cn-hangzhou:1234567890123456:elsewhere-{step}/b.txt"),
            (f"{service}:PutObject", f"acs:{service}:cn-hangzhou:1234567890123456:archive-{policy}/2026/{step}.txt"),
        ]
    return asks


@functools.lru_cache(maxsize=64)
def _number(text: str) -> int:
    return int(ipaddress.ip_address(text))


@dataclass(slots=True)
class BareStatement:
    deny: bool
    actions: Callable[[str], object]
    resources: Callable[[str], object]
    agents: Callable[[str], object]
    networks: tuple[tuple[int, int], ...]


def _pattern(globs: list[str], flags: int = 0) -> Callable[[str], object]:
    return re.compile("|".join(fnmatch.translate(glob) for glob in globs), flags).match


class BareIndex:
    """Index over service, memo per action, compiled patterns, yes or no: the least that could work."""

    def __init__(self, policies: list[dict[str, object]]) -> None:
        self._by_service: dict[str, list[BareStatement]] = {}
        self._memo: dict[str, tuple[tuple[BareStatement, ...], tuple[BareStatement, ...]]] = {}
        for policy in policies:
            for node in json.loads(json.dumps(policy["Statement"])):
                networks = map(ipaddress.ip_network, node["Condition"]["IpAddress"]["acs:SourceIp"])
                compiled = BareStatement(
                    node["Effect"] == "Deny",
                    _pattern(node["Action"], re.IGNORECASE),
                    _pattern(node["Resource"]),
                    _pattern(node["Condition"]["StringLike"]["acs:UserAgent"]),
                    tuple((int(network.network_address), int(network.netmask)) for network in networks),
                )
                for service in {action.partition(":")[0] for action in node["Action"]}:
                    self._by_service.setdefault(service, []).append(compiled)

    def _candidates(self, action: str) -> tuple[tuple[BareStatement, ...], tuple[BareStatement, ...]]:
        service = action.partition(":")[0]
        near = [
            each
            for bucket in (self._by_service.get(service, []), self._by_service.get("*", []))
            for each in bucket
            if each.actions(action)
        ]
        found = tuple(each for each in near if each.deny), tuple(each for each in near if not each.deny)
        self._memo[action] = found
        return found

    def allows(self, action: str, resource: str, context: Mapping[str, tuple[str, ...]]) -> bool:
        deny, allow = self._memo.get(action) or self._candidates(action)
        agent = context["acs:UserAgent"][0]
        address = _number(context["acs:SourceIp"][0])
        for each in deny:
            if each.resources(resource) and each.agents(agent) and _inside(address, each.networks):
                return False
        for each in allow:
            if each.resources(resource) and each.agents(agent) and _inside(address, each.networks):
                return True
        return False


def _inside(address: int, networks: tuple[tuple[int, int], ...]) -> bool:
    for network, mask in networks:  # noqa: SIM110 - the loop is the faster form
        if address & mask == network:
            return True
    return False


def measure(runs: Sequence[Callable[[], None]], operations: int) -> list[float]:
    """Microseconds of one operation for each of `runs`: the best of rounds taken in turn, in processor time.

    Taking turns and the best round keep a busy machine out of the ratio.
    """
    repeats = 1
    while _spent(runs[0], repeats) < 0.02:
        repeats *= 2
    rounds = [[_spent(run, repeats) for run in runs] for _ in range(_ROUNDS)]
    return [min(each) / repeats / operations * 1e6 for each in zip(*rounds, strict=True)]


def _spent(run: Callable[[], None], repeats: int) -> float:
    start = time.process_time()
    for _ in range(repeats):
        run()
    return time.process_time() - start


def compare(count: int, *, named: bool) -> dict[str, float | str]:
    nodes = documents(count, named=named)
    bare = BareIndex(nodes)
    layers = Layers(
        identity=compile_policies(
            [
                AttachedPolicy(
                    f"p{place}", PolicyType.CUSTOM, "v1", parse_policy(json.dumps(node)), "acs:ram::1:user/u", "User"
                )
                for place, node in enumerate(nodes)
            ]
        )
    )
    asks = questions(count)
    requests = [AccessRequest(action, resource, _CONTEXT) for action, resource in asks]
    outcomes = [decide(request, layers).outcome for request in requests]
    assert set(outcomes) == set(Outcome), "the mix must have all outcomes"
    assert [bare.allows(*ask, _CONTEXT) for ask in asks] == [outcome is Outcome.ALLOW for outcome in outcomes]

    def run_bare() -> None:
        for action, resource in asks:
            bare.allows(action, resource, _CONTEXT)

    def run_decide() -> None:
        for request in requests:
            decide(request, layers)

    def run_whole() -> None:
        for action, resource in asks:
            decide(AccessRequest(action, resource, _CONTEXT), layers)

    def run_told() -> None:
        for request in requests:
            decision = decide(request, layers)
            _ = decision.layer, decision.statement, decision.nearest, decision.condition_values

    floor, full, whole, told = measure((run_bare, run_decide, run_whole, run_told), len(asks))
    return {
        "principal": "named" if named else "any",
        "P": count,
        "bare_us": round(floor, 2),
        "decide_us": round(full, 2),
        "with_request_us": round(whole, 2),
        "told_us": round(told, 2),
        "ratio": round(full / floor, 2),
    }


def peers(count: int) -> dict[str, float | str]:
    """Microseconds of the same decisions by other evaluators, or why there are none."""
    asks = questions(count)
    bare = BareIndex(documents(count, named=True))
    given = {
        "documents": documents(count, named=True),
        "asks": asks,
        "context": {key: values[0] for key, values in _CONTEXT.items()},
        "answers": [bare.allows(*ask, _CONTEXT) for ask in asks],
    }
    command = [_PEERS_PYTHON, _HOME / "benchmarks" / "peers" / "policy.py"]
    done = subprocess.run(command, input=json.dumps(given), capture_output=True, text=True, check=True)
    times: dict[str, float | str] = json.loads(done.stdout)
    return {"principal": "peers", "P": count, **times}


def main() -> None:
    rows = [compare(count, named=named) for named in (True, False) for count in (1, 10, 100, 1000)]
    if "--json" in sys.argv[1:]:
        print(json.dumps(rows, indent=2))
        return
    _print_table(rows)
    print()
    _print_table([peers(count) for count in (1, 10, 100, 1000)])


def _print_table(rows: Sequence[Mapping[str, float | str]]) -> None:
    columns = list(rows[0])
    print("".join(name.rjust(17) for name in columns))
    for row in rows:
        print("".join(str(row[name]).rjust(17) for name in columns))


if __name__ == "__main__":
    main()
