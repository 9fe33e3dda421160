"""Names are what policies and trust policies go by: who may not touch a name may not give it to anybody either."""

from alibabacloud_ims20190815 import models as ims
from alibabacloud_ram20150501 import models as ram
from alibabacloud_sts20150401.models import AssumeRoleRequest

from tests.attacks.wire.neighbours import new_role_of
from tests.wire.names import logon, new_name
from tests.wire.own_policy import give
from tests.wire.refusal import refusal
from tests.wire.seed import Caller, Seed
from tests.wire.test_assume_role import trust


def helper_of(company: Seed, action: str, *names: str) -> Caller:
    """Somebody with one right to the things of these names, such as `user/temp-*`."""
    caller = company.new_user("AliyunSTSAssumeRoleAccess")
    arns = [f"acs:ram:*:{company.account_id}:{name}" for name in names]
    give(company, caller, {"Effect": "Allow", "Action": action, "Resource": arns})
    return caller


def test_rename__to_a_name_that_a_role_trusts__refused_unless_the_new_name_is_ones_to_change(company: Seed) -> None:
    boss = new_name("boss")
    role = new_role_of(company, company.account_id, trust(f"acs:ram::{company.account_id}:user/{boss}"))
    mallory = company.new_user("AliyunSTSAssumeRoleAccess")
    own = f"acs:ram:*:{company.account_id}:user/{mallory.name}"
    give(company, mallory, {"Effect": "Allow", "Action": "ram:UpdateUser", "Resource": own})
    rename = ram.UpdateUserRequest(user_name=mallory.name, new_user_name=boss)
    assert refusal(company.ram(*mallory.key).update_user, rename).code == "NoPermission"
    logon_name = ims.UpdateUserRequest(user_id=mallory.user_id, new_user_principal_name=logon(boss))
    assert refusal(company.ims(*mallory.key).update_user, logon_name).code == "NoPermission"
    assume = AssumeRoleRequest(role_arn=role, role_session_name="mallory")
    assert refusal(company.client(*mallory.key).assume_role, assume).code == "NoPermission"


def test_rename__both_names_are_ones_to_change__done(company: Seed) -> None:
    old, new, newer = (new_name("temp") for _ in range(3))
    helper = helper_of(company, "ram:UpdateUser", "user/temp-*")
    company.ram().create_user(ram.CreateUserRequest(user_name=old))
    client = company.ram(*helper.key)
    assert client.update_user(ram.UpdateUserRequest(user_name=old, new_user_name=new)).body.user.user_name == new
    by_logon = ims.UpdateUserRequest(user_principal_name=logon(new), new_user_principal_name=logon(newer))
    assert company.ims(*helper.key).update_user(by_logon).body.user.user_principal_name == logon(newer)


def test_rename__right_bound_to_a_tag_of_the_user__goes_with_the_user(company: Seed) -> None:
    helper, old, new = company.new_user(), new_name(), new_name()
    condition = {"StringEquals": {"acs:ResourceTag/team": "blue"}}
    give(company, helper, {"Effect": "Allow", "Action": "ram:UpdateUser", "Resource": "*", "Condition": condition})
    tag = [ims.CreateUserRequestTag(key="team", value="blue")]
    company.ims().create_user(ims.CreateUserRequest(user_principal_name=logon(old), display_name="x", tag=tag))
    rename = ram.UpdateUserRequest(user_name=old, new_user_name=new)
    assert company.ram(*helper.key).update_user(rename).body.user.user_name == new


def test_rename__only_the_case__is_a_new_name_too(company: Seed) -> None:
    """Users' ARNs are compared letter by letter: `user/Temp` is not what a Deny on `user/temp` speaks of."""
    mallory, victim = company.new_user("AliyunRAMFullAccess"), company.new_user()
    shouted = f"acs:ram:*:{company.account_id}:user/{victim.name.upper()}"
    give(company, mallory, {"Effect": "Deny", "Action": "ram:*", "Resource": shouted})
    rename = ram.UpdateUserRequest(user_name=victim.name, new_user_name=victim.name.upper())
    assert refusal(company.ram(*mallory.key).update_user, rename).code == "NoPermission"


def test_rename__group_to_a_name_out_of_reach__refused_in_both_versions(company: Seed) -> None:
    group = new_name("temp")
    company.ram().create_group(ram.CreateGroupRequest(group_name=group))
    helper = helper_of(company, "ram:UpdateGroup", "group/temp-*")
    away = ram.UpdateGroupRequest(group_name=group, new_group_name=new_name("admins"))
    assert refusal(company.ram(*helper.key).update_group, away).code == "NoPermission"
    ims_away = ims.UpdateGroupRequest(group_name=group, new_group_name=new_name("admins"))
    assert refusal(company.ims(*helper.key).update_group, ims_away).code == "NoPermission"
    within = ram.UpdateGroupRequest(group_name=group, new_group_name=new_name("temp"))
    assert company.ram(*helper.key).update_group(within).body.group.group_name == within.new_group_name


def test_create__a_user_or_group_whose_name_is_denied__refused(company: Seed) -> None:
    """Who is called like a deleted user is who trust policies mean by that name."""
    mallory, gone, group = company.new_user("AliyunRAMFullAccess"), new_name("gone"), new_name("admins")
    arns = [f"acs:ram:*:{company.account_id}:user/{gone}", f"acs:ram:*:{company.account_id}:group/{group}"]
    give(company, mallory, {"Effect": "Deny", "Action": "ram:*", "Resource": arns})
    client, other = company.ram(*mallory.key), company.ims(*mallory.key)
    assert refusal(client.create_user, ram.CreateUserRequest(user_name=gone)).code == "NoPermission"
    named = ims.CreateUserRequest(user_principal_name=logon(gone), display_name="x")
    assert refusal(other.create_user, named).code == "NoPermission"
    assert refusal(client.create_group, ram.CreateGroupRequest(group_name=group)).code == "NoPermission"
    assert refusal(other.create_group, ims.CreateGroupRequest(group_name=group)).code == "NoPermission"
