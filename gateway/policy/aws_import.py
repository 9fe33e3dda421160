"""Policies written for AWS, taken over where they mean the same here; refused, with the place, where they do not.

Nothing is guessed: an operation, key, operator or name without a counterpart of the same meaning is an error, since a
policy that is read without one of its parts grants more, or less, than its author meant. Only `Sid` is dropped.
Rule: policy-language §1 to §4.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway.policy.aws_conditions import import_conditions
from gateway.policy.aws_names import KEYS as IDENTITY_KEYS
from gateway.policy.aws_names import ROLE_TAKERS, SERVICES, TRUST_ACTIONS, TRUST_KEYS
from gateway.policy.aws_resources import Correspondence, import_principal_arn, import_provider, import_resource
from gateway.policy.parser import parse_policy
from gateway.policy.request import ASSUME_ROLE
from gateway.policy.strict_json import (
    Json,
    check_length,
    malformed,
    positions_in,
    read_json,
    read_object,
    read_texts,
    shown,
)
from gateway.policy.trust import parse_trust_policy

_LONGEST = 20_480
_VERSIONS = ("2012-10-17", "2008-10-17")
_COMMON = frozenset({"Sid", "Effect", "Action", "NotAction", "Condition"})


@dataclass(frozen=True, slots=True)
class Imported:
    """`text` is a policy of ours; `notes` say what was left out because it has no meaning here."""

    text: str
    notes: tuple[str, ...] = field(default=())


def import_aws_policy(text: str, names: Correspondence) -> Imported:
    """An identity policy of AWS as one of ours.

    Refused: what has no counterpart of the same meaning, policy variables, NotResource, and what would be too long.
    Raises: InputError(POLICY_TOO_LONG), InputError(POLICY_MALFORMED), which say where and what to do.
    """
    check_length(text, _LONGEST, ignore_white_space=False)
    notes: list[str] = []
    with positions_in(text):
        statements = [_identity_statement(value, path, names, notes) for path, value in _statements(text)]
    made = _render(statements)
    parse_policy(made)
    return Imported(made, tuple(notes))


def import_aws_trust_policy(text: str, names: Correspondence) -> Imported:
    """The trust policy of a role of AWS as one of ours. Refused and raised: as by `import_aws_policy`."""
    check_length(text, _LONGEST, ignore_white_space=False)
    notes: list[str] = []
    with positions_in(text):
        statements = [_trust_statement(value, path, names, notes) for path, value in _statements(text)]
    made = _render(statements)
    parse_trust_policy(made)
    return Imported(made, tuple(notes))


def _render(statements: list[dict[str, object]]) -> str:
    return json.dumps({"Version": "1", "Statement": statements}, indent=2, ensure_ascii=False)


def _statements(text: str) -> list[tuple[str, Json]]:
    members = read_object(read_json(text), "", '{"Version": "2012-10-17", "Statement": [...]}')
    for name in members:
        if name not in {"Version", "Id", "Statement"}:
            raise malformed(name, "is no element of a policy of AWS; remove it")
    version = members.get("Version")
    if version not in _VERSIONS:
        raise malformed("Version", f'must be "{_VERSIONS[0]}": the text is no policy of AWS')
    found = members.get("Statement")
    if isinstance(found, list):
        return [(f"Statement[{index}]", value) for index, value in enumerate(found)]
    if found is None:
        raise malformed("Statement", "missing; there is nothing to take over")
    return [("Statement", found)]  # a single one may stand outside of a list there


def _members(value: Json, path: str, allowed: frozenset[str], notes: list[str]) -> dict[str, Json]:
    members = read_object(value, path, "a statement")
    for name in members:
        if name in {"NotResource", "NotPrincipal"}:
            raise malformed(f"{path}.{name}", f"there is no {name} here; list what is meant, or add a Deny statement")
        if name not in allowed:
            raise malformed(f"{path}.{name}", "does not belong into a policy of this kind; remove it")
    if "Sid" in members:
        notes.append(f"{path}.Sid was dropped: statements have no ids here")
    return members


def _identity_statement(value: Json, path: str, names: Correspondence, notes: list[str]) -> dict[str, object]:
    members = _members(value, path, _COMMON | {"Resource"}, notes)
    name = _action_name(members, path)
    actions = read_texts(members[name], f"{path}.{name}", "an action such as s3:GetObject")
    resources = read_texts(members.get("Resource"), f"{path}.Resource", "an ARN, or *")
    node: dict[str, object] = {
        "Effect": members.get("Effect"),
        name: [_action(each, f"{path}.{name}[{index}]") for index, each in enumerate(actions)],
        "Resource": [import_resource(each, f"{path}.Resource[{index}]", names) for index, each in enumerate(resources)],
    }
    if "Condition" in members:
        node["Condition"] = import_conditions(members["Condition"], f"{path}.Condition", IDENTITY_KEYS, names)
    return node


def _action_name(members: Mapping[str, Json], path: str) -> str:
    if ("Action" in members) is ("NotAction" in members):
        raise malformed(path, "must have one of Action and NotAction")
    return "Action" if "Action" in members else "NotAction"


def _action(action: str, path: str) -> str:
    if action == "*":
        return "*"
    service, _, operation = action.partition(":")
    found = SERVICES.get(service.lower())
    if found is None:
        raise malformed(path, f"no service here means the same as {shown(service)}; write the statement anew")
    ours, operations = found
    if operation == "*":
        return f"{ours}:*"
    if any(sign in operation for sign in "*?"):
        cure = "name the operations, as they are called differently here"
        raise malformed(path, f"{shown(action)} stands for operations that {ours} does not have; {cure}")
    by_name = {name.lower(): name for name in operations}
    same = by_name.get(operation.lower())
    if same is None:
        raise malformed(path, f"no operation of {ours} means the same as {shown(action)}; write the statement anew")
    return f"{ours}:{operations[same]}"


def _trust_statement(value: Json, path: str, names: Correspondence, notes: list[str]) -> dict[str, object]:
    members = _members(value, path, _COMMON | {"Principal"}, notes)
    if "NotAction" in members:
        raise malformed(f"{path}.NotAction", "name the action: the role itself is all that can be asked for")
    actions = read_texts(members.get("Action"), f"{path}.Action", "sts:AssumeRole")
    wanted = frozenset(action.lower() for action in actions)
    principals: dict[str, list[str]] = {}
    kinds = read_object(members.get("Principal"), f"{path}.Principal", 'such as {"AWS": "..."}; "*" is not accepted')
    for kind, given in kinds.items():
        at = f"{path}.Principal.{kind}"
        for index, name in enumerate(read_texts(given, at, "a principal")):
            ours, principal, asks = _principal(kind, name, f"{at}[{index}]", names)
            if not wanted <= asks or not wanted:
                cure = "give each kind of principal a statement with the action that it asks for, and no other"
                raise malformed(f"{path}.Action", f"{shown(name)} asks for {', '.join(sorted(asks))}; {cure}")
            principals.setdefault(ours, []).append(principal)
    node: dict[str, object] = {"Effect": members.get("Effect"), "Action": ASSUME_ROLE, "Principal": principals}
    if "Condition" in members:
        keys = dict(TRUST_KEYS)
        for issuer in names.providers:
            keys |= {f"{issuer.lower()}:aud": "oidc:aud", f"{issuer.lower()}:sub": "oidc:sub"}
        node["Condition"] = import_conditions(members["Condition"], f"{path}.Condition", keys, names)
    return node


def _principal(kind: str, name: str, path: str, names: Correspondence) -> tuple[str, str, frozenset[str]]:
    """Our kind of principal, its name here, and the actions that it can ask for there."""
    if kind == "AWS":
        return "RAM", import_principal_arn(name, path, names), TRUST_ACTIONS["AWS"]
    if kind == "Service" and name in ROLE_TAKERS:
        return "Service", ROLE_TAKERS[name], TRUST_ACTIONS["Service"]
    if kind == "Federated":
        protocol, provider = import_provider(name, path, names)
        return "Federated", provider, TRUST_ACTIONS[protocol]
    raise malformed(path, f"nobody here means the same as {shown(name)}; write the statement anew")
