"""What a parsed policy is: frozen nodes, nothing evaluated yet. `render_policy` writes one back as JSON text."""

import json
from dataclasses import dataclass
from enum import StrEnum


class Effect(StrEnum):
    ALLOW = "Allow"
    DENY = "Deny"


class PolicyType(StrEnum):
    SYSTEM = "System"
    CUSTOM = "Custom"
    SESSION = "Session"
    TRUST = "Trust"
    CONTROL = "Control"


@dataclass(frozen=True, slots=True)
class Condition:
    """One key under one operator: `values` are as written; several values mean "any of them"."""

    operator: str
    key: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement of an identity, session or control policy.

    `not_action` tells whether `actions` was written as NotAction: then it names what the statement leaves out.
    All `conditions` must be met (AND).
    """

    effect: Effect
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    conditions: tuple[Condition, ...] = ()
    not_action: bool = False


@dataclass(frozen=True, slots=True)
class PolicyDocument:
    """A policy of language version "1". Rule: policy-language §1."""

    statements: tuple[Statement, ...]


def render_policy(document: PolicyDocument) -> str:
    """JSON text that parses to an equal document."""
    statements = []
    for statement in document.statements:
        node: dict[str, object] = {
            "Effect": statement.effect.value,
            "NotAction" if statement.not_action else "Action": list(statement.actions),
            "Resource": list(statement.resources),
        }
        if statement.conditions:
            node["Condition"] = _render_conditions(statement.conditions)
        statements.append(node)
    return json.dumps({"Version": "1", "Statement": statements}, separators=(",", ":"), ensure_ascii=False)


def _render_conditions(conditions: tuple[Condition, ...]) -> dict[str, dict[str, list[str]]]:
    block: dict[str, dict[str, list[str]]] = {}
    for condition in conditions:
        block.setdefault(condition.operator, {})[condition.key] = list(condition.values)
    return block
