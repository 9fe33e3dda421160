"""`ramgate policy check` and `import-aws`."""

import json

from gateway.errors import Reason
from tests.unit.cli.conftest import Ramgate

ODD = json.dumps({"Version": "1", "Statement": [{"Effect": "Allow", "Action": "osss:*", "Resource": "*"}]})
NEVER = json.dumps(
    {"Version": "1", "Statement": [{"Effect": "Allow", "Action": "ecs:*", "Resource": "acs:oss:*:*:bucket/*"}]}
)
AWS = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Sid": "x", "Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::bucket/*"}],
    }
)


def test_policy_check__odd_policy__says_so_and_ends_well(ramgate: Ramgate) -> None:
    (found,) = ramgate.json("policy", "check", "-", stdin=ODD)["findings"]
    assert (found["rule"], found["path"]) == ("unknown-service", "Statement[0].Action[0]")
    assert "did you mean `oss`?" in ramgate.ok("policy", "check", "-", stdin=ODD)
    assert ramgate.json("policy", "check", "-", "--service", "osss", stdin=ODD)["findings"] == []


def test_policy_check__policy_that_never_matches__ends_with_one(ramgate: Ramgate) -> None:
    result = ramgate("policy", "check", "-", stdin=NEVER)
    assert (result.exit_code, "never-matches" in result.stdout) == (1, True)


def test_policy_check__operation_of_ours_misspelt__is_named(ramgate: Ramgate) -> None:
    text = ODD.replace("osss:*", "ram:CreateUsr")
    (found,) = ramgate.json("policy", "check", "-", stdin=text)["findings"]
    assert "did you mean `CreateUser`?" in found["problem"]


def test_policy_check__trust_of_a_shared_issuer__ends_with_one(ramgate: Ramgate) -> None:
    with ramgate.store().reading() as session:
        account_id = str(session.connection().exec_driver_sql("SELECT id FROM accounts").scalar_one())
    arn = f"acs:ram::{account_id}:oidc-provider/github"
    issuer = "https://token.actions.githubusercontent.com"
    ramgate.ok("oidc", "create", "github", issuer, "--client-id", "sts")
    statement = {
        "Effect": "Allow",
        "Action": "sts:AssumeRole",
        "Principal": {"Federated": arn},
        "Condition": {"StringEquals": {"oidc:aud": "sts"}},
    }
    result = ramgate("policy", "check", "-", "--trust", stdin=json.dumps({"Version": "1", "Statement": [statement]}))
    assert (result.exit_code, issuer in result.stdout) == (1, True)


def test_policy_import_aws__same_meaning__is_printed_and_can_be_stored(ramgate: Ramgate) -> None:
    result = ramgate("policy", "import-aws", "-", stdin=AWS)
    assert (result.exit_code, "note: Statement[0].Sid was dropped" in result.stderr) == (0, True)
    ramgate.ok("policy", "create", "reader", "-", stdin=result.stdout)


def test_policy_import_aws__no_counterpart__is_refused(ramgate: Ramgate) -> None:
    text = AWS.replace("s3:GetObject", "ec2:RunInstances")
    assert ramgate.reason("policy", "import-aws", "-", stdin=text) == Reason.POLICY_MALFORMED
    assert ramgate("policy", "import-aws", "-", "--aws-account", "1", stdin=AWS).exit_code == 2
