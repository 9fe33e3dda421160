"""What an account has and may have, through the official client."""

import secrets

from alibabacloud_ims20190815 import models as ims
from alibabacloud_ram20150501 import models as ram

from tests.wire.refusal import refusal
from tests.wire.seed import Seed


def test_get_account_summary__after_changes__counts_follow(company: Seed) -> None:
    before = company.ims().get_account_summary().body.summary_map.to_map()
    name = "sum-" + secrets.token_hex(4)
    company.ram().create_user(ram.CreateUserRequest(user_name=name))
    company.ram().create_group(ram.CreateGroupRequest(group_name=name))
    company.ims().create_virtual_mfadevice(ims.CreateVirtualMFADeviceRequest(virtual_mfadevice_name=name))
    after = company.ims().get_account_summary().body.summary_map.to_map()
    assert {key: value - before[key] for key, value in after.items() if value != before[key]} == {
        "Users": 1,
        "Groups": 1,
        "MFADevices": 1,
    }
    company.ims().delete_user(ims.DeleteUserRequest(user_principal_name=f"{name}@acme.onaliyun.com"))
    assert company.ims().get_account_summary().body.summary_map.users == before["Users"]


def test_get_account_summary__quotas__are_those_that_are_enforced(company: Seed) -> None:
    summary = company.ims().get_account_summary().body.summary_map
    quotas = {key: value for key, value in summary.to_map().items() if key.endswith("Quota")}
    assert quotas == {
        "AccessKeysPerUserQuota": 2,
        "AccountAccessKeysPerAccountQuota": 2,
        "AttachedPoliciesPerGroupQuota": 10,
        "AttachedPoliciesPerRoleQuota": 10,
        "AttachedPoliciesPerUserQuota": 10,
        "AttachedSystemPoliciesPerGroupQuota": 20,
        "AttachedSystemPoliciesPerRoleQuota": 20,
        "AttachedSystemPoliciesPerUserQuota": 20,
        "AuthorizedClientPerUserQuota": 0,
        "ConditionsPerAKPolicyQuota": 8,
        "GroupsPerUserQuota": 10,
        "GroupsQuota": 300,
        "IPItemsPerAKPolicyQuota": 50,
        "PoliciesQuota": 1500,
        "PolicySizeQuota": 6144,
        "RolesQuota": 1000,
        "ServiceCredentialsPerUserPerServiceQuota": 0,
        "UsersQuota": 5000,
        "VersionsPerPolicyQuota": 5,
        "VirtualMFADevicesQuota": 5000,
    }
    assert len(summary.to_map()) == len(quotas) + 6


def test_get_account_summary__without_rights__denied(company: Seed) -> None:
    nobody, reader = company.new_user(), company.new_user("AliyunRAMReadOnlyAccess")
    assert refusal(company.ims(*nobody.key).get_account_summary).code == "NoPermission"
    assert company.ims(*reader.key).get_account_summary().body.summary_map.users > 0
