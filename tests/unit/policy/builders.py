"""Short ways to write policies in tests."""

import json
from collections.abc import Mapping

from gateway.policy import AccessRequest, AttachedPolicy, PolicySet, PolicyType, compile_policies, parse_policy

UID = "1234567890123456"
ALICE = f"acs:ram::{UID}:user/alice"
BUCKET = f"acs:oss:*:{UID}:bucket/a.txt"


def statement(
    effect: str = "Allow", action: object = "*", resource: object = "*", condition: object = None, **extra: object
) -> dict[str, object]:
    node: dict[str, object] = {"Effect": effect, "Action": action, "Resource": resource, **extra}
    return node if condition is None else {**node, "Condition": condition}


def document(*statements: object) -> str:
    return json.dumps({"Version": "1", "Statement": list(statements)})


def attached(name: str, *statements: object) -> AttachedPolicy:
    return AttachedPolicy(name, PolicyType.CUSTOM, "v1", parse_policy(document(*statements)), ALICE, "User")


def policy_set(*statements: object) -> PolicySet:
    return compile_policies([attached("p", *statements)] if statements else [])


def ask(
    action: str = "oss:GetObject", resource: str = BUCKET, context: Mapping[str, tuple[str, ...]] | None = None
) -> AccessRequest:
    return AccessRequest(action, resource, context or {})
