"""What makes a signed call fail, one thing at a time."""

from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree as ET

import pytest

from gateway.clock import wire_time
from gateway.directory.access_keys import set_status
from tests.wire.seed import Seed
from tests.wire.signed import Answer, SignedCall, send

FORM = {"content-type": "application/x-www-form-urlencoded"}


def ask(company: Seed, data: bytes) -> Answer:
    with company.gateway.connect() as connection:
        return send(connection, data)


@pytest.fixture
def call(company: Seed) -> SignedCall:
    return SignedCall(company.owner_key)


def test_call__signed_by_hand__answered_in_json(company: Seed, call: SignedCall) -> None:
    answer = ask(company, call.request())
    assert (answer.status, answer.headers["content-type"]) == (200, "application/json;charset=utf-8")
    assert answer.headers["x-acs-request-id"] == answer.headers["x-request-id"] == answer.json["RequestId"]
    assert answer.headers["cache-control"] == "no-store"
    assert "set-cookie" not in answer.headers


def test_call__get_and_form_and_unicode__answered(company: Seed, call: SignedCall) -> None:
    assert ask(company, call.but(method="GET", query={"Ключ": "знач & =+ é"}).request()).status == 200
    assert ask(company, call.but(more={**FORM, "user-agent": "é/1"}, body=b"Comments=x+y%2B").request()).status == 200


def test_call__format_xml__answered_in_xml(company: Seed, call: SignedCall) -> None:
    answer = ask(company, call.but(query={"Format": "xml"}).request())
    assert answer.headers["content-type"] == "text/xml;charset=utf-8"
    assert ET.fromstring(answer.body).tag == "GetCallerIdentityResponse"
    wrong = ask(company, call.but(query={"Format": "XML"}, date="2020-01-01T00:00:00Z").request())
    assert (wrong.status, ET.fromstring(wrong.body).tag) == (400, "Error")
    assert ET.fromstring(wrong.body).findtext("Code") == "InvalidTimeStamp.Expired"


def test_call__same_request_again__nonce_used(company: Seed, call: SignedCall) -> None:
    request = call.request()
    assert ask(company, request).status == 200
    again = ask(company, request)
    assert (again.status, again.code) == (400, "SignatureNonceUsed")


def test_call__refused__nonce_not_used_up(company: Seed, call: SignedCall) -> None:
    nonce = "once-" + wire_time(datetime.now(UTC))
    broken = call.but(nonce=nonce).request().replace(b"Signature=", b"Signature=0", 1)
    assert ask(company, broken).code == "IncompleteSignature"
    assert ask(company, call.but(nonce=nonce).request()).status == 200


@pytest.mark.parametrize(
    ("minutes", "status"), [(-16, 400), (-14, 200), (14, 200), (16, 400)], ids=["old", "oldish", "ahead", "far-ahead"]
)
def test_call__time__within_fifteen_minutes(company: Seed, call: SignedCall, minutes: int, status: int) -> None:
    date = wire_time(datetime.now(UTC) + timedelta(minutes=minutes))
    answer = ask(company, call.but(date=date).request())
    assert answer.status == status
    assert status == 200 or answer.code == "InvalidTimeStamp.Expired"


@pytest.mark.parametrize("date", ["2026-1-2T3:4:5Z", "2026-02-30T00:00:00Z", "yesterday", "2026-01-02T03:04:05+00:00"])
def test_call__time_malformed__refused(company: Seed, call: SignedCall, date: str) -> None:
    assert ask(company, call.but(date=date).request()).code == "InvalidTimeStamp.Format"


@pytest.mark.parametrize(
    ("header", "code"),
    [
        ("x-acs-date", "MissingTimestamp"),
        ("x-acs-signature-nonce", "MissingSignatureNonce"),
        ("authorization", "MissingAccessKeyId"),
        ("host", "IncompleteSignature"),
        ("x-acs-content-sha256", "IncompleteSignature"),
        ("x-acs-version", "InvalidParameter"),
    ],
)
def test_call__header_left_out__refused(company: Seed, call: SignedCall, header: str, code: str) -> None:
    lines = call.request().split(b"\r\n")
    kept = [line for line in lines if not line.lower().startswith(header.encode() + b":")]
    answer = ask(company, b"\r\n".join(kept))
    assert (answer.status, answer.code) == (400, code)


@pytest.mark.parametrize(
    "extra",
    [
        pytest.param(b"x-acs-action: AssumeRole", id="second-operation"),
        pytest.param(b"X-Acs-Date: 2020-01-01T00:00:00Z", id="second-date"),
        pytest.param(b"x-acs-signature-nonce: other", id="second-nonce"),
        pytest.param(b"x-acs-security-token: CAIS", id="unsigned-token"),
        pytest.param(b"Host: elsewhere", id="second-host"),
        pytest.param(b"Authorization: ACS3-HMAC-SHA256 Credential=x", id="second-authorization"),
    ],
)
def test_call__header_smuggled_in__refused(company: Seed, call: SignedCall, extra: bytes) -> None:
    first_line, rest = call.request().split(b"\r\n", 1)
    assert ask(company, b"\r\n".join([first_line, extra, rest])).status == 400
    assert ask(company, b"\r\n".join([first_line, rest[:-4], extra, b"\r\n"])).status == 400


def test_call__header_with_underscores__does_not_count(company: Seed, call: SignedCall) -> None:
    assert (
        ask(company, call.but(unsigned=(("x_acs_action", "AssumeRole"), ("x_acs_date", "no"))).request()).status == 200
    )


def test_call__body_exchanged__refused(company: Seed, call: SignedCall) -> None:
    request = call.but(more=FORM, body=b"Name=alice").request()
    answer = ask(company, request.replace(b"Name=alice", b"Name=mallo"))
    assert answer.code == "SignatureDoesNotMatch"


def test_call__unsigned_content_type_with_body__refused(company: Seed, call: SignedCall) -> None:
    request = call.but(body=b"Name=alice", unsigned=tuple(FORM.items())).request()
    assert ask(company, request).code == "IncompleteSignature"


def test_call__parameter_added_behind_the_signature__refused(company: Seed, call: SignedCall) -> None:
    request = call.but(query={"A": "1"}).request()
    assert ask(company, request.replace(b"?A=1", b"?A=1&B=2")).code == "SignatureDoesNotMatch"
    assert ask(company, request.replace(b"?A=1", b"?A=1&A=1")).code == "InvalidParameter.Duplicate"


@pytest.mark.parametrize("host", ["http://127.0.0.1:8080", "127.0.0.1", "[::1]:80", "sts.aliyuncs.com", "a b", "é"])
def test_call__odd_host__answered(company: Seed, call: SignedCall, host: str) -> None:
    answer = ask(company, call.but(host=host).request())
    assert answer.status == 200
    refused = ask(company, call.but(host=host, date="x").request())
    assert refused.code == "InvalidTimeStamp.Format"
    assert refused.json["HostId"]


def test_call__absolute_request_target__answered(company: Seed, call: SignedCall) -> None:
    request = call.request().replace(b"POST /?", b"POST http://127.0.0.1/?", 1)
    assert ask(company, request).status == 200


def test_call__unknown_operation_or_version__named(company: Seed, call: SignedCall) -> None:
    action = call.request().replace(b"GetCallerIdentity", b"GetNothing")
    answer = ask(company, action)
    assert (answer.status, answer.code) == (404, "InvalidAction.NotFound")
    assert answer.json["Message"] == "Specified api is not found, please check your url and method."
    assert ask(company, call.request().replace(b"2015-04-01", b"2014-04-01")).code == "InvalidVersion"


def test_call__key_switched_off__refused_at_once(company: Seed) -> None:
    call, services = SignedCall(company.user_key), company.services
    for status, expected in (("Inactive", 400), ("Active", 200)):
        with services.store.transaction() as session:
            set_status(
                session,
                account_id=company.account_id,
                user_id=company.user_id,
                access_key_id=company.user_key.access_key_id,
                status=status,
                now=datetime.now(UTC),
            )
        answer = ask(company, call.request())
        assert answer.status == expected
        assert expected == 200 or answer.code == "InvalidAccessKeyId.Inactive"
