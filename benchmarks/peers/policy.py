"""The peers' policy evaluators on the policies and requests that standard input has, in the peers' environment.

Read by benchmarks/policy_decision.py. Every peer gets the same statements in its own language, compiled as far as it
can be in advance; its answers are held against the engine's before a time is taken. What a peer can't say is left out
in its favour: moto has no condition on addresses or agents, moto and Cedar have no `?` (it is written `*`), regopy has
no function for networks (it compares numbers).
"""

import fnmatch
import functools
import ipaddress
import json
import re
import sys
import time
from collections.abc import Callable
from typing import Any

import casbin
import cedarpy
import regopy
from moto.iam.access_control import IAMPolicy, PermissionResult

Statement = dict[str, Any]
Documents = list[dict[str, list[Statement]]]
Context = dict[str, str]
Ask = tuple[str, str]
Allows = Callable[[str, str], bool]
_LEAST_S = 0.4


def _all_statements(documents: Documents) -> list[Statement]:
    return [statement for document in documents for statement in document["Statement"]]


def moto(documents: Documents, _context: Context) -> Allows:
    policies = [
        IAMPolicy(json.dumps({"Version": "2012-10-17", "Statement": [_plain(each) for each in document["Statement"]]}))
        for document in documents
    ]

    def allows(action: str, resource: str) -> bool:
        results = [policy.is_action_permitted(action, resource) for policy in policies]
        return PermissionResult.DENIED not in results and PermissionResult.PERMITTED in results

    return allows


def _plain(statement: Statement) -> Statement:
    resources = [each.replace("?", "*") for each in statement["Resource"]]
    return {"Effect": statement["Effect"], "Action": statement["Action"], "Resource": resources}


def cedar(documents: Documents, context: Context) -> Allows:
    def like(name: str, patterns: list[str]) -> str:
        return "(" + " || ".join(f'context.{name} like "{each.replace("?", "*")}"' for each in patterns) + ")"

    texts = []
    for statement in _all_statements(documents):
        condition = statement["Condition"]
        networks = " || ".join(f'context.ip.isInRange(ip("{each}"))' for each in condition["IpAddress"]["acs:SourceIp"])
        wanted = " && ".join(
            [
                like("action", statement["Action"]),
                like("resource", statement["Resource"]),
                like("agent", condition["StringLike"]["acs:UserAgent"]),
                f"({networks})",
            ]
        )
        effect = "permit" if statement["Effect"] == "Allow" else "forbid"
        texts.append(f"{effect}(principal, action, resource) when {{ {wanted} }};")
    policies = cedarpy.PolicySet.from_str("\n".join(texts))
    entities = cedarpy.Entities.from_json_str("[]")

    def allows(action: str, resource: str) -> bool:
        request = {
            "principal": 'User::"u"',
            "action": 'Action::"call"',
            "resource": 'Thing::"r"',
            "context": {
                "action": action,
                "resource": resource,
                "agent": context["acs:UserAgent"],
                "ip": {"__extn": {"fn": "ip", "arg": context["acs:SourceIp"]}},
            },
        }
        return cedarpy.is_authorized(request, policies, entities).allowed

    return allows


_MODEL = """
[request_definition]
r = act, obj, agent, ip
[policy_definition]
p = act, obj, agents, nets, eft
[policy_effect]
e = some(where (p.eft == allow)) && !some(where (p.eft == deny))
[matchers]
m = glob(r.act, p.act) && glob(r.obj, p.obj) && glob(r.agent, p.agents) && within(r.ip, p.nets)
"""


@functools.lru_cache(maxsize=65536)
def _globs(patterns: str) -> Callable[[str], object]:
    return re.compile("|".join(fnmatch.translate(each) for each in patterns.split(";"))).match


@functools.lru_cache(maxsize=4096)
def _networks(texts: str) -> tuple[object, ...]:
    return tuple(ipaddress.ip_network(each) for each in texts.split(";"))


@functools.lru_cache(maxsize=64)
def _address(text: str) -> object:
    return ipaddress.ip_address(text)


def pycasbin(documents: Documents, context: Context) -> Allows:
    model = casbin.Enforcer.new_model(text=_MODEL)
    enforcer = casbin.Enforcer(model)
    enforcer.add_function("glob", lambda text, patterns: _globs(patterns)(text) is not None)
    enforcer.add_function("within", lambda text, nets: any(_address(text) in each for each in _networks(nets)))
    rows = [
        [
            ";".join(statement["Action"]),
            ";".join(statement["Resource"]),
            ";".join(statement["Condition"]["StringLike"]["acs:UserAgent"]),
            ";".join(statement["Condition"]["IpAddress"]["acs:SourceIp"]),
            statement["Effect"].lower(),
        ]
        for statement in _all_statements(documents)
    ]
    enforcer.model.add_policies("p", "p", rows)

    def allows(action: str, resource: str) -> bool:
        return enforcer.enforce(action, resource, context["acs:UserAgent"], context["acs:SourceIp"])

    return allows


_REGO = """
package policies

applies(s) if {
    some a in s.actions
    glob.match(a, null, input.action)
    some r in s.resources
    glob.match(r, null, input.resource)
    some g in s.agents
    glob.match(g, null, input.agent)
    some n in s.networks
    input.ip >= n[0]
    input.ip <= n[1]
}

denied if {
    some s in data.statements
    s.effect == "Deny"
    applies(s)
}

permitted if {
    some s in data.statements
    s.effect == "Allow"
    applies(s)
}

default allow := false

allow if {
    permitted
    not denied
}
"""


def _range(network: str) -> list[int]:
    found = ipaddress.ip_network(network)
    return [int(found.network_address), int(found.broadcast_address)]


def rego(documents: Documents, context: Context) -> Allows:
    interpreter = regopy.Interpreter()
    statements = [
        {
            "effect": each["Effect"],
            "actions": each["Action"],
            "resources": each["Resource"],
            "agents": each["Condition"]["StringLike"]["acs:UserAgent"],
            "networks": [_range(text) for text in each["Condition"]["IpAddress"]["acs:SourceIp"]],
        }
        for each in _all_statements(documents)
    ]
    address = int(_address(context["acs:SourceIp"]))
    interpreter.add_data({"statements": statements})
    interpreter.add_module("policies", _REGO)
    bundle = interpreter.build("x = data.policies.allow", ["policies/allow"])

    def allows(action: str, resource: str) -> bool:
        asked = {"action": action, "resource": resource, "agent": context["acs:UserAgent"], "ip": address}
        interpreter.set_input_term(json.dumps(asked))
        return '"x":true' in str(interpreter.query_bundle(bundle))

    return allows


PEERS = {"moto": moto, "cedarpy": cedar, "pycasbin": pycasbin, "regopy": rego}


def measure(allows: Allows, asks: list[Ask]) -> float:
    """Microseconds of one decision, in processor time."""
    done, started = 0, time.process_time()
    while time.process_time() - started < _LEAST_S:
        allows(*asks[done % len(asks)])
        done += 1
    return (time.process_time() - started) / done * 1e6


def main() -> None:
    given = json.load(sys.stdin)
    asks = [tuple(ask) for ask in given["asks"]]
    times: dict[str, float | str] = {}
    for name, build in PEERS.items():
        try:
            allows = build(given["documents"], given["context"])
            answers = [allows(*ask) for ask in asks[:8]]
            same = answers == given["answers"][:8]
            times[name] = round(measure(allows, asks), 1) if same else f"other answers: {answers}"
        except Exception as exc:  # noqa: BLE001 - a peer that breaks is shown, and the others are measured
            times[name] = f"{type(exc).__name__}: {exc}"[:200]
    print(json.dumps(times))


if __name__ == "__main__":
    main()
