"""The unmodified official client against a running gateway, over plain HTTP."""

import json
import re
from datetime import UTC, datetime

import pytest
from alibabacloud_sts20150401.client import Client
from alibabacloud_sts20150401.models import AssumeRoleWithSAMLRequest, AssumeRoleWithSAMLResponseBody
from alibabacloud_tea_openapi.exceptions import ClientException
from alibabacloud_tea_openapi.models import Config

from gateway.audit.receipts import list_receipts
from tests.wire.seed import DISTRUSTING, Seed

LIMIT = 100_000


def exchange(
    company: Seed, assertion: str, role_arn: str | None = None, **more: object
) -> AssumeRoleWithSAMLResponseBody:
    request = AssumeRoleWithSAMLRequest(
        samlassertion=assertion,
        samlprovider_arn=company.provider_arn,
        role_arn=role_arn or company.role_arn(),
        **more,
    )
    return company.client().assume_role_with_saml(request).body


def test_get_caller_identity__owner_key__account(company: Seed) -> None:
    body = company.client().get_caller_identity().body
    assert (body.identity_type, body.account_id, body.principal_id) == (
        "Account",
        company.account_id,
        company.account_id,
    )
    assert body.arn == f"acs:ram::{company.account_id}:root"
    assert (body.user_id, body.role_id) == (None, None)
    assert re.fullmatch(r"[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}", body.request_id)


def test_get_caller_identity__user_key__ram_user(company: Seed) -> None:
    key = company.user_key
    body = company.client(key.access_key_id, key.secret.reveal()).get_caller_identity().body
    assert (body.identity_type, body.user_id, body.principal_id) == ("RAMUser", company.user_id, company.user_id)
    assert body.arn == f"acs:ram::{company.account_id}:user/alice"


def test_assume_role_with_saml__credentials__name_the_session(company: Seed) -> None:
    body = exchange(company, company.assertion())
    info = body.samlassertion_info
    assert (info.subject_type, info.subject) == ("persistent", "alice@example.onaliyun.com")
    assert info.recipient == f"{company.gateway.base_url}/saml-role/sso"
    assert body.assumed_role_user.arn == f"acs:sts::{company.account_id}:assumed-role/Reader/alice"
    credentials = body.credentials
    assert credentials.access_key_id.startswith("STS.")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", credentials.expiration)

    client = company.client(credentials.access_key_id, credentials.access_key_secret, credentials.security_token)
    caller = client.get_caller_identity().body
    assert (caller.identity_type, caller.user_id) == ("AssumedRoleUser", None)
    assert caller.arn == f"acs:ram::{company.account_id}:assumed-role/Reader/alice"
    assert caller.principal_id == body.assumed_role_user.assumed_role_id == f"{caller.role_id}:alice"

    with company.services.store.reading() as session:
        (receipt,) = list_receipts(session, request_id=body.request_id)
    assert (receipt.kind, receipt.outcome) == ("AssumeRoleWithSAML", "Allow")
    assert receipt.principal_arn == caller.arn


def test_assume_role_with_saml__long_assertion_in_the_query__accepted(company: Seed) -> None:
    length = len(company.assertion(padding=1))
    assertion = company.assertion(padding=(LIMIT - length) * 3 // 4 - 8)
    assert LIMIT - 100 < len(assertion) <= LIMIT
    assert exchange(company, assertion).credentials.access_key_id.startswith("STS.")


def test_assume_role_with_saml__policy_with_spaces_and_duration__used(company: Seed) -> None:
    policy = json.dumps({"Version": "1", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}, indent=2)
    body = exchange(company, company.assertion(), policy=policy, duration_seconds=900)
    lifetime = datetime.fromisoformat(body.credentials.expiration) - datetime.now(UTC)
    assert 880 < lifetime.total_seconds() <= 900


def refusal(call: object, *args: object, **more: object) -> ClientException:
    with pytest.raises(ClientException) as caught:
        call(*args, **more)  # type: ignore[operator]
    error: ClientException = caught.value
    return error


def test_get_caller_identity__wrong_secret__signature_does_not_match(company: Seed) -> None:
    error = refusal(company.client(secret="wrong").get_caller_identity)
    assert (error.code, error.status_code) == ("SignatureDoesNotMatch", 400)
    assert "server string to sign is:ACS3-HMAC-SHA256\n" in error.message
    assert error.data["Reason"] == "SignatureMismatch"


def test_get_caller_identity__unknown_key__not_found(company: Seed) -> None:
    error = refusal(company.client("LTAI" + "x" * 20, "secret").get_caller_identity)
    assert (error.code, error.status_code) == ("InvalidAccessKeyId.NotFound", 404)


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (lambda token: None, "MissingSecurityToken"),
        (lambda token: token[:-5] + ("AAAAA" if token[-5:] != "AAAAA" else "BBBBB"), "InvalidSecurityToken.Malformed"),
        (lambda token: "CAIS", "InvalidSecurityToken.Malformed"),
    ],
    ids=["missing", "changed", "empty"],
)
def test_get_caller_identity__spoiled_token__refused(company: Seed, spoil: object, code: str) -> None:
    credentials = exchange(company, company.assertion()).credentials
    token = spoil(credentials.security_token)  # type: ignore[operator]
    client = company.client(credentials.access_key_id, credentials.access_key_secret, token)
    assert refusal(client.get_caller_identity).code == code


def test_get_caller_identity__token_of_another_session__refused(company: Seed) -> None:
    one, other = (exchange(company, company.assertion()).credentials for _ in range(2))
    client = company.client(one.access_key_id, one.access_key_secret, other.security_token)
    assert refusal(client.get_caller_identity).code == "InvalidSecurityToken.MismatchWithAccessKey"
    owner = company.client(token=one.security_token)
    assert refusal(owner.get_caller_identity).code == "InvalidSecurityToken.MismatchWithAccessKey"


def test_assume_role_with_saml__same_assertion_again__refused(company: Seed) -> None:
    assertion = company.assertion()
    exchange(company, assertion)
    error = refusal(exchange, company, assertion)
    assert (error.code, error.status_code) == ("AuthenticationFail.SAMLAssertion.Invalid", 401)
    assert error.data["Reason"] == "SamlReplayed"


def test_assume_role_with_saml__trust_policy_refuses__no_permission_with_detail(company: Seed) -> None:
    assertion = company.assertion()
    error = refusal(exchange, company, assertion, company.role_arn(DISTRUSTING))
    assert (error.code, error.status_code) == ("NoPermission", 403)
    detail = error.access_denied_detail
    assert detail["AuthAction"] == "sts:AssumeRoleWithSAML"
    assert (detail["AuthPrincipalType"], detail["AuthPrincipalDisplayName"]) == ("Federated", "saml-provider/company")
    assert (detail["NoPermissionType"], detail["PolicyType"]) == ("ImplicitDeny", "AssumeRolePolicy")
    assert exchange(company, assertion).request_id  # a refusal does not use the assertion up


@pytest.mark.parametrize(
    ("change", "code", "status"),
    [
        ({"samlassertion": None}, "MissingParameter.SAMLAssertion", 400),
        ({"role_arn": None}, "MissingParameter.RoleArn", 400),
        ({"samlprovider_arn": None}, "MissingParameter.SAMLProviderArn", 400),
        ({"role_arn": "acs:ram::1:role/x"}, "InvalidParameter.RoleArn", 400),
        ({"samlassertion": "AAAA"}, "AuthenticationFail.SAMLAssertion.Invalid", 401),
        ({"policy": "{"}, "InvalidParameter.PolicyGrammar", 400),
        ({"policy": " " * 2049}, "InvalidParameter.PolicySize", 400),
        ({"duration_seconds": 899}, "InvalidParameter.DurationSeconds", 400),
        ({"duration_seconds": 99999}, "InvalidParameter.DurationSeconds", 400),
    ],
)
def test_assume_role_with_saml__unusable_parameter__refused(
    company: Seed, change: dict[str, object], code: str, status: int
) -> None:
    usable = {
        "samlassertion": company.assertion(),
        "samlprovider_arn": company.provider_arn,
        "role_arn": company.role_arn(),
    }
    request = AssumeRoleWithSAMLRequest(**{**usable, **change})
    error = refusal(company.client().assume_role_with_saml, request)
    assert (error.code, error.status_code) == (code, status)


def test_assume_role_with_saml__unknown_provider_or_role__not_found(company: Seed) -> None:
    request = AssumeRoleWithSAMLRequest(
        samlassertion=company.assertion(),
        samlprovider_arn=company.provider_arn + "2",
        role_arn=company.role_arn(),
    )
    error = refusal(company.client().assume_role_with_saml, request)
    assert (error.code, error.status_code) == ("EntityNotExist.SAMLProvider", 404)


def test_assume_role_with_saml__expired_assertion__expired(company: Seed) -> None:
    recipient = f"{company.gateway.base_url}/saml-role/sso"
    error = refusal(
        exchange,
        company,
        company.assertion(confirmation_data_attributes=f'NotOnOrAfter="2020-01-01T00:00:00Z" Recipient="{recipient}"'),
    )
    assert (error.code, error.data["Reason"]) == ("AuthenticationFail.SAMLAssertion.Expired", "SamlExpired")


def test_get_caller_identity__signature_v1__answered_or_refused_alike(company: Seed) -> None:
    def v1(secret: str, token: str | None = None, key_id: str = "") -> Client:
        return Client(
            Config(
                access_key_id=key_id or company.owner_key.access_key_id,
                access_key_secret=secret,
                security_token=token,
                endpoint=company.gateway.endpoint,
                protocol="HTTP",
                signature_algorithm="v2",
            )
        )

    assert v1(company.owner_key.secret.reveal()).get_caller_identity().body.identity_type == "Account"
    session = exchange(company, company.assertion()).credentials
    client = v1(session.access_key_secret, session.security_token, session.access_key_id)
    assert client.get_caller_identity().body.identity_type == "AssumedRoleUser"
    error = refusal(v1("wrong").get_caller_identity)
    assert error.code == "SignatureDoesNotMatch"
    assert "server string to sign is:POST&%2F&AccessKeyId" in error.message
