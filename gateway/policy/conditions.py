"""Condition operators: what is wanted is read once when a policy is compiled. Rule: policy-language §3.

Values of one key are alternatives. A positive operator is met if any seen value matches any wanted one, a negative one
if none does. With the key absent a positive operator is not met and a negative one is.

A seen value that can't be read (no number, no date, no address) matches nothing, so positive operators are not met by
it. A negative operator can't know: under Allow it is then not met, under Deny it is, so neither way opens a door.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeVar, cast

from gateway.policy.document import Condition, Effect
from gateway.policy.facts import Facts
from gateway.policy.fold import fold
from gateway.policy.values import (
    Address,
    parse_address,
    parse_bool,
    parse_instant,
    parse_network,
    parse_number,
)
from gateway.policy.wildcard import TextTest, compile_wildcards

ConditionTest = Callable[[Facts], bool]
_T = TypeVar("_T")
_Build = Callable[[str, tuple[str, ...], bool], ConditionTest]


@dataclass(frozen=True, slots=True)
class CompiledCondition:
    """`test` answers for a request; the rest is what it answers about, as written."""

    condition: Condition
    key: str
    test: ConditionTest


@dataclass(frozen=True, slots=True)
class Operator:
    """`wants` says in words what a value must look like; `accepts` checks a value when the policy is written."""

    name: str
    wants: str
    accepts: Callable[[str], bool]
    build: _Build


def compile_condition(condition: Condition, effect: Effect) -> CompiledCondition:
    """INVARIANT: the parser has let the operator and its values pass."""
    key = fold(condition.key)
    test = OPERATORS[condition.operator].build(key, condition.values, effect is Effect.DENY)
    return CompiledCondition(condition, key, test)


def _texts(make: Callable[[tuple[str, ...]], TextTest], *, negative: bool) -> _Build:
    def build(key: str, wanted: tuple[str, ...], _deny: bool) -> ConditionTest:
        matches = make(wanted)

        def any_matches(facts: Facts) -> bool:
            for seen in facts.texts.get(key, ()):  # noqa: SIM110 - a plain loop takes half the time of any()
                if matches(seen):
                    return True
            return False

        def none_matches(facts: Facts) -> bool:
            return not any_matches(facts)

        return none_matches if negative else any_matches

    return build


def _typed(
    kind: str,
    parse: Callable[[str], _T | None],
    make: Callable[[tuple[str, ...]], Callable[[_T], bool]],
    *,
    negative: bool,
) -> _Build:
    def build(key: str, wanted: tuple[str, ...], deny: bool) -> ConditionTest:
        # `memo` names the reader, so what was read under it is of the type that is asked for.
        matches, memo = cast("Callable[[object], bool]", make(wanted)), f"{kind} {key}"

        def any_matches(facts: Facts) -> bool:
            values = facts.known.get(memo)
            for seen in facts.parse(memo, key, parse) if values is None else values:
                if seen is not None and matches(seen):
                    return True
            return False

        def none_matches(facts: Facts) -> bool:
            met = True
            values = facts.known.get(memo)
            for seen in facts.parse(memo, key, parse) if values is None else values:
                if seen is None:
                    met = deny
                elif matches(seen):
                    return False
            return met

        return none_matches if negative else any_matches

    return build


def _equal_texts(wanted: tuple[str, ...]) -> TextTest:
    return frozenset(wanted).__contains__


def _equal_folded(wanted: tuple[str, ...]) -> TextTest:
    folded = frozenset(fold(text) for text in wanted)
    return lambda seen: fold(seen) in folded


def _like(wanted: tuple[str, ...]) -> TextTest:
    return compile_wildcards(wanted)


def _read(parse: Callable[[str], _T | None], wanted: tuple[str, ...]) -> tuple[_T, ...]:
    return tuple(value for text in wanted if (value := parse(text)) is not None)


def _in_networks(wanted: tuple[str, ...]) -> Callable[[Address], bool]:
    networks = _read(parse_network, wanted)

    def test(seen: Address) -> bool:
        for network in networks:
            if seen.number >> network.shift == network.number and seen.version == network.version:
                return True
        return False

    return test


_Ordered = TypeVar("_Ordered", Decimal, int)


def _comparisons(prefix: str, wants: str, kind: str, parse: Callable[[str], _Ordered | None]) -> tuple[Operator, ...]:
    """The six operators of an ordered type. Alternatives of an order come down to the widest of them."""

    def make_equal(wanted: tuple[str, ...]) -> Callable[[_Ordered], bool]:
        return frozenset(_read(parse, wanted)).__contains__

    def make_less(wanted: tuple[str, ...]) -> Callable[[_Ordered], bool]:
        bound = max(_read(parse, wanted))
        return lambda seen: seen < bound

    def make_less_equal(wanted: tuple[str, ...]) -> Callable[[_Ordered], bool]:
        bound = max(_read(parse, wanted))
        return lambda seen: seen <= bound

    def make_greater(wanted: tuple[str, ...]) -> Callable[[_Ordered], bool]:
        bound = min(_read(parse, wanted))
        return lambda seen: seen > bound

    def make_greater_equal(wanted: tuple[str, ...]) -> Callable[[_Ordered], bool]:
        bound = min(_read(parse, wanted))
        return lambda seen: seen >= bound

    def accepts(text: str) -> bool:
        return parse(text) is not None

    table = (
        ("Equals", make_equal, False),
        ("NotEquals", make_equal, True),
        ("LessThan", make_less, False),
        ("LessThanEquals", make_less_equal, False),
        ("GreaterThan", make_greater, False),
        ("GreaterThanEquals", make_greater_equal, False),
    )
    return tuple(
        Operator(prefix + name, wants, accepts, _typed(kind, parse, make, negative=negative))
        for name, make, negative in table
    )


def _text_operators() -> tuple[Operator, ...]:
    table = (
        ("StringEquals", _equal_texts, False),
        ("StringNotEquals", _equal_texts, True),
        ("StringEqualsIgnoreCase", _equal_folded, False),
        ("StringNotEqualsIgnoreCase", _equal_folded, True),
        ("StringLike", _like, False),
        ("StringNotLike", _like, True),
    )
    return tuple(
        Operator(name, "any text", lambda _text: True, _texts(make, negative=negative))
        for name, make, negative in table
    )


def _bool_operator() -> Operator:
    def make(wanted: tuple[str, ...]) -> Callable[[bool], bool]:
        return frozenset(_read(parse_bool, wanted)).__contains__

    def accepts(text: str) -> bool:
        return parse_bool(text) is not None

    return Operator("Bool", '"true" or "false"', accepts, _typed("bool", parse_bool, make, negative=False))


def _address_operators() -> tuple[Operator, ...]:
    def accepts(text: str) -> bool:
        return parse_network(text) is not None

    wants = "an IPv4 or IPv6 address or CIDR block such as 192.0.2.0/24"
    return tuple(
        Operator(name, wants, accepts, _typed("ip", parse_address, _in_networks, negative=negative))
        for name, negative in (("IpAddress", False), ("NotIpAddress", True))
    )


OPERATORS: Mapping[str, Operator] = {
    operator.name: operator
    for operator in (
        *_text_operators(),
        *_comparisons("Numeric", "a decimal number such as 42 or 0.5", "number", parse_number),
        *_comparisons("Date", "a date and time with offset such as 2026-01-31T23:59:59Z", "date", parse_instant),
        _bool_operator(),
        *_address_operators(),
    )
}
