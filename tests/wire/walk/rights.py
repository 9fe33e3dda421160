"""Policies, what they are attached to, and roles."""

import json
from collections.abc import Mapping

from tests.wire.names import new_name
from tests.wire.refusal import refusal
from tests.wire.walk.scenario import Scenario, denied
from tests.wire.walk.walker import RAM, Answer, Walk

_DOCUMENT = json.dumps({"Version": "1", "Statement": [{"Effect": "Allow", "Action": "oss:Get*", "Resource": "*"}]})
_SYSTEM = {"PolicyType": "System", "PolicyName": "AliyunOSSReadOnlyAccess"}
_SERVICE = "collector.elasticsearch.aliyuncs.com"
_NO_POLICY, _NO_ROLE = "EntityNotExist.Policy", "EntityNotExist.Role"


def _policy(walk: Walk) -> str:
    name = new_name()
    walk("CreatePolicy", PolicyName=name, PolicyDocument=_DOCUMENT, Description="d")
    return name


def _versions(walk: Walk) -> str:
    """A policy with v1, which is the default, and v2."""
    name = _policy(walk)
    walk("CreatePolicyVersion", PolicyName=name, PolicyDocument=_DOCUMENT)
    return name


def _trust(walk: Walk) -> str:
    trusted = {"RAM": [f"acs:ram::{walk.company.account_id}:root"]}
    statement = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": trusted}
    return json.dumps({"Version": "1", "Statement": [statement]})


def _role(walk: Walk) -> str:
    name = new_name()
    walk("CreateRole", RoleName=name, AssumeRolePolicyDocument=_trust(walk), Description="d")
    return name


def _thing(walk: Walk, kind: str) -> Mapping[str, str]:
    """A new user, group or role, as the attachments are told which."""
    if kind == "User":
        return walk.user()
    if kind == "Role":
        return {"RoleName": _role(walk)}
    name = new_name()
    walk("CreateGroup", GroupName=name)
    return {"GroupName": name}


def _attached(walk: Walk, kind: str) -> Mapping[str, str]:
    thing = _thing(walk, kind)
    walk(f"AttachPolicyTo{kind}", **thing, **_SYSTEM)
    return thing


def _list_entities(walk: Walk) -> Answer:
    policy = {"PolicyType": "Custom", "PolicyName": _policy(walk)}
    for kind in ("User", "Group", "Role"):
        walk(f"AttachPolicyTo{kind}", **_thing(walk, kind), **policy)
    return walk("ListEntitiesForPolicy", **policy)


def _attachments(kind: str) -> tuple[Scenario, ...]:
    unknown = {f"{kind}Name": "nobody-is-called-that"}
    return (
        Scenario(
            RAM,
            f"AttachPolicyTo{kind}",
            lambda walk: walk(f"AttachPolicyTo{kind}", **_thing(walk, kind), **_SYSTEM),
            lambda walk: walk(f"AttachPolicyTo{kind}", **_attached(walk, kind), **_SYSTEM),
            f"EntityAlreadyExists.{kind}.Policy",
        ),
        Scenario(
            RAM,
            f"DetachPolicyFrom{kind}",
            lambda walk: walk(f"DetachPolicyFrom{kind}", **_attached(walk, kind), **_SYSTEM),
            lambda walk: walk(f"DetachPolicyFrom{kind}", **_thing(walk, kind), **_SYSTEM),
            f"EntityNotExist.{kind}.Policy",
        ),
        Scenario(
            RAM,
            f"ListPoliciesFor{kind}",
            lambda walk: walk(f"ListPoliciesFor{kind}", **_attached(walk, kind)),
            lambda walk: walk(f"ListPoliciesFor{kind}", **unknown),
            f"EntityNotExist.{kind}",
        ),
    )


_POLICIES = (
    Scenario(
        RAM,
        "CreatePolicy",
        lambda walk: walk("CreatePolicy", PolicyName=new_name(), PolicyDocument=_DOCUMENT),
        lambda walk: walk("CreatePolicy", PolicyName=new_name(), PolicyDocument="{"),
        "MalformedPolicyDocument",
    ),
    Scenario(
        RAM,
        "GetPolicy",
        lambda walk: walk("GetPolicy", PolicyType="Custom", PolicyName=_policy(walk)),
        lambda walk: walk("GetPolicy", PolicyType="Custom", PolicyName=new_name()),
        _NO_POLICY,
    ),
    Scenario(
        RAM,
        "UpdatePolicyDescription",
        lambda walk: walk("UpdatePolicyDescription", PolicyName=_policy(walk), NewDescription="other"),
        lambda walk: walk("UpdatePolicyDescription", PolicyName=new_name(), NewDescription="other"),
        _NO_POLICY,
    ),
    Scenario(
        RAM,
        "DeletePolicy",
        lambda walk: walk("DeletePolicy", PolicyName=_policy(walk)),
        lambda walk: walk("DeletePolicy", PolicyName=_versions(walk)),
        "DeleteConflict.Policy.Version",
    ),
    Scenario(
        RAM,
        "ListPolicies",
        lambda walk: walk("ListPolicies", PolicyType="System", MaxItems=1),
        lambda walk: walk("ListPolicies", PolicyType="Others"),
        "InvalidParameter.PolicyType",
    ),
    Scenario(
        RAM,
        "CreatePolicyVersion",
        lambda walk: walk("CreatePolicyVersion", PolicyName=_policy(walk), PolicyDocument=_DOCUMENT),
        lambda walk: walk("CreatePolicyVersion", PolicyName=new_name(), PolicyDocument=_DOCUMENT),
        _NO_POLICY,
    ),
    Scenario(
        RAM,
        "GetPolicyVersion",
        lambda walk: walk("GetPolicyVersion", PolicyType="Custom", PolicyName=_policy(walk), VersionId="v1"),
        lambda walk: walk("GetPolicyVersion", PolicyType="Custom", PolicyName=_policy(walk), VersionId="v2"),
        "EntityNotExist.Policy.Version",
    ),
    Scenario(
        RAM,
        "ListPolicyVersions",
        lambda walk: walk("ListPolicyVersions", PolicyType="Custom", PolicyName=_versions(walk)),
        lambda walk: walk("ListPolicyVersions", PolicyType="Custom", PolicyName=new_name()),
        _NO_POLICY,
    ),
    Scenario(
        RAM,
        "SetDefaultPolicyVersion",
        lambda walk: walk("SetDefaultPolicyVersion", PolicyName=_versions(walk), VersionId="v2"),
        lambda walk: walk("SetDefaultPolicyVersion", PolicyName=_versions(walk), VersionId="v3"),
        "EntityNotExist.Policy.Version",
    ),
    Scenario(
        RAM,
        "DeletePolicyVersion",
        lambda walk: walk("DeletePolicyVersion", PolicyName=_versions(walk), VersionId="v2"),
        lambda walk: walk("DeletePolicyVersion", PolicyName=_versions(walk), VersionId="v1"),
        "DeleteConflict.Policy.Version.Default",
    ),
    Scenario(
        RAM,
        "ListEntitiesForPolicy",
        _list_entities,
        lambda walk: walk("ListEntitiesForPolicy", PolicyType="Custom", PolicyName=new_name()),
        _NO_POLICY,
    ),
)


def _attached_role(walk: Walk) -> str:
    return _attached(walk, "Role")["RoleName"]


def _linked_role(walk: Walk, service: str) -> str:
    """The platform names these roles itself, one for each service: the two scenarios take different services."""
    return str(walk("CreateServiceLinkedRole", ServiceName=service)["Role"]["RoleName"])


def _create_linked_role(walk: Walk) -> None:
    """Deleted again: there can be one only."""
    walk("DeleteServiceLinkedRole", RoleName=_linked_role(walk, "ops.elasticsearch.aliyuncs.com"))


_ROLES = (
    Scenario(
        RAM,
        "CreateRole",
        lambda walk: walk("CreateRole", RoleName=new_name(), AssumeRolePolicyDocument=_trust(walk)),
        lambda walk: walk("CreateRole", RoleName="a_b", AssumeRolePolicyDocument=_trust(walk)),
        "InvalidParameter.RoleName.InvalidChars",
    ),
    Scenario(
        RAM,
        "GetRole",
        lambda walk: walk("GetRole", RoleName=_role(walk)),
        lambda walk: walk("GetRole", RoleName=new_name()),
        _NO_ROLE,
    ),
    Scenario(
        RAM,
        "UpdateRole",
        lambda walk: walk("UpdateRole", RoleName=_role(walk), NewMaxSessionDuration=7200),
        lambda walk: walk("UpdateRole", RoleName=_role(walk), NewMaxSessionDuration=1),
        "InvalidParameter.NewMaxSessionDuration",
    ),
    Scenario(
        RAM,
        "DeleteRole",
        lambda walk: walk("DeleteRole", RoleName=_role(walk)),
        lambda walk: walk("DeleteRole", RoleName=_attached_role(walk)),
        "DeleteConflict.Role.Policy",
    ),
    Scenario(
        RAM,
        "ListRoles",
        lambda walk: _role(walk) and walk("ListRoles", MaxItems=1),
        denied("ListRoles"),
        "NoPermission",
    ),
    Scenario(
        RAM,
        "CreateServiceLinkedRole",
        _create_linked_role,
        lambda walk: walk("CreateServiceLinkedRole", ServiceName="nothing.aliyuncs.com"),
        "EntityNotExist.ServiceLinkedRoleTemplate",
    ),
    Scenario(
        RAM,
        "DeleteServiceLinkedRole",
        lambda walk: walk("DeleteServiceLinkedRole", RoleName=_linked_role(walk, _SERVICE)),
        lambda walk: walk("DeleteServiceLinkedRole", RoleName=new_name()),
        _NO_ROLE,
    ),
    Scenario(
        RAM,
        "GetServiceLinkedRoleTemplate",
        lambda walk: walk("GetServiceLinkedRoleTemplate", ServiceName=_SERVICE),
        lambda walk: walk("GetServiceLinkedRoleTemplate", ServiceName="nothing.aliyuncs.com"),
        "EntityNotExist.ServiceLinkedRoleTemplate",
    ),
)


def _denial(walk: Walk) -> str:
    """What a refusal tells only those who may read policies."""
    error = refusal(walk.company.ram(*walk.company.new_user().key).get_account_alias)
    return str(error.access_denied_detail["EncodedDiagnosticMessage"])


_DIAGNOSIS = (
    Scenario(
        RAM,
        "DecodeDiagnosticMessage",
        lambda walk: walk("DecodeDiagnosticMessage", EncodedDiagnosticMessage=_denial(walk)),
        lambda walk: walk("DecodeDiagnosticMessage", EncodedDiagnosticMessage="AQ" * 40),
        "NotSupport",
    ),
)

SCENARIOS = (
    *_POLICIES,
    *(scenario for kind in ("User", "Group", "Role") for scenario in _attachments(kind)),
    *_ROLES,
    *_DIAGNOSIS,
)
