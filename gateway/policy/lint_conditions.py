"""The linter's look at conditions. Rule: policy-language §3, §4."""

import difflib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TypeVar

from gateway.policy.condition_keys import CONDITION_KEYS, OUR_PREFIXES, ConditionKey, KeyKind, Told, find_condition_key
from gateway.policy.conditions import compile_condition
from gateway.policy.document import Condition, Effect, Statement
from gateway.policy.facts import Facts
from gateway.policy.finding import Finding, Lint, Severity
from gateway.policy.fold import fold
from gateway.policy.strict_json import shown
from gateway.policy.values import Network, parse_instant, parse_network, parse_number

_EXACT = frozenset({"StringEquals", "StringNotEquals", "StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase"})
_UPPER = ("LessThan", "LessThanEquals")
_LOWER = ("GreaterThan", "GreaterThanEquals")
_LISTING = ("StringEquals", "NumericEquals", "DateEquals")
_MICROSECONDS = 1_000_000
_Ordered = TypeVar("_Ordered", Decimal, int)


@dataclass(frozen=True, slots=True)
class ConditionPlace:
    """Where conditions stand: `path` of the statement, and whether it is one of a trust policy."""

    path: str
    in_trust: bool


def lint_conditions(statement: Statement, place: ConditionPlace, now: datetime) -> tuple[Finding, ...]:
    """What is odd about the conditions of one statement."""
    findings: list[Finding] = []
    for condition in statement.conditions:
        at = f"{place.path}.Condition.{condition.operator}.{condition.key}"
        key = find_condition_key(condition.key)
        findings += _lint_key(condition, key, at, place)
        findings += _lint_values(condition, key, at)
        findings += _lint_absence(statement, condition, key, at)
        findings += _lint_lapsed(condition, at, now)
    findings += _lint_contradictions(statement, place.path)
    return tuple(findings)


def _lint_key(condition: Condition, key: ConditionKey | None, at: str, place: ConditionPlace) -> Iterator[Finding]:
    name = condition.key
    if key is None:
        if fold(name).startswith(OUR_PREFIXES):
            names = {fold(each.name): each.name for each in CONDITION_KEYS.values()}
            near = difflib.get_close_matches(fold(name)[:64], names, n=1)
            hint = f", did you mean `{names[near[0]]}`?" if near else ""
            problem = f"{shown(name)} is no condition key that is known here{hint}"
            yield Finding(Lint.UNKNOWN_KEY, Severity.WARNING, at, problem, "correct the name")
        return
    if key.told is Told.TRUST and not place.in_trust and not _is_negative(condition):
        problem = f"{key.name} is told at a sign-in only, so that the statement never matches"
        cure = "put the condition into the trust policy of the role"
        yield Finding(Lint.NEVER_MATCHES, Severity.ERROR, at, problem, cure)
    if not _fits(condition.operator, key.kind):
        problem = f"{condition.operator} does not fit {key.name}, whose values are of the kind {key.kind.value}"
        yield Finding(Lint.WRONG_OPERATOR, Severity.WARNING, at, problem, f"use an operator of the kind {_kinds(key)}")


def _is_negative(condition: Condition) -> bool:
    return "Not" in condition.operator


def _fits(operator: str, kind: KeyKind) -> bool:
    """Texts and truths can be compared as texts too: both have one spelling here."""
    if kind is KeyKind.ADDRESS:
        return operator in ("IpAddress", "NotIpAddress")
    if kind is KeyKind.TRUTH:
        return operator == "Bool" or operator.startswith("String")
    return operator.startswith(kind.value)


def _kinds(key: ConditionKey) -> str:
    return "IpAddress" if key.kind is KeyKind.ADDRESS else key.kind.value


def _lint_values(condition: Condition, key: ConditionKey | None, at: str) -> Iterator[Finding]:
    for value in condition.values:
        if "${" in value:
            problem = f"{shown(value)} is compared as it is written: the language has no variables"
            yield Finding(Lint.LITERAL_VARIABLE, Severity.WARNING, at, problem, "write the value out")
        elif condition.operator in _EXACT and any(sign in value for sign in "*?") and key is not None:
            problem = f"{condition.operator} takes * and ? in {shown(value)} as they are"
            like = "StringNotLike" if _is_negative(condition) else "StringLike"
            yield Finding(Lint.LITERAL_WILDCARD, Severity.WARNING, at, problem, f"use {like} for a pattern")


def _lint_absence(statement: Statement, condition: Condition, key: ConditionKey | None, at: str) -> Iterator[Finding]:
    """A Deny that asks for a value does not hold where there is none."""
    if statement.effect is Effect.ALLOW or _is_negative(condition) or key is None or not key.absent:
        return
    if key.kind is KeyKind.TRUTH and set(map(fold, condition.values)) == {"false"}:
        problem = f"{key.name} is absent {key.absent}, so that the Deny does not hold there"
        cure = f'write "StringNotEquals": {{"{key.name}": "true"}}, which an absent key meets too'
        yield Finding(Lint.DENY_MISSES_ABSENT_KEY, Severity.WARNING, at, problem, cure)
    elif key.kind is KeyKind.NUMBER and any(sign in condition.operator for sign in _LOWER):
        problem = f"{key.name} is absent {key.absent}, so that the Deny does not hold there"
        cure = "allow with an upper limit instead: an Allow does not hold where the key is absent"
        yield Finding(Lint.DENY_MISSES_ABSENT_KEY, Severity.WARNING, at, problem, cure)


def _lint_lapsed(condition: Condition, at: str, now: datetime) -> Iterator[Finding]:
    """A window that ended can't be met again by the time of a request."""
    if fold(condition.key) != "acs:currenttime" or condition.operator.removeprefix("Date") not in _UPPER:
        return
    bounds = [bound for value in condition.values if (bound := parse_instant(value)) is not None]
    if bounds and max(bounds) < now.timestamp() * _MICROSECONDS:
        problem = f"the time window ended at {max(condition.values)}"
        yield Finding(Lint.LAPSED, Severity.WARNING, at, problem, "set a new end, or remove the statement")


def _lint_contradictions(statement: Statement, path: str) -> Iterator[Finding]:
    by_key: dict[str, list[Condition]] = {}
    for condition in statement.conditions:
        by_key.setdefault(fold(condition.key), []).append(condition)
    for name, conditions in by_key.items():
        key = find_condition_key(name)
        if len(conditions) > 1 and key is not None and key.single and _contradict(conditions, key):
            problem = f"no value of {key.name} meets all of its conditions"
            cure = "widen one of them, or make two statements of it"
            yield Finding(Lint.NEVER_MATCHES, Severity.ERROR, f"{path}.Condition", problem, cure)


def _contradict(conditions: list[Condition], key: ConditionKey) -> bool:
    """Whether no single value can meet them all; False where that can't be told."""
    listed = next((each.values for each in conditions if each.operator in _LISTING), None)
    if listed is not None:
        return not any(_meets(conditions, value) for value in listed)
    if key.kind is KeyKind.NUMBER:
        return _is_empty(conditions, parse_number)
    if key.kind is KeyKind.DATE:
        return _is_empty(conditions, parse_instant)
    return key.kind is KeyKind.ADDRESS and _all_left_out(conditions)


def _meets(conditions: Iterable[Condition], value: str) -> bool:
    tests = (compile_condition(condition, Effect.ALLOW) for condition in conditions)
    return all(each.test(Facts.of({each.condition.key: (value,)})) for each in tests)


def _is_empty(conditions: Iterable[Condition], parse: Callable[[str], _Ordered | None]) -> bool:
    """Whether the bounds leave nothing between them. Of alternatives the widest counts."""
    lower: list[tuple[_Ordered, bool]] = []
    upper: list[tuple[_Ordered, bool]] = []
    for condition in conditions:
        bounds = [bound for text in condition.values if (bound := parse(text)) is not None]
        strict = not condition.operator.endswith("Equals")
        if condition.operator.endswith(_LOWER) and bounds:
            lower.append((min(bounds), strict))
        elif condition.operator.endswith(_UPPER) and bounds:
            upper.append((max(bounds), strict))
    return any(
        low > high or (low == high and (low_strict or high_strict))
        for low, low_strict in lower
        for high, high_strict in upper
    )


def _all_left_out(conditions: Iterable[Condition]) -> bool:
    """Whether each network that is asked for lies within one that is left out."""
    asked: list[Network] = []
    left_out: list[Network] = []
    for condition in conditions:
        found = [network for text in condition.values if (network := parse_network(text)) is not None]
        (left_out if _is_negative(condition) else asked).extend(found)
    return bool(asked) and all(any(_is_within(network, other) for other in left_out) for network in asked)


def _is_within(network: Network, other: Network) -> bool:
    deeper = other.shift - network.shift
    return network.version == other.version and deeper >= 0 and network.number >> deeper == other.number
