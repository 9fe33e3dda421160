"""Both signatures, both methods, query and form, lasting and temporary keys; and what an attacker makes of them."""

import secrets
import socket
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree as ET

import pytest
from alibabacloud_sts20150401.models import AssumeRoleWithSAMLRequest

from gateway.clock import wire_time
from gateway.directory.access_keys import NewAccessKey
from gateway.secret import Secret
from tests.wire.seed import Seed
from tests.wire.signed import Answer, SignedCall, receive, send
from tests.wire.signed_v1 import http, v1_parameters
from tests.wire.test_assume_role import ASSUMES, new_role

FORM = {"content-type": "application/x-www-form-urlencoded"}
Session = tuple[NewAccessKey, str]


def ask(company: Seed, data: bytes) -> Answer:
    with company.gateway.connect() as connection:
        return send(connection, data)


@pytest.fixture(scope="module")
def temporary(company: Seed) -> Session:
    request = AssumeRoleWithSAMLRequest(
        samlassertion=company.assertion(), samlprovider_arn=company.provider_arn, role_arn=company.role_arn()
    )
    got = company.client().assume_role_with_saml(request).body.credentials
    return NewAccessKey(got.access_key_id, Secret(got.access_key_secret)), got.security_token


@pytest.mark.parametrize("lasts", [True, False], ids=["lasting", "temporary"])
@pytest.mark.parametrize("place", ["GET query", "POST query", "POST form", "POST both"])
def test_v1__anywhere__answered(company: Seed, temporary: Session, place: str, lasts: bool) -> None:
    key, token = (company.user_key, None) if lasts else temporary
    method, _, where = place.partition(" ")
    parameters = v1_parameters(key, method, token, Comments="a b+c/é&=~*")
    split = {name: value for name, value in parameters.items() if name.startswith("S")}
    rest = {name: value for name, value in parameters.items() if name not in split}
    request = {
        "query": lambda: http(method, parameters),
        "form": lambda: http(method, {}, parameters),
        "both": lambda: http(method, split, rest),
    }[where]()
    answer = ask(company, request)
    assert (answer.status, answer.json["IdentityType"]) == (200, "RAMUser" if lasts else "AssumedRoleUser")
    assert ask(company, request).code == "SignatureNonceUsed"


@pytest.mark.parametrize("lasts", [True, False], ids=["lasting", "temporary"])
@pytest.mark.parametrize("place", ["GET query", "POST query", "POST form"])
def test_v3__anywhere__answered(company: Seed, temporary: Session, place: str, lasts: bool) -> None:
    key, token = (company.user_key, "") if lasts else temporary
    method, _, where = place.partition(" ")
    more = {} if lasts else {"x-acs-security-token": token, "x-acs-accesskey-id": key.access_key_id}
    call = SignedCall(key, method=method, more=more)
    call = call.but(body=b"Comments=a+b", more={**more, **FORM}) if where == "form" else call.but(query={"A": "a b"})
    assert ask(company, call.request()).json["IdentityType"] == ("RAMUser" if lasts else "AssumedRoleUser")


def test_v1__get_without_a_call__is_for_the_browser(company: Seed) -> None:
    parameters = v1_parameters(company.user_key, "GET")
    del parameters["Action"]
    assert ask(company, http("GET", parameters)).status == 302


def test_v1__refused__the_exact_string_to_sign(company: Seed) -> None:
    parameters = v1_parameters(NewAccessKey(company.user_key.access_key_id, Secret("wrong")), "GET")
    answer = ask(company, http("GET", parameters))
    assert (answer.status, answer.code) == (400, "SignatureDoesNotMatch")
    text = "Specified signature is not matched with our calculation. server string to sign is:GET&%2F&AccessKeyId%3D"
    assert answer.json["Message"].startswith(text)
    assert {"RequestId", "HostId", "Code", "Message", "Recommend"} <= set(answer.json)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"SignatureMethod": "HMAC-SHA256"}, "InvalidSignatureMethod"),
        ({"SignatureMethod": ""}, "InvalidSignatureMethod"),
        ({"SignatureVersion": "2.0"}, "InvalidSignatureMethod"),
        ({"SignatureType": "BEARERTOKEN", "BearerToken": "x"}, "InvalidSignatureMethod"),
        ({"SignatureType": "PRIVATEKEY"}, "InvalidSignatureMethod"),
        ({"SignatureNonce": ""}, "MissingSignatureNonce"),
        ({"SignatureNonce": "x" * 129}, "IncompleteSignature"),
        ({"SignatureNonce": "x" * 200_000}, "IncompleteSignature"),
        ({"SignatureNonce": "a\nb"}, "IncompleteSignature"),
        ({"Timestamp": "2026-13-01T00:00:00Z"}, "InvalidTimeStamp.Format"),
        ({"Timestamp": "0000-01-01T00:00:00Z"}, "InvalidTimeStamp.Format"),
        ({"Timestamp": "9999-12-31T23:59:59Z"}, "InvalidTimeStamp.Expired"),
        ({"Timestamp": "0001-01-01T00:00:00Z"}, "InvalidTimeStamp.Expired"),
        ({"AccessKeyId": "STS.nobody"}, "MissingSecurityToken"),
        ({"AccessKeyId": "LTAInobody"}, "InvalidAccessKeyId.NotFound"),
        ({"AccessKeyId": "x" * 100_000}, "InvalidAccessKeyId.NotFound"),
        ({"Format": "YAML"}, "InvalidParameter.Format"),
        ({"Version": "2015-04-02"}, "InvalidVersion"),
        ({"Action": "DropTables"}, "InvalidAction.NotFound"),
    ],
)
def test_v1__unusable__the_contracts_code(company: Seed, change: dict[str, str], code: str) -> None:
    answer = ask(company, http("POST", {}, v1_parameters(company.user_key, "POST", **change)))
    assert answer.code == code
    assert 400 <= answer.status < 500


def test_v3__algorithm_unknown__named(company: Seed) -> None:
    request = SignedCall(company.user_key).request()
    for other in (b"ACS3-HMAC-SM3", b"ACS3-RSA-SHA256", b"ACS3-"):
        assert ask(company, request.replace(b"ACS3-HMAC-SHA256", other)).code == "InvalidSignatureMethod"


def test_both_signatures__the_header_counts_and_has_to_be_right(company: Seed) -> None:
    """V1 in the parameters does not excuse a V3 header, and no part of one vouches for the other."""
    parameters = v1_parameters(company.user_key, "POST")
    header = (
        f"Authorization: ACS3-HMAC-SHA256 Credential={company.user_key.access_key_id},SignedHeaders=host,Signature="
    )
    request = http("POST", parameters, headers=f"{header}{'0' * 64}\r\nx-acs-date: {parameters['Timestamp']}\r\n")
    assert ask(company, request).code in {"MissingSignatureNonce", "IncompleteSignature"}


def test_v1__headers_are_not_signed__so_they_may_only_repeat(company: Seed) -> None:
    parameters = v1_parameters(company.user_key, "POST")
    other = http("POST", parameters, headers="x-acs-action: AssumeRole\r\n")
    assert ask(company, other).code == "InvalidParameter"
    other = http("POST", parameters, headers="x-acs-version: 2015-05-01\r\n")
    assert ask(company, other).code == "InvalidParameter"
    unsigned = {name: value for name, value in v1_parameters(company.user_key, "POST").items() if name != "Action"}
    assert ask(company, http("POST", unsigned, headers="x-acs-action: GetCallerIdentity\r\n")).code == "MissingAction"
    assert ask(company, http("POST", parameters, headers="x-acs-action: GetCallerIdentity\r\n")).status == 200


def test_nonce__of_one_signature__is_used_for_the_other(company: Seed) -> None:
    nonce = secrets.token_hex(12)
    parameters = v1_parameters(company.user_key, "POST", SignatureNonce=nonce)
    assert ask(company, http("POST", parameters)).status == 200
    call = SignedCall(company.user_key, nonce=nonce)
    assert ask(company, call.request()).code == "SignatureNonceUsed"
    assert ask(company, SignedCall(company.owner_key, nonce=nonce).request()).status == 200, "nonces belong to keys"


def test_token__swapped_for_another__refused(company: Seed, temporary: Session) -> None:
    key, token = temporary
    assert ask(company, http("POST", v1_parameters(company.user_key, "POST", token))).code == (
        "InvalidSecurityToken.MismatchWithAccessKey"
    )
    late = {**v1_parameters(key, "POST", token), "SecurityToken": token[:-4] + "AAAA"}
    assert ask(company, http("POST", late)).code == "InvalidSecurityToken.Malformed"
    header = SignedCall(key, more={"x-acs-security-token": token}, query={"SecurityToken": "CAISother"})
    assert ask(company, header.request()).status == 200, "with V3 the token is the one in the signed header"


@pytest.mark.parametrize(("seconds", "status"), [(-890, 200), (890, 200), (-910, 400), (910, 400)])
def test_v1__clock__fifteen_minutes_either_way(company: Seed, seconds: int, status: int) -> None:
    stamp = wire_time(datetime.now(UTC) + timedelta(seconds=seconds))
    assert ask(company, http("POST", v1_parameters(company.user_key, "POST", Timestamp=stamp))).status == status


def test_long_request_line_and_long_form__answered(company: Seed) -> None:
    line = SignedCall(company.user_key, query={"A": "+" * 99_000})
    assert len(line.request()) > 295_000
    assert ask(company, line.request()).status == 200
    form = SignedCall(company.user_key, more=FORM, body=b"A=" + b"%2B" * 340_000)
    assert ask(company, form.request()).status == 200
    assert ask(company, http("GET", v1_parameters(company.user_key, "GET", A="/" * 99_000))).status == 200
    too_long = SignedCall(company.user_key, more=FORM, body=b"A=" + b"a" * 1024 * 1024)
    assert (ask(company, too_long.request()).status, ask(company, too_long.request()).code) == (
        413,
        "RequestBodyTooLarge",
    )


def test_form__content_type_json__refused_in_the_contracts_words(company: Seed) -> None:
    call = SignedCall(company.user_key, more={"content-type": "application/json"}, body=b'{"A":1}')
    assert ask(company, call.request()).code == "InvalidParameter.ContentType"


def test_xml__answer_and_denial__have_the_fields_of_json(company: Seed) -> None:
    parameters = v1_parameters(company.user_key, "GET", Format="XML")
    answer = ask(company, http("GET", parameters))
    assert answer.headers["content-type"] == "text/xml;charset=utf-8"
    root = ET.fromstring(answer.body)
    assert (root.tag, root.findtext("UserId")) == ("GetCallerIdentityResponse", company.user_id)
    denied = v1_parameters(company.user_key, "GET", Format="XML", Action="GetAccountAlias", Version="2015-05-01")
    error = ET.fromstring(ask(company, http("GET", denied)).body)
    assert (error.tag, error.findtext("Code")) == ("Error", "NoPermission")
    assert error.findtext("AccessDeniedDetail/AuthAction") == "ram:GetAccountAlias"
    assert error.findtext("AccessDeniedDetail/EncodedDiagnosticMessage")


def test_answer__opened_in_a_browser__runs_nothing(company: Seed) -> None:
    headers = ask(company, SignedCall(company.user_key).request()).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["content-security-policy"].startswith("default-src 'none'")
    assert headers["cache-control"] == "no-store"


def race(company: Seed, request: bytes, rivals: int = 8) -> Counter[str]:
    """The same bytes over several connections at once, which two worker processes share among them."""
    gate = threading.Barrier(rivals)

    def fire(connection: socket.socket) -> str:
        gate.wait(timeout=30)
        connection.sendall(request)
        answer = receive(connection)
        return "passed" if answer.status == 200 else answer.code

    connections = [company.gateway.connect() for _ in range(rivals)]
    try:
        with ThreadPoolExecutor(rivals) as pool:
            return Counter(pool.map(fire, connections))
    finally:
        for connection in connections:
            connection.close()


def test_nonce__sent_to_two_processes_at_once__exactly_one_passes(company: Seed) -> None:
    assert company.gateway.settings.workers == 2
    for _ in range(10):
        request = SignedCall(company.user_key, nonce=secrets.token_hex(12)).request()
        assert race(company, request) == {"passed": 1, "SignatureNonceUsed": 7}


def test_nonce__of_a_grant_and_of_a_change_at_once__exactly_one_passes(company: Seed) -> None:
    user = company.new_user(ASSUMES, "AliyunRAMFullAccess")
    key = NewAccessKey(user.key_id, Secret(user.secret))
    grant = SignedCall(
        key, query={"RoleArn": new_role(company), "RoleSessionName": "alice"}, more={"x-acs-action": "AssumeRole"}
    )
    change = SignedCall(
        key,
        query={"GroupName": "group-" + secrets.token_hex(4)},
        more={"x-acs-action": "CreateGroup", "x-acs-version": "2015-05-01"},
    )
    for call in (grant, change):
        assert race(company, call.but(nonce=secrets.token_hex(12)).request()) == {"passed": 1, "SignatureNonceUsed": 7}
