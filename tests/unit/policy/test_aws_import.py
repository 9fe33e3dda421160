"""Policies of AWS: taken over where they mean the same, refused at the place where they do not."""

import json
from collections.abc import Mapping

import pytest

from gateway.errors import InputError, Reason
from gateway.policy import (
    AccessRequest,
    AttachedPolicy,
    FederatedPrincipal,
    Layers,
    PolicyType,
    compile_policies,
    decide,
    decide_trust,
    parse_policy,
    parse_trust_policy,
)
from gateway.policy.aws_import import import_aws_policy, import_aws_trust_policy
from gateway.policy.aws_resources import Correspondence
from tests.unit.policy.builders import ALICE

ISSUER = "token.actions.githubusercontent.com"
OIDC = "acs:ram::1234567890123456:oidc-provider/ci"
NAMES = Correspondence({"111122223333": "1234567890123456"}, {ISSUER: OIDC})
Node = Mapping[str, object]


def _text(*statements: Node) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def _identity(**parts: object) -> Node:
    return {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::bucket/*", **parts}


def _trust(**parts: object) -> Node:
    principal = {"AWS": "arn:aws:iam::111122223333:user/alice"}
    return {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": principal, **parts}


def _imported(*statements: Node) -> list[dict[str, object]]:
    document = json.loads(import_aws_policy(_text(*statements), NAMES).text)
    assert document["Version"] == "1"
    found: list[dict[str, object]] = document["Statement"]
    return found


def test_import_aws_policy__a_bucket_reader__decides_the_same() -> None:
    statement = _identity(
        Sid="Read",
        Action=["s3:GetObject", "s3:ListBucket"],
        Resource=["arn:aws:s3:::bucket", "arn:aws:s3:::bucket/*"],
        Condition={"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}, "Bool": {"aws:SecureTransport": True}},
    )
    imported = import_aws_policy(_text(statement), NAMES)
    assert imported.notes == ("Statement[0].Sid was dropped: statements have no ids here",)
    attached = AttachedPolicy("p", PolicyType.CUSTOM, "v1", parse_policy(imported.text), ALICE, "User")
    layers = Layers(identity=compile_policies((attached,)))
    context = {"acs:SourceIp": ("192.0.2.9",), "acs:SecureTransport": ("true",)}
    resource = "acs:oss:cn-hangzhou:1234567890123456:bucket/a.txt"
    assert decide(AccessRequest("oss:GetObject", resource, context), layers).allowed
    assert decide(AccessRequest("oss:ListObjects", resource, context), layers).allowed
    assert not decide(AccessRequest("oss:PutObject", resource, context), layers).allowed
    assert not decide(
        AccessRequest("oss:GetObject", resource, {**context, "acs:SourceIp": ("10.0.0.1",)}), layers
    ).allowed


def test_import_aws_policy__identities__are_called_as_here() -> None:
    (statement,) = _imported(
        _identity(
            Action=["iam:AttachUserPolicy", "IAM:getuser"],
            Resource=[
                "arn:aws:iam::111122223333:user/bot-*",
                "arn:aws:iam::*:policy/x",
                "arn:aws-cn:iam::111122223333:*",
            ],
            Condition={
                "NumericLessThan": {"aws:MultiFactorAuthAge": 900},
                "StringEquals": {"aws:ResourceTag/Team": "a", "aws:PrincipalArn": "arn:aws:iam::111122223333:role/Ops"},
            },
        )
    )
    assert statement == {
        "Effect": "Allow",
        "Action": ["ram:AttachPolicyToUser", "ram:GetUser"],
        "Resource": [
            "acs:ram:*:1234567890123456:user/bot-*",
            "acs:ram:*:*:policy/x",
            "acs:ram:*:1234567890123456:*",
        ],
        "Condition": {
            "NumericLessThan": {"acs:MFAAge": ["900"]},
            "StringEquals": {"acs:ResourceTag/Team": ["a"], "acs:PrincipalARN": ["acs:ram::1234567890123456:role/Ops"]},
        },
    }


def test_import_aws_policy__whole_services_and_everything__stay_whole() -> None:
    deny = {"Effect": "Deny", "NotAction": ["iam:*", "sts:*"], "Resource": "*"}
    assert _imported(_identity(Action="*", Resource="*"), deny) == [
        {"Effect": "Allow", "Action": ["*"], "Resource": ["*"]},
        {"Effect": "Deny", "NotAction": ["ram:*", "sts:*"], "Resource": ["*"]},
    ]


def test_import_aws_policy__single_statement_outside_a_list__is_read() -> None:
    text = json.dumps({"Version": "2008-10-17", "Id": "x", "Statement": _identity()})
    assert len(json.loads(import_aws_policy(text, NAMES).text)["Statement"]) == 1


@pytest.mark.parametrize(
    ("parts", "path"),
    [
        ({"Action": "ec2:RunInstances"}, "Statement[0].Action[0]"),
        ({"Action": ["s3:GetObject", "s3:Get*"]}, "Statement[0].Action[1]"),
        ({"Action": "s3:ReplicateObject"}, "Statement[0].Action[0]"),
        ({"Resource": "arn:aws:ec2:eu-west-1:111122223333:instance/*"}, "Statement[0].Resource[0]"),
        ({"Resource": "arn:aws:iam::999999999999:user/x"}, "Statement[0].Resource[0]"),
        ({"Resource": "arn:aws:iam::111122223333:user/team/x"}, "Statement[0].Resource[0]"),
        ({"Resource": "arn:aws:s3:::home/${aws:username}/*"}, "Statement[0].Resource[0]"),
        ({"Resource": "bucket/*"}, "Statement[0].Resource[0]"),
        ({"NotResource": "*"}, "Statement[0].NotResource"),
        ({"Principal": "*"}, "Statement[0].Principal"),
        ({"NotAction": "s3:*"}, "Statement[0]"),
        ({"Condition": {"StringEqualsIfExists": {"aws:SourceIp": "x"}}}, "Statement[0].Condition.StringEqualsIfExists"),
        (
            {"Condition": {"ForAnyValue:StringEquals": {"aws:TagKeys": "x"}}},
            "Statement[0].Condition.ForAnyValue:StringEquals",
        ),
        ({"Condition": {"Null": {"aws:TokenIssueTime": "true"}}}, "Statement[0].Condition.Null"),
        (
            {"Condition": {"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/x"}}},
            "Statement[0].Condition.ArnLike",
        ),
        ({"Condition": {"StringEquals": {"aws:RequestedRegion": "x"}}}, "Statement[0].Condition.StringEquals"),
        (
            {"Condition": {"StringLike": {"s3:prefix": "${aws:username}/*"}}},
            "Statement[0].Condition.StringLike.s3:prefix",
        ),
        (
            {"Condition": {"DateLessThan": {"aws:CurrentTime": "1700000000"}}},
            "Statement[0].Condition.DateLessThan.acs:CurrentTime",
        ),
        (
            {"Condition": {"StringLike": {"aws:PrincipalArn": "arn:aws:iam::111122223333:role/*"}}},
            "Statement[0].Condition.StringLike.aws:PrincipalArn",
        ),
    ],
)
def test_import_aws_policy__no_counterpart__is_refused_where_it_stands(parts: Node, path: str) -> None:
    with pytest.raises(InputError) as caught:
        import_aws_policy(_text(_identity(**parts)), NAMES)
    assert caught.value.reason is Reason.POLICY_MALFORMED
    assert caught.value.public.startswith(f"{path}: ")


def test_import_aws_policy__a_policy_of_ours__is_refused() -> None:
    with pytest.raises(InputError) as caught:
        import_aws_policy('{"Version": "1", "Statement": []}', NAMES)
    assert caught.value.public.startswith("Version: ")


def test_import_aws_trust_policy__workflow_identity__is_trusted_for_its_subject_only() -> None:
    statement = _trust(
        Action="sts:AssumeRoleWithWebIdentity",
        Principal={"Federated": f"arn:aws:iam::111122223333:oidc-provider/{ISSUER}"},
        Condition={
            "StringEquals": {f"{ISSUER}:aud": "sts.amazonaws.com"},
            "StringLike": {f"{ISSUER}:sub": "repo:acme/*"},
        },
    )
    trust = parse_trust_policy(import_aws_trust_policy(_text(statement), NAMES).text)
    context = {"oidc:aud": ("sts.amazonaws.com",), "oidc:sub": ("repo:acme/site",)}
    assert decide_trust(trust, FederatedPrincipal(OIDC), context).allowed
    assert not decide_trust(trust, FederatedPrincipal(OIDC), {**context, "oidc:sub": ("repo:evil/site",)}).allowed


def test_import_aws_trust_policy__accounts_services_and_saml__are_called_as_here() -> None:
    saml = _trust(
        Action=["sts:AssumeRoleWithSAML"],
        Principal={"Federated": "arn:aws:iam::111122223333:saml-provider/okta"},
        Condition={"StringEquals": {"SAML:aud": "https://sso.example/saml-role/sso"}},
    )
    named = _trust(
        Principal={"AWS": ["111122223333", "arn:aws:iam::111122223333:root"], "Service": "ec2.amazonaws.com"}
    )
    document = json.loads(import_aws_trust_policy(_text(saml, named), NAMES).text)
    assert [statement["Principal"] for statement in document["Statement"]] == [
        {"Federated": ["acs:ram::1234567890123456:saml-provider/okta"]},
        {"RAM": ["acs:ram::1234567890123456:root"] * 2, "Service": ["ecs.aliyuncs.com"]},
    ]
    assert document["Statement"][0]["Condition"] == {
        "StringEquals": {"saml:recipient": ["https://sso.example/saml-role/sso"]}
    }


@pytest.mark.parametrize(
    "parts",
    [
        {"Principal": "*"},
        {"Principal": {"AWS": "*"}},
        {"Principal": {"AWS": "arn:aws:sts::111122223333:assumed-role/x/y"}},
        {"Principal": {"Service": "cloudtrail.amazonaws.com"}},
        {"Principal": {"Federated": "cognito-identity.amazonaws.com"}},
        {"Principal": {"Federated": "arn:aws:iam::111122223333:oidc-provider/other.example"}},
        {"Principal": {"CanonicalUser": "79a59d"}},
        {"Action": "sts:AssumeRoleWithSAML"},
        {"Action": ["sts:AssumeRole", "sts:TagSession"]},
        {"NotAction": "sts:AssumeRole"},
        {"Condition": {"StringEquals": {"sts:RoleSessionName": "x"}}},
    ],
)
def test_import_aws_trust_policy__no_counterpart__is_refused(parts: Node) -> None:
    with pytest.raises(InputError) as caught:
        import_aws_trust_policy(_text(_trust(**parts)), NAMES)
    assert caught.value.reason is Reason.POLICY_MALFORMED
