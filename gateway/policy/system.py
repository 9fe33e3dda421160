"""The policies every account has and nobody can change.

The names are confirmed. ASSUMPTION: the documents are rebuilt from memory of the platform's; those of the billing
policies are our reading of their names. Those of service-linked roles stand with the roles that have them.
Rule: policy-language §7.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType

from gateway.policy.document import PolicyDocument
from gateway.policy.fold import fold
from gateway.policy.parser import parse_policy
from gateway.policy.service_roles import SERVICE_ROLES, ServiceRole

SYSTEM_POLICY_VERSION = "v1"
# ASSUMPTION: the platform's own dates are not published for all of them; this is when these documents were put down.
SYSTEM_POLICY_DATE = datetime(2026, 11, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class SystemPolicy:
    name: str
    description: str
    document_text: str
    document: PolicyDocument


_READ_ONLY = (
    "*:Describe*",
    "*:List*",
    "*:Get*",
    "*:BatchGet*",
    "*:Query*",
    "*:BatchQuery*",
    "actiontrail:LookupEvents",
    "actiontrail:Check*",
    "dm:Desc*",
    "dm:SenderStatistics*",
    "ram:GenerateCredentialReport",
)
_POWER_USER_READS = ("ram:Get*", "ram:List*", "resourcemanager:Get*", "resourcemanager:List*")
_ECS_READS = ("ecs:Describe*", "vpc:DescribeVpcs", "vpc:DescribeVSwitches")


def _allow(*actions: str) -> dict[str, object]:
    return {"Effect": "Allow", "Action": list(actions), "Resource": "*"}


def _allow_all_but(*actions: str) -> dict[str, object]:
    return {"Effect": "Allow", "NotAction": list(actions), "Resource": "*"}


def _build(name: str, description: str, *statements: dict[str, object]) -> SystemPolicy:
    text = json.dumps({"Version": "1", "Statement": list(statements)}, indent=2)
    return SystemPolicy(name, description, text, parse_policy(text))


def _build_all() -> tuple[SystemPolicy, ...]:
    return (
        _build("AdministratorAccess", "Everything in the account.", _allow("*")),
        _build("ReadOnlyAccess", "Reading everything in the account.", _allow(*_READ_ONLY)),
        _build(
            "PowerUserAccess",
            "Everything but identities, permissions and the resource directory.",
            _allow_all_but("ram:*", "ims:*", "resourcemanager:*"),
            _allow(*_POWER_USER_READS),
        ),
        _build("AliyunRAMFullAccess", "Managing identities and permissions.", _allow("ram:*")),
        _build("AliyunRAMReadOnlyAccess", "Reading identities and permissions.", _allow("ram:Get*", "ram:List*")),
        _build("AliyunSTSAssumeRoleAccess", "Assuming every role that trusts the caller.", _allow("sts:AssumeRole")),
        _build("AliyunOSSFullAccess", "Managing object storage.", _allow("oss:*")),
        _build("AliyunOSSReadOnlyAccess", "Reading object storage.", _allow("oss:Get*", "oss:List*")),
        _build("AliyunECSFullAccess", "Managing servers.", _allow("ecs:*", *_ECS_READS[1:])),
        _build("AliyunECSReadOnlyAccess", "Reading servers and their networks.", _allow(*_ECS_READS)),
        _build("AliyunBSSFullAccess", "Managing billing.", _allow("bss:*", "bssapi:*")),
        _build(
            "AliyunBSSReadOnlyAccess",
            "Reading billing.",
            _allow(
                "bss:Describe*", "bss:Get*", "bss:List*", "bss:Query*", "bssapi:Get*", "bssapi:List*", "bssapi:Query*"
            ),
        ),
        _build("AliyunBSSOrderAccess", "Viewing, paying and cancelling orders.", _allow("bss:*Order*")),
        _build("AliyunActionTrailFullAccess", "Managing audit trails.", _allow("actiontrail:*")),
        _build("AliyunCDNFullAccess", "Managing content delivery.", _allow("cdn:*")),
        _build("AliyunResourceDirectoryFullAccess", "Managing the resource directory.", _allow("resourcemanager:*")),
    )


def _build_service(role: ServiceRole) -> SystemPolicy:
    """The rights of a service-linked role, its own removal among them."""
    own_removal = {
        **_allow("ram:DeleteServiceLinkedRole"),
        "Condition": {"StringEquals": {"ram:ServiceName": role.service}},
    }
    return _build(role.policy_name, f"For the role {role.name} only.", _allow(*role.actions), own_removal)


SYSTEM_POLICIES: Mapping[str, SystemPolicy] = MappingProxyType(
    {policy.name: policy for policy in (*_build_all(), *map(_build_service, SERVICE_ROLES.values()))}
)
_BY_FOLDED_NAME = {fold(name): policy for name, policy in SYSTEM_POLICIES.items()}


def find_system_policy(name: str) -> SystemPolicy | None:
    """By name, in any case."""
    return _BY_FOLDED_NAME.get(fold(name))
