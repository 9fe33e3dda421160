"""Service-linked roles: which services have one, what it is called and what it may do.

Nobody but the service can use such a role, and nobody but the platform says what it may do.
ASSUMPTION: the names are those that the services' own documents give; the rights are shortened to what a service can't
do without. No service listed here lets a caller choose a suffix or a description.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

LANGUAGE = "en"


@dataclass(frozen=True, slots=True)
class ServiceRole:
    """The template of a service-linked role. `name` is the role's, `service` whom its trust policy admits."""

    service: str
    name: str
    description: str
    actions: tuple[str, ...]

    @property
    def policy_name(self) -> str:
        return self.name.replace("AliyunServiceRoleFor", "AliyunServiceRolePolicyFor")

    @property
    def trust_document(self) -> str:
        return (
            '{"Statement":[{"Action":"sts:AssumeRole","Effect":"Allow","Principal":{"Service":["'
            + self.service
            + '"]}}],"Version":"1"}'
        )


_INTERFACES = (
    "ecs:CreateNetworkInterface",
    "ecs:AttachNetworkInterface",
    "ecs:DetachNetworkInterface",
    "ecs:DeleteNetworkInterface",
    "ecs:DescribeNetworkInterfaces",
    "ecs:CreateNetworkInterfacePermission",
    "ecs:DescribeNetworkInterfacePermissions",
    "ecs:DeleteNetworkInterfacePermission",
)
_GROUPS = (
    "ecs:CreateSecurityGroup",
    "ecs:AuthorizeSecurityGroup",
    "ecs:RevokeSecurityGroup",
    "ecs:DeleteSecurityGroup",
    "ecs:DescribeSecurityGroups",
)


def _of(service: str, what: str, called: str, *actions: str) -> ServiceRole:
    description = (
        f"Service Linked Role for {called}. {called} will use this role to access your resources in other services."
    )
    return ServiceRole(service, f"AliyunServiceRoleFor{what}", description, actions)


_KNOWN = (
    _of("polardb.aliyuncs.com", "PolarDB", "PolarDB", *_INTERFACES, *_GROUPS, "vpc:DescribeVSwitchAttributes"),
    _of("nat.aliyuncs.com", "Natgw", "NAT Gateway", *_INTERFACES, *_GROUPS, "vpc:DescribeVSwitchAttributes"),
    _of(
        "cen.aliyuncs.com", "CEN", "Cloud Enterprise Network", *_INTERFACES, "vpc:DescribeVpcs", "vpc:DescribeVSwitches"
    ),
    _of("ess.aliyuncs.com", "AutoScaling", "Auto Scaling", "ecs:*Instance*", "slb:*BackendServers", "rds:*SecurityIps"),
    _of("vpcendpoint.ga.aliyuncs.com", "GaVpcEndpoint", "Global Accelerator", *_INTERFACES, *_GROUPS),
    _of(
        "ops.elasticsearch.aliyuncs.com",
        "ElasticsearchOps",
        "Elasticsearch",
        "elasticsearch:Describe*",
        "elasticsearch:List*",
    ),
    _of(
        "collector.elasticsearch.aliyuncs.com",
        "ElasticsearchCollector",
        "Elasticsearch Collector",
        "oos:StartExecution",
        "oos:ListExecutions",
        "oos:CancelExecution",
        "oos:DeleteExecutions",
        "ecs:DescribeInstances",
    ),
    _of(
        "remediation.config.aliyuncs.com",
        "ConfigRemediation",
        "Cloud Config",
        "ecs:TagResources",
        "oos:StartExecution",
        "oos:ListExecutions",
    ),
)

SERVICE_ROLES: Mapping[str, ServiceRole] = MappingProxyType({role.service: role for role in _KNOWN})
