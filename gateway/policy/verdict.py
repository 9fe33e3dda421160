"""The words of an answer: outcome, layer, the statement behind it, and the values it looked at."""

from dataclasses import dataclass
from enum import StrEnum

from gateway.policy.document import Effect, PolicyType


class Outcome(StrEnum):
    ALLOW = "Allow"
    EXPLICIT_DENY = "ExplicitDeny"
    IMPLICIT_DENY = "ImplicitDeny"


class Layer(StrEnum):
    """Where a decision fell; for denials the words of `PolicyType` on the wire. Rule: policy-language §5.4."""

    OWNER = "AccountOwner"
    CONTROL = "ControlPolicy"
    SESSION = "SessionPolicy"
    ACCOUNT_IDENTITY = "AccountLevelIdentityBasedPolicy"
    RESOURCE_GROUP_IDENTITY = "ResourceGroupLevelIdentityBasedPolicy"
    TRUST = "AssumeRolePolicy"


@dataclass(frozen=True, slots=True)
class StatementRef:
    """Which statement: `index` counts from 0, as in the path `Statement[0]` of the document."""

    policy_name: str
    policy_type: PolicyType
    policy_version: str
    index: int
    effect: Effect
    attached_to: str
    via: str


@dataclass(frozen=True, slots=True)
class ConditionValue:
    """One condition of a statement: what it wants and what the request has (empty: the key is absent)."""

    operator: str
    key: str
    wanted: tuple[str, ...]
    seen: tuple[str, ...]
    met: bool
