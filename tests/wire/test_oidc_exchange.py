"""AssumeRoleWithOIDC against a running gateway: what goes in, what comes out, and how each refusal is put.

Rule: sts-contract §2.3, §6.4; sso-contract §3.
"""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import pytest
from aliyunsdkcore.client import AcsClient
from aliyunsdkcore.request import CommonRequest

from gateway.audit.receipts import list_receipts
from gateway.directory.oidc_providers import delete_oidc_provider, remove_client_id
from tests.live_issuer import CLIENT, DISCOVERY, IssuerServer, LiveIssuer, issuer_server, publish
from tests.oidc_factory import private_key
from tests.wire.node_clients import NodeClients, NodeRefusal
from tests.wire.refusal import refusal
from tests.wire.seed import Seed
from tests.wire.workload import Workload, new_workload, session_of

NO_PERMISSION = "AuthenticationFail.NoPermission"
INVALID = "AuthenticationFail.OIDCToken.Invalid"
BROKEN = "AuthenticationFail.OIDCToken.IssuerConfigurationBroken"


@pytest.fixture(scope="module")
def issuers(company: Seed) -> Iterator[IssuerServer]:
    assert company.authority is not None
    with issuer_server(company.authority.server_context("127.0.0.1")) as server:
        yield server


@pytest.fixture(scope="module")
def usual(company: Seed, issuers: IssuerServer) -> Workload:
    """For tests that change nothing about it."""
    return new_workload(company, issuers.new_issuer())


def refused(workload: Workload, **changes: Any) -> tuple[int, str, str, str]:
    """Status, code, reason and message of a refusal by the official client."""
    error = refusal(workload.exchange, **changes)
    message = error.message.removeprefix(f"code: {error.status_code}, ").partition(" request id")[0]
    return error.status_code, error.code, error.data["Reason"], message


def test_exchange__token_that_passes__credentials_of_the_role(over: Seed, issuers: IssuerServer) -> None:
    workload = new_workload(over, issuers.new_issuer())
    now = int(time.time())
    token = workload.issuer.token(sub="repo:acme/site:ref:main", iat=now - 60, exp=now + 600)
    answer = workload.exchange(OIDCToken=token, RoleSessionName="ci@acme.site-7_x")
    told = answer.oidctoken_info
    assert (told.subject, told.issuer, told.client_ids) == ("repo:acme/site:ref:main", workload.issuer.url, CLIENT)
    assert (told.issuance_time, told.expiration_time) == (_wire(now - 60), _wire(now + 600))
    assert told.verification_info == "Success"
    arn = f"acs:ram::{over.account_id}:role/{workload.name}/ci@acme.site-7_x"
    assert answer.assumed_role_user.arn == arn
    assert answer.assumed_role_user.assumed_role_id.endswith(":ci@acme.site-7_x")
    assert answer.credentials.access_key_id.startswith("STS.")
    identity = workload.identity(answer)
    assert identity.arn == f"acs:ram::{over.account_id}:assumed-role/{workload.name}/ci@acme.site-7_x"
    assert identity.identity_type == "AssumedRoleUser"


def _wire(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def test_exchange__same_token_again__as_long_as_it_is_valid(usual: Workload) -> None:
    token = usual.issuer.token()
    first, second = usual.exchange(OIDCToken=token), usual.exchange(OIDCToken=token)
    assert first.credentials.access_key_id != second.credentials.access_key_id
    assert usual.issuer.heard.count(DISCOVERY) <= 2  # one for each worker process, whatever is exchanged


def test_exchange__receipt__tells_what_it_came_from(usual: Workload) -> None:
    answer = usual.exchange(OIDCToken=usual.issuer.token(sub="job-receipt"))
    company = usual.company
    with company.services.store.reading() as session:
        (receipt,) = list_receipts(session, request_id=answer.request_id)
    assert (receipt.kind, receipt.outcome) == ("AssumeRoleWithOIDC", "Allow")
    details = dict(receipt.details)
    assert (details["subject"], details["issuer"]) == ("job-receipt", usual.issuer.url)
    assert (details["provider_arn"], details["client"]) == (usual.provider_arn, "127.0.0.1")
    assert usual.issuer.token()[:20] not in json.dumps(details)


def test_exchange__several_audiences_of_ours__told_joined(company: Seed, issuers: IssuerServer) -> None:
    workload = new_workload(company, issuers.new_issuer(), client_ids=(CLIENT, "second"))
    answer = workload.exchange(OIDCToken=workload.issuer.token(aud=[CLIENT, "second"]))
    assert answer.oidctoken_info.client_ids == f"{CLIENT},second"
    assert refused(workload, OIDCToken=workload.issuer.token(aud="second"))[1:3] == (NO_PERMISSION, "TrustPolicyDenied")


# How clients call.


def test_javascript__sts_client__credentials(over: Seed, issuers: IssuerServer, node: NodeClients) -> None:
    workload = new_workload(over, issuers.new_issuer())
    request = {
        "OIDCProviderArn": workload.provider_arn,
        "OIDCToken": workload.issuer.token(),
        "roleArn": workload.role_arn,
        "roleSessionName": "node",
    }
    answer = node.call(over, "sts", "assumeRoleWithOIDC", request, accessKeyId=None, accessKeySecret=None)
    assert answer["OIDCTokenInfo"]["verificationInfo"] == "Success"
    keys = {name: answer["credentials"][name] for name in ("accessKeyId", "accessKeySecret", "securityToken")}
    assert node.call(over, "sts", "getCallerIdentity", **keys)["arn"].endswith(f"assumed-role/{workload.name}/node")
    with pytest.raises(NodeRefusal) as caught:
        node.call(over, "sts", "assumeRoleWithOIDC", {**request, "OIDCToken": workload.issuer.token(aud="x")})
    assert caught.value.code == "AuthenticationFail.OIDCToken.AudienceNotMatch"


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_core_sdk__signed_by_somebody_without_rights__signature_does_not_matter(usual: Workload, method: str) -> None:
    caller = usual.company.new_user()
    request = CommonRequest(
        domain=usual.company.gateway.endpoint, version="2015-04-01", action_name="AssumeRoleWithOIDC"
    )
    request.set_protocol_type("http")
    request.set_method(method)
    for name, value in usual.parameters().items():
        request.add_query_param(name, value)
    for secret in (caller.secret, "not-the-secret"):
        client = AcsClient(caller.key_id, secret, "cn-hangzhou")
        answer = json.loads(client.do_action_with_exception(request))
        assert answer["OIDCTokenInfo"]["VerificationInfo"] == "Success"


@pytest.mark.parametrize("placed", ["query", "form", "both"])
def test_plain_http__no_signature_at_all__wherever_the_parameters_stand(usual: Workload, placed: str) -> None:
    system = {"Action": "AssumeRoleWithOIDC", "Version": "2015-04-01", "Format": "JSON"}
    parameters = usual.parameters(OIDCToken=usual.issuer.token(padding="x" * 14_000))  # some 19,500 characters
    query = {"query": {**system, **parameters}, "form": {}, "both": system}[placed]
    form = {"query": None, "form": {**system, **parameters}, "both": parameters}[placed]
    body = None if form is None else urlencode(form).encode()
    url = f"{usual.company.gateway.base_url}/?{urlencode(query)}"
    with urllib.request.urlopen(urllib.request.Request(url, body), timeout=20) as answer:
        assert json.load(answer)["OIDCTokenInfo"]["Subject"] == "pod"


def test_plain_http__xml_wanted__answered_in_xml(usual: Workload) -> None:
    query = {"Action": "AssumeRoleWithOIDC", "Version": "2015-04-01", "Format": "XML", **usual.parameters()}
    with urllib.request.urlopen(f"{usual.company.gateway.base_url}/?{urlencode(query)}", timeout=20) as answer:
        text = answer.read().decode()
    assert text.startswith('<?xml version="1.0" encoding="UTF-8"?><AssumeRoleWithOIDCResponse>')
    assert "<OIDCTokenInfo><Subject>pod</Subject>" in text


def test_plain_http__refusal__names_the_host_that_was_called(usual: Workload) -> None:
    query = {"Action": "AssumeRoleWithOIDC", "Version": "2015-04-01", **usual.parameters(OIDCProviderArn="x")}
    url = f"{usual.company.gateway.base_url}/?{urlencode(query)}"
    request = urllib.request.Request(url, headers={"Host": "sts.aliyuncs.com"})
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request, timeout=20)
    body = json.load(caught.value)
    assert (body["HostId"], body["Code"]) == ("sts.aliyuncs.com", NO_PERMISSION)
    assert body["Message"] == "Parameter OIDCProviderArn is not valid"


# Trust policies.


@pytest.mark.parametrize(
    ("conditions", "claims", "allowed"),
    [
        ({"StringEquals": {"oidc:sub": "pod"}}, {}, True),
        ({"StringEquals": {"oidc:sub": ["job", "pod"]}}, {}, True),
        ({"StringEquals": {"oidc:sub": "pod"}}, {"sub": "Pod"}, False),
        ({"StringLike": {"oidc:sub": "repo:acme/*:ref:main"}}, {"sub": "repo:acme/site:ref:main"}, True),
        ({"StringLike": {"oidc:sub": "repo:acme/*:ref:main"}}, {"sub": "repo:evil/acme/:ref:main"}, False),
        ({"StringLike": {"oidc:sub": "repo:acme@*/*"}}, {"sub": "repo:acme@123/site@456:ref:main"}, True),
        ({"StringEquals": {"oidc:aud": "another"}}, {}, False),
        ({"StringEquals": {"oidc:iss": "https://127.0.0.1"}}, {}, False),
        ({"StringEquals": {"oidc:claim/environment": "prod"}}, {"environment": "prod"}, True),
        ({"StringEquals": {"oidc:claim/environment": "prod"}}, {"environment": "test"}, False),
        ({"StringEquals": {"oidc:claim/environment": "prod"}}, {}, False),
        ({"StringEquals": {"oidc:claim/groups": "ops"}}, {"groups": ["dev", "ops"]}, True),
        ({"StringEquals": {"oidc:claim/realm.roles": "deploy"}}, {"realm": {"roles": ["deploy"]}}, True),
        ({"StringEquals": {"oidc:claim/realm.roles": "deploy"}}, {"realm.roles": ["deploy"]}, True),
        ({"Bool": {"oidc:claim/protected": "true"}}, {"protected": True}, True),
        ({"Bool": {"oidc:claim/protected": "true"}}, {"protected": False}, False),
        ({"NumericGreaterThan": {"oidc:claim/level": "2"}}, {"level": 3}, True),
        ({"Bool": {"acs:MFAPresent": "true"}}, {"amr": ["pwd", "mfa"]}, False),  # the account has not said what counts
        ({"IpAddress": {"acs:SourceIp": "127.0.0.0/8"}}, {}, True),
        ({"IpAddress": {"acs:SourceIp": "10.0.0.0/8"}}, {}, False),
    ],
)
def test_trust__conditions__decide(
    company: Seed, issuers: IssuerServer, conditions: Any, claims: dict[str, Any], allowed: bool
) -> None:
    workload = new_workload(company, issuers.new_issuer(), conditions)
    token = workload.issuer.token(**claims)
    if allowed:
        assert workload.exchange(OIDCToken=token).oidctoken_info.verification_info == "Success"
    else:
        told = refused(workload, OIDCToken=token)
        assert told == (403, NO_PERMISSION, "TrustPolicyDenied", "There is no permission")


def test_trust__role_of_another_provider__refused(company: Seed, issuers: IssuerServer) -> None:
    """Two providers of one account: the token of one does not open what trusts the other."""
    ours, theirs = (new_workload(company, issuers.new_issuer(private_key("RSA", name))) for name in ("", "theirs"))
    assert refused(ours, RoleArn=theirs.role_arn)[:3] == (403, NO_PERMISSION, "TrustPolicyDenied")
    assert refused(ours, OIDCProviderArn=theirs.provider_arn)[1:3] == (
        "AuthenticationFail.OIDCToken.Invalid",
        "OidcSignature",
    )


# Refusals, each as the contract puts it.


def test_refusal__provider__malformed_or_unknown(usual: Workload) -> None:
    account = usual.company.account_id
    for arn in ("nonsense", f"acs:ram::{account}:saml-provider/company", f"acs:ram::{account}:oidc-provider/"):
        told = refused(usual, OIDCProviderArn=arn)
        assert told == (403, NO_PERMISSION, "ArnMalformed", "Parameter OIDCProviderArn is not valid")
    told = refused(usual, OIDCProviderArn=f"acs:ram::{account}:oidc-provider/nobody")
    assert told == (403, NO_PERMISSION, "NotFound", "No such OIDC Provider registered.")
    told = refused(usual, OIDCProviderArn=usual.provider_arn.replace(account, "1234567890123456"))
    assert told[1:] == (NO_PERMISSION, "NotFound", "No such OIDC Provider registered.")


def test_refusal__role__unknown(usual: Workload) -> None:
    arn = f"acs:ram::{usual.company.account_id}:role/nobody"
    assert refused(usual, RoleArn=arn) == (404, "EntityNotExist.Role", "NotFound", f"The role not exists: {arn}.")


@pytest.mark.parametrize(
    ("claims", "code", "reason", "message"),
    [
        ({"iat": 1_700_000_000, "exp": 1_700_000_600}, "Expired", "OidcExpired", "This JsonWebToken is expired."),
        ({"aud": "another"}, "AudienceNotMatch", "OidcAudienceMismatch", "Invalid audience."),
        ({"aud": [CLIENT, "another"]}, "AudienceNotMatch", "OidcAudienceUntrusted", "Invalid audience."),
        (
            {"iss": "https://elsewhere.example"},
            "IssuerNotMatch",
            "OidcIssuerMismatch",
            "The issuer in the OIDC Token doesn't match the OIDC Provider registered.",
        ),
        ({"sub": None}, "Invalid", "OidcSubject", "The OIDC Token is invalid."),
        ({"events": {}}, "Invalid", "OidcType", "The OIDC Token is invalid."),
    ],
)
def test_refusal__claim__has_the_published_code(
    usual: Workload, claims: dict[str, Any], code: str, reason: str, message: str
) -> None:
    told = refused(usual, OIDCToken=usual.issuer.token(**claims))
    assert told == (401, f"AuthenticationFail.OIDCToken.{code}", reason, message)


def test_refusal__issuance_limit__counted_in_hours(company: Seed, issuers: IssuerServer) -> None:
    workload = new_workload(company, issuers.new_issuer(), issuance_limit_h=1)
    now = int(time.time())
    workload.exchange(OIDCToken=workload.issuer.token(iat=now - 3500))
    told = refused(workload, OIDCToken=workload.issuer.token(iat=now - 3601, exp=now + 600))
    assert told[:3] == (401, "AuthenticationFail.OIDCToken.Expired", "OidcIssuanceLimit")


def test_refusal__nonsense_for_a_token__invalid(usual: Workload) -> None:
    for token, reason in (("abc.def", "OidcShape"), ("a" * 20_000, "OidcShape"), ("é.é.é", "OidcShape")):
        assert refused(usual, OIDCToken=token)[1:3] == (INVALID, reason)


@pytest.mark.parametrize("name", ["OIDCProviderArn", "RoleArn", "OIDCToken", "RoleSessionName"])
def test_refusal__parameter_missing__named(usual: Workload, name: str) -> None:
    query = {"Action": "AssumeRoleWithOIDC", "Version": "2015-04-01", **usual.parameters()}
    del query[name]
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(f"{usual.company.gateway.base_url}/?{urlencode(query)}", timeout=20)
    body = json.load(caught.value)
    assert (body["Code"], body["Message"]) == (f"MissingParameter.{name}", f"Parameter {name} is required.")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"RoleSessionName": "x"}, "InvalidParameter.RoleSessionName"),
        ({"RoleSessionName": "a b"}, "InvalidParameter.RoleSessionName"),
        ({"RoleSessionName": "x" * 65}, "InvalidParameter.RoleSessionName"),
        ({"DurationSeconds": 899}, "InvalidParameter.DurationSeconds"),
        ({"DurationSeconds": 3601}, "InvalidParameter.DurationSeconds"),
        ({"Policy": "{"}, "InvalidParameter.PolicyGrammar"),
        ({"Policy": '{"Version":"1","Statement":[]}' + " " * 2048}, "InvalidParameter.PolicySize"),
        ({"OIDCToken": "x" * 20_001}, "InvalidParameter.OIDCToken"),
    ],
)
def test_refusal__parameter__unusable(usual: Workload, changes: dict[str, Any], code: str) -> None:
    assert refused(usual, **changes)[:2] == (400, code)


def test_refusal__provider_that_is_not_there__names_the_issuer_and_is_not_asked_again(
    company: Seed, issuers: IssuerServer
) -> None:
    """Nobody listens at port 1: the second answer comes out of memory."""
    workload = new_workload(company, LiveIssuer("https://127.0.0.1:1/gone"))
    for _ in range(4):
        told = refused(workload)
        assert told[:3] == (401, BROKEN, "FetchConnect")
        assert told[3] == "Get public keys from OIDC Provider failed, the issuer is https://127.0.0.1:1/gone."


def test_issuer_without_tls__on_loopback__in_development_only(company: Seed, secure_company: Seed) -> None:
    with issuer_server() as plain:
        workload = new_workload(company, plain.new_issuer())
        assert workload.exchange().oidctoken_info.issuer.startswith("http://127.0.0.1:")
        elsewhere = Workload(secure_company, workload.issuer, workload.name)
        assert refused(elsewhere)[1:3] == (BROKEN, "FetchUrl")


def test_refusal__document_of_another_issuer__broken(company: Seed, issuers: IssuerServer) -> None:
    issuer = issuers.new_issuer()
    issuer.pages[DISCOVERY] = publish(issuer.discovery(issuer="https://accounts.example.com"))
    assert refused(new_workload(company, issuer))[1:3] == (BROKEN, "OidcDiscoveryIssuer")


# Fingerprints, durations, session policies, and what ends.


def test_fingerprints__of_an_authority_above_the_server__pass(company: Seed, issuers: IssuerServer) -> None:
    assert company.authority is not None
    for right in (company.authority.root_thumbprint, company.authority.middle_thumbprint.upper()):
        workload = new_workload(company, issuers.new_issuer(), fingerprints=("ab" * 20, right))
        assert workload.exchange().oidctoken_info.verification_info == "Success"


def test_fingerprints__of_others_only__mismatch(company: Seed, issuers: IssuerServer) -> None:
    workload = new_workload(company, issuers.new_issuer(), fingerprints=("ab" * 20,))
    told = refused(workload)
    assert told[:3] == (401, "AuthenticationFail.OIDCToken.PublicKeyFingerprintMismatch", "OidcFingerprint")


def test_duration__an_hour_unless_told__and_up_to_what_the_role_allows(company: Seed, issuers: IssuerServer) -> None:
    workload = new_workload(company, issuers.new_issuer(), max_session_s=7200)
    for asked, seconds in ((None, 3600), (900, 900), (7200, 7200)):
        answer = workload.exchange(DurationSeconds=asked)
        left = (datetime.fromisoformat(answer.credentials.expiration) - datetime.now(UTC)).total_seconds()
        assert seconds - 30 < left <= seconds


def test_session_policy__narrows(company: Seed, issuers: IssuerServer) -> None:
    workload = new_workload(company, issuers.new_issuer(), policies=("AliyunRAMFullAccess",))
    statement = {"Effect": "Allow", "Action": "ram:Get*", "Resource": "*"}
    policy = json.dumps({"Version": "1", "Statement": [statement]})
    ram = company.ram(*session_of(workload.exchange(Policy=policy)))
    assert ram.get_account_alias().body.account_alias == "acme"
    assert refusal(ram.clear_account_alias).code == "NoPermission"


def test_provider_deleted__its_sessions_end_and_its_tokens_are_strangers(company: Seed, issuers: IssuerServer) -> None:
    workload = new_workload(company, issuers.new_issuer())
    client = workload.client(workload.exchange())
    assert client.get_caller_identity().body.identity_type == "AssumedRoleUser"
    with company.services.store.transaction() as session:
        delete_oidc_provider(session, company.account_id, workload.name)
    assert refusal(client.get_caller_identity).code == "InvalidSecurityToken.Revoked"
    assert refused(workload)[1:] == (NO_PERMISSION, "NotFound", "No such OIDC Provider registered.")


def test_client_id_removed__tokens_for_it_are_refused(company: Seed, issuers: IssuerServer) -> None:
    workload = new_workload(company, issuers.new_issuer())
    workload.exchange()
    with company.services.store.transaction() as session:
        remove_client_id(session, company.account_id, workload.name, CLIENT, datetime.now(UTC))
    assert refused(workload)[1:3] == ("AuthenticationFail.OIDCToken.AudienceNotMatch", "OidcAudienceMismatch")
