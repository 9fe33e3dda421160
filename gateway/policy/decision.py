"""The answer to one request. What explains it is worked out when asked for, not while deciding."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Protocol

from gateway.policy.conditions import CompiledCondition
from gateway.policy.explain import explain
from gateway.policy.facts import Facts
from gateway.policy.request import AccessRequest
from gateway.policy.verdict import ConditionValue, Layer, Outcome, StatementRef


class Matched(Protocol):
    """A compiled statement, as far as a decision tells of it."""

    @property
    def ref(self) -> StatementRef: ...

    @property
    def outcome(self) -> Outcome: ...

    @property
    def conditions(self) -> tuple[CompiledCondition, ...]: ...


class Evidence(Protocol):
    """Where a decision without a statement looks for those that came close."""

    def near_misses(self, request: AccessRequest) -> Iterable[Matched]:
        """Allow statements that speak of the request, but whose conditions are not met, in order."""
        ...


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether, in which layer and by which statement.

    `statement` is None for an implicit deny and for the account owner. `condition_values` are those of `statement`, or
    of `nearest` when there is none.
    """

    layer: Layer
    request: AccessRequest
    matched: Matched | None = None
    evidence: tuple[Evidence, ...] = field(default=(), repr=False, compare=False)

    @property
    def outcome(self) -> Outcome:
        if self.matched is not None:
            return self.matched.outcome
        return Outcome.ALLOW if self.layer is Layer.OWNER else Outcome.IMPLICIT_DENY

    @property
    def allowed(self) -> bool:
        return self.outcome is Outcome.ALLOW

    @property
    def statement(self) -> StatementRef | None:
        return None if self.matched is None else self.matched.ref

    @property
    def nearest(self) -> StatementRef | None:
        """For an implicit deny: the Allow statement that would have decided, had fewer than the others of its
        conditions failed; the first of equals. None if no statement allows the action on the resource at all.
        """
        near = self._find_nearest()
        return None if near is None else near.ref

    @property
    def condition_values(self) -> tuple[ConditionValue, ...]:
        source = self.matched or self._find_nearest()
        return () if source is None else read_conditions(source, self.request.facts)

    def explain(self) -> str:
        """One plain sentence; says nothing of who asked."""
        return explain(self)

    def _find_nearest(self) -> Matched | None:
        if self.outcome is not Outcome.IMPLICIT_DENY:
            return None
        near = [matched for evidence in self.evidence for matched in evidence.near_misses(self.request)]
        return min(near, key=self._count_failed, default=None)

    def _count_failed(self, matched: Matched) -> int:
        return sum(not condition.test(self.request.facts) for condition in matched.conditions)


def read_conditions(matched: Matched, facts: Facts) -> tuple[ConditionValue, ...]:
    """What each condition of a statement wants and what it saw."""
    return tuple(
        ConditionValue(
            operator=compiled.condition.operator,
            key=compiled.condition.key,
            wanted=compiled.condition.values,
            seen=facts.texts.get(compiled.key, ()),
            met=compiled.test(facts),
        )
        for compiled in matched.conditions
    )
