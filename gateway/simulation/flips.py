"""What flips, put together: by principal, action and the pattern of the resource, with a count and one example each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from gateway.audit.personal import Redaction
from gateway.policy import AccessRequest, ConditionValue, Decision, Layer, Outcome, StatementRef
from gateway.policy.explain import explain

MOST_GROUPS = 1000


class Turn(StrEnum):
    """Which way an answer flips."""

    TO_DENY = "AllowToDeny"
    TO_ALLOW = "DenyToAllow"


@dataclass(frozen=True, slots=True)
class Example:
    """One question whose answer flips; `before` and `after` say what decided, in a sentence each."""

    at: datetime
    request_id: str
    resource: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Redacted:
    """A decision as it is told to others than those it is about: values that tell of a person are shown by type."""

    decision: Decision
    redaction: Redaction

    @property
    def outcome(self) -> Outcome:
        return self.decision.outcome

    @property
    def layer(self) -> Layer:
        return self.decision.layer

    @property
    def request(self) -> AccessRequest:
        return self.decision.request

    @property
    def statement(self) -> StatementRef | None:
        return self.decision.statement

    @property
    def nearest(self) -> StatementRef | None:
        return self.decision.nearest

    @property
    def condition_values(self) -> tuple[ConditionValue, ...]:
        show = self.redaction.show
        return tuple(
            replace(value, seen=tuple(show(value.key, seen) for seen in value.seen))
            for value in self.decision.condition_values
        )

    def explain(self) -> str:
        return explain(self)


@dataclass(slots=True)
class Flips:
    """Alike ones."""

    turn: Turn
    principal_arn: str
    action: str
    pattern: str  # of the resources: what lies below the first slash of each is `*`
    example: Example
    count: int = 1


@dataclass(slots=True)
class FlipTable:
    """`ungrouped` counts those of groups beyond the thousandth: they are counted, and no example is kept."""

    groups: dict[tuple[str, str, str, str], Flips] = field(default_factory=dict)
    ungrouped: int = 0
    totals: dict[Turn, int] = field(default_factory=lambda: dict.fromkeys(Turn, 0))

    def is_new(self, turn: Turn, principal_arn: str, action: str, resource: str) -> bool:
        """Count a flip. Whether it is the first of its kind, and there is room for one: then `add` it."""
        self.totals[turn] += 1
        group = self.groups.get((turn, principal_arn, action, pattern_of(resource)))
        if group is not None:
            group.count += 1
            return False
        if len(self.groups) >= MOST_GROUPS:
            self.ungrouped += 1
            return False
        return True

    def add(self, turn: Turn, principal_arn: str, action: str, example: Example) -> None:
        pattern = pattern_of(example.resource)
        made = Flips(turn, principal_arn, action, pattern, example)
        self.groups[turn, principal_arn, action, pattern] = made

    def ordered(self) -> Sequence[Flips]:
        """What is lost first, the most frequent first."""
        return sorted(self.groups.values(), key=lambda each: (each.turn, -each.count, each.principal_arn, each.action))


def pattern_of(resource: str) -> str:
    """`acs:oss:*:1:bucket/a/b` as `acs:oss:*:1:bucket/*`; a name without a slash stays."""
    head, slash, _ = resource.partition("/")
    return f"{head}/*" if slash else resource


@dataclass(slots=True)
class LoginReplay:
    """Logins asked again. `unknown_keys`: condition keys of which too little is kept, with how many logins each kept
    from being asked again.
    """

    asked: int = 0
    not_replayable: int = 0
    unknown_keys: dict[str, int] = field(default_factory=dict)

    def missing(self, keys: Sequence[str]) -> None:
        self.not_replayable += 1
        for key in keys:
            self.unknown_keys[key] = self.unknown_keys.get(key, 0) + 1


@dataclass(slots=True)
class DryRun:
    """What came of it. Every record is counted in exactly one of `decided`, `of_owner`, `without_policy`,
    `principal_gone`, `only_asked` and `not_replayable`.
    """

    told: str = ""
    records: int = 0
    decided: int = 0
    untouched: int = 0  # of those decided: nothing of the principal's rights changes, so they were decided once
    of_owner: int = 0
    without_policy: int = 0
    principal_gone: int = 0
    only_asked: int = 0  # somebody wanted to know what is allowed, and did nothing
    not_replayable: int = 0  # trust policies of other accounts, and logins that a receipt stands for
    differ_from_record: int = 0  # today already, without the change
    other_statement: int = 0  # the same outcome, by another statement
    complete: bool = True  # False: there were more records than were to be read
    flips: FlipTable = field(default_factory=FlipTable)
    logins: LoginReplay = field(default_factory=LoginReplay)


def as_json(run: DryRun) -> Mapping[str, object]:
    return {
        "change": run.told,
        "records": run.records,
        "complete": run.complete,
        "decided": run.decided,
        "untouched": run.untouched,
        "of_owner": run.of_owner,
        "without_policy": run.without_policy,
        "principal_gone": run.principal_gone,
        "only_asked": run.only_asked,
        "not_replayable": run.not_replayable,
        "differ_from_record": run.differ_from_record,
        "other_statement": run.other_statement,
        "allow_to_deny": run.flips.totals[Turn.TO_DENY],
        "deny_to_allow": run.flips.totals[Turn.TO_ALLOW],
        "flips": [
            {
                "turn": each.turn.value,
                "principal": each.principal_arn,
                "action": each.action,
                "resources": each.pattern,
                "count": each.count,
                "example": {
                    "at": each.example.at.isoformat(),
                    "request_id": each.example.request_id,
                    "resource": each.example.resource,
                    "before": each.example.before,
                    "after": each.example.after,
                },
            }
            for each in run.flips.ordered()
        ],
        "flips_without_group": run.flips.ungrouped,
        "logins": {
            "asked": run.logins.asked,
            "not_replayable": run.logins.not_replayable,
            "unknown_keys": dict(sorted(run.logins.unknown_keys.items())),
        },
    }
