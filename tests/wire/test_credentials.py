"""The official credentials library, unmodified: a role is assumed behind the caller's back. Rule: sdk-wire §4, §5."""

import json
from pathlib import Path

import pytest
from alibabacloud_credentials.client import Client as CredentialClient
from alibabacloud_credentials.exceptions import CredentialException
from alibabacloud_credentials.models import Config as CredentialConfig
from alibabacloud_sts20150401.client import Client as StsClient
from alibabacloud_tea_openapi.models import Config

from tests.wire.ram_role import new_ram_role
from tests.wire.refusal import refusal
from tests.wire.seed import Caller, Seed
from tests.wire.token_issuer import TokenIssuer, token_issuer, workload_role


@pytest.fixture
def trusting(over: Seed, monkeypatch: pytest.MonkeyPatch) -> Seed:
    """The library trusts what the environment names, and nothing else."""
    if over.trusted is not None:
        monkeypatch.setenv("SSL_CERT_FILE", str(over.trusted))
    return over


def provider(company: Seed, caller: Caller, role: str, policy: str | None = None) -> CredentialClient:
    """`sts_endpoint` with a scheme is how plain HTTP is had; without one the library speaks TLS."""
    bare = company.gateway.endpoint
    return CredentialClient(
        CredentialConfig(
            type="ram_role_arn",
            access_key_id=caller.key_id,
            access_key_secret=caller.secret,
            role_arn=role,
            role_session_name="provider",
            policy=policy,
            sts_endpoint=bare if company.trusted else f"http://{bare}",
        )
    )


def client_with(company: Seed, credential: CredentialClient) -> StsClient:
    return StsClient(
        Config(
            credential=credential,
            endpoint=company.gateway.endpoint,
            protocol=company.protocol,
            ca=None if company.trusted is None else str(company.trusted),
        )
    )


def test_ram_role_arn__trusted__calls_go_out_as_the_session(trusting: Seed) -> None:
    role, caller = new_ram_role(trusting), trusting.new_user("AliyunSTSAssumeRoleAccess")
    identity = client_with(trusting, provider(trusting, caller, role)).get_caller_identity().body
    assert (identity.identity_type, identity.arn.rpartition("/")[2]) == ("AssumedRoleUser", "provider")


def test_ram_role_arn__not_allowed__refused(trusting: Seed) -> None:
    with pytest.raises(CredentialException) as caught:
        provider(trusting, trusting.new_user(), new_ram_role(trusting)).get_credential()
    assert "NoPermission" in str(caught.value)


def test_ram_role_arn__compact_policy__narrows_the_session(trusting: Seed) -> None:
    role, caller = new_ram_role(trusting, "AliyunRAMFullAccess"), trusting.new_user("AliyunSTSAssumeRoleAccess")
    statement = {"Effect": "Allow", "Action": "ram:Get*", "Resource": "*"}
    policy = json.dumps({"Version": "1", "Statement": [statement]}, separators=(",", ":"))
    found = provider(trusting, caller, role, policy).get_credential()
    ram = trusting.ram(found.access_key_id, found.access_key_secret, found.security_token)
    assert ram.get_account_alias().body.account_alias == "acme"
    assert refusal(ram.clear_account_alias).code == "NoPermission"


def test_ram_role_arn__spaces_in_the_policy__signed_wrongly_by_the_library(company: Seed) -> None:
    """The library signs a space as `+`, where the rule says `%20`: a published quirk, not one that can be forgiven."""
    role, caller = new_ram_role(company), company.new_user("AliyunSTSAssumeRoleAccess")
    with pytest.raises(CredentialException) as caught:
        provider(company, caller, role, '{"Version": "1", "Statement": []}').get_credential()
    assert "SignatureDoesNotMatch" in str(caught.value)


def workload(company: Seed, issuer: TokenIssuer, role: str, token_file: Path) -> CredentialClient:
    bare = company.gateway.endpoint
    return CredentialClient(
        CredentialConfig(
            type="oidc_role_arn",
            role_arn=role,
            oidc_provider_arn=issuer.provider_arn(company),
            oidc_token_file_path=str(token_file),
            role_session_name="workload",
            sts_endpoint=bare if company.trusted else f"http://{bare}",
        )
    )


def test_oidc_role_arn__token_in_a_file__calls_go_out_as_the_session(trusting: Seed, tmp_path: Path) -> None:
    token_file = tmp_path / "token"
    with token_issuer(trusting) as issuer:
        token_file.write_text(issuer.token())
        credential = workload(trusting, issuer, workload_role(trusting, issuer), token_file)
        identity = client_with(trusting, credential).get_caller_identity().body
        assert (identity.identity_type, identity.arn.rpartition("/")[2]) == ("AssumedRoleUser", "workload")
        token_file.write_text(issuer.token(aud="somebody-else"))
        with pytest.raises(CredentialException) as caught:
            workload(trusting, issuer, workload_role(trusting, issuer), token_file).get_credential()
    assert "AuthenticationFail" in str(caught.value)
