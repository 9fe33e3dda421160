"""The sentence, and the values behind it."""

from gateway.policy import ConditionValue, FederatedPrincipal, Layers, Outcome, decide, decide_trust, parse_trust_policy
from tests.unit.policy.builders import ALICE, UID, ask, document, policy_set, statement

NIGHT = {"IpAddress": {"acs:SourceIp": ["10.0.0.0/8", "192.0.2.0/24"]}, "Bool": {"acs:MFAPresent": "true"}}


def test_explain__allow__names_statement_policy_and_values() -> None:
    context = {"acs:sourceip": ("10.1.1.1",), "acs:mfapresent": ("true",)}
    decision = decide(ask(context=context), Layers(identity=policy_set(statement(condition=NIGHT))))
    assert decision.condition_values == (
        ConditionValue("IpAddress", "acs:SourceIp", ("10.0.0.0/8", "192.0.2.0/24"), ("10.1.1.1",), True),
        ConditionValue("Bool", "acs:MFAPresent", ("true",), ("true",), True),
    )
    assert decision.explain() == (
        f"`oss:GetObject` on `acs:oss:*:{UID}:bucket/a.txt` is allowed by Statement[0] (Allow) of custom policy `p` v1 "
        f"attached to user `{ALICE}` because acs:SourceIp is `10.1.1.1` (IpAddress wants `10.0.0.0/8` or "
        "`192.0.2.0/24`) and acs:MFAPresent is `true` (Bool wants `true`)"
    )


def test_explain__explicit_deny__names_the_denying_statement() -> None:
    decision = decide(ask(), Layers(identity=policy_set(statement(), statement("Deny", "oss:*"))))
    assert "is denied by Statement[1] (Deny) of custom policy `p` v1" in decision.explain()
    assert decision.nearest is None


def test_explain__nothing_allows__says_so() -> None:
    decision = decide(ask(), Layers(identity=policy_set(statement(action="ecs:*"))))
    assert decision.statement is None
    assert decision.nearest is None
    assert decision.condition_values == ()
    assert decision.explain().endswith(
        "is denied: no statement of the policies attached for the whole account allows it"
    )


def test_explain__condition_failed__names_the_nearest_statement() -> None:
    both = {"Bool": {"acs:MFAPresent": "true", "acs:SecureTransport": "true"}}
    one = {"Bool": {"acs:SecureTransport": "true"}, "IpAddress": {"acs:SourceIp": "10.0.0.0/8"}}
    decision = decide(
        ask(context={"acs:SecureTransport": ("false",), "acs:SourceIp": ("10.0.0.1",)}),
        Layers(identity=policy_set(statement(condition=both), statement("Deny", "ecs:*"), statement(condition=one))),
    )
    assert decision.outcome is Outcome.IMPLICIT_DENY
    assert decision.nearest is not None
    assert decision.nearest.index == 2
    assert [(value.key, value.met) for value in decision.condition_values] == [
        ("acs:SecureTransport", False),
        ("acs:SourceIp", True),
    ]
    assert decision.explain().endswith(
        f"the nearest, Statement[2] (Allow) of custom policy `p` v1 attached to user `{ALICE}`, does not apply because "
        "acs:SecureTransport is `false` (Bool wants `true`)"
    )


def test_explain__session_and_group__names_the_layer() -> None:
    layers = Layers(identity=policy_set(statement()), session=policy_set(statement(action="ecs:*")))
    assert "no statement of the session policy allows it" in decide(ask(), layers).explain()
    layers = Layers(identity=policy_set(), resource_group=policy_set())
    assert "for the account or the resource group" in decide(ask(), layers).explain()
    assert (
        decide(ask(), Layers(identity=policy_set(), owner=True))
        .explain()
        .endswith("is allowed: the account owner needs no policy")
    )


def test_explain__texts_from_outside__stay_on_one_line_and_short() -> None:
    condition = {"StringEquals": {"acs:x": [str(number) for number in range(500)]}}
    request = ask("oss:`\n\u202e", "acs:oss:" + "y" * 5000, {"acs:x": ("z\n" * 4000, "1`", "q", "r")})
    told = decide(request, Layers(identity=policy_set(statement(condition=condition)))).explain()
    assert "\n" not in told
    assert "\u202e" not in told
    assert "497 more" in told
    assert len(told) < 1200


def test_explain__trust__speaks_of_the_trust_policy() -> None:
    provider = FederatedPrincipal(f"acs:ram::{UID}:saml-provider/company")
    trust = parse_trust_policy(
        document(
            {
                "Effect": "Allow",
                "Action": "sts:AssumeRole",
                "Principal": {"Federated": [provider.provider_arn]},
                "Condition": {"StringEquals": {"saml:recipient": "https://right"}},
            }
        )
    )
    decision = decide_trust(trust, provider, {"saml:recipient": ("https://wrong",)}, role_arn="acs:ram::1:role/r")
    assert decision.explain() == (
        "`sts:AssumeRole` on `acs:ram::1:role/r` is denied: no statement of the trust policy of the role allows it; the "
        "nearest, Statement[0] (Allow) of trust policy `AssumeRolePolicyDocument`, does not apply because "
        "saml:recipient is `https://wrong` (StringEquals wants `https://right`)"
    )
