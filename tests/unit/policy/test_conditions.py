"""Every operator of the language, one row for each thing it must know."""

import pytest

from gateway.policy.conditions import OPERATORS, compile_condition
from gateway.policy.document import Condition, Effect
from gateway.policy.facts import Facts

ABSENT = None
# operator, wanted, seen, met
ROWS: list[tuple[str, str | tuple[str, ...], str | tuple[str, ...] | None, bool]] = [
    ("StringEquals", "a", "a", True),
    ("StringEquals", "a", "A", False),
    ("StringEquals", "a*", "abc", False),
    ("StringEquals", "a*", "a*", True),
    ("StringEquals", "${acs:x}", "${acs:x}", True),
    ("StringEquals", ("a", "b"), "b", True),
    ("StringEquals", "b", ("a", "b"), True),
    ("StringEquals", "a", ABSENT, False),
    ("StringEquals", "", ABSENT, False),
    ("StringEquals", "", "", True),
    ("StringNotEquals", "a", "b", True),
    ("StringNotEquals", ("a", "b"), "b", False),
    ("StringNotEquals", "a", ("b", "a"), False),
    ("StringNotEquals", "a", ABSENT, True),
    ("StringEqualsIgnoreCase", "Reader", "rEADER", True),
    ("StringEqualsIgnoreCase", "Ärzte", "ärzte", True),
    ("StringEqualsIgnoreCase", "kill", "\u212aill", False),
    ("StringEqualsIgnoreCase", "i", "\u0130", False),
    ("StringEqualsIgnoreCase", "ss", "ß", False),
    ("StringEqualsIgnoreCase", "s", "ſ", False),
    ("StringEqualsIgnoreCase", "a", ABSENT, False),
    ("StringNotEqualsIgnoreCase", "A", "a", False),
    ("StringNotEqualsIgnoreCase", "A", "b", True),
    ("StringNotEqualsIgnoreCase", "A", ABSENT, True),
    ("StringLike", "vpc-*", "vpc-1", True),
    ("StringLike", "vpc-*", "Vpc-1", False),
    ("StringLike", "v?c", "vpc", True),
    ("StringLike", ("x", "*-1"), "vpc-1", True),
    ("StringLike", "*", ABSENT, False),
    ("StringNotLike", "vpc-*", "vpc-1", False),
    ("StringNotLike", "vpc-*", "public", True),
    ("StringNotLike", "vpc-*", ABSENT, True),
    ("NumericEquals", "1", "1.0", True),
    ("NumericEquals", "1", "+1", True),
    ("NumericEquals", ("1", "2"), "2", True),
    ("NumericEquals", "0.1", "0.10000000000000001", False),
    ("NumericEquals", "1", "one", False),
    ("NumericEquals", "1", ABSENT, False),
    ("NumericNotEquals", "1", "2", True),
    ("NumericNotEquals", ("1", "2"), "2.0", False),
    ("NumericNotEquals", "1", ABSENT, True),
    ("NumericLessThan", "10", "9", True),
    ("NumericLessThan", "10", "10", False),
    ("NumericLessThan", ("5", "10"), "9", True),
    ("NumericLessThan", "10", "", False),
    ("NumericLessThanEquals", "10", "10", True),
    ("NumericLessThanEquals", "10", "10.1", False),
    ("NumericGreaterThan", "10", "11", True),
    ("NumericGreaterThan", "10", "10", False),
    ("NumericGreaterThan", ("5", "10"), "6", True),
    ("NumericGreaterThanEquals", "-1", "-1", True),
    ("NumericGreaterThanEquals", "-1", "-2", False),
    ("DateEquals", "2019-08-12T17:00:00+08:00", "2019-08-12T09:00:00Z", True),
    ("DateEquals", "2019-08-12T17:00+0800", "2019-08-12T09:00:00.000Z", True),
    ("DateEquals", "2019-08-12T17:00:00Z", "2019-08-12", False),
    ("DateEquals", "2019-08-12T17:00:00Z", ABSENT, False),
    ("DateNotEquals", "2019-08-12T17:00:00+08:00", "2019-08-12T09:00:00Z", False),
    ("DateNotEquals", "2019-08-12T17:00:00+08:00", "2019-08-12T17:00:00Z", True),
    ("DateNotEquals", "2019-08-12T17:00:00+08:00", ABSENT, True),
    ("DateLessThan", "2026-01-01T00:00:00Z", "2025-12-31T23:59:59.999999Z", True),
    ("DateLessThan", "2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z", False),
    ("DateLessThan", "2026-01-01T00:00:00Z", "2026-01-01T07:59:59+08:00", True),
    ("DateLessThanEquals", "2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z", True),
    ("DateGreaterThan", "2026-01-01T00:00:00Z", "2026-01-01T00:00:00.000001Z", True),
    ("DateGreaterThan", "2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z", False),
    ("DateGreaterThanEquals", "2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z", True),
    ("DateGreaterThanEquals", "0001-01-01T00:00:00+14:00", "0001-01-01T00:00:00+14:00", True),
    ("Bool", "true", "true", True),
    ("Bool", "true", "True", True),
    ("Bool", "true", "false", False),
    ("Bool", "false", "false", True),
    ("Bool", ("true", "false"), "false", True),
    ("Bool", "false", "0", False),
    ("Bool", "false", ABSENT, False),
    ("IpAddress", "10.0.0.0/8", "10.255.0.1", True),
    ("IpAddress", "10.0.0.0/8", "11.0.0.1", False),
    ("IpAddress", "10.1.2.3/8", "10.9.9.9", True),
    ("IpAddress", "192.0.2.1", "192.0.2.1", True),
    ("IpAddress", "192.0.2.1", "192.0.2.2", False),
    ("IpAddress", "0.0.0.0/0", "203.0.113.9", True),
    ("IpAddress", "0.0.0.0/0", "2001:db8::1", False),
    ("IpAddress", "::/0", "203.0.113.9", False),
    ("IpAddress", "2001:db8::/32", "2001:DB8::1", True),
    ("IpAddress", "2001:db8::/32", "2001:db9::1", False),
    ("IpAddress", "10.0.0.0/8", "::ffff:10.0.0.1", True),
    ("IpAddress", "::ffff:10.0.0.0/104", "10.0.0.1", True),
    ("IpAddress", ("192.0.2.1", "10.0.0.0/8"), "10.0.0.1", True),
    ("IpAddress", "10.0.0.0/8", "10.0.0.1:443", False),
    ("IpAddress", "10.0.0.0/8", "010.0.0.1", False),
    ("IpAddress", "10.0.0.0/8", "10.0.0.0/9", False),
    ("IpAddress", "10.0.0.0/8", ABSENT, False),
    ("NotIpAddress", "10.0.0.0/8", "11.0.0.1", True),
    ("NotIpAddress", "10.0.0.0/8", "::ffff:10.0.0.1", False),
    ("NotIpAddress", ("10.0.0.0/8", "11.0.0.0/8"), "11.0.0.1", False),
    ("NotIpAddress", "10.0.0.0/8", ABSENT, True),
]


def _tuple(value: str | tuple[str, ...] | None) -> tuple[str, ...]:
    return () if value is None else (value,) if isinstance(value, str) else value


@pytest.mark.parametrize("effect", Effect)
@pytest.mark.parametrize(
    ("operator", "wanted", "seen", "met"), ROWS, ids=[f"{row[0]}-{row[1]}-{row[2]}" for row in ROWS]
)
def test_condition__row__is_met_or_not(
    operator: str, wanted: str | tuple[str, ...], seen: str | tuple[str, ...] | None, met: bool, effect: Effect
) -> None:
    assert all(OPERATORS[operator].accepts(text) for text in _tuple(wanted))
    compiled = compile_condition(Condition(operator, "acs:Key", _tuple(wanted)), effect)
    assert compiled.test(Facts.of({"ACS:key": _tuple(seen), "acs:other": ("x",)})) is met


def test_operators__rows__cover_each() -> None:
    assert {row[0] for row in ROWS} == set(OPERATORS)


@pytest.mark.parametrize(
    ("operator", "wanted"),
    [("NumericNotEquals", "1"), ("DateNotEquals", "2026-01-01T00:00:00Z"), ("NotIpAddress", "10.0.0.0/8")],
)
@pytest.mark.parametrize("seen", [("garbage",), ("garbage", "")])
def test_negative_condition__unreadable_value__helps_deny_only(
    operator: str, wanted: str, seen: tuple[str, ...]
) -> None:
    """A value nobody can read must neither open a door nor get around a locked one."""
    facts = Facts.of({"acs:key": seen})
    assert compile_condition(Condition(operator, "acs:key", (wanted,)), Effect.ALLOW).test(facts) is False
    assert compile_condition(Condition(operator, "acs:key", (wanted,)), Effect.DENY).test(facts) is True


def test_negative_condition__unreadable_beside_a_match__is_not_met() -> None:
    facts = Facts.of({"acs:key": ("garbage", "10.0.0.1")})
    assert compile_condition(Condition("NotIpAddress", "acs:key", ("10.0.0.0/8",)), Effect.DENY).test(facts) is False


def test_facts__keys_in_different_case__are_one_key() -> None:
    facts = Facts.of({"acs:SourceIp": ("a",), "ACS:SOURCEIP": ("b",), "acs:none": ()})
    assert facts.texts == {"acs:sourceip": ("a", "b")}
    assert Facts.of({"acs:\u212a": ("x",)}).texts == {"acs:\u212a": ("x",)}
