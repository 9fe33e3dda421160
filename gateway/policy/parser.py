"""Policy text to `PolicyDocument`, strictly. Errors say where, what is wrong and how to mend it.

Rule: policy-language §1, §6.
"""

import difflib
import re
from dataclasses import dataclass

from gateway.policy.conditions import OPERATORS
from gateway.policy.document import Condition, Effect, PolicyDocument, Statement
from gateway.policy.fold import fold
from gateway.policy.strict_json import (
    Json,
    check_length,
    malformed,
    positions_in,
    read_json,
    read_object,
    read_text,
    read_texts,
    shown,
)

MAX_IDENTITY_POLICY = 6144
MAX_SESSION_POLICY = 2048

# ASSUMPTION: the language has no Sid, NotResource or NotPrincipal; they are refused rather than ignored, since a
# statement that is read without one of its restrictions grants more than its author meant.
_FOREIGN = {
    "Sid": "the language has no statement ids; remove it",
    "NotResource": "the language has no NotResource; list what is meant under Resource, or add a Deny statement",
    "NotPrincipal": "the language has no NotPrincipal; list who is meant under Principal",
    "Principal": "only trust policies name a Principal; an identity policy applies to whom it is attached",
}
_ACTION = re.compile(r"\*|[A-Za-z0-9*?._-]+:[A-Za-z0-9*?._/:-]+")
_KEY = re.compile(r"[^\s:]+:\S.*", re.DOTALL)
_ACTION_WANTED = '"<service>:<operation>" such as "oss:GetObject", wildcards allowed, or "*"'
_RESOURCE_WANTED = '"acs:<service>:<region>:<account>:<relative id>", wildcards allowed, or "*"'


def parse_policy(text: str) -> PolicyDocument:
    """Read an identity policy, at most 6144 characters.

    Raises: InputError(POLICY_TOO_LONG), InputError(POLICY_MALFORMED).
    """
    check_length(text, MAX_IDENTITY_POLICY, ignore_white_space=True)
    return _parse_document(text)


def parse_session_policy(text: str) -> PolicyDocument:
    """Read a policy given along with AssumeRole, at most 2048 characters of parameter text.

    Raises: InputError(POLICY_TOO_LONG), InputError(POLICY_MALFORMED). Rule: sts-contract §1.
    """
    check_length(text, MAX_SESSION_POLICY, ignore_white_space=False)
    return _parse_document(text)


def _parse_document(text: str) -> PolicyDocument:
    with positions_in(text):
        statements = enumerate(read_statements(text))
        return PolicyDocument(tuple(_parse_statement(value, f"Statement[{index}]") for index, value in statements))


def read_statements(text: str) -> list[Json]:
    """The statements of a document of any kind, unread. Raises: InputError(POLICY_MALFORMED)."""
    members = read_object(read_json(text), "", '{"Version": "1", "Statement": [...]}')
    for name in members:
        if name not in {"Version", "Statement"}:
            raise malformed(name if name.isalnum() and name.isascii() else "", _unknown(name, ("Version", "Statement")))
    if "Version" not in members:
        raise malformed("Version", 'missing; add "Version": "1"')
    if members["Version"] != "1":
        raise malformed("Version", 'must be the string "1", the only version of the language')
    statements = members.get("Statement")
    if not isinstance(statements, list):
        # ASSUMPTION: a single statement outside a list is not accepted.
        raise malformed("Statement", "must be a list of statements; put a single one in [ ] too")
    if not statements:
        raise malformed("Statement", "the list is empty; a policy needs at least one statement")
    return statements


def _parse_statement(value: Json, path: str) -> Statement:
    head = read_head(value, path, allowed=("Effect", "Action", "NotAction", "Resource", "Condition"))
    if "Resource" not in head.members:
        raise malformed(f"{path}.Resource", f"missing; add {_RESOURCE_WANTED}")
    resources = read_texts(head.members["Resource"], f"{path}.Resource", _RESOURCE_WANTED)
    for index, resource in enumerate(resources):
        _check_resource(resource, f"{path}.Resource[{index}]")
    return Statement(head.effect, head.actions, resources, head.conditions, not_action=head.not_action)


@dataclass(frozen=True, slots=True)
class StatementHead:
    """What statements of all kinds have, and their members for the rest."""

    effect: Effect
    actions: tuple[str, ...]
    not_action: bool
    conditions: tuple[Condition, ...]
    members: dict[str, Json]


def read_head(value: Json, path: str, *, allowed: tuple[str, ...]) -> StatementHead:
    """Effect, Action or NotAction, and Condition. Raises: InputError(POLICY_MALFORMED)."""
    members = read_object(value, path, "a statement with Effect, Action and what belongs to them")
    for name in members:
        if name not in allowed:
            raise malformed(
                f"{path}.{name}" if name in _FOREIGN else path, _FOREIGN.get(name) or _unknown(name, allowed)
            )
    not_action = "NotAction" in members
    if not_action and "Action" in members:
        raise malformed(path, "has both Action and NotAction; keep one")
    name = "NotAction" if not_action else "Action"
    return StatementHead(
        effect=_read_effect(members, path),
        actions=_read_actions(members, f"{path}.{name}", name),
        not_action=not_action,
        conditions=read_condition_block(members.get("Condition"), f"{path}.Condition")
        if "Condition" in members
        else (),
        members=members,
    )


def _read_effect(members: dict[str, Json], path: str) -> Effect:
    effect = members.get("Effect")
    if not isinstance(effect, str) or effect not in {"Allow", "Deny"}:
        raise malformed(f"{path}.Effect", 'must be "Allow" or "Deny", written like that')
    return Effect(effect)


def _read_actions(members: dict[str, Json], path: str, name: str) -> tuple[str, ...]:
    if name not in members:
        raise malformed(path, f"missing; add {_ACTION_WANTED}")
    actions = read_texts(members[name], path, _ACTION_WANTED)
    for index, action in enumerate(actions):
        if not _ACTION.fullmatch(action):
            raise malformed(f"{path}[{index}]", f"{shown(action)} is no action; write {_ACTION_WANTED}")
    return actions


def _check_resource(resource: str, path: str) -> None:
    """ASSUMPTION: a resource that can't match any resource name (no `acs:`, no wildcard in front) is refused."""
    if not resource.startswith(("acs:", "*")) or not resource.isprintable():
        raise malformed(path, f"{shown(resource)} is no resource; write {_RESOURCE_WANTED}")


def read_condition_block(value: Json, path: str) -> tuple[Condition, ...]:
    """ASSUMPTION: `"Condition": {}`, as the console's visual editor writes it, means no condition."""
    conditions: list[Condition] = []
    for operator, block in read_object(value, path, '{"<operator>": {"<key>": "<value>"}}').items():
        if operator not in OPERATORS:
            raise malformed(path, _unknown(operator, tuple(OPERATORS), "operator"))
        at = f"{path}.{operator}"
        keys = read_object(block, at, '{"<key>": "<value>"}')
        if not keys:
            raise malformed(at, "has no key; name one, or remove the operator")
        if len({fold(key) for key in keys}) < len(keys):
            raise malformed(at, "names one key twice in different case; put the values in one list")
        conditions.extend(_read_condition(operator, key, values, at) for key, values in keys.items())
    return tuple(conditions)


def _read_condition(operator: str, key: str, value: Json, path: str) -> Condition:
    read_text(key, path, "a condition key")
    if not _KEY.fullmatch(key) or not key.isprintable():
        raise malformed(path, f'{shown(key)} is no condition key; write "<prefix>:<name>" such as "acs:SourceIp"')
    rule = OPERATORS[operator]
    at = f"{path}.{key[:64]}"
    # Numbers, booleans, dates and addresses are strings too: the language has no other values.
    values = read_texts(value, at, rule.wants)
    for wanted in values:
        if not rule.accepts(wanted):
            raise malformed(at, f"{shown(wanted)} is not {rule.wants}")
    return Condition(operator, key, values)


def _unknown(name: str, known: tuple[str, ...], kind: str = "element") -> str:
    by_fold = {fold(each): each for each in known}
    near = difflib.get_close_matches(fold(name)[:64], by_fold, n=1)
    hint = f"; did you mean `{by_fold[near[0]]}`?" if near else f"; known are {', '.join(known)}"
    return f"{shown(name)} is no {kind} of the language{hint}"
