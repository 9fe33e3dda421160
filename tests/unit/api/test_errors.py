import pytest

from gateway.api.errors import Failure, FederatedCaller, render_error, render_http_error, render_internal_error
from gateway.api.wire_codes import BY_ACTION, BY_REASON, BY_STATUS, BY_SUBJECT, row_for
from gateway.errors import CredentialError, Denied, InputError, NotFound, Reason, SamlError
from gateway.policy import (
    AccessRequest,
    AttachedPolicy,
    FederatedPrincipal,
    Layers,
    PolicyType,
    compile_policies,
    decide,
    decide_trust,
    parse_policy,
    parse_trust_policy,
)
from gateway.principal import AccountOwner, Principal, RamUser, RoleSession

UID = "1234567890123456"
FAILURE = Failure("R-1", "sso.example.com", "GetCallerIdentity")


@pytest.mark.parametrize("reason", list(Reason))
def test_by_reason__every_reason__has_a_row(reason: Reason) -> None:
    row = BY_REASON[reason]
    assert 400 <= row.status < 600
    assert row.code
    assert row.message


def test_rows__every_table__use_known_placeholders_only() -> None:
    special = [row for table in BY_ACTION.values() for row in table.values()]
    for row in [*BY_REASON.values(), *BY_SUBJECT.values(), *BY_STATUS.values(), *special]:
        assert "{" not in (row.code + row.message).replace("{subject}", "").replace("{public}", "")
        assert "{public}" not in row.code


def test_render_error__parameter_missing__has_the_envelope() -> None:
    error = InputError(Reason.PARAMETER_MISSING, "missing", "for the log", subject="UserName")
    status, body = render_error(error, FAILURE)
    assert status == 400
    assert body == {
        "RequestId": "R-1",
        "HostId": "sso.example.com",
        "Code": "MissingParameter",
        "Message": 'The input parameter "UserName" that is mandatory for processing this request is not supplied.',
        "Recommend": "https://api.aliyun.com/troubleshoot?q=MissingParameter&requestId=R-1",
        "Reason": "ParameterMissing",
    }


def test_row_for__operation_with_words_of_its_own__wins() -> None:
    assert row_for(Reason.PARAMETER_MISSING, "RoleArn", "AssumeRoleWithSAML").code == "MissingParameter.RoleArn"
    assert row_for(Reason.PARAMETER_MISSING, "RoleArn", "AssumeRole").code == "MissingParameter"
    assert row_for(Reason.POLICY_MALFORMED, "Policy", "AssumeRoleWithSAML").code == "InvalidParameter.PolicyGrammar"


@pytest.mark.parametrize(
    ("error", "status", "code", "message"),
    [
        (
            SamlError(Reason.SAML_EXPIRED, "x"),
            401,
            "AuthenticationFail.SAMLAssertion.Expired",
            "The SAML Assertion is expired.",
        ),
        (
            SamlError(Reason.SAML_REPLAYED, "x"),
            401,
            "AuthenticationFail.SAMLAssertion.Invalid",
            "The SAML Assertion is invalid.",
        ),
        (
            NotFound(Reason.NOT_FOUND, "x", subject="SAMLProvider"),
            404,
            "EntityNotExist.SAMLProvider",
            "Can not find SAML provider.",
        ),
        (
            CredentialError(Reason.SIGNATURE_NONCE_USED, "x"),
            400,
            "SignatureNonceUsed",
            "Specified signature nonce was used already.",
        ),
        (
            CredentialError(Reason.TIMESTAMP_EXPIRED, "x"),
            400,
            "InvalidTimeStamp.Expired",
            "Specified time stamp or date value is expired.",
        ),
        (
            InputError(Reason.ARN_MALFORMED, "x", subject=""),
            400,
            "InvalidParameter",
            "The parameter  is wrongly formed.",
        ),
    ],
)
def test_render_error__reason__verbatim_text(error: InputError, status: int, code: str, message: str) -> None:
    got_status, body = render_error(error, FAILURE)
    assert (got_status, body["Code"], body["Message"]) == (status, code, message)


def test_render_error__detail__never_sent() -> None:
    _, body = render_error(SamlError(Reason.SAML_RECIPIENT, "public", "a secret of the log"), FAILURE)
    assert "a secret of the log" not in str(body)


def test_render_error__public_text_with_braces__not_expanded() -> None:
    _, body = render_error(InputError(Reason.POLICY_MALFORMED, "{subject} {0} {public}", subject="S"), FAILURE)
    assert body["Message"] == "{subject} {0} {public}"


def _denial(text: str) -> Denied:
    document = parse_policy(text)
    arn = f"acs:ram::{UID}:user/alice"
    attached = AttachedPolicy("p", PolicyType.CUSTOM, "v1", document, arn, "User")
    decision = decide(AccessRequest("ram:GetUser", "*", {}), Layers(identity=compile_policies((attached,))))
    return Denied(Reason.ACCESS_DENIED, "no", decision)


@pytest.mark.parametrize(
    ("caller", "kind", "name"),
    [
        (RamUser(UID, "2" * 18, "alice"), "SubUser", "2" * 18),
        (RoleSession(UID, "3" * 18, "reader", "bob"), "AssumedRoleUser", "reader:bob"),
        (FederatedCaller(UID, "saml-provider/company"), "Federated", "saml-provider/company"),
        (AccountOwner(UID, "owner"), "Account", UID),
        (None, "", ""),
    ],
)
def test_render_error__denied__tells_who_and_why(
    caller: Principal | FederatedCaller | None, kind: str, name: str
) -> None:
    failure = Failure("R", "h", "GetUser", "ram:GetUser", caller)
    denied = _denial('{"Version":"1","Statement":[{"Effect":"Deny","Action":"ram:*","Resource":"*"}]}')
    status, body = render_error(denied, failure)
    detail = body["AccessDeniedDetail"]
    assert isinstance(detail, dict)
    assert (status, body["Code"]) == (403, "NoPermission")
    assert (detail["AuthPrincipalType"], detail["AuthPrincipalDisplayName"]) == (kind, name)
    assert (detail["AuthAction"], detail["NoPermissionType"]) == ("ram:GetUser", "ExplicitDeny")
    assert detail["PolicyType"] == "AccountLevelIdentityBasedPolicy"


def test_render_error__trust_policy_denies__names_that_layer() -> None:
    trust = parse_trust_policy(
        '{"Version":"1","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"RAM":["acs:ram::'
        + UID
        + ':root"]}}]}'
    )
    decision = decide_trust(trust, FederatedPrincipal(f"acs:ram::{UID}:saml-provider/company"), {})
    _, body = render_error(Denied(Reason.TRUST_POLICY_DENIED, "no", decision), FAILURE)
    detail = body["AccessDeniedDetail"]
    assert isinstance(detail, dict)
    assert (detail["PolicyType"], detail["NoPermissionType"]) == ("AssumeRolePolicy", "ImplicitDeny")


def test_render_internal_error__says_nothing_about_the_fault() -> None:
    status, body = render_internal_error(FAILURE)
    assert (status, body["Code"]) == (500, "InternalError")
    assert "Reason" not in body


@pytest.mark.parametrize(("given", "status"), [(414, 414), (405, 405), (418, 400), (502, 500), (500, 500)])
def test_render_http_error__any_status__has_a_code(given: int, status: int) -> None:
    got, body = render_http_error(given, FAILURE)
    assert got == status
    assert body["Code"]
    assert body["RequestId"] == "R-1"
