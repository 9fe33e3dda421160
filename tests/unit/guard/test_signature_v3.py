from dataclasses import replace
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import CredentialError, Reason
from gateway.guard.signature_v3 import (
    NO_MATCH,
    SignedRequest,
    canonical_request,
    parse_authorization,
    sign,
    string_to_sign,
    verify_signature,
)
from gateway.secret import Secret

EMPTY_HASH = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
SECRET = Secret("testsecret")

VECTOR_A = SignedRequest(
    method="POST",
    query=dict(
        parse_qsl(
            "ImageId=win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd&RegionId=cn-shanghai", strict_parsing=True
        )
    ),
    headers={
        "host": "ecs.cn-shanghai.aliyuncs.com",
        "x-acs-action": "RunInstances",
        "x-acs-content-sha256": EMPTY_HASH,
        "x-acs-date": "2023-10-26T10:22:32Z",
        "x-acs-signature-nonce": "3156853299f313e23d1673dc12e1703d",
        "x-acs-version": "2014-05-26",
    },
    body=b"",
)
VECTOR_B = SignedRequest(
    method="POST",
    query={
        "DurationSeconds": "900",
        "RoleArn": "acs:ram::1234567890123456:role/demo",
        "RoleSessionName": "alice",
    },
    headers={
        "host": "sts.aliyuncs.com",
        "x-acs-action": "AssumeRole",
        "x-acs-content-sha256": EMPTY_HASH,
        "x-acs-date": "2026-01-02T03:04:05Z",
        "x-acs-signature-nonce": "nonce-1",
        "x-acs-version": "2015-04-01",
    },
    body=b"",
)
SDK = SignedRequest(
    method="POST",
    query={"UserName": "alice", "DisplayName": "Ann É ~*", "Comments": "x&y=z +1"},
    headers={
        "accept": "application/json",
        "host": "127.0.0.1:18080",
        "user-agent": "example/1.0",
        "x-acs-action": "CreateUser",
        "x-acs-content-sha256": EMPTY_HASH,
        "x-acs-credentials-provider": "static_ak",
        "x-acs-date": "2026-01-02T03:04:05Z",
        "x-acs-signature-nonce": "nonce-0001",
        "x-acs-version": "2015-05-01",
    },
    body=b"",
)
SDK_STS = replace(
    SDK,
    headers=dict(SDK.headers)
    | {
        "x-acs-credentials-provider": "static_sts",
        "x-acs-accesskey-id": "testid",
        "x-acs-security-token": "tok+/=",
    },
)
VECTORS = [
    pytest.param(
        VECTOR_A,
        "YourAccessKeySecret",
        "7ea06492da5221eba5297e897ce16e55f964061054b7695beedaac1145b1e259",
        "06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0",
        id="published-RunInstances",
    ),
    pytest.param(
        VECTOR_B,
        "testsecret",
        "2877034cb6afb22a087651e2c054bd7622a7039c2cea3168dd0458ef9915f4f5",
        "8201b04ecb9a1c28c081db51a45f3c77b310ff601dee80c44342aadbeb3a9ebd",
        id="computed-AssumeRole",
    ),
    pytest.param(
        SDK,
        "testsecret",
        "325329e30b5ad237e0b358b8d8675103b2e2d6d52e6b829f0d92abcc8f7818f4",
        "90368e3f1bc29c89e9ae89d785c7e774b6e420729130db44f83fa9c1dc5c3243",
        id="sdk-all-headers",
    ),
    pytest.param(
        SDK_STS,
        "testsecret",
        "c8a3e760c389b0f615519800fa601c4934297f591d5de48cd86838337cfea908",
        "6a3f7a9ca291fa098d3cc10d4f24adc261b978de404a72989e460425d6a42706",
        id="sdk-session-key",
    ),
]


def authorization(request: SignedRequest, secret: Secret = SECRET, names: list[str] | None = None) -> str:
    signed = tuple(sorted(names if names is not None else request.headers))
    signature = sign(secret, string_to_sign(canonical_request(request, signed)))
    return f"ACS3-HMAC-SHA256 Credential=testid,SignedHeaders={';'.join(signed)},Signature={signature}"


def refused(request: SignedRequest, header: str) -> CredentialError:
    with pytest.raises(CredentialError) as caught:
        verify_signature(request, parse_authorization(header), SECRET)
    return caught.value


@pytest.mark.parametrize(("request_", "secret", "digest", "signature"), VECTORS)
def test_sign__vectors__match(request_: SignedRequest, secret: str, digest: str, signature: str) -> None:
    text = string_to_sign(canonical_request(request_, tuple(sorted(request_.headers))))
    assert text == f"ACS3-HMAC-SHA256\n{digest}"
    assert sign(Secret(secret), text) == signature
    verify_signature(request_, parse_authorization(authorization(request_, Secret(secret))), Secret(secret))


def test_canonical_request__blank_value_and_untrimmed_header__written_by_the_rule() -> None:
    request = replace(VECTOR_B, query={"b": "", "a": "*~"}, headers={"host": "  h  "})
    assert canonical_request(request, ("host",)).decode().split("\n")[2:4] == ["a=%2A~&b=", "host:h"]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        pytest.param({"method": "GET"}, Reason.SIGNATURE_MISMATCH, id="method"),
        pytest.param({"query": {**VECTOR_B.query, "DurationSeconds": "901"}}, Reason.SIGNATURE_MISMATCH, id="query"),
        pytest.param({"query": {**VECTOR_B.query, "Policy": ""}}, Reason.SIGNATURE_MISMATCH, id="added-parameter"),
        pytest.param(
            {"headers": {**VECTOR_B.headers, "host": "other.example"}}, Reason.SIGNATURE_MISMATCH, id="signed-header"
        ),
        pytest.param({"body": b"Policy=x"}, Reason.SIGNATURE_INCOMPLETE, id="body-with-unsigned-content-type"),
    ],
)
def test_verify_signature__request_changed_after_signing__refused(change: dict[str, object], reason: Reason) -> None:
    header = authorization(VECTOR_B)
    assert refused(replace(VECTOR_B, **change), header).reason is reason  # type: ignore[arg-type]


def test_verify_signature__wrong_secret__public_text_has_our_string_to_sign() -> None:
    error = refused(VECTOR_B, authorization(VECTOR_B, Secret("other")))
    assert error.reason is Reason.SIGNATURE_MISMATCH
    assert error.public == NO_MATCH + string_to_sign(canonical_request(VECTOR_B, tuple(sorted(VECTOR_B.headers))))


def test_verify_signature__hash_header_is_of_another_body__refused() -> None:
    headers = {**VECTOR_B.headers, "content-type": "application/x-www-form-urlencoded"}
    request = replace(VECTOR_B, headers=headers, body=b"Policy=x")
    error = refused(request, authorization(request))
    assert (error.reason, error.detail) == (
        Reason.SIGNATURE_MISMATCH,
        "x-acs-content-sha256 is not the hash of the body",
    )


@pytest.mark.parametrize("name", sorted(VECTOR_B.headers))
def test_verify_signature__mandatory_header_left_out__refused(name: str) -> None:
    names = [other for other in VECTOR_B.headers if other != name]
    assert refused(VECTOR_B, authorization(VECTOR_B, names=names)).reason is Reason.SIGNATURE_INCOMPLETE


@pytest.mark.parametrize("name", ["x-acs-security-token", "x-acs-accesskey-id"])
def test_verify_signature__token_header_sent_but_unsigned__refused(name: str) -> None:
    names = [other for other in SDK_STS.headers if other != name]
    assert refused(SDK_STS, authorization(SDK_STS, names=names)).reason is Reason.SIGNATURE_INCOMPLETE


def test_verify_signature__signed_header_not_sent__refused() -> None:
    header = authorization(VECTOR_B).replace("SignedHeaders=", "SignedHeaders=cookie;")
    assert refused(VECTOR_B, header).reason is Reason.SIGNATURE_INCOMPLETE


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        ("ACS3-HMAC-SM3 Credential=a,SignedHeaders=host,Signature=" + "0" * 64, Reason.SIGNATURE_METHOD),
        ("ACS3-RSA-SHA256 Credential=a,SignedHeaders=host,Signature=" + "0" * 64, Reason.SIGNATURE_METHOD),
        ("ACS3-HMAC-SHA256", Reason.SIGNATURE_METHOD),
        ("ACS3-HMAC-SHA256 ", Reason.SIGNATURE_INCOMPLETE),
        ("ACS3-HMAC-SHA256 Credential=a,SignedHeaders=Host,Signature=" + "0" * 64, Reason.SIGNATURE_INCOMPLETE),
        ("ACS3-HMAC-SHA256 Credential=a,SignedHeaders=host;host,Signature=" + "0" * 64, Reason.SIGNATURE_INCOMPLETE),
        ("ACS3-HMAC-SHA256 Credential=a,SignedHeaders=host;;b,Signature=" + "0" * 64, Reason.SIGNATURE_INCOMPLETE),
        ("ACS3-HMAC-SHA256 Credential=a,SignedHeaders=host,Signature=" + "0" * 63, Reason.SIGNATURE_INCOMPLETE),
        ("ACS3-HMAC-SHA256 Credential=a,SignedHeaders=host,Signature=" + "A" * 64, Reason.SIGNATURE_INCOMPLETE),
        ("ACS3-HMAC-SHA256 Credential=a,SignedHeaders=host,Signature=" + "0" * 64 + "\n", Reason.SIGNATURE_INCOMPLETE),
        (
            "ACS3-HMAC-SHA256 Credential=a,Credential=b,SignedHeaders=host,Signature=" + "0" * 64,
            Reason.SIGNATURE_INCOMPLETE,
        ),
        ("ACS3-HMAC-SHA256 SignedHeaders=host,Credential=a,Signature=" + "0" * 64, Reason.SIGNATURE_INCOMPLETE),
        (
            "ACS3-HMAC-SHA256 Credential=a,SignedHeaders=" + "h;" * 9000 + "h,Signature=" + "0" * 64,
            Reason.SIGNATURE_INCOMPLETE,
        ),
    ],
)
def test_parse_authorization__malformed__refused(header: str, reason: Reason) -> None:
    with pytest.raises(CredentialError) as caught:
        parse_authorization(header)
    assert caught.value.reason is reason


@given(st.text())
def test_parse_authorization__any_text__value_or_refusal(text: str) -> None:
    with pytest.raises(CredentialError):
        parse_authorization(text)


@given(st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=6), st.randoms())
def test_canonical_request__order_of_parameters__changes_nothing(query: dict[str, str], random: object) -> None:
    items = list(query.items())
    random.shuffle(items)  # type: ignore[attr-defined]
    shuffled = replace(VECTOR_B, query=dict(items))
    assert canonical_request(shuffled, ("host",)) == canonical_request(replace(VECTOR_B, query=query), ("host",))
