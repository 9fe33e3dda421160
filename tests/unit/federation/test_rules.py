"""Mapping rules: which a login meets, and what the others say about themselves."""

import pytest

from gateway.errors import InputError, Reason
from gateway.federation.rules import MappingRule, RuleHit, RuleMiss, apply_rules, check_session_name_template
from gateway.policy import parse_condition_block

ROLE = "acs:ram::1234567890123456:role/reader"


def rule(condition: str = "{}", *, session_name: str = "${oidc:sub}", name: str = "readers") -> MappingRule:
    return MappingRule(name, parse_condition_block(condition), (ROLE,), session_name, None)


def outcome(one: MappingRule, context: dict[str, tuple[str, ...]]) -> RuleHit | RuleMiss:
    hits, misses = apply_rules([one], context)
    assert len(hits) + len(misses) == 1
    return hits[0] if hits else misses[0]


def test_apply_rules__no_condition__every_login_meets_it() -> None:
    hit = outcome(rule(), {"oidc:sub": ("ann",)})
    assert isinstance(hit, RuleHit)
    assert hit.session_name == "ann"


def test_apply_rules__several__in_their_order() -> None:
    rules = [rule(name="b"), rule('{"StringEquals": {"oidc:claim/x": "y"}}', name="c"), rule(name="a")]
    hits, misses = apply_rules(rules, {"oidc:sub": ("ann",)})
    assert [hit.rule.name for hit in hits] == ["b", "a"]
    assert [miss.rule.name for miss in misses] == ["c"]


@pytest.mark.parametrize(
    ("condition", "context", "hint"),
    [
        (
            '{"StringEquals": {"oidc:claim/groups": "Admins"}}',
            {"oidc:claim/groups": ("staff", "admins")},
            "`admins` and `Admins` differ in upper and lower case only",
        ),
        (
            '{"StringEquals": {"oidc:claim/groups": "admins"}}',
            {"oidc:claim/roles": ("admins",)},
            "the login has no oidc:claim/groups; it has `oidc:claim/roles`",
        ),
        (
            '{"StringEquals": {"saml:attribute/groups": "a"}}',
            {"saml:attribute/http://schemas.example/claims/Groups": ("a",)},
            "the login has no saml:attribute/groups; it has `saml:attribute/http://schemas.example/claims/Groups`",
        ),
        (
            '{"StringEquals": {"oidc:claim/groups": "admins"}}',
            {"oidc:claim/groups": ("staff,admins",)},
            "oidc:claim/groups is one text with `,` between its parts, not a list of values",
        ),
        (
            '{"StringEquals": {"oidc:claim/mail": "a"}}',
            {"oidc:claim/mail": (" a",)},
            "` a` has white space around it",
        ),
        (
            '{"StringEquals": {"oidc:claim/mail": "*@acme.example"}}',
            {"oidc:claim/mail": ("ann@acme.example",)},
            "StringEquals takes * and ? as they are; StringLike has wildcards",
        ),
        (
            '{"StringNotEquals": {"oidc:claim/kind": "robot"}}',
            {"oidc:claim/kind": ("robot",)},
            "oidc:claim/kind has a value that the rule leaves out",
        ),
        (
            '{"StringEquals": {"oidc:claim/kind": "robot"}}',
            {"oidc:claim/kind": ("human",)},
            "no value of oidc:claim/kind is what the rule wants",
        ),
        ('{"Bool": {"acs:MFAPresent": "true"}}', {}, "the login has no acs:MFAPresent"),
    ],
)
def test_apply_rules__nearly_met__says_why_not(condition: str, context: dict[str, tuple[str, ...]], hint: str) -> None:
    miss = outcome(rule(condition), {"oidc:sub": ("ann",), **context})
    assert isinstance(miss, RuleMiss)
    assert miss.why == hint
    assert [each.value.met for each in miss.unmet] == [False]


@pytest.mark.parametrize(
    ("template", "context", "why"),
    [
        ("${oidc:claim/email}", {}, "the session name needs one value of oidc:claim/email, and the login has none"),
        (
            "${oidc:claim/g}",
            {"oidc:claim/g": ("a", "b")},
            "the session name needs one value of oidc:claim/g, and the login has 2",
        ),
        (
            "${oidc:sub}",
            {"oidc:sub": ("a b",)},
            "the session name would not have 2 to 64 letters, digits and - _ . @ =",
        ),
        (
            "${oidc:sub}",
            {"oidc:sub": ("x" * 65,)},
            "the session name would not have 2 to 64 letters, digits and - _ . @ =",
        ),
    ],
)
def test_apply_rules__no_session_name__not_met(template: str, context: dict[str, tuple[str, ...]], why: str) -> None:
    miss = outcome(rule(session_name=template), context)
    assert isinstance(miss, RuleMiss)
    assert miss.why == why


def test_apply_rules__value_with_a_placeholder_in_it__not_read_again() -> None:
    miss = outcome(rule(session_name="${oidc:sub}"), {"oidc:sub": ("${oidc:iss}",), "oidc:iss": ("x",)})
    assert isinstance(miss, RuleMiss)


@pytest.mark.parametrize("template", ["", "a", "a b", "${}", "${sub}", "x" * 65, "${oidc:sub", "${oidc:sub}/x"])
def test_check_session_name_template__never_a_name__refused(template: str) -> None:
    with pytest.raises(InputError) as caught:
        check_session_name_template(template)
    assert (caught.value.reason, caught.value.subject) == (Reason.PARAMETER_INVALID, "SessionName")


def test_check_session_name_template__text_and_placeholders__accepted() -> None:
    check_session_name_template("sso-${oidc:sub}")
    check_session_name_template("fixed-name")
