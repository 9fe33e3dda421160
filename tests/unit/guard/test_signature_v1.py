from collections.abc import Mapping
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import CredentialError, InputError, Reason
from gateway.guard.signature_v1 import check_method, check_operation_is_signed, sign, string_to_sign, verify_signature
from gateway.secret import Secret

SECRET = Secret("testsecret")


def published(**more: str) -> dict[str, str]:
    common = {"AccessKeyId": "testid", "SignatureMethod": "HMAC-SHA1", "SignatureVersion": "1.0"}
    return common | {"Format": "JSON"} | more


CREATE_USER = published(
    Action="CreateUser",
    SignatureNonce="6a6e0ca6-4557-11e5-86a2-b8e8563dc8d2",
    Timestamp="2015-08-18T03:15:45Z",
    UserName="test",
    Version="2015-05-01",
)
IMS = published(
    Action="CreateUser",
    DisplayName="test",
    SignatureNonce="3f6b4e80-56f7-11eb-a256-a9f756ea7e85",
    Timestamp="2021-01-15T06:02:28Z",
    UserPrincipalName="test@example.onaliyun.com",
    Version="2019-08-15",
)
ASSUME_ROLE = published(
    Action="AssumeRole",
    DurationSeconds="900",
    Policy='{"Version":"1","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}',
    RoleArn="acs:ram::1234567890123456:role/demo",
    RoleSessionName="alice",
    SignatureNonce="nonce-1",
    Timestamp="2026-01-02T03:04:05Z",
    Version="2015-04-01",
)
SDK = published(
    Action="CreateUser",
    Comments="x&y=z +1",
    DisplayName="Ann É ~*",
    Format="json",
    SignatureNonce="nonce-0001",
    Timestamp="2026-01-02T03:04:05Z",
    UserName="alice",
    Version="2015-05-01",
)
VECTORS = [
    pytest.param("GET", CREATE_USER, "kRA2cnpJVacIhDMzXnoNZG9tDCI=", id="published-ram"),
    pytest.param("GET", IMS, "02heLegtw4+BFamznl1Ltj+vJ4A=", id="published-ims"),
    pytest.param("POST", ASSUME_ROLE, "tb7oUALxppnzezqeUaXU/GTUWzs=", id="computed-sts"),
    pytest.param("POST", SDK, "OiapAfFfWPxADfpB5okZXWxLRUQ=", id="sdk"),
    pytest.param("POST", SDK | {"SecurityToken": "tok+/="}, "vnMGs7oBsgIr5CuL+ZwENBRMFas=", id="sdk-session-key"),
]


@pytest.mark.parametrize(("method", "parameters", "signature"), VECTORS)
def test_sign__vectors__match(method: str, parameters: Mapping[str, str], signature: str) -> None:
    assert sign(SECRET, string_to_sign(method, parameters)) == signature
    verify_signature(method, {**parameters, "Signature": signature}, SECRET)


def test_string_to_sign__sdk_vector__as_written_down() -> None:
    assert string_to_sign("POST", SDK) == (
        "POST&%2F&AccessKeyId%3Dtestid%26Action%3DCreateUser%26Comments%3Dx%2526y%253Dz%2520%252B1%26DisplayName%3D"
        "Ann%2520%25C3%2589%2520~%252A%26Format%3Djson%26SignatureMethod%3DHMAC-SHA1%26SignatureNonce%3Dnonce-0001"
        "%26SignatureVersion%3D1.0%26Timestamp%3D2026-01-02T03%253A04%253A05Z%26UserName%3Dalice%26Version%3D2015-05-01"
    )


@pytest.mark.parametrize(
    ("method", "change"),
    [
        ("GET", {}),
        ("POST", {"DisplayName": "Bob"}),
        ("POST", {"SignatureType": ""}),
        ("POST", {"Signature": "OiapAfFfWPxADfpB5okZXWxLRUQ"}),
        ("POST", {"Signature": "é"}),
    ],
    ids=["method", "value", "added-blank", "padding", "not-ascii"],
)
def test_verify_signature__anything_changed__refused_with_our_string_to_sign(
    method: str, change: dict[str, str]
) -> None:
    parameters = {**SDK, "Signature": "OiapAfFfWPxADfpB5okZXWxLRUQ=", **change}
    with pytest.raises(CredentialError) as caught:
        verify_signature(method, parameters, SECRET)
    assert caught.value.reason is Reason.SIGNATURE_MISMATCH
    assert caught.value.public.partition(" server string to sign is:")[2] == string_to_sign(method, parameters)


@pytest.mark.parametrize(
    "change",
    [
        {"SignatureMethod": "HMAC-SHA256"},
        {"SignatureVersion": "2.0"},
        {"SignatureType": "BEARERTOKEN"},
        {"SignatureType": "PRIVATEKEY"},
    ],
)
def test_check_method__another_one__refused(change: dict[str, str]) -> None:
    check_method(SDK | {"SignatureType": ""})
    with pytest.raises(CredentialError) as caught:
        check_method(SDK | change)
    assert caught.value.reason is Reason.SIGNATURE_METHOD


@pytest.mark.parametrize("name", ["Action", "Version"])
def test_check_operation_is_signed__in_headers_only__refused(name: str) -> None:
    check_operation_is_signed(SDK)
    with pytest.raises(InputError) as caught:
        check_operation_is_signed({key: value for key, value in SDK.items() if key != name})
    assert (caught.value.reason, caught.value.subject) == (Reason.PARAMETER_MISSING, name)


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@given(st.dictionaries(TEXTS, TEXTS, max_size=5))
def test_string_to_sign__any_texts__is_encoded_twice_as_a_client_does(parameters: dict[str, str]) -> None:
    pairs = sorted((name, value) for name, value in parameters.items() if name != "Signature")
    query = "&".join(f"{quote(name, safe='~')}={quote(value, safe='~')}" for name, value in pairs)
    assert string_to_sign("GET", parameters) == f"GET&%2F&{quote(query, safe='~')}"
