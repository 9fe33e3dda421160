"""What a denial carries, and what an administrator reads in it. Through the official client."""

import base64
import json
import secrets
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from alibabacloud_ram20150501.models import DecodeDiagnosticMessageRequest
from alibabacloud_sts20150401.models import AssumeRoleRequest, AssumeRoleWithSAMLRequest

from gateway.api.diagnosis import LIFETIME, PARAMETER, seal_diagnosis
from gateway.api.errors import Failure
from gateway.directory.access_keys import create_access_key
from gateway.directory.accounts import create_account
from gateway.directory.attachments import attach_policy
from gateway.directory.groups import add_user, create_group
from gateway.directory.policies import create_policy
from gateway.directory.users import get_user_by_id
from gateway.policy import AccessRequest, Layers, compile_policies, decide
from gateway.principal import RamUser
from gateway.secret import Secret
from tests.wire.by_name import call_by_name
from tests.wire.refusal import refusal
from tests.wire.seed import DISTRUSTING, Caller, Seed


def decoded(company: Seed, message: str, *key: str) -> Any:
    request = DecodeDiagnosticMessageRequest(encoded_diagnostic_message=message)
    return company.ram(*key).decode_diagnostic_message(request).body.decoded_diagnostic_message


def denial(company: Seed, caller: Caller) -> str:
    detail = refusal(company.ram(*caller.key).get_account_alias).access_denied_detail
    return str(detail["EncodedDiagnosticMessage"])


def give(company: Seed, caller: Caller, statement: dict[str, Any], *, by_group: bool = False) -> str:
    name, now = "custom-" + secrets.token_hex(4), datetime.now(UTC)
    with company.services.store.transaction() as session:
        create_policy(
            session, company.account_id, name, json.dumps({"Version": "1", "Statement": [statement]}), now=now
        )
        user = get_user_by_id(session, company.account_id, caller.user_id)
        target: Any = user
        if by_group:
            target = create_group(session, company.account_id, name, now=now)
            add_user(session, target, user, now)
        attach_policy(session, company.account_id, "Custom", name, target, now)
    return name


def test_decode__nothing_allows_it__implicit_deny_without_a_policy(company: Seed) -> None:
    caller = company.new_user()
    message = denial(company, caller)
    assert len(message) < 2000
    assert b"ram:GetAccountAlias" not in base64.urlsafe_b64decode(message + "=" * (-len(message) % 4))
    told = decoded(company, message)
    assert (told.auth_action, told.auth_resource) == ("ram:GetAccountAlias", f"acs:ram:*:{company.account_id}:*")
    principal = told.auth_principal
    assert (principal.auth_principal_type, principal.auth_principal_display_name) == ("SubUser", caller.user_id)
    assert principal.auth_principal_owner_id == company.account_id
    assert (told.explicit_deny, told.no_permission_policy_type) == (False, "AccountLevelIdentityBasedPolicy")
    assert (told.matched_policies, told.auth_conditions) == ([], [])


def test_decode__conditions_not_met__the_nearest_miss_and_what_it_saw(company: Seed) -> None:
    caller = company.new_user()
    condition = {"IpAddress": {"acs:SourceIp": "192.0.2.0/24"}, "Bool": {"acs:SecureTransport": "true"}}
    statement = {"Effect": "Allow", "Action": "ram:Get*", "Resource": "*", "Condition": condition}
    name = give(company, caller, statement, by_group=True)
    told = decoded(company, denial(company, caller))
    (policy,) = told.matched_policies
    assert (policy.policy_identifier, policy.policy_type, policy.policy_version) == (name, "Custom", "v1")
    assert (policy.effect, policy.attached_entity_type, policy.attached_scope) == ("Allow", "RamGroup", "Account")
    seen = {one.condition_key: one.condition_values for one in told.auth_conditions}
    assert seen == {"acs:SourceIp": ["127.0.0.1"], "acs:SecureTransport": ["false"]}
    body = call_by_name(company.ram(), "2015-05-01", "DecodeDiagnosticMessage", {PARAMETER: denial(company, caller)})
    explanation = body["DecodedDiagnosticMessage"]["Explanation"]
    assert f"acs:ram::{company.account_id}:group/{name}" in explanation
    assert "IpAddress wants `192.0.2.0/24`" in explanation


def test_decode__explicit_deny__the_policy_that_denied(company: Seed) -> None:
    caller = company.new_user("AdministratorAccess")
    name = give(company, caller, {"Effect": "Deny", "Action": "ram:*", "Resource": "*"})
    told = decoded(company, denial(company, caller))
    assert told.explicit_deny is True
    (policy,) = told.matched_policies
    assert (policy.policy_identifier, policy.effect, policy.attached_entity_type) == (name, "Deny", "RamUser")


def test_decode__trust_policy_refused__read_in_the_account_of_the_role(company: Seed) -> None:
    caller = company.new_user("AliyunSTSAssumeRoleAccess")
    request = AssumeRoleRequest(role_arn=company.role_arn(DISTRUSTING), role_session_name="alice")
    error = refusal(company.client(*caller.key).assume_role, request)
    told = decoded(company, error.access_denied_detail["EncodedDiagnosticMessage"])
    assert (told.auth_action, told.no_permission_policy_type) == ("sts:AssumeRole", "AssumeRolePolicy")
    assert told.auth_resource == company.role_arn(DISTRUSTING)


def test_decode__federated_login_refused__the_condition_of_the_trust_policy(company: Seed) -> None:
    request = AssumeRoleWithSAMLRequest(
        samlassertion=company.assertion(),
        samlprovider_arn=company.provider_arn,
        role_arn=company.role_arn(DISTRUSTING),
    )
    error = refusal(company.client().assume_role_with_saml, request)
    told = decoded(company, error.access_denied_detail["EncodedDiagnosticMessage"])
    assert told.auth_principal.auth_principal_type == "Federated"
    (policy,) = told.matched_policies
    assert (policy.policy_type, policy.effect, policy.attached_entity_type) == ("AssumeRolePolicy", "Allow", "RamRole")
    (condition,) = told.auth_conditions
    assert condition.condition_key == "saml:recipient"
    assert condition.condition_values == [f"{company.gateway.base_url}/saml-role/sso"]


def test_decode__session_policy_refused__named_as_what_it_is(company: Seed) -> None:
    policy = '{"Version":"1","Statement":[{"Effect":"Allow","Action":"oss:*","Resource":"*"}]}'
    got = (
        company.client()
        .assume_role_with_saml(
            AssumeRoleWithSAMLRequest(
                samlassertion=company.assertion(),
                samlprovider_arn=company.provider_arn,
                role_arn=company.role_arn(),
                policy=policy,
            )
        )
        .body.credentials
    )
    caller = got.access_key_id, got.access_key_secret, got.security_token
    detail = refusal(company.ram(*caller).get_account_alias).access_denied_detail
    told = decoded(company, detail["EncodedDiagnosticMessage"])
    assert told.no_permission_policy_type == "SessionPolicy"
    assert told.auth_principal.auth_principal_type == "AssumedRoleUser"


def test_decode__without_permission__refused(company: Seed) -> None:
    message = denial(company, company.new_user())
    error = refusal(decoded, company, message, *company.new_user().key)
    assert (error.code, error.status_code) == ("NoPermission", 403)
    assert decoded(company, message, *company.new_user("AliyunRAMFullAccess").key).auth_action


def test_decode__message_of_another_account__does_not_exist(company: Seed) -> None:
    now, alias = datetime.now(UTC), "spy-" + secrets.token_hex(3)
    with company.services.store.transaction() as session:
        other = create_account(
            session,
            alias=alias,
            display_name="Other",
            owner_login=f"owner@{alias}.example",
            owner_password=Secret("Correct-Horse-7-Battery"),
            now=now,
        )
        key = create_access_key(session, company.services.ring, account_id=other.id, user_id=None, now=now)
    message = denial(company, company.new_user())
    error = refusal(decoded, company, message, key.access_key_id, key.secret.reveal())
    assert (error.code, error.status_code) == ("EntityNotExist", 404)


def test_decode__older_than_a_day__expired(company: Seed) -> None:
    decision = decide(AccessRequest("ram:GetUser", "acs:ram::1:user/x", {}), Layers(identity=compile_policies(())))
    failure = Failure("R", "h", "GetUser", "ram:GetUser", RamUser(company.account_id, "1", "x"))
    now = datetime.now(UTC)
    old = seal_diagnosis(company.services.ring, decision, failure, now - LIFETIME)
    error = refusal(decoded, company, old)
    assert (error.code, error.status_code) == ("EncodedMessageExpire", 400)
    fresh = seal_diagnosis(company.services.ring, decision, failure, now - LIFETIME + timedelta(minutes=1))
    assert decoded(company, fresh).auth_action == "ram:GetUser"


@pytest.mark.parametrize("spoil", ["changed", "cut", "padded", "token", "garbage", "long", "unicode"])
def test_decode__anything_else__not_supported(company: Seed, spoil: str) -> None:
    message = denial(company, company.new_user())
    spoiled = {
        "changed": message[:-8] + ("AAAAAAAA" if message[-8:] != "AAAAAAAA" else "BBBBBBBB"),
        "cut": message[:-4],
        "padded": message + "=",
        "token": base64.urlsafe_b64encode(company.services.ring.seal("sts-token", b"x")).decode().rstrip("="),
        "garbage": "AQ" * 40,
        "long": "A" * 100_000,
        "unicode": "é\u2028",
    }[spoil]
    error = refusal(decoded, company, spoiled)
    assert (error.code, error.status_code) == ("NotSupport", 400)


def test_decode__nothing_given__missing(company: Seed) -> None:
    assert refusal(decoded, company, "").code == "MissingParameter"
