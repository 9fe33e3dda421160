"""Contexts that tell conditions apart: what may become of a question whose circumstances are left open.

For each condition key that the statements ask for there are values that meet and miss each of its conditions: the
wanted values themselves, their neighbours, another one, and no value at all. All combinations of their outcomes are
tried. Of operators with wildcards a text that the pattern matches is made, so overlaps of two patterns may be missed;
and each key has one value at a time. More combinations than `MOST` are not tried, and that is told.
"""

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from ipaddress import ip_network

from gateway.audit.chain import instant_of
from gateway.policy.compiled import CompiledStatement
from gateway.policy.conditions import CompiledCondition
from gateway.policy.facts import Facts
from gateway.policy.values import parse_instant, parse_number

MOST = 4096
Context = Mapping[str, tuple[str, ...]]

_OTHER = "~another~"


def vary(statements: Iterable[CompiledStatement], fixed: Context) -> tuple[Sequence[Context], bool]:
    """Contexts by folded key, and whether they are all. Keys of `fixed` (folded) stay as they are."""
    by_key: dict[str, list[CompiledCondition]] = {}
    for statement in statements:
        for condition in statement.conditions:
            if condition.key not in fixed:
                by_key.setdefault(condition.key, []).append(condition)
    choices = [_told_apart(key, conditions) for key, conditions in by_key.items()]
    total = 1
    for choice in choices:
        total *= len(choice)
    made = (dict(zip(by_key, picked, strict=True)) for picked in itertools.product(*choices))
    contexts = [_joined(fixed, picked) for picked in itertools.islice(made, MOST)]
    return contexts, total <= MOST


def _joined(fixed: Context, picked: Mapping[str, str | None]) -> Context:
    return {**fixed, **{key: (value,) for key, value in picked.items() if value is not None}}


def _told_apart(key: str, conditions: Sequence[CompiledCondition]) -> list[str | None]:
    """One value for each set of outcomes that a value of this key can have."""
    found: dict[tuple[bool, ...], str | None] = {}
    for value in (None, *_values(conditions), _OTHER):
        facts = Facts({} if value is None else {key: (value,)})
        found.setdefault(tuple(condition.test(facts) for condition in conditions), value)
    return list(found.values())


def _values(conditions: Iterable[CompiledCondition]) -> Iterator[str]:
    for condition in conditions:
        for wanted in condition.condition.values:
            yield from _around(condition.condition.operator, wanted)


def _around(operator: str, wanted: str) -> Iterator[str]:
    """A wanted value, and those next to it."""
    if "Date" in operator:
        instant = parse_instant(wanted)
        if instant is not None:
            for step in (-1_000_000, 0, 1_000_000):
                yield instant_of(instant + step).isoformat()
    elif operator.startswith("Numeric"):
        number = parse_number(wanted)
        if number is not None:
            yield from (str(number - 1), str(number), str(number + 1))
    elif operator == "Bool":
        yield from ("true", "false")
    elif "IpAddress" in operator:
        yield from _addresses(wanted)
    elif "Like" in operator:
        yield from (wanted.replace("*", "").replace("?", "x"), wanted.replace("*", "xyz").replace("?", "x"))
    else:
        yield from (wanted, wanted.swapcase())


def _addresses(wanted: str) -> Iterator[str]:
    try:
        network = ip_network(wanted, strict=False)
    except ValueError:
        return
    yield str(network.network_address)
    yield "192.0.2.255" if network.version == 4 else "2001:db8::ffff"  # noqa: PLR2004 - what nobody has
