"""Network policies of access keys, through the official client."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from alibabacloud_ims20190815.models import (
    GetAccessKeyPolicyForAccountRequest,
    GetAccessKeyPolicyRequest,
    SetAccessKeyPolicyForAccountRequest,
    SetAccessKeyPolicyRequest,
)
from alibabacloud_sts20150401.models import AssumeRoleWithSAMLRequest
from aliyunsdksts.request.v20150401.GetCallerIdentityRequest import GetCallerIdentityRequest

from gateway.directory.access_key_policies import set_account_policy
from gateway.directory.access_keys import NewAccessKey
from gateway.directory.network_policies import NO_POLICY
from gateway.secret import Secret
from tests.wire.refusal import refusal
from tests.wire.seed import Caller, Seed
from tests.wire.signed import SignedCall, send
from tests.wire.test_core_sdk import ask, client, refused

NONE = '{"Version":1,"Status":"Inactive","Statements":[]}'


@pytest.fixture(autouse=True)
def lift_the_accounts_policy(company: Seed) -> Iterator[None]:
    yield
    with company.services.store.transaction() as session:
        set_account_policy(session, company.account_id, NO_POLICY)


def document(*networks: str, status: str = "Active") -> str:
    statements = [{"Type": "ClassicWhiteList", "IPList": list(networks)}]
    return json.dumps({"Version": 1, "Status": status, "Statements": statements}, separators=(",", ":"))


HERE, ELSEWHERE = document("127.0.0.0/8", "::1"), document("192.0.2.0/24", "2001:db8::/32")


def set_policy(company: Seed, caller: Caller, policy: str, *signer: str) -> Any:
    request = SetAccessKeyPolicyRequest(
        user_principal_name=f"{caller.name}@acme.onaliyun.com",
        user_access_key_id=caller.key_id,
        access_key_policy=policy,
    )
    return company.ims(*signer).set_access_key_policy(request).body


def get_policy(company: Seed, caller: Caller) -> Any:
    request = GetAccessKeyPolicyRequest(
        user_principal_name=f"{caller.name}@acme.onaliyun.com", user_access_key_id=caller.key_id
    )
    return company.ims().get_access_key_policy(request).body


def set_for_account(company: Seed, policy: str, *signer: str) -> Any:
    request = SetAccessKeyPolicyForAccountRequest(access_key_policy=policy)
    return company.ims(*signer).set_access_key_policy_for_account(request).body.access_key_policy


def get_for_account(company: Seed) -> Any:
    return company.ims().get_access_key_policy_for_account(GetAccessKeyPolicyForAccountRequest()).body.access_key_policy


def usable(company: Seed, caller: Caller) -> bool:
    client = company.client(*caller.key)
    try:
        client.get_caller_identity()
    except Exception:  # noqa: BLE001 - which one is looked at next
        error = refusal(client.get_caller_identity)
        assert (error.status_code, error.code) == (403, "Forbidden.AccessKeyPolicy")
        assert error.data["Reason"] == "AccessKeyNetwork"
        return False
    return True


def test_set_access_key_policy__other_network__the_key_is_refused_from_the_next_call_on(company: Seed) -> None:
    user = company.new_user()
    assert get_policy(company, user).access_key_policy == NONE
    answer = set_policy(company, user, ELSEWHERE)
    assert (answer.access_key_id, answer.access_key_policy) == (user.key_id, ELSEWHERE)
    assert get_policy(company, user).access_key_policy == ELSEWHERE
    assert not usable(company, user)
    set_policy(company, user, HERE)
    assert usable(company, user)
    set_policy(company, user, document("192.0.2.0/24", status="Inactive"))
    assert usable(company, user)
    set_policy(company, user, NONE)
    assert get_policy(company, user).access_key_policy == NONE


def test_set_access_key_policy_for_account__keys_own_policy__goes_first(company: Seed) -> None:
    held, exempt, idle = company.new_user(), company.new_user(), company.new_user()
    set_policy(company, exempt, HERE)
    set_policy(company, idle, document("127.0.0.0/8", status="Inactive"))
    owner = Caller("owner", "", company.owner_key.access_key_id, company.owner_key.secret.reveal())
    _keep_the_owner_in(company, HERE)
    try:
        assert get_for_account(company) == NONE
        assert set_for_account(company, ELSEWHERE) == ELSEWHERE
        assert get_for_account(company) == ELSEWHERE
        assert [usable(company, caller) for caller in (held, exempt, idle, owner)] == [False, True, False, True]
        set_for_account(company, document("0.0.0.0/0"))
        assert usable(company, held)
        set_for_account(company, NONE)
        assert get_for_account(company) == NONE
    finally:
        _keep_the_owner_in(company, NONE)


def _keep_the_owner_in(company: Seed, policy: str) -> None:
    key_id = company.owner_key.access_key_id
    request = SetAccessKeyPolicyRequest(user_access_key_id=key_id, access_key_policy=policy)
    assert company.ims().set_access_key_policy(request).body.access_key_policy == policy
    read = company.ims().get_access_key_policy(GetAccessKeyPolicyRequest(user_access_key_id=key_id)).body
    assert read.access_key_policy == policy


def test_set_access_key_policy__would_refuse_the_call_that_sets_it__refused(company: Seed) -> None:
    admin = company.new_user("AliyunRAMFullAccess")
    for policy in (
        ELSEWHERE,
        json.dumps(
            {"Status": "Active", "Statements": [{"Type": "VPCWhiteList", "Value": "AllowAllVPC", "IPList": ["::/0"]}]}
        ),
    ):
        for attempt in (set_policy, lambda company, _caller, text, *signer: set_for_account(company, text, *signer)):
            error = refusal(attempt, company, admin, policy, *admin.key)
            assert (error.status_code, error.code) == (400, "InvalidParameter.AccessKeyPolicy")
    assert usable(company, admin)
    assert (get_policy(company, admin).access_key_policy, get_for_account(company)) == (NONE, NONE)
    set_policy(company, admin, HERE, *admin.key)
    set_for_account(company, ELSEWHERE, *admin.key)
    assert refusal(set_policy, company, admin, NONE, *admin.key).code == "InvalidParameter.AccessKeyPolicy"
    set_for_account(company, NONE, *admin.key)


def test_network_policy__address_that_the_caller_claims__does_not_count(company: Seed) -> None:
    user = company.new_user()
    set_policy(company, user, ELSEWHERE)
    claims = ("X-Forwarded-For", "X-Real-IP", "Forwarded", "Client-IP")
    call = SignedCall(
        NewAccessKey(user.key_id, Secret(user.secret)), unsigned=tuple((name, "192.0.2.1") for name in claims)
    )
    with company.gateway.connect() as connection:
        answer = send(connection, call.request())
    assert (answer.status, answer.code) == (403, "Forbidden.AccessKeyPolicy")


@pytest.mark.filterwarnings("ignore:ssl:DeprecationWarning")
def test_network_policy__older_signature__is_held_to_it_alike(company: Seed) -> None:
    user = company.new_user()
    by = client(company, *user.key)
    assert ask(company, GetCallerIdentityRequest(), by)["UserId"] == user.user_id
    set_policy(company, user, ELSEWHERE)
    error = refused(company, GetCallerIdentityRequest(), by)
    assert (error.get_http_status(), error.get_error_code()) == (403, "Forbidden.AccessKeyPolicy")


def test_network_policy__wrong_signature__tells_nothing_about_networks(company: Seed) -> None:
    user = company.new_user()
    set_policy(company, user, ELSEWHERE)
    forged = Caller(user.name, user.user_id, user.key_id, "x" * 30)
    assert refusal(company.client(*forged.key).get_caller_identity).code == "SignatureDoesNotMatch"


def test_network_policy__temporary_key__is_not_asked(company: Seed) -> None:
    user = company.new_user()
    request = AssumeRoleWithSAMLRequest(
        role_arn=company.role_arn(), samlprovider_arn=company.provider_arn, samlassertion=company.assertion()
    )
    credentials = company.client().assume_role_with_saml(request).body.credentials
    _keep_the_owner_in(company, HERE)
    try:
        set_for_account(company, ELSEWHERE)
        assert not usable(company, user)
        temporary = company.client(credentials.access_key_id, credentials.access_key_secret, credentials.security_token)
        assert temporary.get_caller_identity().body.identity_type == "AssumedRoleUser"
        set_for_account(company, NONE)
    finally:
        _keep_the_owner_in(company, NONE)


@pytest.mark.parametrize(
    ("policy", "status", "code"),
    [
        ("{", 400, "InvalidParameter.AccessKeyPolicy"),
        ("[]", 400, "InvalidParameter.AccessKeyPolicy"),
        ('{"Status":"Active","Statements":[]}', 400, "InvalidParameter.AccessKeyPolicy"),
        ('{"Status":"Active","Statements":null}', 400, "InvalidParameter.AccessKeyPolicy"),
        (document("example.com"), 400, "InvalidParameter.AccessKeyPolicy"),
        (document("127.0.0.1\\u0000"), 400, "InvalidParameter.AccessKeyPolicy"),
        (document(*["127.0.0.1"] * 51), 409, "LimitExceeded.AccessKeyPolicy.IP"),
        (
            '{"Status":"Active","Statements":[' + ",".join(["{}"] * 9) + "]}",
            409,
            "LimitExceeded.AccessKeyPolicy.Statement",
        ),
        (" " * 16_385, 400, "InvalidParameter.AccessKeyPolicy.Length"),
        ("", 400, "MissingParameter"),
    ],
    ids=range(10),
)
def test_set_access_key_policy__document_that_is_none__refused_and_nothing_stored(
    company: Seed, policy: str, status: int, code: str
) -> None:
    user = company.new_user()
    for attempt in (lambda: set_policy(company, user, policy), lambda: set_for_account(company, policy)):
        error = refusal(attempt)
        assert (error.status_code, error.code) == (status, code)
    assert (get_policy(company, user).access_key_policy, get_for_account(company)) == (NONE, NONE)


def test_access_key_policies__wrong_key_or_user__not_found(company: Seed) -> None:
    user, other = company.new_user(), company.new_user()
    mixed = Caller(other.name, other.user_id, user.key_id, user.secret)
    assert refusal(set_policy, company, mixed, HERE).code == "EntityNotExist.User.AccessKey"
    assert refusal(get_policy, company, mixed).code == "EntityNotExist.User.AccessKey"
    nobody = Caller("nobody-of-this-name", "", user.key_id, user.secret)
    assert refusal(get_policy, company, nobody).code == "EntityNotExist.User"


def test_access_key_policies__user_without_rights__is_denied_every_operation(company: Seed) -> None:
    user = company.new_user()
    ims = company.ims(*user.key)
    named = {"user_access_key_id": user.key_id}
    for attempt in (
        lambda: ims.set_access_key_policy(SetAccessKeyPolicyRequest(**named, access_key_policy=HERE)),
        lambda: ims.get_access_key_policy(GetAccessKeyPolicyRequest(**named)),
        lambda: set_for_account(company, HERE, *user.key),
        lambda: ims.get_access_key_policy_for_account(GetAccessKeyPolicyForAccountRequest()),
    ):
        error = refusal(attempt)
        assert (error.status_code, error.code) == (403, "NoPermission")
