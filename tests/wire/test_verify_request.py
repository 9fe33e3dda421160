"""VerifyRequest: a service forwards what its client signed, by every method that clients have."""

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from alibabacloud_sts20150401.models import AssumeRoleRequest
from oss2 import AuthV4, Bucket
from oss2.auth import Auth
from oss2.http import Request

from gateway.clock import wire_time
from gateway.directory.access_key_policies import set_key_policy
from gateway.directory.access_keys import set_status
from gateway.directory.network_policies import parse_network_policy
from gateway.directory.resource_services import register_service
from tests.wire.own_policy import give
from tests.wire.ram_role import new_ram_role
from tests.wire.refusal import refusal
from tests.wire.resource_service import ResourceService
from tests.wire.second_company import second_company
from tests.wire.seed import Caller, Seed


def bucket_arn(company: Seed) -> str:
    return f"acs:oss:cn-hangzhou:{company.account_id}:photos/a.jpg"


def service_of(company: Seed) -> tuple[ResourceService, Caller]:
    caller = company.new_user()
    give(company, caller, {"Effect": "Allow", "Action": "ram:VerifyRequest", "Resource": "acs:ram:*:*:service/oss"})
    return ResourceService(company, *caller.key), caller


def signed(key_id: str, secret: str, text: str = "GET\n\n\nnow\n/photos/a.jpg", **changes: str) -> dict[str, str]:
    """What a service makes of a request by OSS signature V1."""
    made = base64.b64encode(hmac.digest(secret.encode(), text.encode(), "sha1")).decode()
    return {
        "ClientAccessKeyId": key_id,
        "ClientSignatureMethod": "HMAC-SHA1",
        "StringToSign": text,
        "ClientSignature": made,
        "SignedAt": wire_time(datetime.now(UTC)),
        **changes,
    }


def asked(company: Seed, action: str = "oss:GetObject", **context: object) -> dict[str, str]:
    told = json.dumps({"acs:SourceIp": "192.0.2.1", "acs:SecureTransport": True, **context})
    return {"RequestAction": action, "Resource": bucket_arn(company), "Context": told}


def oss_request(company: Seed, auth: Any, region: str | None = None) -> Request:
    """A request of the official client, signed and not sent."""
    bucket = Bucket(auth, "http://oss.example.com", "photos", region=region, is_verify_object_strict=False)
    request = Request("GET", "http://photos.oss.example.com/a.jpg", region=region, product="oss")
    bucket.auth._sign_request(request, "photos", "a.jpg")
    return request


def v1_text(request: Request) -> str:
    head = request.headers
    return f"GET\n{head.get('content-md5', '')}\n{head.get('content-type', '')}\n{head['date']}\n/photos/a.jpg"


def v4_text(request: Request) -> str:
    when = request.headers["x-oss-date"]
    signed_headers = {name.lower(): value for name, value in request.headers.items()}
    lines = "".join(
        f"{name}:{value}\n"
        for name, value in sorted(signed_headers.items())
        if name.startswith("x-oss-") or name in {"content-type", "content-md5"}
    )
    canonical = f"GET\n/photos/a.jpg\n\n{lines}\n\nUNSIGNED-PAYLOAD"
    scope = f"{when[:8]}/cn-hangzhou/oss/aliyun_v4_request"
    return f"OSS4-HMAC-SHA256\n{when}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"


def test_verify_request__oss_v1__caller_and_decision(company: Seed) -> None:
    service, _ = service_of(company)
    alice = company.new_user("AliyunOSSReadOnlyAccess")
    request = oss_request(company, Auth(*alice.key))
    signature = request.headers["authorization"].rpartition(":")[2]
    forwarded = signed(*alice.key, text=v1_text(request), ClientSignature=signature)
    answer = service.call("VerifyRequest", **forwarded, **asked(company))
    assert answer["Caller"] == {
        "AccountId": company.account_id,
        "Arn": f"acs:ram::{company.account_id}:user/{alice.name}",
        "IdentityType": "RAMUser",
        "PrincipalId": alice.user_id,
        "UserId": alice.user_id,
    }
    assert (answer["Decision"]["Allowed"], answer["Decision"]["Statement"]["PolicyType"]) == (True, "System")
    denied = service.call("VerifyRequest", **forwarded, **asked(company, "oss:PutObject"))
    assert (denied["Decision"]["Allowed"], denied["Caller"]) == (False, answer["Caller"])


def test_verify_request__oss_v4__by_the_key_of_its_scope(company: Seed) -> None:
    service, _ = service_of(company)
    alice = company.new_user("AliyunOSSReadOnlyAccess")
    request = oss_request(company, AuthV4(*alice.key), "cn-hangzhou")
    when = datetime.strptime(request.headers["x-oss-date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    forwarded = signed(
        *alice.key,
        text=v4_text(request),
        ClientSignature=request.headers["authorization"].partition("Signature=")[2],
        ClientSignatureMethod="OSS4-HMAC-SHA256",
        SignedAt=wire_time(when),
    )
    assert service.call("VerifyRequest", **forwarded, **asked(company))["Decision"]["Allowed"]
    later = forwarded | {"SignedAt": wire_time(when + timedelta(seconds=1))}
    assert refusal(service.call, "VerifyRequest", **later, **asked(company)).code == "IncompleteSignature"
    elsewhere = forwarded | {"StringToSign": forwarded["StringToSign"].replace("cn-hangzhou", "cn-beijing")}
    assert refusal(service.call, "VerifyRequest", **elsewhere, **asked(company)).code == "SignatureDoesNotMatch"


@pytest.mark.parametrize(
    ("method", "text", "key_end", "digest", "hexed"),
    [
        ("HMAC-SHA256", "anything\u00e9", "", "sha256", False),
        ("RPC-HMAC-SHA1", "POST&%2F&Action%3DX", "&", "sha1", False),
        ("ACS3-HMAC-SHA256", "ACS3-HMAC-SHA256\n" + "ab" * 32, "", "sha256", True),
    ],
)
def test_verify_request__other_methods__verified(
    company: Seed, method: str, text: str, key_end: str, digest: str, *, hexed: bool
) -> None:
    service, alice = ResourceService(company), company.new_user()
    raw = hmac.digest((alice.secret + key_end).encode(), text.encode(), digest)
    signature = raw.hex() if hexed else base64.b64encode(raw).decode()
    forwarded = signed(*alice.key, text=text, ClientSignature=signature, ClientSignatureMethod=method)
    assert service.call("VerifyRequest", **forwarded)["Caller"]["UserId"] == alice.user_id
    assert "Decision" not in service.call("VerifyRequest", **forwarded)
    encoded = {**forwarded, "EncodedStringToSign": base64.b64encode(text.encode()).decode(), "StringToSign": ""}
    assert service.call("VerifyRequest", **encoded)["Caller"]["UserId"] == alice.user_id
    wrong = forwarded | {"ClientSignature": signature[:-6] + "aaaaaa"}
    error = refusal(service.call, "VerifyRequest", **wrong)
    assert (error.status_code, error.code) == (400, "SignatureDoesNotMatch")
    assert text not in error.message


def test_verify_request__role_session__told_and_ended(company: Seed) -> None:
    service, _ = service_of(company)
    taker, role = company.new_user("AliyunSTSAssumeRoleAccess"), new_ram_role(company, "AliyunOSSFullAccess")
    request = AssumeRoleRequest(role_arn=role, role_session_name="batch")
    taken = company.client(*taker.key).assume_role(request).body.credentials
    forwarded = signed(taken.access_key_id, taken.access_key_secret, ClientSecurityToken=taken.security_token)
    answer = service.call("VerifyRequest", **forwarded, **asked(company))
    assert answer["Decision"]["Allowed"]
    assert (answer["Caller"]["IdentityType"], answer["Caller"]["SessionName"]) == ("AssumedRoleUser", "batch")
    assert answer["Caller"]["Expiration"] == taken.expiration
    bare = {**forwarded, "ClientSecurityToken": ""}
    assert refusal(service.call, "VerifyRequest", **bare, **asked(company)).code == "MissingSecurityToken"
    swapped = signed(*taker.key, ClientSecurityToken=taken.security_token)
    assert refusal(service.call, "VerifyRequest", **swapped, **asked(company)).code == (
        "InvalidSecurityToken.MismatchWithAccessKey"
    )


def test_verify_request__nonce__claimed_once(company: Seed) -> None:
    service, _ = service_of(company)
    alice = company.new_user()
    forwarded = signed(*alice.key, ClientNonce=secrets.token_hex(8))
    service.call("VerifyRequest", **forwarded, **asked(company))
    error = refusal(service.call, "VerifyRequest", **forwarded, **asked(company))
    assert error.code == "SignatureNonceUsed"
    wrong = signed(*alice.key, ClientNonce="once", ClientSignature="AAAA")
    assert refusal(service.call, "VerifyRequest", **wrong, **asked(company)).code == "SignatureDoesNotMatch"
    service.call("VerifyRequest", **signed(*alice.key, ClientNonce="once"), **asked(company))  # not used up in vain


def test_verify_request__key_switched_off_or_elsewhere__refused_as_at_the_api(company: Seed) -> None:
    service, _ = service_of(company)
    alice, store = company.new_user(), company.services.store
    document = json.dumps(
        {
            "Version": 1,
            "Status": "Active",
            "Statements": [{"Type": "ClassicWhiteList", "IPList": ["192.0.2.0/24"]}],
        }
    )
    now = datetime.now(UTC)
    with store.transaction() as session:
        set_key_policy(
            session,
            account_id=company.account_id,
            user_id=alice.user_id,
            access_key_id=alice.key_id,
            policy=parse_network_policy(document),
        )
    call = signed(*alice.key)
    assert service.call("VerifyRequest", **call, **asked(company))["Caller"]["UserId"] == alice.user_id
    for context in ({"acs:SourceIp": "198.51.100.1"}, {}):
        away = asked(company) | {"Context": json.dumps(context)}
        assert refusal(service.call, "VerifyRequest", **call, **away).code == "Forbidden.AccessKeyPolicy"
    with store.transaction() as session:
        set_status(
            session,
            account_id=company.account_id,
            user_id=alice.user_id,
            access_key_id=alice.key_id,
            status="Inactive",
            now=now,
        )
    assert refusal(service.call, "VerifyRequest", **call, **asked(company)).code == "InvalidAccessKeyId.Inactive"


def test_verify_request__last_use__noted_by_service(company: Seed) -> None:
    service, _ = service_of(company)
    alice = company.new_user()
    service.call("VerifyRequest", **signed(*alice.key), **asked(company))
    use = company.services.store.fleeting.last_use_of(alice.key_id)
    assert use is not None
    assert use.service == "Oss"


def test_verify_request__other_account__only_by_registration(company: Seed) -> None:
    service, caller = service_of(company)
    other = second_company(company, "AliyunOSSFullAccess")
    theirs = {
        "RequestAction": "oss:GetObject",
        "Resource": f"acs:oss:*:{other.account_id}:photos/a.jpg",
    }
    forwarded = signed(*other.user.key, ClientNonce=secrets.token_hex(8))
    error = refusal(service.call, "VerifyRequest", **forwarded, **theirs)
    assert (error.status_code, error.code) == (403, "NoPermission")
    unsigned = forwarded | {"ClientSignature": "AAAA"}
    assert refusal(service.call, "VerifyRequest", **unsigned, **theirs).code == "SignatureDoesNotMatch"
    with company.services.store.transaction() as session:
        arn = f"acs:ram::{company.account_id}:user/{caller.name}"
        register_service(session, arn, ["oss"], datetime.now(UTC))
    answer = service.call("VerifyRequest", **forwarded, **theirs)  # the refused question used up no nonce
    assert (answer["Caller"]["AccountId"], answer["Decision"]["Allowed"]) == (other.account_id, True)
    ours = service.call("VerifyRequest", **signed(*other.user.key), **asked(company))["Decision"]
    assert (ours["Allowed"], ours["Layer"]) == (False, "ResourceAccount")


NOTHING: Mapping[str, str] = {}


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"ClientAccessKeyId": ""}, "MissingParameter"),
        ({"ClientAccessKeyId": "LTAInobody"}, "InvalidAccessKeyId.NotFound"),
        ({"ClientSignatureMethod": "MD5"}, "InvalidParameter.ClientSignatureMethod"),
        ({"ClientSignature": ""}, "MissingParameter"),
        ({"ClientSignature": "\u00e9"}, "SignatureDoesNotMatch"),
        ({"StringToSign": ""}, "MissingParameter"),
        ({"EncodedStringToSign": "YQ=="}, "InvalidParameter.StringToSign"),
        ({"StringToSign": "", "EncodedStringToSign": "?"}, "InvalidParameter.StringToSign"),
        ({"StringToSign": "x" * 65_537}, "InvalidParameter.StringToSign.Length"),
        ({"SignedAt": ""}, "MissingParameter"),
        ({"SignedAt": "today"}, "InvalidTimeStamp.Format"),
        ({"SignedAt": "2020-01-01T00:00:00Z"}, "InvalidTimeStamp.Expired"),
        ({"ClientNonce": "a b"}, "IncompleteSignature"),
        ({"ClientSignatureMethod": "OSS4-HMAC-SHA256"}, "IncompleteSignature"),
        ({"ClientSignatureMethod": "ACS3-HMAC-SHA256"}, "IncompleteSignature"),
        ({"ClientSignatureMethod": "RPC-HMAC-SHA1"}, "IncompleteSignature"),
        ({"StringToSign": "OSS4-HMAC-SHA256\nx"}, "IncompleteSignature"),
        ({"RequestAction": "oss:GetObject"}, "MissingParameter"),
        ({"Resource": "acs:oss:*:1111222233334444:a"}, "MissingParameter"),
    ],
)
def test_verify_request__unusable__refused(company: Seed, changes: dict[str, str], code: str) -> None:
    alice = company.new_user()
    sent = signed(*alice.key) | changes
    error = refusal(ResourceService(company).call, "VerifyRequest", **sent)
    assert (error.status_code < 500, error.code) == (True, code)


def test_verify_request__without_the_services_own_right__refused(company: Seed) -> None:
    service, _ = service_of(company)
    alice = company.new_user()
    log = {"RequestAction": "log:Get", "Resource": f"acs:log:*:{company.account_id}:a"}
    for question in (log, NOTHING):  # who asks no more than who it is needs the right for every service
        assert refusal(service.call, "VerifyRequest", **signed(*alice.key), **question).code == "NoPermission"
