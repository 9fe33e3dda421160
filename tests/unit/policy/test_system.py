"""What the system policies let through."""

import pytest

from gateway.policy import SYSTEM_POLICIES, AttachedPolicy, Layers, PolicyType, compile_policies, decide, parse_policy
from tests.unit.policy.builders import ALICE, ask

ROWS = [
    ("AdministratorAccess", "ram:DeleteUser", True),
    ("ReadOnlyAccess", "oss:ListBuckets", True),
    ("ReadOnlyAccess", "ecs:DescribeInstances", True),
    ("ReadOnlyAccess", "oss:PutObject", False),
    ("PowerUserAccess", "ecs:StartInstance", True),
    ("PowerUserAccess", "ram:GetUser", True),
    ("PowerUserAccess", "ram:CreateUser", False),
    ("PowerUserAccess", "IMS:CreateUser", False),
    ("AliyunRAMFullAccess", "ram:CreateUser", True),
    ("AliyunRAMFullAccess", "oss:GetObject", False),
    ("AliyunRAMReadOnlyAccess", "ram:ListUsers", True),
    ("AliyunRAMReadOnlyAccess", "ram:CreateUser", False),
    ("AliyunSTSAssumeRoleAccess", "sts:AssumeRole", True),
    ("AliyunSTSAssumeRoleAccess", "sts:Other", False),
    ("AliyunOSSFullAccess", "oss:PutObject", True),
    ("AliyunOSSReadOnlyAccess", "oss:GetObject", True),
    ("AliyunOSSReadOnlyAccess", "oss:PutObject", False),
    ("AliyunECSFullAccess", "ecs:StartInstance", True),
    ("AliyunECSReadOnlyAccess", "ecs:DescribeInstances", True),
    ("AliyunECSReadOnlyAccess", "ecs:StartInstance", False),
    ("AliyunBSSFullAccess", "bss:PayOrder", True),
    ("AliyunBSSReadOnlyAccess", "bss:DescribeAcccount", True),
    ("AliyunBSSReadOnlyAccess", "bss:PayOrder", False),
    ("AliyunBSSOrderAccess", "bss:PayOrder", True),
]


@pytest.mark.parametrize(("name", "action", "allowed"), ROWS)
def test_system_policy__action__allowed_or_not(name: str, action: str, allowed: bool) -> None:
    policy = SYSTEM_POLICIES[name]
    attached = AttachedPolicy(policy.name, PolicyType.SYSTEM, "v1", policy.document, ALICE, "User")
    assert decide(ask(action), Layers(identity=compile_policies([attached]))).allowed is allowed


def test_system_policies__texts__are_the_documents() -> None:
    for name, policy in SYSTEM_POLICIES.items():
        assert policy.name == name
        assert policy.description
        assert parse_policy(policy.document_text) == policy.document
