"""Policies compiled for deciding: patterns read once, statements found by action and by resource.

A decision looks at candidates only. The candidates of an action come from an index (exact names, patterns by service,
the rest) and are remembered for a bounded number of actions; long candidate lists are indexed by resource as well.
Order is that of the policies and statements as given, so the statement that is reported never depends on the index.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from gateway.policy.conditions import CompiledCondition, ConditionTest, compile_condition
from gateway.policy.decision import Unmatched
from gateway.policy.document import Effect, PolicyDocument, PolicyType, Statement
from gateway.policy.fold import fold
from gateway.policy.request import AccessRequest
from gateway.policy.resource_index import ResourceIndex
from gateway.policy.verdict import Outcome, StatementRef
from gateway.policy.wildcard import TextTest, compile_wildcards, literal_prefix

_REMEMBERED_ACTIONS = 512
_LONGEST_REMEMBERED = 128


@dataclass(frozen=True, slots=True)
class AttachedPolicy:
    """One version of a policy and where it takes effect.

    `version` is `v1`, `v2` ...; `attached_to` the ARN of the user, group or role (or of the session or folder); `via`
    names its kind: `User`, `Group` or `Role`.
    """

    name: str
    type: PolicyType
    version: str
    document: PolicyDocument
    attached_to: str
    via: str


@dataclass(frozen=True, slots=True)
class CompiledStatement:
    """`order` is the place among all statements of the set; `tests` are those of `conditions`, ready to call."""

    order: int
    ref: StatementRef
    outcome: Outcome
    statement: Statement
    conditions: tuple[CompiledCondition, ...]
    tests: tuple[ConditionTest, ...]
    names_action: TextTest
    names_resource: TextTest
    names_ram: TextTest  # the same patterns, for names whose case does not count
    patterns: tuple[str, ...]  # of resources, as the tests read them

    def covers_action(self, action_key: str) -> bool:
        return self.names_action(action_key) is not self.statement.not_action

    def covers_resource(self, request: AccessRequest) -> bool:
        return self.names_ram(request.ram_key) if request.ram_key else self.names_resource(request.resource)


def with_any_segment(pattern: str) -> str:
    """A resource pattern with an empty region or account written as `*`.

    ASSUMPTION: empty means any, as RAM names are written `acs:ram::<uid>:...` and `acs:ram:*:<uid>:...`.
    Rule: policy-language §2.
    """
    head, *segments = pattern.split(":", 4)
    if head != "acs" or len(segments) != 4:  # noqa: PLR2004
        return pattern
    service, region, account, relative = segments
    return ":".join((head, service, region or "*", account or "*", relative))


def compile_statement(order: int, ref: StatementRef, statement: Statement) -> CompiledStatement:
    resources = tuple(with_any_segment(pattern) for pattern in statement.resources)
    conditions = tuple(compile_condition(condition, statement.effect) for condition in statement.conditions)
    return CompiledStatement(
        order=order,
        ref=ref,
        outcome=Outcome.ALLOW if statement.effect is Effect.ALLOW else Outcome.EXPLICIT_DENY,
        statement=statement,
        conditions=conditions,
        tests=tuple(condition.test for condition in conditions),
        names_action=compile_wildcards(fold(action) for action in statement.actions),
        names_resource=compile_wildcards(resources),
        names_ram=compile_wildcards(fold(pattern) for pattern in resources),
        patterns=resources,
    )


Candidates = ResourceIndex[CompiledStatement]  # of one action: statements that deny first, each kind in order


@dataclass(frozen=True, slots=True)
class PolicySet:
    """All policies of one layer, compiled. Build it with `compile_policies`; share it between threads freely."""

    statements: tuple[CompiledStatement, ...]
    silence: Unmatched = field(init=False, repr=False, compare=False)  # the answer when no statement applies
    _exact: dict[str, list[CompiledStatement]] = field(default_factory=dict, repr=False, compare=False)
    _by_service: dict[str, list[CompiledStatement]] = field(default_factory=dict, repr=False, compare=False)
    _rest: list[CompiledStatement] = field(default_factory=list, repr=False, compare=False)
    _memo: dict[str, Candidates] = field(default_factory=dict, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "silence", Unmatched(Outcome.IMPLICIT_DENY, (self,)))
        for compiled in self.statements:
            for bucket in self._buckets(compiled.statement):
                bucket.append(compiled)

    def _buckets(self, statement: Statement) -> Iterable[list[CompiledStatement]]:
        if statement.not_action:
            return [self._rest]
        exact, services = set(), set()
        for action in map(fold, statement.actions):
            prefix = literal_prefix(action)
            service, colon, _ = prefix.partition(":")
            if not colon:
                return [self._rest]
            if prefix == action:
                exact.add(action)
            else:
                services.add(service)
        buckets = [self._exact.setdefault(action, []) for action in sorted(exact)]
        return buckets + [self._by_service.setdefault(service, []) for service in sorted(services)]

    def candidates(self, action_key: str) -> Candidates:
        """The statements that speak of an action (folded)."""
        known = self._memo.get(action_key)
        return self._find_candidates(action_key) if known is None else known

    def _find_candidates(self, action_key: str) -> Candidates:
        service = action_key.partition(":")[0]
        near = {
            compiled.order: compiled
            for bucket in (self._exact.get(action_key, ()), self._by_service.get(service, ()), self._rest)
            for compiled in bucket
            if compiled.covers_action(action_key)
        }
        in_order = sorted(near.values(), key=lambda each: (each.outcome is Outcome.ALLOW, each.order))
        found = ResourceIndex.of([(each, each.patterns) for each in in_order])
        if len(action_key) <= _LONGEST_REMEMBERED:
            if len(self._memo) >= _REMEMBERED_ACTIONS:
                self._memo.clear()
            self._memo[action_key] = found
        return found

    def find_match(self, request: AccessRequest) -> CompiledStatement | None:
        """The statement that decides within this set: the first Deny that applies, else the first Allow, else None."""
        candidates = self._memo.get(request.action_key) or self._find_candidates(request.action_key)
        resource, ram, facts = request.resource, request.ram_key, request.facts
        for compiled in candidates.near(request.index_key) if candidates.by_prefix else candidates.entries:
            if not (compiled.names_ram(ram) if ram else compiled.names_resource(resource)):
                continue
            for test in compiled.tests:
                if not test(facts):
                    break
            else:
                return compiled
        return None

    def near_misses(self, request: AccessRequest) -> Iterator[CompiledStatement]:
        """Allow statements that speak of the action and the resource, whether or not their conditions are met."""
        for compiled in self.candidates(request.action_key).near(request.index_key):
            if compiled.outcome is Outcome.ALLOW and compiled.covers_resource(request):
                yield compiled


def compile_policies(policies: Sequence[AttachedPolicy]) -> PolicySet:
    """Compile the policies of one layer. The order given is the order in which statements are reported."""
    compiled: list[CompiledStatement] = []
    for policy in policies:
        for index, statement in enumerate(policy.document.statements):
            ref = StatementRef(
                policy_name=policy.name,
                policy_type=policy.type,
                policy_version=policy.version,
                index=index,
                effect=statement.effect,
                attached_to=policy.attached_to,
                via=policy.via,
            )
            compiled.append(compile_statement(len(compiled), ref, statement))
    return PolicySet(tuple(compiled))
