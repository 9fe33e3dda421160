"""What a service may tell of its client, and what it may not."""

import pytest

from gateway.errors import InputError, Reason
from gateway.guard.questions import CALLER_ACCOUNT, read_context, read_question

RESOURCE = "acs:oss:*:1234567890123456:bucket/a:b"


def test_read_context__values__become_texts_as_written() -> None:
    context = read_context(
        '{"oss:A":"x","oss:B":[1,2.50,true,false],"ACS:SOURCEIP":"10.0.0.1","acs:ResourceTag/é":"v"}'
    )
    assert context == {
        "oss:A": ("x",),
        "oss:B": ("1", "2.50", "true", "false"),
        "acs:SourceIp": ("10.0.0.1",),
        "acs:ResourceTag/é": ("v",),
        "acs:SecureTransport": ("false",),
    }
    assert read_context(None) == {"acs:SecureTransport": ("false",)}


@pytest.mark.parametrize(
    "text",
    [
        '{"acs:PrincipalARN":"x"}',
        '{"ACS:principalarn":"x"}',
        '{"acs:CurrentTime":"x"}',
        '{"acs:MFAPresent":"true"}',
        '{"acs:MFAAge":"1"}',
        '{"acs:ResourceTag/":"x"}',
        '{"acs:Anything":"x"}',
        '{"ram:ServiceName":"x"}',
        '{"STS:ExternalId":"x"}',
        '{"saml:sub":"x"}',
        '{"oidc:iss":"x"}',
        '{"ims:x":"y"}',
        '{"acs":"x"}',
        '{"oss:":"x"}',
        '{"oss: a":"x"}',
        '{"acs:\\u0000":"x"}',
        '{"oss:a":"\\u0000"}',
        '{"oss:a":"\\ud800"}',
        '{"oss:a":[["x"]]}',
        '{"acs:SourceIp":[]}',
        '{"acs:SourceIp":"10.0.0.1, 10.0.0.2"}',
        '{"acs:SourceIp":"fe80::1%eth0"}',
        '{"acs:SecureTransport":["true","false"]}',
        '{"acs:SecureTransport":"TRUE"}',
        "{" + ",".join(f'"oss:k{number}":1' for number in range(65)) + "}",
        '{"oss:a":[' + ",".join("1" * 65) + "]}",
        '{"oss:a":"' + "x" * 16_400 + '"}',
        "[" * 3000,
        "null",
    ],
)
def test_read_context__not_for_a_service_to_tell__refused(text: str) -> None:
    with pytest.raises(InputError) as refused:
        read_context(text)
    assert (refused.value.reason, refused.value.subject) == (Reason.PARAMETER_INVALID, "Context")


def test_read_question__callers_account__only_where_accounts_stand() -> None:
    open_question = read_question("oss:ListBuckets", f"acs:oss:*:{CALLER_ACCOUNT}:{CALLER_ACCOUNT}", {})
    assert open_question.asked_by("1" * 16).resource == f"acs:oss:*:{'1' * 16}:{CALLER_ACCOUNT}"
    fixed = read_question("oss:GetObject", f"{RESOURCE}/{CALLER_ACCOUNT}", {})
    assert fixed.asked_by("1" * 16) is fixed
    assert (fixed.service, fixed.resource_service, fixed.resource_account) == ("oss", "oss", "1234567890123456")


@pytest.mark.parametrize("action", ["", "oss", "oss:", ":Get", "*:Get", "oss:Get*", "oss:Get Object", "ſts:A", "oss:é"])
def test_read_question__no_action__refused(action: str) -> None:
    with pytest.raises(InputError) as refused:
        read_question(action, RESOURCE, {})
    assert refused.value.subject == "Action"


@pytest.mark.parametrize(
    "resource",
    [
        "",
        "*",
        "acs:oss:*:*:b",
        "acs:oss:::b",
        "acs:oss:*:123:b",
        "acs:*:*:1234567890123456:b",
        "acs:oss:*:1234567890123456:",
        "acs:oss:*:1234567890123456",
        "arn:oss:*:1234567890123456:b",
        "acs:oss:*:1234567890123456:\0",
        "acs:oss:*:1234567890123456:" + "b" * 2048,
        "acs:oss:*:system:b",
        "acs:oss:*:\u0661234567890123456:b",
    ],
)
def test_read_question__no_resource_of_an_account__refused(resource: str) -> None:
    with pytest.raises(InputError) as refused:
        read_question("oss:GetObject", resource, {})
    assert (refused.value.reason, refused.value.subject) == (Reason.ARN_MALFORMED, "Resource")
