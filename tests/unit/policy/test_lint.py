"""The linter: each rule with a policy that it speaks of, and a neighbour that it is silent about."""

import json
from collections.abc import Mapping

import pytest

from gateway.policy import parse_policy
from gateway.policy.finding import Finding, Lint, Severity
from gateway.policy.lint import Known, lint_policy
from tests.fake_clock import NOON

KNOWN = Known(NOON, {"ram": frozenset({"GetUser", "ListUsers", "DeleteUser"})}, frozenset({"wiki"}))
Node = Mapping[str, object]


def _statement(**parts: object) -> Node:
    return {"Effect": "Allow", "Action": "oss:GetObject", "Resource": "acs:oss:*:*:bucket/*", **parts}


def _lint(*statements: Node) -> tuple[Finding, ...]:
    return lint_policy(parse_policy(json.dumps({"Version": "1", "Statement": list(statements)})), KNOWN)


def _when(operator: str, key: str, *values: str) -> dict[str, object]:
    return {"Condition": {operator: {key: list(values)}}}


RULES = [
    (
        _statement(Action="osss:GetObject", Resource="*"),
        _statement(Action="wiki:Read", Resource="*"),
        Lint.UNKNOWN_SERVICE,
    ),
    (_statement(Action="oz?s:Get*", Resource="*"), _statement(Action="os?:Get*", Resource="*"), Lint.UNKNOWN_SERVICE),
    (
        _statement(Action="ram:GetUserr", Resource="*"),
        _statement(Action="ram:getuser", Resource="*"),
        Lint.UNKNOWN_OPERATION,
    ),
    (
        _statement(Action="ram:Set*", Resource="*"),
        _statement(Action="ram:L*s", Resource="*"),
        Lint.UNKNOWN_OPERATION,
    ),
    (
        _statement(**_when("StringEquals", "acs:SourcVpc", "vpc-1")),
        _statement(**_when("StringEquals", "acs:SourceVpc", "vpc-1")),
        Lint.UNKNOWN_KEY,
    ),
    (
        _statement(**_when("StringEquals", "acs:ResourceTag/", "x")),
        _statement(**_when("StringEquals", "acs:ResourceTag/team", "x")),
        Lint.UNKNOWN_KEY,
    ),
    (
        _statement(**_when("StringEquals", "acs:SourceIp", "192.0.2.0/24")),
        _statement(**_when("IpAddress", "acs:SourceIp", "192.0.2.0/24")),
        Lint.WRONG_OPERATOR,
    ),
    (
        _statement(**_when("StringEquals", "acs:PrincipalARN", "acs:ram::1:user/*")),
        _statement(**_when("StringLike", "acs:PrincipalARN", "acs:ram::1:user/*")),
        Lint.LITERAL_WILDCARD,
    ),
    (
        _statement(**_when("StringLike", "oss:Prefix", "home/${acs:username}/*")),
        _statement(**_when("StringLike", "oss:Prefix", "home/$/*")),
        Lint.LITERAL_VARIABLE,
    ),
    (_statement(Resource="acs:ecs:*:*:instance/*"), _statement(), Lint.NEVER_MATCHES),
    (
        {"Effect": "Deny", "NotAction": "*", "Resource": "*"},
        {"Effect": "Deny", "NotAction": "oss:*", "Resource": "*"},
        Lint.NEVER_MATCHES,
    ),
    (
        _statement(**_when("StringEquals", "oidc:sub", "x")),
        _statement(**_when("StringNotEquals", "oidc:sub", "x")),
        Lint.NEVER_MATCHES,
    ),
    (
        _statement(Condition={"StringEquals": {"sts:ExternalId": "a"}, "StringLike": {"sts:ExternalId": "b*"}}),
        _statement(Condition={"StringEquals": {"sts:ExternalId": "ba"}, "StringLike": {"sts:ExternalId": "b*"}}),
        Lint.NEVER_MATCHES,
    ),
    (
        _statement(
            Condition={"NumericLessThan": {"acs:MFAAge": "10"}, "NumericGreaterThanEquals": {"acs:MFAAge": "10"}}
        ),
        _statement(
            Condition={"NumericLessThanEquals": {"acs:MFAAge": "10"}, "NumericGreaterThanEquals": {"acs:MFAAge": "10"}}
        ),
        Lint.NEVER_MATCHES,
    ),
    (
        _statement(
            Condition={
                "DateGreaterThan": {"acs:CurrentTime": "2027-01-02T00:00:00Z"},
                "DateLessThan": {"acs:CurrentTime": "2027-01-01T00:00:00Z"},
            }
        ),
        _statement(
            Condition={
                "DateGreaterThan": {"acs:CurrentTime": "2027-01-01T00:00:00Z"},
                "DateLessThan": {"acs:CurrentTime": "2027-01-02T00:00:00Z"},
            }
        ),
        Lint.NEVER_MATCHES,
    ),
    (
        _statement(
            Condition={"IpAddress": {"acs:SourceIp": "10.1.0.0/16"}, "NotIpAddress": {"acs:SourceIp": "10.0.0.0/8"}}
        ),
        _statement(
            Condition={"IpAddress": {"acs:SourceIp": "10.0.0.0/8"}, "NotIpAddress": {"acs:SourceIp": "10.1.0.0/16"}}
        ),
        Lint.NEVER_MATCHES,
    ),
    (
        _statement(**_when("DateLessThan", "acs:CurrentTime", "2026-03-04T11:59:59Z")),
        _statement(**_when("DateLessThan", "acs:CurrentTime", "2026-03-04T12:00:01Z")),
        Lint.LAPSED,
    ),
    (
        {"Effect": "Deny", "Action": "*", "Resource": "*", **_when("Bool", "acs:MFAPresent", "false")},
        {"Effect": "Deny", "Action": "*", "Resource": "*", **_when("StringNotEquals", "acs:MFAPresent", "true")},
        Lint.DENY_MISSES_ABSENT_KEY,
    ),
    (
        {"Effect": "Deny", "Action": "*", "Resource": "*", **_when("NumericGreaterThan", "acs:MFAAge", "900")},
        {"Effect": "Allow", "Action": "oss:*", "Resource": "*", **_when("NumericLessThan", "acs:MFAAge", "900")},
        Lint.DENY_MISSES_ABSENT_KEY,
    ),
    (
        {"Effect": "Allow", "NotAction": "ram:*", "Resource": "*"},
        {"Effect": "Deny", "NotAction": "ram:*", "Resource": "*"},
        Lint.ALLOW_NOT_ACTION,
    ),
    (_statement(Action="*", Resource="*"), _statement(Action="oss:*", Resource="*"), Lint.ADMINISTRATOR),
    (
        _statement(Action="ram:*", Resource="*"),
        _statement(Action="ram:*", Resource="acs:ram:*:*:user/bot-*"),
        Lint.SELF_PROMOTION,
    ),
]


@pytest.mark.parametrize(("odd", "plain", "rule"), RULES)
def test_lint_policy__odd_statement_and_its_neighbour__only_the_odd_one_is_named(
    odd: Node, plain: Node, rule: Lint
) -> None:
    assert rule in [found.rule for found in _lint(odd)]
    assert rule not in [found.rule for found in _lint(plain)]


def test_lint_policy__deny_of_all_that_is_allowed__is_named_at_the_allow() -> None:
    deny = {"Effect": "Deny", "Action": "oss:*", "Resource": "acs:oss:*:*:*"}
    (found,) = _lint(_statement(), deny)
    assert (found.rule, found.severity, found.path) == (Lint.ALWAYS_DENIED, Severity.ERROR, "Statement[0]")
    assert _lint(_statement(), {**deny, "Resource": "acs:oss:*:*:bucket/secret/*"}) == ()
    assert _lint(_statement(), {**deny, **_when("StringLike", "oss:Prefix", "x*")}) == ()


def test_lint_policy__statement_within_another__is_named_once() -> None:
    found = _lint(_statement(), _statement(Resource="acs:oss:*:*:bucket/a"), _statement())
    assert [(each.rule, each.path) for each in found] == [
        (Lint.REPEATED, "Statement[1]"),
        (Lint.REPEATED, "Statement[2]"),
    ]


def test_lint_policy__a_slip_of_the_pen__the_name_that_was_meant_is_told() -> None:
    (found,) = _lint(_statement(Action="ram:GetUserr", Resource="*"))
    assert "did you mean `GetUser`?" in found.problem
    assert str(found).startswith("warning: Statement[0].Action[0]: ")


def test_lint_policy__long_patterns__take_no_time() -> None:
    long = "acs:oss:*:*:" + "a*" * 700
    assert _lint(_statement(Resource=long), _statement(Resource=long + "b")) == ()
