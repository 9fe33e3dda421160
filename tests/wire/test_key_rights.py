"""Who may do what to access keys and providers: rights on one thing are rights on that thing only."""

import secrets
from collections.abc import Iterator

import pytest
from alibabacloud_ims20190815 import models as ims_models
from alibabacloud_ram20150501 import models as ram_models

from gateway.directory.security_preference import SecurityChange, set_security_preference
from tests.wire.refusal import refusal
from tests.wire.seed import Seed
from tests.wire.test_roles import assume, new_role, user_with


@pytest.fixture
def users_manage_their_keys(company: Seed) -> Iterator[None]:
    for allowed in (True, False):
        with company.services.store.transaction() as session:
            change = SecurityChange(allow_user_to_manage_access_keys=allowed)
            set_security_preference(session, company.account_id, change)
        if allowed:
            yield


def rights(company: Seed, action: str, resource: str, effect: str = "Allow") -> dict[str, object]:
    return {"Effect": effect, "Action": action, "Resource": f"acs:ram:*:{company.account_id}:{resource}"}


def test_access_keys__rights_on_one_user__reach_no_other(company: Seed) -> None:
    theirs, others = company.new_user(), company.new_user()
    helper = user_with(company, rights(company, "ram:*AccessKey*", f"user/{theirs.name}"))
    ram, ims = company.ram(*helper.key), company.ims(*helper.key)
    assert ram.create_access_key(ram_models.CreateAccessKeyRequest(user_name=theirs.name)).body.access_key
    named = {"user_principal_name": f"{theirs.name.upper()}@acme.onaliyun.com", "user_access_key_id": theirs.key_id}
    assert ims.get_access_key_policy(ims_models.GetAccessKeyPolicyRequest(**named)).body.access_key_policy
    assert (
        refusal(ram.create_access_key, ram_models.CreateAccessKeyRequest(user_name=others.name)).code == "NoPermission"
    )
    assert refusal(ram.list_access_keys, ram_models.ListAccessKeysRequest()).code == "NoPermission"
    named["user_principal_name"] = f"{others.name}@acme.onaliyun.com"
    assert refusal(ims.get_access_key_policy, ims_models.GetAccessKeyPolicyRequest(**named)).code == "NoPermission"
    account_wide = ims_models.GetAccessKeyPolicyForAccountRequest()
    assert refusal(ims.get_access_key_policy_for_account, account_wide).code == "NoPermission"


@pytest.mark.usefixtures("users_manage_their_keys")
def test_access_keys__policy_denies_it__the_accounts_permission_does_not_help(company: Seed) -> None:
    user = user_with(company, rights(company, "ram:CreateAccessKey", "user/*", "Deny"))
    ram = company.ram(*user.key)
    assert len(ram.list_access_keys(ram_models.ListAccessKeysRequest()).body.access_keys.access_key) == 1
    assert refusal(ram.create_access_key, ram_models.CreateAccessKeyRequest()).code == "NoPermission"


@pytest.mark.usefixtures("users_manage_their_keys")
def test_access_key_policy__account_lets_users_manage_their_keys__not_the_networks_of_them(company: Seed) -> None:
    user = company.new_user()
    request = ims_models.SetAccessKeyPolicyRequest(
        user_access_key_id=user.key_id, access_key_policy='{"Status":"Inactive","Statements":[]}'
    )
    assert refusal(company.ims(*user.key).set_access_key_policy, request).code == "NoPermission"


@pytest.mark.usefixtures("users_manage_their_keys")
def test_delete_access_key__the_one_that_signs__is_answered_and_signs_no_more(company: Seed) -> None:
    user = company.new_user()
    ram = company.ram(*user.key)
    request = ram_models.DeleteAccessKeyRequest(user_access_key_id=user.key_id)
    assert ram.delete_access_key(request).body.request_id
    assert refusal(ram.delete_access_key, request).code == "InvalidAccessKeyId.NotFound"


def test_access_keys__role_names_nobody__has_none(company: Seed) -> None:
    role = new_role(company)
    attach = ram_models.AttachPolicyToRoleRequest(
        policy_name="AliyunRAMFullAccess", policy_type="System", role_name=role
    )
    company.ram().attach_policy_to_role(attach)
    credentials = assume(company, role)
    key = credentials.access_key_id, credentials.access_key_secret, credentials.security_token
    error = refusal(company.ram(*key).list_access_keys, ram_models.ListAccessKeysRequest())
    assert (error.status_code, error.code) == (400, "MissingParameter")
    error = refusal(company.ims(*key).create_access_key, ims_models.CreateAccessKeyRequest())
    assert (error.status_code, error.code) == (400, "MissingParameter")
    user = company.new_user()
    listed = company.ram(*key).list_access_keys(ram_models.ListAccessKeysRequest(user_name=user.name))
    assert [row.access_key_id for row in listed.body.access_keys.access_key] == [user.key_id]


def test_providers__rights_on_one__reach_no_other(company: Seed) -> None:
    mine, other = (f"ci-{secrets.token_hex(4)}" for _ in range(2))
    for name in (mine, other):
        request = ims_models.CreateOIDCProviderRequest(oidcprovider_name=name, issuer_url=f"https://{name}.example")
        company.ims().create_oidcprovider(request)
    user = user_with(
        company,
        rights(company, "ram:*OIDCProvider", f"oidc-provider/{mine}"),
        rights(company, "ram:*SAMLProvider", "saml-provider/elsewhere"),
    )
    ims = company.ims(*user.key)
    add = ims_models.AddClientIdToOIDCProviderRequest(oidcprovider_name=mine.upper(), client_id="app")
    assert ims.add_client_id_to_oidcprovider(add).body.oidcprovider.client_ids == "app"
    for call, refused in (
        (ims.get_oidcprovider, ims_models.GetOIDCProviderRequest(oidcprovider_name=other)),
        (ims.delete_oidcprovider, ims_models.DeleteOIDCProviderRequest(oidcprovider_name=other)),
        (ims.list_oidcproviders, ims_models.ListOIDCProvidersRequest()),
        (ims.get_samlprovider, ims_models.GetSAMLProviderRequest(samlprovider_name="company")),
        (ims.list_samlproviders, ims_models.ListSAMLProvidersRequest()),
    ):
        assert refusal(call, refused).code == "NoPermission"
    elsewhere = ims_models.GetSAMLProviderRequest(samlprovider_name="elsewhere")
    assert refusal(ims.get_samlprovider, elsewhere).code == "EntityNotExist.SAMLProvider"
