"""Temporary credentials."""

from tests.wire.ram_role import new_ram_role
from tests.wire.seed import DISTRUSTING
from tests.wire.token_issuer import token_issuer, workload_role
from tests.wire.walk.scenario import Scenario
from tests.wire.walk.walker import STS, Answer, Walk


def _assume_role(walk: Walk, *policies: str) -> Answer:
    caller = walk.company.new_user(*policies)
    role = new_ram_role(walk.company)
    return walk.by(caller)("AssumeRole", RoleArn=role, RoleSessionName="walk", SourceIdentity="alice")


def _exchange(walk: Walk, role_arn: str) -> Answer:
    return walk(
        "AssumeRoleWithSAML",
        SAMLAssertion=walk.company.assertion(),
        SAMLProviderArn=walk.company.provider_arn,
        RoleArn=role_arn,
    )


def _exchange_token(walk: Walk, subject: str) -> Answer:
    with token_issuer(walk.company) as issuer:
        return walk(
            "AssumeRoleWithOIDC",
            OIDCProviderArn=issuer.provider_arn(walk.company),
            OIDCToken=issuer.token(),
            RoleArn=workload_role(walk.company, issuer, subject),
            RoleSessionName="walk",
        )


def _after_the_key_was_deleted(walk: Walk) -> Answer:
    caller = walk.company.new_user()
    walk.ram("DeleteAccessKey", UserName=caller.name, UserAccessKeyId=caller.key_id)
    return walk.by(caller)("GetCallerIdentity")


SCENARIOS = (
    Scenario(
        STS,
        "AssumeRole",
        lambda walk: _assume_role(walk, "AliyunSTSAssumeRoleAccess"),
        _assume_role,
        "NoPermission",
    ),
    Scenario(
        STS,
        "AssumeRoleWithSAML",
        lambda walk: _exchange(walk, walk.company.role_arn()),
        lambda walk: _exchange(walk, walk.company.role_arn(DISTRUSTING)),
        "NoPermission",
    ),
    Scenario(
        STS,
        "AssumeRoleWithOIDC",
        lambda walk: _exchange_token(walk, "job-7"),
        lambda walk: _exchange_token(walk, "job-8"),
        "AuthenticationFail.NoPermission",
    ),
    Scenario(
        STS,
        "GetCallerIdentity",
        lambda walk: walk.by(walk.company.new_user())("GetCallerIdentity"),
        _after_the_key_was_deleted,
        "InvalidAccessKeyId.NotFound",
    ),
)
