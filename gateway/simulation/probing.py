"""What of a question decides, and nothing else: which of the statements about its action speak of its resource, and
which of their conditions are met.

A decision looks at a question in no other way. So two questions about one action that answer all of these alike get the
same answer from the same policies, and the engine is asked once for them. The tests are the statements' own.
"""

from collections.abc import Iterable, Mapping

from gateway.policy.compiled import CompiledStatement
from gateway.policy.conditions import CompiledCondition
from gateway.policy.facts import Facts
from gateway.policy.fold import fold

Context = Mapping[str, tuple[str, ...]]
Bits = tuple[bool, ...]

_RAM = "acs:ram:"
_REMEMBERED = 16_384  # resources, or values of a key, of one probe


class Probe:
    """Of one action, and all statements that may decide about it. Not shared by threads."""

    def __init__(self, statements: Iterable[CompiledStatement]) -> None:
        self._statements = tuple(statements)
        by_key: dict[str, list[CompiledCondition]] = {}
        for statement in self._statements:
            for condition in statement.conditions:
                by_key.setdefault(condition.key, []).append(condition)
        self.keys = tuple(by_key)
        self._tests = tuple(by_key.values())
        self._resources: dict[str, Bits] = {}
        self._values: tuple[dict[tuple[str, ...] | None, Bits], ...] = tuple({} for _ in by_key)

    def signature(self, resource: str, texts: Mapping[str, tuple[str, ...]]) -> tuple[Bits, ...]:
        """Equal for questions that get the same answer. `texts`: the values by folded key."""
        bits = self._resources.get(resource)
        if bits is None:
            bits = self._resource_bits(resource)
        if not self.keys:
            return (bits,)
        found = [bits]
        for key, known, tests in zip(self.keys, self._values, self._tests, strict=True):
            values = texts.get(key)
            met = known.get(values)
            found.append(_test(key, values, known, tests) if met is None else met)
        return tuple(found)

    def _resource_bits(self, resource: str) -> Bits:
        if len(self._resources) >= _REMEMBERED:
            self._resources.clear()
        # As `AccessRequest` has it: names of RAM's own things are compared without regard to case.
        ram = fold(resource) if resource.startswith(_RAM) else ""
        bits = self._resources[resource] = tuple(
            each.names_ram(ram) if ram else each.names_resource(resource) for each in self._statements
        )
        return bits


def _test(
    key: str,
    values: tuple[str, ...] | None,
    known: dict[tuple[str, ...] | None, Bits],
    tests: list[CompiledCondition],
) -> Bits:
    if len(known) >= _REMEMBERED:
        known.clear()
    facts = Facts({key: values} if values else {})
    bits = known[values] = tuple(condition.test(facts) for condition in tests)
    return bits


class Spellings:
    """Values of a context by folded key. Contexts have few sets of keys, so those are read once each."""

    def __init__(self) -> None:
        self._shapes: dict[tuple[str, ...], tuple[tuple[str, str], ...] | None] = {}
        self._last: tuple[Context, Mapping[str, tuple[str, ...]]] = ({}, {})

    def fold(self, context: Context) -> Mapping[str, tuple[str, ...]]:
        """Equal contexts of a batch are one object, and often come one after the other."""
        last, texts = self._last
        if last is context:
            return texts
        shape = tuple(context)
        pairs = self._shapes.get(shape)
        if pairs is None and shape not in self._shapes:
            pairs = self._read(shape)
        texts = Facts.of(context).texts if pairs is None else {folded: context[key] for folded, key in pairs}
        self._last = (context, texts)
        return texts

    def _read(self, shape: tuple[str, ...]) -> tuple[tuple[str, str], ...] | None:
        """None where two keys are one when folded: then their values are to be put together."""
        if len(self._shapes) >= _REMEMBERED:
            self._shapes.clear()
        pairs = tuple((fold(key), key) for key in shape)
        whole = len({folded for folded, _ in pairs}) == len(pairs)
        self._shapes[shape] = pairs if whole else None
        return self._shapes[shape]
