"""What stands between somebody and an action, step by step, and where it ends. Values only."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from gateway.policy import ConditionValue, Decision, StatementRef


class StepKind(StrEnum):
    MAPPING_RULE = "MappingRule"
    ROLE_OFFER = "RoleOffer"  # whether a login asks for the role, and the provider may vouch for it
    TRUST = "TrustPolicy"
    CALLER = "AssumeRolePermission"  # what the caller's own policies say of assuming the role
    CONTROL = "ControlPolicy"
    SESSION = "SessionPolicy"
    IDENTITY = "IdentityPolicy"


@dataclass(frozen=True, slots=True)
class Step:
    """`passed` None: it is told, and does not count by itself. `sentence` is for people; `helps` says what would."""

    kind: StepKind
    who: str  # ARN of the principal, the role, or the provider
    passed: bool | None
    outcome: str
    sentence: str
    statement: StatementRef | None = None
    values: tuple[ConditionValue, ...] = ()
    helps: str = ""


@dataclass(frozen=True, slots=True)
class Chain:
    steps: tuple[Step, ...]
    session_names: tuple[str, ...] = field(default=())

    @property
    def allowed(self) -> bool:
        return self.stopped_at is None

    @property
    def stopped_at(self) -> Step | None:
        """The first step that does not let it through."""
        return next((step for step in self.steps if step.passed is False), None)


def decided_step(kind: StepKind, who: str, decision: Decision, helps: str = "") -> Step:
    return Step(
        kind,
        who,
        decision.allowed,
        decision.outcome.value,
        decision.explain(),
        decision.statement or decision.nearest,
        decision.condition_values,
        helps,
    )


def chain_fields(chain: Chain) -> Mapping[str, object]:
    """For programs."""
    stopped = chain.stopped_at
    return {
        "allowed": chain.allowed,
        "stopped_at": None if stopped is None else list(chain.steps).index(stopped),
        "what_helps": "" if stopped is None else stopped.helps,
        "steps": [_step_fields(step) for step in chain.steps],
    }


def _step_fields(step: Step) -> Mapping[str, object]:
    ref = step.statement
    return {
        "step": step.kind.value,
        "who": step.who,
        "passed": step.passed,
        "outcome": step.outcome,
        "sentence": step.sentence,
        "statement": None if ref is None else statement_fields(ref),
        "values": value_fields(step.values),
        "helps": step.helps,
    }


def statement_fields(ref: StatementRef) -> Mapping[str, object]:
    return {
        "policy": ref.policy_name,
        "type": ref.policy_type.value,
        "version": ref.policy_version,
        "index": ref.index,
        "effect": ref.effect.value,
        "attached_to": ref.attached_to,
    }


def value_fields(values: Sequence[ConditionValue]) -> Sequence[Mapping[str, object]]:
    return [
        {
            "operator": each.operator,
            "key": each.key,
            "wanted": list(each.wanted),
            "seen": list(each.seen),
            "met": each.met,
        }
        for each in values
    ]
