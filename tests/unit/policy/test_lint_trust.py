"""The linter on trust policies: who gets in that nobody meant."""

import json

import pytest

from gateway.policy import parse_trust_policy
from gateway.policy.finding import Finding, Lint, Severity
from gateway.policy.lint_trust import TrustKnown, lint_trust
from tests.fake_clock import NOON

ACCOUNT, OTHER = "1234567890123456", "6543210987654321"
SAML = f"acs:ram::{ACCOUNT}:saml-provider/idp"
OIDC = f"acs:ram::{ACCOUNT}:oidc-provider/ci"
KNOWN = TrustKnown(NOON, ACCOUNT)
GITHUB = "https://token.actions.githubusercontent.com"


def _lint(
    principal: object, condition: object = None, *, known: TrustKnown = KNOWN, **parts: object
) -> tuple[Finding, ...]:
    statement = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": principal, **parts}
    if condition is not None:
        statement["Condition"] = condition
    return lint_trust(parse_trust_policy(json.dumps({"Version": "1", "Statement": [statement]})), known)


def _rules(findings: tuple[Finding, ...]) -> list[Lint]:
    return [found.rule for found in findings]


RECIPIENT = {"StringEquals": {"saml:recipient": "https://sso.example/saml-role/sso"}}
FULL = {"StringEquals": {"oidc:aud": "app", "oidc:iss": GITHUB, "oidc:sub": "repo:acme/site:ref:refs/heads/main"}}


@pytest.mark.parametrize(
    ("principal", "condition"),
    [
        ({"Federated": SAML}, RECIPIENT),
        ({"Federated": OIDC}, FULL),
        ({"Service": "ecs.aliyuncs.com"}, None),
        ({"RAM": f"acs:ram::{ACCOUNT}:user/alice"}, None),
        ({"RAM": f"acs:ram::{OTHER}:role/deploy"}, {"StringEquals": {"sts:ExternalId": "contract-7"}}),
    ],
)
def test_lint_trust__narrow_trust__nothing_to_say(principal: object, condition: object) -> None:
    assert _lint(principal, condition) == ()


def test_lint_trust__saml_without_recipient__is_named() -> None:
    assert _rules(_lint({"Federated": SAML})) == [Lint.TRUSTS_EVERY_RECIPIENT]


@pytest.mark.parametrize("pattern", ["*", "repo:*", "??*", "r*"])
def test_lint_trust__shared_issuer_and_any_subject__is_an_error(pattern: str) -> None:
    condition = {"StringEquals": {"oidc:aud": "app", "oidc:iss": GITHUB}, "StringLike": {"oidc:sub": pattern}}
    (found,) = _lint({"Federated": OIDC}, condition)
    assert (found.rule, found.severity) == (Lint.TRUSTS_EVERY_SUBJECT, Severity.ERROR)
    assert GITHUB in found.problem


def test_lint_trust__issuer_known_from_the_provider__is_an_error_too() -> None:
    known = TrustKnown(NOON, ACCOUNT, {OIDC.lower(): GITHUB})
    (found,) = _lint({"Federated": OIDC}, {"StringEquals": {"oidc:aud": "app"}}, known=known)
    assert found.severity is Severity.ERROR


def test_lint_trust__own_issuer_and_any_subject__is_a_warning() -> None:
    (found,) = _lint({"Federated": OIDC}, {"StringEquals": {"oidc:aud": "app", "oidc:iss": "https://idp.acme.example"}})
    assert (found.rule, found.severity) == (Lint.TRUSTS_EVERY_SUBJECT, Severity.WARNING)


def test_lint_trust__no_audience__is_named() -> None:
    assert _rules(_lint({"Federated": OIDC}, {"StringEquals": {"oidc:sub": "job-17"}})) == [Lint.TRUSTS_EVERY_CLIENT]


def test_lint_trust__whole_accounts__foreign_ones_are_worse() -> None:
    (own,) = _lint({"RAM": f"acs:ram::{ACCOUNT}:root"})
    assert (own.rule, own.severity) == (Lint.TRUSTS_WHOLE_ACCOUNT, Severity.NOTE)
    foreign = _lint({"RAM": f"acs:ram::{OTHER}:root"})
    assert _rules(foreign) == [Lint.TRUSTS_WHOLE_ACCOUNT, Lint.NO_EXTERNAL_ID]
    assert foreign[0].severity is Severity.WARNING


def test_lint_trust__other_action__never_matches() -> None:
    found = _lint({"Federated": SAML}, RECIPIENT, Action="sts:AssumeRoleWithSAML")
    assert _rules(found) == [Lint.NEVER_MATCHES]


def test_lint_trust__allow_with_not_action__is_named() -> None:
    text = {
        "Version": "1",
        "Statement": [
            {
                "Effect": "Allow",
                "NotAction": "sts:GetCallerIdentity",
                "Principal": {"RAM": f"acs:ram::{ACCOUNT}:user/a"},
            }
        ],
    }
    assert _rules(lint_trust(parse_trust_policy(json.dumps(text)), KNOWN)) == [Lint.ALLOW_NOT_ACTION]


def test_lint_trust__deny__is_no_trust() -> None:
    assert _lint({"Federated": OIDC}, Effect="Deny") == ()
