"""Policy texts that are read, and those that are refused with the place of the fault."""

import json

import pytest

from gateway.errors import InputError, Reason
from gateway.policy import (
    Condition,
    Effect,
    Statement,
    parse_policy,
    parse_session_policy,
    parse_trust_policy,
    render_policy,
)

ALLOW_ALL = {"Effect": "Allow", "Action": "*", "Resource": "*"}


def _document(*statements: object, **extra: object) -> str:
    return json.dumps({"Version": "1", "Statement": list(statements), **extra})


def _with(**changes: object) -> str:
    return _document({**ALLOW_ALL, **changes})


def test_parse_policy__single_values_and_lists__are_equal() -> None:
    single = _with(Action="oss:Get*", Resource="acs:oss:*:*:b", Condition={"StringEquals": {"acs:x": "1"}})
    listed = _with(Action=["oss:Get*"], Resource=["acs:oss:*:*:b"], Condition={"StringEquals": {"acs:x": ["1"]}})
    assert parse_policy(single) == parse_policy(listed)


def test_parse_policy__every_element__keeps_what_was_written() -> None:
    text = _document(
        {
            "Effect": "Deny",
            "NotAction": ["ram:*", "IMS:Get?"],
            "Resource": ["acs:oss:*:*:a/*", "*"],
            "Condition": {"Bool": {"acs:MFAPresent": "true"}, "IpAddress": {"acs:SourceIp": ["10.0.0.0/8", "::1"]}},
        }
    )
    assert parse_policy(text).statements == (
        Statement(
            effect=Effect.DENY,
            actions=("ram:*", "IMS:Get?"),
            resources=("acs:oss:*:*:a/*", "*"),
            conditions=(
                Condition("Bool", "acs:MFAPresent", ("true",)),
                Condition("IpAddress", "acs:SourceIp", ("10.0.0.0/8", "::1")),
            ),
            not_action=True,
        ),
    )
    assert parse_policy(render_policy(parse_policy(text))) == parse_policy(text)


def test_parse_policy__empty_condition__is_none() -> None:
    assert parse_policy(_with(Condition={})).statements[0].conditions == ()


REFUSED = {
    "empty text": ("", "not JSON"),
    "no JSON": ("{", "not JSON"),
    "byte order mark": ("\ufeff" + _document(ALLOW_ALL), "not JSON"),
    "trailing text": (_document(ALLOW_ALL) + "x", "not JSON"),
    "NaN": ('{"Version": NaN}', "not JSON"),
    "half a surrogate in the text": ('{"\ud800": 1}', "not JSON"),
    "half a surrogate as escape": (_with(Resource="acs:\ud800"), "Statement[0].Resource"),
    "a list": ("[]", "expected an object"),
    "a number": ("1", "expected an object"),
    "nested too deep": ("[" * 3000, "nested deeper"),
    "nested too deep, objects": ('{"a":' * 1000, "nested deeper"),
    "unclosed string of escapes": ('"' + '\\"' * 3000, "not JSON"),
    "unknown element": (_document(ALLOW_ALL, Id="x"), "Id"),
    "no version": (json.dumps({"Statement": [ALLOW_ALL]}), "Version"),
    "version number": (json.dumps({"Version": 1, "Statement": [ALLOW_ALL]}), "Version"),
    "version of another cloud": (json.dumps({"Version": "2012-10-17", "Statement": [ALLOW_ALL]}), "Version"),
    "no statement": (json.dumps({"Version": "1"}), "Statement"),
    "no statements": (_document(), "Statement"),
    "single statement": (json.dumps({"Version": "1", "Statement": ALLOW_ALL}), "Statement"),
    "statement is text": (_document("x"), "Statement[0]"),
    "member twice": ('{"Version":"1","Version":"1","Statement":[]}', "`Version` is written twice"),
    "effect twice": (
        '{"Version":"1","Statement":[{"Effect":"Deny","Effect":"Allow","Action":"*","Resource":"*"}]}',
        "Statement[0]",
    ),
    "Sid": (_with(Sid="1"), "Statement[0].Sid"),
    "NotResource": (_with(NotResource="*"), "Statement[0].NotResource"),
    "NotPrincipal": (_with(NotPrincipal="*"), "Statement[0].NotPrincipal"),
    "Principal": (_with(Principal="*"), "Statement[0].Principal"),
    "element in lower case": (_with(action="*"), "Statement[0]"),
    "effect in lower case": (_with(Effect="allow"), "Statement[0].Effect"),
    "effect is a list": (_with(Effect=["Allow"]), "Statement[0].Effect"),
    "effect is an object": (_with(Effect={}), "Statement[0].Effect"),
    "no effect": (_document({"Action": "*", "Resource": "*"}), "Statement[0].Effect"),
    "no action": (_document(ALLOW_ALL, {"Effect": "Allow", "Resource": "*"}), "Statement[1].Action"),
    "both kinds of action": (_with(NotAction="*"), "Statement[0]"),
    "no actions": (_with(Action=[]), "Statement[0].Action"),
    "empty action": (_with(Action=""), "Statement[0].Action[0]"),
    "action without service": (_with(Action=["*", "GetObject"]), "Statement[0].Action[1]"),
    "action with space": (_with(Action="oss: Get"), "Statement[0].Action[0]"),
    "action with Kelvin sign": (_with(Action="oss:\u212aill"), "Statement[0].Action[0]"),
    "action is a number": (_with(Action=[1]), "Statement[0].Action[0]"),
    "action is null": (_with(Action=None), "Statement[0].Action"),
    "no resource": (_document({"Effect": "Allow", "Action": "*"}), "Statement[0].Resource"),
    "resource of another cloud": (_with(Resource="arn:aws:s3:::b"), "Statement[0].Resource[0]"),
    "empty resource": (_with(Resource=""), "Statement[0].Resource[0]"),
    "resource with line feed": (_with(Resource="acs:oss\n"), "Statement[0].Resource[0]"),
    "condition is text": (_with(Condition="x"), "Statement[0].Condition"),
    "condition is null": (_with(Condition=None), "Statement[0].Condition"),
    "unknown operator": (_with(Condition={"ArnLike": {"acs:x": "1"}}), "Statement[0].Condition"),
    "operator in other case": (_with(Condition={"stringequals": {"acs:x": "1"}}), "Statement[0].Condition"),
    "IfExists": (_with(Condition={"StringEqualsIfExists": {"acs:x": "1"}}), "Statement[0].Condition"),
    "operator without key": (_with(Condition={"Bool": {}}), "Statement[0].Condition.Bool"),
    "key without prefix": (_with(Condition={"Bool": {"x": "true"}}), "Statement[0].Condition.Bool"),
    "key twice in different case": (
        _with(Condition={"Bool": {"acs:MFAPresent": "true", "acs:mfapresent": "false"}}),
        "Statement[0].Condition.Bool",
    ),
    "no values": (_with(Condition={"Bool": {"acs:x": []}}), "Statement[0].Condition.Bool.acs:x"),
    "a boolean": (_with(Condition={"Bool": {"acs:x": True}}), "Statement[0].Condition.Bool.acs:x"),
    "a number value": (_with(Condition={"NumericEquals": {"acs:x": 1}}), "Statement[0].Condition.NumericEquals.acs:x"),
    "not a boolean": (_with(Condition={"Bool": {"acs:x": "yes"}}), "Statement[0].Condition.Bool.acs:x"),
    "not a number": (
        _with(Condition={"NumericEquals": {"acs:x": "1e5"}}),
        "Statement[0].Condition.NumericEquals.acs:x",
    ),
    "Arabic digits": (_with(Condition={"NumericEquals": {"acs:x": "١"}}), "Statement[0].Condition.NumericEquals.acs:x"),
    "date without offset": (
        _with(Condition={"DateEquals": {"acs:x": "2026-01-01T00:00:00"}}),
        "Statement[0].Condition.DateEquals.acs:x",
    ),
    "no such day": (
        _with(Condition={"DateEquals": {"acs:x": "2026-02-30T00:00:00Z"}}),
        "Statement[0].Condition.DateEquals.acs:x",
    ),
    "no such block": (
        _with(Condition={"IpAddress": {"acs:x": "10.0.0.0/33"}}),
        "Statement[0].Condition.IpAddress.acs:x",
    ),
    "mask instead of prefix": (
        _with(Condition={"IpAddress": {"acs:x": "10.0.0.0/255.0.0.0"}}),
        "Statement[0].Condition.IpAddress.acs:x",
    ),
    "second value malformed": (
        _with(Condition={"IpAddress": {"acs:x": ["10.0.0.1", "fe80::1%eth0"]}}),
        "Statement[0].Condition.IpAddress.acs:x",
    ),
}


@pytest.mark.parametrize(("text", "place"), REFUSED.values(), ids=REFUSED.keys())
def test_parse_policy__malformed__says_where(text: str, place: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_policy(text)
    assert caught.value.reason is Reason.POLICY_MALFORMED
    assert caught.value.public.startswith(place)


def test_parse_policy__near_miss_of_a_name__proposes_the_right_one() -> None:
    with pytest.raises(InputError) as caught:
        parse_policy(_with(Condition={"StringEqual": {"acs:x": "1"}}))
    assert caught.value.reason is Reason.POLICY_MALFORMED
    assert "did you mean `StringEquals`?" in caught.value.public


def _of_length(length: int) -> str:
    empty = json.loads(_with(Resource="acs:"))
    room = length - len(json.dumps(empty, separators=(",", ":")))
    empty["Statement"][0]["Resource"] = "acs:" + "x" * room
    return json.dumps(empty, separators=(",", ":"))


@pytest.mark.parametrize(("parse", "limit"), [(parse_policy, 6144), (parse_session_policy, 2048)])
def test_parse__length_at_the_limit__is_read(parse: object, limit: int) -> None:
    assert callable(parse)
    assert parse(_of_length(limit)).statements
    with pytest.raises(InputError) as caught:
        parse(_of_length(limit + 1))
    assert caught.value.reason is Reason.POLICY_TOO_LONG


def test_parse_policy__white_space_between_tokens__does_not_count() -> None:
    text = _of_length(6144)
    assert parse_policy(text.replace(",", ",\n\t\r ")) == parse_policy(text)
    with pytest.raises(InputError) as caught:
        parse_policy(text + " " * 6144 * 4)
    assert caught.value.reason is Reason.POLICY_TOO_LONG


def test_parse_session_policy__white_space__counts() -> None:
    with pytest.raises(InputError) as caught:
        parse_session_policy(_of_length(2040) + " " * 9)
    assert caught.value.reason is Reason.POLICY_TOO_LONG


def test_parse_trust_policy__too_long__is_refused() -> None:
    with pytest.raises(InputError) as caught:
        parse_trust_policy(_of_length(2049))
    assert caught.value.reason is Reason.POLICY_TOO_LONG
