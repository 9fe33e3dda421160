"""AssumeRole against a running gateway: both sides allow, durations, chains, other accounts, and what is refused."""

import json
import secrets
from datetime import UTC, datetime
from typing import Any

import pytest
from alibabacloud_credentials.client import Client as CredentialsClient
from alibabacloud_credentials.models import Config as CredentialsConfig
from alibabacloud_sts20150401.client import Client
from alibabacloud_sts20150401.models import AssumeRoleRequest, AssumeRoleResponseBody

from gateway.audit.receipts import list_receipts
from gateway.directory.access_keys import NewAccessKey, create_access_key
from gateway.directory.accounts import create_account
from gateway.directory.attachments import attach_policy, detach_policy
from gateway.directory.policies import create_policy
from gateway.directory.roles import create_role, delete_role, get_role
from gateway.directory.users import create_user, get_user_by_id
from gateway.secret import Secret
from tests.wire.by_name import call_by_name
from tests.wire.refusal import refusal
from tests.wire.seed import Caller, Seed
from tests.wire.signed import SignedCall, send

ASSUMES = "AliyunSTSAssumeRoleAccess"
LONE_SURROGATE = '{"Version":"1","Statement":[{"Effect":"Allow","Action":"\\ud800","Resource":"*"}]}'


def trust(*principals: str, condition: dict[str, Any] | None = None, effect: str = "Allow") -> str:
    statement = {"Effect": effect, "Action": "sts:AssumeRole", "Principal": {"RAM": list(principals)}}
    if condition:
        statement["Condition"] = condition
    return json.dumps({"Version": "1", "Statement": [statement]})


def root(account_id: str) -> str:
    return f"acs:ram::{account_id}:root"


def new_role(company: Seed, document: str = "", *, max_s: int = 3600, policy: str = "") -> str:
    """A role of its own name; the whole account is trusted unless told otherwise. Returns the ARN."""
    name, now = "role-" + secrets.token_hex(4), datetime.now(UTC)
    with company.services.store.transaction() as session:
        role = create_role(
            session,
            company.account_id,
            name,
            trust_document=document or trust(root(company.account_id)),
            max_session_duration_s=max_s,
            now=now,
        )
        if policy:
            attach_policy(session, company.account_id, "System", policy, role, now)
        return role.arn


def assume(company: Seed, caller: tuple[Any, ...], role_arn: str, **more: object) -> AssumeRoleResponseBody:
    request = AssumeRoleRequest(**{"role_arn": role_arn, "role_session_name": "alice", **more})
    return company.client(*caller).assume_role(request).body


def keys(body: AssumeRoleResponseBody) -> tuple[str, str, str]:
    credentials = body.credentials
    return credentials.access_key_id, credentials.access_key_secret, credentials.security_token


def lifetime_s(body: AssumeRoleResponseBody) -> float:
    return (datetime.fromisoformat(body.credentials.expiration) - datetime.now(UTC)).total_seconds()


@pytest.fixture
def user(company: Seed) -> Caller:
    return company.new_user(ASSUMES)


def test_assume_role__both_sides_allow__credentials_of_the_role(company: Seed, user: Caller) -> None:
    role = new_role(company, policy="AliyunRAMReadOnlyAccess")
    body = assume(company, user.key, role)
    assert body.assumed_role_user.arn == f"{role}/alice"
    assert 3590 < lifetime_s(body) <= 3600
    assert body.source_identity is None
    me = company.client(*keys(body)).get_caller_identity().body
    assert (me.identity_type, me.principal_id) == ("AssumedRoleUser", body.assumed_role_user.assumed_role_id)
    assert company.ram(*keys(body)).get_account_alias().body.account_alias == "acme"
    with company.services.store.reading() as session:
        (receipt,) = list_receipts(session, request_id=body.request_id)
    assert (receipt.kind, receipt.account_id) == ("AssumeRole", company.account_id)
    assert receipt.principal_arn == f"acs:ram::{company.account_id}:user/{user.name}"
    assert receipt.details["access_key_id"] == body.credentials.access_key_id
    assert ASSUMES in str(receipt.details["because"])
    assert body.credentials.access_key_secret not in str(receipt.details)


def test_assume_role__caller_has_no_policy__denied_whether_or_not_the_role_exists(company: Seed) -> None:
    plain = company.new_user()
    foreign = "acs:ram::1234567890123456:role/x"
    for role in (new_role(company), new_role(company)[:-1] + "-none", foreign):
        error = refusal(assume, company, plain.key, role)
        assert (error.code, error.status_code) == ("NoPermission", 403)
        assert error.access_denied_detail["PolicyType"] == "AccountLevelIdentityBasedPolicy"
        assert error.access_denied_detail["AuthAction"] == "sts:AssumeRole"


@pytest.mark.parametrize("effect", ["Allow", "Deny"])
def test_assume_role__trust_policy_refuses__denied(company: Seed, user: Caller, effect: str) -> None:
    someone = f"acs:ram::{company.account_id}:user/{'nobody' if effect == 'Allow' else user.name}"
    error = refusal(assume, company, user.key, new_role(company, trust(someone, effect=effect)))
    assert (error.code, error.status_code) == ("NoPermission", 403)
    detail = error.access_denied_detail
    assert (detail["PolicyType"], detail["AuthPrincipalType"]) == ("AssumeRolePolicy", "SubUser")
    assert detail["NoPermissionType"] == ("ImplicitDeny" if effect == "Allow" else "ExplicitDeny")


def test_assume_role__owner__refused_in_the_platforms_words(company: Seed) -> None:
    for role in (new_role(company), "acs:ram::1234567890123456:role/x"):
        error = refusal(assume, company, (), role)
        assert (error.code, error.status_code) == ("NoPermission", 403)
        assert "Roles may not be assumed by root accounts." in error.message


def test_assume_role__no_such_role__not_found(company: Seed, user: Caller) -> None:
    error = refusal(assume, company, user.key, company.role_arn("nowhere"))
    assert (error.code, error.status_code) == ("EntityNotExist.Role", 404)
    assert "The specified Role not exists ." in error.message


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"role_arn": None}, "MissingParameter"),
        ({"role_arn": "acs:ram::1:role/x"}, "InvalidParameter.RoleArn"),
        ({"role_arn": "acs:ram::1234567890123456:user/x"}, "InvalidParameter.RoleArn"),
        ({"role_arn": "acs:ram::1234567890123456:role/" + "x" * 2000}, "InvalidParameter.RoleArn"),
        ({"role_session_name": None}, "MissingParameter"),
        ({"role_session_name": "a"}, "InvalidParameter.RoleSessionName"),
        ({"role_session_name": "a" * 65}, "InvalidParameter.RoleSessionName"),
        ({"role_session_name": "a b"}, "InvalidParameter.RoleSessionName"),
        ({"role_session_name": "a=b"}, "InvalidParameter.RoleSessionName"),
        ({"role_session_name": "Straße"}, "InvalidParameter.RoleSessionName"),
        ({"duration_seconds": 899}, "InvalidParameter.DurationSeconds"),
        ({"duration_seconds": 3601}, "InvalidParameter.DurationSeconds"),
        ({"duration_seconds": -900}, "InvalidParameter.DurationSeconds"),
        ({"duration_seconds": 10**12}, "InvalidParameter.DurationSeconds"),
        ({"policy": "{"}, "InvalidParameter.PolicyGrammar"),
        ({"policy": LONE_SURROGATE}, "InvalidParameter.PolicyGrammar"),
        ({"policy": " " * 2049}, "InvalidParameter.PolicySize"),
        ({"external_id": "x"}, "InvalidParameter.ExternalId"),
        ({"external_id": "x" * 1225}, "InvalidParameter.ExternalId"),
        ({"external_id": "a b"}, "InvalidParameter.ExternalId"),
        ({"source_identity": "a\nb"}, "InvalidParameter.SourceIdentity"),
    ],
)
def test_assume_role__unusable_parameter__refused(
    company: Seed, user: Caller, change: dict[str, object], code: str
) -> None:
    error = refusal(assume, company, user.key, **{"role_arn": new_role(company), **change})
    assert (error.code, error.status_code) == (code, 400)


def test_assume_role__duration__up_to_what_the_role_allows(company: Seed, user: Caller) -> None:
    role = new_role(company, max_s=43_200)
    assert 3590 < lifetime_s(assume(company, user.key, role)) <= 3600
    assert 43_190 < lifetime_s(assume(company, user.key, role, duration_seconds=43_200)) <= 43_200
    assert 890 < lifetime_s(assume(company, user.key, role, duration_seconds=900)) <= 900
    assert refusal(assume, company, user.key, role, duration_seconds=43_201).code == "InvalidParameter.DurationSeconds"


def test_assume_role__session_policy__narrows(company: Seed, user: Caller) -> None:
    role = new_role(company, policy="AdministratorAccess")
    policy = json.dumps(
        {"Version": "1", "Statement": [{"Effect": "Allow", "Action": "ram:GetDefaultDomain", "Resource": "*"}]},
        separators=(",", ":"),
    )
    body = assume(company, user.key, role, policy=policy)
    assert company.ims(*keys(body)).get_default_domain().body.default_domain_name
    error = refusal(company.ram(*keys(body)).get_account_alias)
    assert error.access_denied_detail["PolicyType"] == "SessionPolicy"


def test_assume_role__external_id__counts_in_the_trust_policy(company: Seed, user: Caller) -> None:
    condition = {"StringEquals": {"sts:ExternalId": "shared/secret+1"}}
    role = new_role(company, trust(root(company.account_id), condition=condition))
    assert assume(company, user.key, role, external_id="shared/secret+1").credentials
    for more in ({}, {"external_id": "other"}):
        assert refusal(assume, company, user.key, role, **more).code == "NoPermission"


def test_assume_role__external_id__counts_in_the_callers_own_policy(company: Seed) -> None:
    caller, role = company.new_user(ASSUMES), new_role(company)
    document = {
        "Version": "1",
        "Statement": [
            {
                "Effect": "Deny",
                "Action": "sts:AssumeRole",
                "Resource": "*",
                "Condition": {"StringEquals": {"sts:ExternalId": "forbidden"}},
            }
        ],
    }
    with company.services.store.transaction() as session:
        name = "deny-" + secrets.token_hex(4)
        create_policy(session, company.account_id, name, json.dumps(document), now=datetime.now(UTC))
        user = get_user_by_id(session, company.account_id, caller.user_id)
        attach_policy(session, company.account_id, "Custom", name, user, datetime.now(UTC))
    assert assume(company, caller.key, role, external_id="allowed").credentials
    assert refusal(assume, company, caller.key, role, external_id="forbidden").code == "NoPermission"


def test_assume_role__tags_of_the_role__count_in_the_callers_own_policy(company: Seed) -> None:
    caller, now, name = company.new_user(), datetime.now(UTC), "tagged-" + secrets.token_hex(4)
    condition = {"StringEquals": {"acs:ResourceTag/Team": "blue"}}
    statement = {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*", "Condition": condition}
    with company.services.store.transaction() as session:
        create_policy(
            session, company.account_id, name, json.dumps({"Version": "1", "Statement": [statement]}), now=now
        )
        user = get_user_by_id(session, company.account_id, caller.user_id)
        attach_policy(session, company.account_id, "Custom", name, user, now)
        for role, team in (("Blue", "blue"), ("Red", "red")):
            create_role(
                session,
                company.account_id,
                f"{role}-{name}",
                trust_document=trust(root(company.account_id)),
                tags={"Team": team},
                now=now,
            )
    assert assume(company, caller.key, company.role_arn(f"blue-{name}")).credentials
    assert assume(company, caller.key, company.role_arn(f"BLUE-{name}")).credentials
    assert refusal(assume, company, caller.key, company.role_arn(f"red-{name}")).code == "NoPermission"
    assert refusal(assume, company, caller.key, new_role(company)).code == "NoPermission"


def test_assume_role__chain__an_hour_at_most_and_ends_with_its_parent(company: Seed, user: Caller) -> None:
    first = new_role(company, max_s=43_200, policy=ASSUMES)
    second = new_role(company, trust(first), max_s=43_200, policy="AdministratorAccess")
    long = assume(company, user.key, first, duration_seconds=43_200)
    assert 3590 < lifetime_s(assume(company, keys(long), second, duration_seconds=43_200)) <= 3600
    short = assume(company, user.key, first, duration_seconds=900)
    assert lifetime_s(assume(company, keys(short), second)) <= 900
    assert refusal(assume, company, user.key, second).code == "NoPermission"


def test_assume_role__role_in_the_chain_deleted__every_token_dies(company: Seed, user: Caller) -> None:
    first = new_role(company)
    second = new_role(company, trust(root(company.account_id)))
    own = {
        "Version": "1",
        "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": second}],
    }
    name = first.partition("role/")[2]
    with company.services.store.transaction() as session:
        policy = "may-" + secrets.token_hex(4)
        create_policy(session, company.account_id, policy, json.dumps(own), now=datetime.now(UTC))
        role = get_role(session, company.account_id, name)
        attach_policy(session, company.account_id, "Custom", policy, role, datetime.now(UTC))
    chained = assume(company, keys(assume(company, user.key, first)), second)
    assert company.client(*keys(chained)).get_caller_identity().body.arn.endswith("/alice")
    with company.services.store.transaction() as session:
        detach_policy(session, company.account_id, "Custom", policy, get_role(session, company.account_id, name))
        delete_role(session, company.account_id, name)
    assert refusal(company.client(*keys(chained)).get_caller_identity).code == "InvalidSecurityToken.Revoked"


def test_assume_role__source_identity__echoed_and_kept_along_the_chain(company: Seed, user: Caller) -> None:
    first = new_role(company, policy=ASSUMES)
    second = new_role(company)
    body = assume(company, user.key, first, source_identity="Alice")
    assert body.source_identity == "Alice"
    assert assume(company, keys(body), second).source_identity == "Alice"
    assert assume(company, keys(body), second, source_identity="Alice").source_identity == "Alice"
    error = refusal(assume, company, keys(body), second, source_identity="Bob")
    assert error.code == "InvalidParameter.SourceIdentity"


def test_assume_role__another_account__both_accounts_remember(company: Seed) -> None:
    now, alias = datetime.now(UTC), "other-" + secrets.token_hex(3)
    services = company.services
    with services.store.transaction() as session:
        other = create_account(
            session,
            alias=alias,
            display_name="Other",
            owner_login=f"owner@{alias}.example",
            owner_password=Secret("Correct-Horse-7-Battery"),
            now=now,
        )
        visitor = create_user(session, other.id, "visitor", now=now)
        attach_policy(session, other.id, "System", ASSUMES, visitor, now)
        key = create_access_key(session, services.ring, account_id=other.id, user_id=visitor.id, now=now)
    caller = key.access_key_id, key.secret.reveal()
    assert refusal(assume, company, caller, new_role(company)).code == "NoPermission"
    role = new_role(company, trust(root(other.id)), policy="AliyunRAMReadOnlyAccess")
    body = assume(company, caller, role)
    me = company.client(*keys(body)).get_caller_identity().body
    assert me.account_id == company.account_id
    assert company.ram(*keys(body)).get_account_alias().body.account_alias == "acme"
    with services.store.reading() as session:
        receipts = list_receipts(session, request_id=body.request_id)
    assert {receipt.account_id for receipt in receipts} == {company.account_id, other.id}
    assert {receipt.principal_arn for receipt in receipts} == {visitor.arn}


def test_assume_role__legacy_parameters__checked_for_their_format(company: Seed, user: Caller) -> None:
    role = new_role(company)

    def call(**more: str) -> Any:
        query = {"RoleArn": role, "RoleSessionName": "alice", **more}
        return call_by_name(company.client(*user.key), "2015-04-01", "AssumeRole", query)

    serial = f"acs:ram::{company.account_id}:mfa/alice"
    assert call(SerialNumber=serial, TokenCode="123456")["Credentials"]
    assert refusal(call, SerialNumber="alice").code == "InvalidParameter.SerialNumber"
    assert refusal(call, TokenCode="12345").code == "InvalidParameter.TokenCode"


def test_assume_role__credentials_provider__works_over_plain_http(company: Seed, user: Caller) -> None:
    role = new_role(company)
    policy = '{"Version":"1","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}'
    config = CredentialsConfig(
        type="ram_role_arn",
        access_key_id=user.key_id,
        access_key_secret=user.secret,
        role_arn=role,
        role_session_name="provider",
        role_session_expiration=900,
        policy=policy,
        external_id="ext/1",
        sts_endpoint=f"http://{company.gateway.endpoint}",
    )
    credential = CredentialsClient(config).get_credential()
    client: Client = company.client(credential.access_key_id, credential.access_key_secret, credential.security_token)
    assert client.get_caller_identity().body.arn.endswith("/provider")


def test_assume_role__same_request_again__refused(company: Seed, user: Caller) -> None:
    call = SignedCall(NewAccessKey(user.key_id, Secret(user.secret)), nonce=secrets.token_hex(8))
    call = call.but(
        query={"RoleArn": new_role(company), "RoleSessionName": "alice"}, more={"x-acs-action": "AssumeRole"}
    )
    with company.gateway.connect() as connection:
        assert send(connection, call.request()).status == 200
        assert send(connection, call.request()).code == "SignatureNonceUsed"
