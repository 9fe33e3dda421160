"""Authorize and AuthorizeBatch, by the official client that calls operations by name."""

import json
from typing import Any

import pytest
from alibabacloud_sts20150401.models import AssumeRoleRequest

from gateway.directory.resource_services import register_service, remove_service
from gateway.directory.users import get_user
from tests.wire.own_policy import give
from tests.wire.ram_role import new_ram_role
from tests.wire.refusal import refusal
from tests.wire.resource_service import ResourceService
from tests.wire.second_company import second_company
from tests.wire.seed import Caller, Seed


def user_arn(company: Seed, caller: Caller) -> str:
    return f"acs:ram::{company.account_id}:user/{caller.name}"


def bucket(company: Seed, name: str = "photos/a.jpg") -> str:
    return f"acs:oss:cn-hangzhou:{company.account_id}:{name}"


def service_of(company: Seed, code: str = "oss") -> tuple[ResourceService, Caller]:
    """A service of the company that may ask about this code."""
    caller = company.new_user()
    resource = f"acs:ram:*:{company.account_id}:service/{code}"
    give(company, caller, {"Effect": "Allow", "Action": "ram:Authorize", "Resource": resource})
    return ResourceService(company, *caller.key), caller


def question(company: Seed, caller: Caller, action: str = "oss:GetObject", **context: Any) -> dict[str, str]:
    asked = {"PrincipalArn": user_arn(company, caller), "RequestAction": action, "Resource": bucket(company)}
    return asked | ({"Context": json.dumps(context)} if context else {})


def test_authorize__allowed__tells_the_statement_behind_it(company: Seed) -> None:
    service, _ = service_of(company)
    alice = company.new_user()
    give(company, alice, {"Effect": "Allow", "Action": "oss:Get*", "Resource": "acs:oss:*:*:photos/*"})
    answer = service.call("Authorize", **question(company, alice))
    assert (answer["Allowed"], answer["Outcome"], answer["Layer"]) == (
        True,
        "Allow",
        "AccountLevelIdentityBasedPolicy",
    )
    statement = answer["Statement"]
    assert (statement["PolicyType"], statement["PolicyVersion"], statement["Index"]) == ("Custom", "v1", 0)
    assert (statement["Effect"], statement["AttachedTo"]) == ("Allow", user_arn(company, alice))
    assert "`oss:GetObject`" in answer["Explanation"]


def test_authorize__denied_by_condition__tells_what_came_nearest(company: Seed) -> None:
    service, _ = service_of(company)
    alice = company.new_user()
    condition = {"IpAddress": {"acs:SourceIp": "10.0.0.0/8"}, "Bool": {"acs:SecureTransport": "true"}}
    give(company, alice, {"Effect": "Allow", "Action": "oss:*", "Resource": "*", "Condition": condition})
    inside: dict[str, Any] = {"acs:SourceIp": "10.1.2.3", "acs:SecureTransport": True}
    assert service.call("Authorize", **question(company, alice, **inside))["Allowed"]
    answer = service.call("Authorize", **question(company, alice, **{**inside, "acs:SourceIp": "203.0.113.9"}))
    assert (answer["Allowed"], answer["Outcome"], "Statement" in answer) == (False, "ImplicitDeny", False)
    assert answer["NearestMiss"]["Effect"] == "Allow"
    values = {value["Key"]: value for value in answer["ConditionValues"]["ConditionValue"]}
    assert values["acs:SourceIp"]["Seen"] == {"Value": ["203.0.113.9"]}
    assert (values["acs:SourceIp"]["Met"], values["acs:SecureTransport"]["Met"]) == (False, True)
    silent = service.call("Authorize", **question(company, alice))  # a connection that nobody tells of is not secure
    assert not silent["Allowed"]


def test_authorize__explicit_deny__wins(company: Seed) -> None:
    service, _ = service_of(company)
    alice = company.new_user("AliyunOSSFullAccess")
    assert service.call("Authorize", **question(company, alice))["Statement"]["PolicyType"] == "System"
    give(company, alice, {"Effect": "Deny", "Action": "oss:GetObject", "Resource": "*"})
    answer = service.call("Authorize", **question(company, alice))
    assert (answer["Allowed"], answer["Outcome"], answer["Statement"]["Effect"]) == (False, "ExplicitDeny", "Deny")


def test_authorize__owner__may_everything_at_home_and_nothing_elsewhere(company: Seed) -> None:
    service, _ = service_of(company)
    owner = f"acs:ram::{company.account_id}:root"
    at_home = service.call("Authorize", PrincipalArn=owner, RequestAction="oss:PutObject", Resource=bucket(company))
    assert (at_home["Allowed"], at_home["Layer"]) == (True, "AccountOwner")
    theirs = "acs:oss:cn-hangzhou:1111222233334444:photos/a.jpg"
    away = service.call("Authorize", PrincipalArn=owner, RequestAction="oss:PutObject", Resource=theirs)
    assert (away["Allowed"], away["Outcome"], away["Layer"]) == (False, "ImplicitDeny", "ResourceAccount")
    listing = service.call(
        "Authorize", PrincipalArn=owner, RequestAction="oss:ListBuckets", Resource="acs:oss:*:{CallerAccountId}:*"
    )
    assert (listing["Allowed"], listing["Resource"]) == (True, f"acs:oss:*:{company.account_id}:*")


def test_authorize__role_session__by_its_token_with_its_session_policy(company: Seed) -> None:
    service, _ = service_of(company)
    taker, role = company.new_user("AliyunSTSAssumeRoleAccess"), new_ram_role(company, "AliyunOSSFullAccess")
    narrow = {"Effect": "Allow", "Action": "oss:GetObject", "Resource": "*"}
    document = json.dumps({"Version": "1", "Statement": [narrow]})
    request = AssumeRoleRequest(role_arn=role, role_session_name="alice", policy=document)
    taken = company.client(*taker.key).assume_role(request).body.credentials
    asked = {"PrincipalToken": taken.security_token, "Resource": bucket(company)}
    assert service.call("Authorize", RequestAction="oss:GetObject", **asked)["Allowed"]
    refused = service.call("Authorize", RequestAction="oss:PutObject", **asked)
    assert (refused["Allowed"], refused["Layer"]) == (False, "SessionPolicy")
    spoilt = asked | {"PrincipalToken": taken.security_token[:-4] + "AAAA"}
    assert refusal(service.call, "Authorize", RequestAction="oss:GetObject", **spoilt).code == (
        "InvalidSecurityToken.Malformed"
    )


def test_authorize_batch__many_questions__answered_in_order(company: Seed) -> None:
    service, _ = service_of(company)
    alice, bob = company.new_user("AliyunOSSReadOnlyAccess"), company.new_user()
    asked = [
        {"PrincipalArn": user_arn(company, who), "RequestAction": action, "Resource": bucket(company)}
        for who in (alice, bob)
        for action in ("oss:GetObject", "oss:PutObject")
    ]
    asked[0]["Context"] = {"oss:Prefix": ["a", "b"], "oss:Size": 5, "acs:SecureTransport": True}  # type: ignore[assignment]
    results = service.call("AuthorizeBatch", Authorizations=json.dumps(asked))["Results"]["Result"]
    assert [result["Allowed"] for result in results] == [True, False, False, False]
    assert [result["Action"] for result in results] == ["oss:GetObject", "oss:PutObject"] * 2


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"PrincipalArn": ""}, "MissingParameter"),
        ({"PrincipalToken": "CAISxx"}, "InvalidParameter.PrincipalArn"),
        ({"PrincipalArn": "alice"}, "InvalidParameter.PrincipalArn"),
        ({"PrincipalArn": "acs:ram::{account}:role/reader"}, "InvalidParameter.PrincipalArn"),
        ({"PrincipalArn": "acs:ram::{account}:assumed-role/reader/alice"}, "InvalidParameter.PrincipalArn"),
        ({"PrincipalArn": "acs:ram::{account}:user/nobody-at-all"}, "EntityNotExist.User"),
        ({"RequestAction": "oss:*"}, "InvalidParameter.Action"),
        ({"RequestAction": "*"}, "InvalidParameter.Action"),
        ({"RequestAction": "GetObject"}, "InvalidParameter.Action"),
        ({"Resource": "*"}, "InvalidParameter.Resource"),
        ({"Resource": "acs:oss:*:*:photos"}, "InvalidParameter.Resource"),
        ({"Resource": "acs:oss:::photos"}, "InvalidParameter.Resource"),
        ({"Context": "[]"}, "InvalidParameter.Context"),
        ({"Context": '{"a"'}, "InvalidParameter.Context"),
        ({"Context": '{"oss:A":"1","oss:A":"2"}'}, "InvalidParameter.Context"),
        ({"Context": '{"oss:A":"1","OSS:a":"2"}'}, "InvalidParameter.Context"),
        ({"Context": '{"oss:A":{"b":1}}'}, "InvalidParameter.Context"),
        ({"Context": '{"oss:A":NaN}'}, "InvalidParameter.Context"),
        ({"Context": '{"oss:A":null}'}, "InvalidParameter.Context"),
        ({"Context": '{"acs:SourceIp":["10.0.0.1","10.0.0.2"]}'}, "InvalidParameter.Context"),
        ({"Context": '{"acs:SourceIp":"10.0.0.0/8"}'}, "InvalidParameter.Context"),
        ({"Context": '{"acs:SecureTransport":"yes"}'}, "InvalidParameter.Context"),
    ],
)
def test_authorize__unusable_question__refused(company: Seed, changes: dict[str, str], code: str) -> None:
    asked = question(company, company.new_user()) | {
        name: value.replace("{account}", company.account_id) for name, value in changes.items()
    }
    error = refusal(ResourceService(company).call, "Authorize", **asked)
    assert (error.status_code < 500, error.code) == (True, code)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "MissingParameter"),
        ("{}", "InvalidParameter.Authorizations"),
        ("[]", "InvalidParameter.Authorizations"),
        ("[1]", "InvalidParameter.Authorizations"),
        (json.dumps([{}] * 101), "InvalidParameter.Authorizations"),
        ('[{"PrincipalArn":"a","Extra":"b"}]', "InvalidParameter.Authorizations"),
        ('[{"PrincipalArn":["a"]}]', "InvalidParameter.Authorizations"),
        ('[{"PrincipalArn":"a","RequestAction":"oss:A"}]', "MissingParameter"),
        ("[" * 5000, "InvalidParameter.Authorizations"),
    ],
)
def test_authorize_batch__unusable_list__refused(company: Seed, text: str, code: str) -> None:
    assert refusal(ResourceService(company).call, "AuthorizeBatch", Authorizations=text).code == code


def test_authorize__without_the_services_own_right__refused(company: Seed) -> None:
    alice, stranger = company.new_user(), company.new_user("AliyunOSSFullAccess")
    error = refusal(ResourceService(company, *stranger.key).call, "Authorize", **question(company, alice))
    assert (error.status_code, error.code) == (403, "NoPermission")
    service, _ = service_of(company, "log")  # a right for one service is none for another
    assert refusal(service.call, "Authorize", **question(company, alice)).code == "NoPermission"
    mixed = [question(company, alice), question(company, alice, "log:Get")]
    mixed[1]["Resource"] = f"acs:log:*:{company.account_id}:project/a"
    oss, _ = service_of(company)
    assert refusal(oss.call, "AuthorizeBatch", Authorizations=json.dumps(mixed)).code == "NoPermission"


def test_authorize__other_account__only_by_registration(company: Seed) -> None:
    other = second_company(company)
    service, caller = service_of(company)
    theirs = {
        "PrincipalArn": f"acs:ram::{other.account_id}:user/{other.user.name}",
        "RequestAction": "oss:GetObject",
        "Resource": f"acs:oss:*:{other.account_id}:photos/a.jpg",
    }
    nobody = {**theirs, "PrincipalArn": f"acs:ram::{other.account_id}:user/nobody"}
    nowhere = {**theirs, "PrincipalArn": "acs:ram::1111222233334444:user/nobody"}
    for asked in (theirs, nobody, nowhere):  # the same refusal, whether or not they exist
        error = refusal(service.call, "Authorize", **asked)
        assert (error.status_code, error.code, error.data["Reason"]) == (403, "NoPermission", "AccessDenied")
    arn = user_arn(company, caller)
    with company.services.store.transaction() as session:
        register_service(session, arn, ["oss"], company.services.clock.now())
    assert service.call("Authorize", **theirs)["Outcome"] == "ImplicitDeny"
    assert refusal(service.call, "Authorize", **nobody).code == "EntityNotExist.User"
    foreign = {**theirs, "RequestAction": "log:Get", "Resource": f"acs:log:*:{other.account_id}:a"}
    give(company, caller, {"Effect": "Allow", "Action": "ram:Authorize", "Resource": "*"})
    assert refusal(service.call, "Authorize", **foreign).code == "NoPermission"
    disguised = {**theirs, "Resource": f"acs:log:*:{other.account_id}:a"}
    assert refusal(service.call, "Authorize", **disguised).code == "NoPermission"
    with company.services.store.transaction() as session:
        assert get_user(session, company.account_id, caller.name).id == caller.user_id
        remove_service(session, arn)
    assert refusal(service.call, "Authorize", **theirs).code == "NoPermission"


def test_authorize__own_name_changed_case__same_user(company: Seed) -> None:
    service, _ = service_of(company)
    alice = company.new_user("AliyunOSSFullAccess")
    asked = question(company, alice) | {
        "PrincipalArn": user_arn(company, alice).replace(alice.name, alice.name.upper())
    }
    assert service.call("Authorize", **asked)["Allowed"]
