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
    def outcome(self) -> Outcome: ...

    @property
    def ref(self) -> StatementRef: ...

    @property
    def conditions(self) -> tuple[CompiledCondition, ...]: ...


class Evidence(Protocol):
    """Where a decision without a statement looks for those that came close."""

    def near_misses(self, request: AccessRequest) -> Iterable[Matched]:
        """Allow statements that speak of the request, but whose conditions are not met, in order."""
        ...


@dataclass(frozen=True, slots=True)
class Unmatched:
    """No statement applied: the owner needs none, everybody else is denied."""

    outcome: Outcome
    evidence: tuple[Evidence, ...] = ()

    def find_nearest(self, request: AccessRequest) -> Matched | None:
        def count_failed(matched: Matched) -> int:
            return sum(not condition.test(request.facts) for condition in matched.conditions)

        near = [matched for evidence in self.evidence for matched in evidence.near_misses(request)]
        return min(near, key=count_failed, default=None)


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether, in which layer and by which statement.

    `statement` is None for an implicit deny and for the account owner. `condition_values` are those of `statement`, or
    of `nearest` when there is none.
    """

    layer: Layer
    request: AccessRequest
    basis: Matched | Unmatched = field(repr=False)
    # Worked out when first asked for; unset until then, since most decisions are not asked.
    _near: Matched | None = field(init=False, repr=False, compare=False)
    _values: tuple[ConditionValue, ...] = field(init=False, repr=False, compare=False)

    @property
    def outcome(self) -> Outcome:
        return self.basis.outcome

    @property
    def allowed(self) -> bool:
        return self.basis.outcome is Outcome.ALLOW

    @property
    def only_ungranted(self) -> bool:
        """Denied for want of a grant alone: control policies and the session policy would let it through."""
        return self.outcome is Outcome.IMPLICIT_DENY and self.layer not in {Layer.CONTROL, Layer.SESSION}

    @property
    def statement(self) -> StatementRef | None:
        return None if isinstance(self.basis, Unmatched) else self.basis.ref

    @property
    def nearest(self) -> StatementRef | None:
        """For an implicit deny: the Allow statement with the fewest failed conditions, the first of equals.

        None if no statement allows the action on the resource under any condition.
        """
        near = self._find_near() if isinstance(self.basis, Unmatched) else None
        return None if near is None else near.ref

    @property
    def condition_values(self) -> tuple[ConditionValue, ...]:
        try:
            return self._values
        except AttributeError:
            pass
        source = self._find_near()
        values = () if source is None else read_conditions(source, self.request.facts)
        object.__setattr__(self, "_values", values)
        return values

    def _find_near(self) -> Matched | None:
        """The statement that decided, or that came nearest."""
        basis = self.basis
        if not isinstance(basis, Unmatched):
            return basis
        try:
            return self._near
        except AttributeError:
            pass
        near = basis.find_nearest(self.request)
        object.__setattr__(self, "_near", near)
        return near

    def explain(self) -> str:
        """One plain sentence; says nothing of who asked."""
        return explain(self)


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
