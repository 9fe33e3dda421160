"""A policy evaluator that is slow and obvious, and strategies for policies and requests close to each other.

Written from the rules alone: no index, no compilation, nothing shared with the engine but the parsed documents.
"""

import ipaddress
import json
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation

from hypothesis import strategies as st

Node = dict[str, object]
Context = dict[str, tuple[str, ...]]


def slow_match(pattern: str, text: str) -> bool:
    """Wildcards by a table of prefixes: row by row over the pattern."""
    row = [True] + [False] * len(text)
    for sign in pattern:
        if sign == "*":
            following = [any(row[: end + 1]) for end in range(len(text) + 1)]
        else:
            following = [False] + [row[end] and sign in ("?", text[end]) for end in range(len(text))]
        row = following
    return row[-1]


def _listed(value: object) -> list[str]:
    return [str(each) for each in value] if isinstance(value, list) else [str(value)]


def _number(text: str) -> Decimal | None:
    try:
        return Decimal(text)
    except InvalidOperation:
        return None


def _date(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _in_block(block: str, text: str) -> bool | None:
    try:
        return ipaddress.ip_address(text) in ipaddress.ip_network(block)
    except ValueError:
        return None


def _compare(operator: str, wanted: str, seen: str) -> bool | None:
    """Whether one seen value matches one wanted value; None if the seen one can't be read."""
    name = operator.replace("Not", "", 1)
    texts = {
        "StringEquals": wanted == seen,
        "StringEqualsIgnoreCase": wanted.lower() == seen.lower(),
        "StringLike": slow_match(wanted, seen),
        "Bool": wanted.lower() == seen.lower(),
    }
    if name in texts:
        return texts[name]
    if name == "IpAddress":
        return _in_block(wanted, seen)
    left, right = (_number(seen), _number(wanted)) if name.startswith("Numeric") else (_date(seen), _date(wanted))
    if left is None or right is None:
        return None
    sign = name.removeprefix("Numeric").removeprefix("Date")
    return {
        "Equals": left == right,
        "LessThan": left < right,  # type: ignore[operator]
        "LessThanEquals": left <= right,  # type: ignore[operator]
        "GreaterThan": left > right,  # type: ignore[operator]
        "GreaterThanEquals": left >= right,  # type: ignore[operator]
    }[sign]


def _condition_met(operator: str, wanted: list[str], seen: tuple[str, ...], *, deny: bool) -> bool:
    results = [_compare(operator, one, other) for one in wanted for other in seen]
    if "Not" not in operator:
        return True in results
    if True in results:
        return False
    return deny if None in results else True


def _statement_applies(node: Node, action: str, resource: str, context: Context) -> bool:
    named = any(slow_match(each.lower(), action.lower()) for each in _listed(node.get("Action", node.get("NotAction"))))
    if named is ("NotAction" in node):
        return False
    if not any(_resource_matches(each, resource) for each in _listed(node["Resource"])):
        return False
    block = node.get("Condition", {})
    assert isinstance(block, dict)
    seen = {key.lower(): values for key, values in context.items()}
    return all(
        _condition_met(operator, _listed(wanted), seen.get(key.lower(), ()), deny=node["Effect"] == "Deny")
        for operator, keys in block.items()
        for key, wanted in keys.items()
    )


def _resource_matches(pattern: str, resource: str) -> bool:
    segments = pattern.split(":")
    if segments[0] == "acs" and len(segments) >= 5:
        segments[2:4] = [segment or "*" for segment in segments[2:4]]
    pattern = ":".join(segments)
    if resource.startswith("acs:ram:"):
        return slow_match(pattern.lower(), resource.lower())
    return slow_match(pattern, resource)


def slow_decide(nodes: list[Node], action: str, resource: str, context: Context) -> tuple[str, int | None]:
    """Outcome and place of the deciding statement."""
    for effect, outcome in (("Deny", "ExplicitDeny"), ("Allow", "Allow")):
        for place, node in enumerate(nodes):
            if node["Effect"] == effect and _statement_applies(node, action, resource, context):
                return outcome, place
    return "ImplicitDeny", None


def render(nodes: list[Node]) -> str:
    return json.dumps({"Version": "1", "Statement": nodes})


def _one_or_more(values: list[str], most: int = 3) -> st.SearchStrategy[object]:
    one = st.sampled_from(values)
    return one | st.lists(one, min_size=1, max_size=most)


SEEN: Mapping[str, list[str]] = {
    "String": ["", "a", "A", "ab", "aab", "vpc-1", "*", "a?"],
    "Numeric": ["0", "1", "1.0", "-3", "10", "x", ""],
    "Date": ["2026-01-01T00:00:00+00:00", "2026-01-01T08:00:00+08:00", "2026-06-01T12:30:00+02:00", "soon"],
    "Ip": ["10.0.0.1", "10.9.0.1", "192.0.2.1", "2001:db8::1", "nowhere"],
    "Bool": ["true", "false"],
}
WANTED: Mapping[str, list[str]] = {
    "String": ["", "a", "A", "a*", "*b", "vpc-?", "*", "a?", "a*b*"],
    "Numeric": ["0", "1", "1.00", "-3", "10"],
    "Date": SEEN["Date"][:3],
    "Ip": ["10.0.0.0/8", "10.0.0.1", "0.0.0.0/0", "2001:db8::/32", "192.0.2.0/31"],
    "Bool": ["true", "false"],
}
OPERATORS_OF: Mapping[str, list[str]] = {
    "String": [
        f"String{negative}{kind}" for negative in ("", "Not") for kind in ("Equals", "EqualsIgnoreCase", "Like")
    ],
    "Numeric": [],
    "Date": [],
    "Ip": ["IpAddress", "NotIpAddress"],
    "Bool": ["Bool"],
}
for _kind in ("Numeric", "Date"):
    for _sign in ("Equals", "NotEquals", "LessThan", "LessThanEquals", "GreaterThan", "GreaterThanEquals"):
        OPERATORS_OF[_kind].append(_kind + _sign)


@st.composite
def conditions(draw: st.DrawFn) -> dict[str, dict[str, object]]:
    block: dict[str, dict[str, object]] = {}
    for kind in draw(st.lists(st.sampled_from(sorted(WANTED)), max_size=2, unique=True)):
        operator = draw(st.sampled_from(OPERATORS_OF[kind]))
        block[operator] = {f"acs:{kind}": draw(_one_or_more(WANTED[kind]))}
    return block


ACTIONS = ["oss:GetObject", "oss:getobject", "oss:PutObject", "ecs:Get", "oss:", "ram:GetRole"]
ACTION_PATTERNS = [
    "*",
    "oss:*",
    "OSS:Get*",
    "*:Get*",
    "oss:GetObject",
    "o?s:PutObject",
    "oss:*Object",
    "ecs:Get?",
    "ram:*",
]
_RELATIVE = ["b", "b/x", "bucket/x", "Bucket/x", "bucket/x/y:z", "role/Reader", "role/reader", "user/Reader", ""]
RESOURCES = [
    f"acs:{service}:{region}:{account}:{relative}"
    for service in ("oss", "ram")
    for region, account in (("", "1"), ("*", "1"), ("cn", "2"))
    for relative in _RELATIVE
]
RESOURCE_PATTERNS = [
    "*",
    "acs:oss:*",
    "acs:oss:*:1:bucket/*",
    "acs:oss:::b*",
    "acs:oss::1:b/x",
    "acs:*:*:*:?ucket/*",
    "acs:oss:*:bucket/x",
    "acs:*:x/y:z",
    "acs:oss:*:*:bucket/x/y:*",
    "acs:ram::1:role/Reader",
    "acs:ram:*:1:role/read*",
    "acs:ram:*:*:user/reader",
    "*:b/x",
]


@st.composite
def statements(draw: st.DrawFn, effects: tuple[str, ...] = ("Allow", "Deny")) -> Node:
    node: Node = {
        "Effect": draw(st.sampled_from(effects)),
        draw(st.sampled_from(["Action", "Action", "Action", "NotAction"])): draw(_one_or_more(ACTION_PATTERNS)),
        "Resource": draw(_one_or_more(RESOURCE_PATTERNS)),
    }
    block = draw(conditions())
    return {**node, "Condition": block} if block else node


@st.composite
def contexts(draw: st.DrawFn) -> Context:
    return {
        draw(st.sampled_from([f"acs:{kind}", f"ACS:{kind.upper()}"])): tuple(
            draw(st.lists(st.sampled_from(SEEN[kind]), max_size=2))
        )
        for kind in draw(st.lists(st.sampled_from(sorted(SEEN)), max_size=5, unique=True))
    }


def policies(most: int = 12) -> st.SearchStrategy[list[Node]]:
    return st.lists(statements(), min_size=1, max_size=most)


requests = st.tuples(st.sampled_from(ACTIONS), st.sampled_from(RESOURCES), contexts())
