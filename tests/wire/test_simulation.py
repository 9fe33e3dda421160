"""SimulateCall, ListReachingPrincipals and DryRunPolicyChange, by the official client that calls operations by name."""

import json

from tests.wire.own_policy import give
from tests.wire.refusal import refusal
from tests.wire.resource_service import ResourceService
from tests.wire.seed import Seed


def owner_of(company: Seed) -> ResourceService:
    return ResourceService(company, *company.new_user("AdministratorAccess").key)


def test_simulate_call__user__is_told_step_by_step(company: Seed) -> None:
    service, alice = owner_of(company), company.new_user()
    condition = {"IpAddress": {"acs:SourceIp": "10.0.0.0/8"}}
    give(company, alice, {"Effect": "Allow", "Action": "oss:Get*", "Resource": "*", "Condition": condition})
    asked = {
        "PrincipalArn": f"acs:ram::{company.account_id}:user/{alice.name}",
        "RequestAction": "oss:GetObject",
        "Resource": f"acs:oss:*:{company.account_id}:b/k",
    }
    inside = service.call("SimulateCall", **asked, Context=json.dumps({"acs:SourceIp": "10.0.0.1"}))
    (step,) = inside["Steps"]["Step"]
    assert (inside["Allowed"], step["Type"], step["Statement"]["Index"]) == (True, "IdentityPolicy", 0)
    outside = service.call("SimulateCall", **asked, Context=json.dumps({"acs:SourceIp": "192.0.2.1"}))
    assert (outside["Allowed"], outside["StoppedAt"]) == (False, 0)
    assert "10.0.0.0/8" in outside["WhatHelps"]
    refused = refusal(service.call, "SimulateCall", RequestAction="oss:GetObject", Resource="*")
    assert refused.code == "MissingParameter"


def test_list_reaching_principals__resource_and_role__name_whoever_can(company: Seed) -> None:
    service, alice = owner_of(company), company.new_user()
    resource = f"acs:oss:*:{company.account_id}:{alice.name}"
    give(company, alice, {"Effect": "Allow", "Action": "oss:GetObject", "Resource": resource})
    found: list[str] = []
    token: dict[str, str] = {}
    while True:
        page = service.call("ListReachingPrincipals", RequestAction="oss:GetObject", Resource=resource, **token)
        found += [each["PrincipalArn"] for each in page["Principals"]["Principal"]]
        if not page["IsTruncated"]:
            break
        token = {"NextToken": page["NextToken"]}
    assert f"acs:ram::{company.account_id}:user/{alice.name}" in found
    refused = refusal(service.call, "ListReachingPrincipals", RoleName="nobody-has-this")
    assert refused.code == "EntityNotExist.Role"


def test_dry_run_policy_change__trust_and_attachment__answer_with_counts(company: Seed) -> None:
    service, alice = owner_of(company), company.new_user()
    answer = service.call(
        "DryRunPolicyChange",
        ChangeType="AttachPolicy",
        PolicyType="System",
        PolicyName="ReadOnlyAccess",
        UserName=alice.name,
        MaxRecords=100,
    )
    assert answer["Change"] == f"policy ReadOnlyAccess attached to user {alice.name}"
    assert answer["Records"] == sum(
        answer[name] for name in ("Decided", "OfOwner", "WithoutPolicy", "PrincipalGone", "OnlyAsked", "NotReplayable")
    )
    trust = {"ChangeType": "TrustPolicy", "RoleName": "nobody-has-this", "PolicyDocument": "{}"}
    refused = refusal(service.call, "DryRunPolicyChange", **trust)
    assert refused.code == "EntityNotExist.Role"
