"""Trust policies: who is meant, who is not, what is refused."""

import json

import pytest

from gateway.errors import InputError, Reason
from gateway.policy import (
    FederatedPrincipal,
    Layer,
    Outcome,
    PolicyType,
    RamKind,
    RamPrincipal,
    ServicePrincipal,
    TrustedPrincipal,
    decide_trust,
    parse_trust_policy,
)
from tests.unit.policy.builders import UID, document

OTHER = "6543210987654321"


def _trust(principal: object, effect: str = "Allow", **extra: object) -> dict[str, object]:
    return {"Effect": effect, "Action": "sts:AssumeRole", "Principal": principal, **extra}


def _user(name: str, account: str = UID) -> RamPrincipal:
    return RamPrincipal(account, RamKind.USER, name)


def _role(name: str, account: str = UID) -> RamPrincipal:
    return RamPrincipal(account, RamKind.ROLE, name)


def _saml(name: str, account: str = UID) -> FederatedPrincipal:
    return FederatedPrincipal(f"acs:ram::{account}:saml-provider/{name}")


ADMITTED: list[tuple[object, TrustedPrincipal, bool]] = [
    ({"RAM": f"acs:ram::{UID}:root"}, _user("alice"), True),
    ({"RAM": f"acs:ram::{UID}:root"}, _role("reader"), True),
    ({"RAM": f"acs:ram::{UID}:root"}, RamPrincipal(UID, RamKind.ROOT), True),
    ({"RAM": f"acs:ram::{UID}:root"}, _user("alice", OTHER), False),
    ({"RAM": f"acs:ram::{UID}:root"}, _saml("company"), False),
    ({"RAM": f"acs:ram::{UID}:root"}, ServicePrincipal("ecs.aliyuncs.com", UID), False),
    ({"RAM": f"acs:ram::{UID}:user/alice"}, _user("alice"), True),
    ({"RAM": f"acs:ram:*:{UID}:user/alice"}, _user("Alice"), True),
    ({"RAM": f"acs:ram::{UID}:user/alice"}, _user("alice2"), False),
    ({"RAM": f"acs:ram::{UID}:user/alice"}, _user("lice"), False),
    ({"RAM": f"acs:ram::{UID}:user/alice"}, _role("alice"), False),
    ({"RAM": f"acs:ram::{UID}:user/alice"}, RamPrincipal(UID, RamKind.ROOT), False),
    ({"RAM": [f"acs:ram::{UID}:user/bob", f"acs:ram::{UID}:user/alice"]}, _user("alice"), True),
    ({"RAM": f"acs:ram::{UID}:role/Reader"}, _role("reader"), True),
    ({"RAM": f"acs:ram::{UID}:role/reader"}, _role("READER"), True),
    ({"RAM": f"acs:ram::{UID}:role/reader"}, _role("reader", OTHER), False),
    ({"RAM": f"acs:ram::{UID}:user/kim"}, _user("\u212aim"), False),
    ({"Federated": f"acs:ram::{UID}:saml-provider/company"}, _saml("company"), True),
    ({"Federated": f"acs:ram::{UID}:saml-provider/Company"}, _saml("company"), True),
    ({"Federated": f"acs:ram::{UID}:saml-provider/company"}, _saml("company2"), False),
    ({"Federated": f"acs:ram::{UID}:saml-provider/company"}, _saml("company", OTHER), False),
    (
        {"Federated": f"acs:ram::{UID}:saml-provider/company"},
        FederatedPrincipal(f"acs:ram::{UID}:oidc-provider/company"),
        False,
    ),
    ({"Service": "ecs.aliyuncs.com"}, ServicePrincipal("ecs.aliyuncs.com"), True),
    ({"Service": "ecs.aliyuncs.com"}, ServicePrincipal("ecs.aliyuncs.com", OTHER), False),
    ({"Service": f"{OTHER}@ecs.aliyuncs.com"}, ServicePrincipal("ecs.aliyuncs.com", OTHER), True),
    ({"Service": f"{OTHER}@ecs.aliyuncs.com"}, ServicePrincipal("ecs.aliyuncs.com"), False),
    ({"Service": "ecs.aliyuncs.com"}, ServicePrincipal("ecs.aliyuncs.com.evil.example"), False),
    ({"Service": "ecs.aliyuncs.com", "RAM": f"acs:ram::{UID}:root"}, _user("x"), True),
]


@pytest.mark.parametrize(("written", "principal", "admitted"), ADMITTED)
def test_decide_trust__principal__compared_as_a_value(
    written: object, principal: TrustedPrincipal, admitted: bool
) -> None:
    trust = parse_trust_policy(document(_trust(written)))
    decision = decide_trust(trust, principal, {})
    assert decision.allowed is admitted
    assert decision.layer is Layer.TRUST
    assert decision.outcome is (Outcome.ALLOW if admitted else Outcome.IMPLICIT_DENY)


def test_decide_trust__deny__beats_allow_and_is_named() -> None:
    principal = {"RAM": f"acs:ram::{UID}:root"}
    trust = parse_trust_policy(document(_trust(principal), _trust({"RAM": f"acs:ram::{UID}:user/mallory"}, "Deny")))
    assert decide_trust(trust, _user("alice"), {}).allowed
    denied = decide_trust(trust, _user("Mallory"), {})
    assert denied.outcome is Outcome.EXPLICIT_DENY
    assert denied.statement is not None
    assert (denied.statement.index, denied.statement.policy_type) == (1, PolicyType.TRUST)


@pytest.mark.parametrize(
    ("action", "admitted"),
    [
        ("sts:AssumeRole", True),
        ("STS:assumerole", True),
        ("sts:*", True),
        ("*", True),
        ("sts:GetCallerIdentity", False),
    ],
)
def test_decide_trust__action__must_be_assume_role(action: str, admitted: bool) -> None:
    statement = {**_trust({"RAM": f"acs:ram::{UID}:root"}), "Action": action}
    assert decide_trust(parse_trust_policy(document(statement)), _user("a"), {}).allowed is admitted
    del statement["Action"]
    statement["NotAction"] = action
    assert decide_trust(parse_trust_policy(document(statement)), _user("a"), {}).allowed is not admitted


def test_decide_trust__saml_conditions__all_must_be_met() -> None:
    provider = _saml("company")
    condition = {
        "StringEquals": {"saml:recipient": "https://sso.example/saml-role/sso"},
        "StringLike": {"saml:attribute/department": ["eng-*"]},
    }
    trust = parse_trust_policy(document(_trust({"Federated": provider.provider_arn}, Condition=condition)))
    seen = {"saml:recipient": ("https://sso.example/saml-role/sso",), "saml:attribute/Department": ("x", "eng-1")}
    assert decide_trust(trust, provider, seen).allowed
    assert not decide_trust(trust, provider, {**seen, "saml:attribute/Department": ("sales",)}).allowed
    assert not decide_trust(trust, provider, {**seen, "saml:recipient": ("https://evil.example",)}).allowed
    assert not decide_trust(trust, provider, {}).allowed


REFUSED = {
    "no principal": ({"Effect": "Allow", "Action": "sts:AssumeRole"}, "Statement[0].Principal"),
    "star": (_trust("*"), "Statement[0].Principal"),
    "star in RAM": (_trust({"RAM": "*"}), "Statement[0].Principal.RAM[0]"),
    "wildcard name": (_trust({"RAM": f"acs:ram::{UID}:role/*"}), "Statement[0].Principal.RAM[0]"),
    "wildcard account": (_trust({"RAM": "acs:ram::*:root"}), "Statement[0].Principal.RAM[0]"),
    "account id alone": (_trust({"RAM": UID}), "Statement[0].Principal.RAM[0]"),
    "group": (_trust({"RAM": f"acs:ram::{UID}:group/g"}), "Statement[0].Principal.RAM[0]"),
    "second of two": (_trust({"RAM": [f"acs:ram::{UID}:root", "x"]}), "Statement[0].Principal.RAM[1]"),
    "trailing line feed": (_trust({"RAM": f"acs:ram::{UID}:root\n"}), "Statement[0].Principal.RAM[0]"),
    "Arabic digits": (_trust({"RAM": "acs:ram::" + "١" * 16 + ":root"}), "Statement[0].Principal.RAM[0]"),
    "nobody": (_trust({}), "Statement[0].Principal"),
    "empty list": (_trust({"RAM": []}), "Statement[0].Principal.RAM"),
    "unknown kind": (_trust({"AWS": "x"}), "Statement[0].Principal"),
    "kind in lower case": (_trust({"ram": f"acs:ram::{UID}:root"}), "Statement[0].Principal"),
    "no provider": (_trust({"Federated": f"acs:ram::{UID}:root"}), "Statement[0].Principal.Federated[0]"),
    "no service": (_trust({"Service": "ecs"}), "Statement[0].Principal.Service[0]"),
    "resource": (_trust({"RAM": f"acs:ram::{UID}:root"}, Resource="*"), "Statement[0]"),
    "NotPrincipal": (_trust({"RAM": f"acs:ram::{UID}:root"}, NotPrincipal={}), "Statement[0].NotPrincipal"),
}


@pytest.mark.parametrize(("statement", "place"), REFUSED.values(), ids=REFUSED.keys())
def test_parse_trust_policy__malformed__says_where(statement: object, place: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_trust_policy(document(statement))
    assert caught.value.reason is Reason.POLICY_MALFORMED
    assert caught.value.public.startswith(f"{place}: ")


def test_parse_trust_policy__text__is_kept() -> None:
    text = json.dumps(json.loads(document(_trust({"RAM": f"acs:ram::{UID}:root"}))), indent=1)
    assert parse_trust_policy(text).text == text


def test_federated_principal__not_a_provider__is_refused() -> None:
    with pytest.raises(InputError) as caught:
        FederatedPrincipal(f"acs:ram::{UID}:user/alice")
    assert caught.value.reason is Reason.ARN_MALFORMED
