"""What users may do to themselves without a policy, nobody may do to them: nor a role that calls itself by their name."""

from collections.abc import Callable

import pytest
from alibabacloud_ims20190815 import models as ims
from alibabacloud_ram20150501 import models as ram
from alibabacloud_sts20150401.models import AssumeRoleRequest

from tests.attacks.wire.neighbours import new_role_of
from tests.wire.names import logon
from tests.wire.own_policy import give
from tests.wire.refusal import refusal
from tests.wire.seed import Caller, Seed
from tests.wire.test_assume_role import keys, root, trust

Call = Callable[[Seed, tuple[str, ...], Caller], object]
CALLS: dict[str, Call] = {
    "ram keys": lambda c, by, on: c.ram(*by).list_access_keys(ram.ListAccessKeysRequest(user_name=on.name)),
    "ims keys": lambda c, by, on: c.ims(*by).create_access_key(
        ims.CreateAccessKeyRequest(user_principal_name=logon(on.name))
    ),
    "ram device": lambda c, by, on: c.ram(*by).unbind_mfadevice(ram.UnbindMFADeviceRequest(user_name=on.name)),
    "ims device": lambda c, by, on: c.ims(*by).get_user_mfainfo(
        ims.GetUserMFAInfoRequest(user_principal_name=logon(on.name))
    ),
    "address": lambda c, by, on: c.ims(*by).get_verification_info(
        ims.GetVerificationInfoRequest(user_principal_name=logon(on.name))
    ),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_role_session__called_like_a_user__is_not_that_user(company: Seed, call: Call) -> None:
    victim, mallory = company.new_user(), company.new_user("AliyunSTSAssumeRoleAccess")
    role = new_role_of(company, company.account_id, trust(root(company.account_id)))
    request = AssumeRoleRequest(role_arn=role, role_session_name=victim.name)
    session = keys(company.client(*mallory.key).assume_role(request).body)
    assert refusal(call, company, session, victim).code == "NoPermission"
    assert refusal(call, company, mallory.key, victim).code == "NoPermission"


def test_change_password__denied_by_a_tag_of_the_user__refused_though_users_may(company: Seed) -> None:
    user = company.new_user()
    company.ram().create_login_profile(
        ram.CreateLoginProfileRequest(user_name=user.name, password="Correct-Horse-7-Battery")
    )
    condition = {"StringEquals": {"acs:ResourceTag/locked": "yes"}}
    give(company, user, {"Effect": "Deny", "Action": "ram:*", "Resource": "*", "Condition": condition})
    tag = [ims.TagResourcesRequestTag(key="locked", value="yes")]
    company.ims().tag_resources(
        ims.TagResourcesRequest(resource_type="user", resource_principal_name=[logon(user.name)], tag=tag)
    )
    change = ram.ChangePasswordRequest(old_password="Correct-Horse-7-Battery", new_password="Another-Horse-8-Battery")
    assert refusal(company.ram(*user.key).change_password, change).code == "NoPermission"
