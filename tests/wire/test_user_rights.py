"""Who may do what to which user, in both versions, through the official clients."""

import secrets
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from alibabacloud_ims20190815 import models as ims
from alibabacloud_ram20150501 import models as ram

from gateway.directory.access_keys import create_access_key
from gateway.directory.accounts import create_account
from gateway.secret import Secret
from tests.wire.names import logon, new_name
from tests.wire.own_policy import give
from tests.wire.refusal import refusal
from tests.wire.seed import Caller, Seed

Call = Callable[[Seed, Caller, Caller], object]
CALLS: dict[str, Call] = {
    "ram create": lambda c, by, _on: c.ram(*by.key).create_user(ram.CreateUserRequest(user_name=new_name())),
    "ram get": lambda c, by, on: c.ram(*by.key).get_user(ram.GetUserRequest(user_name=on.name)),
    "ram update": lambda c, by, on: c.ram(*by.key).update_user(ram.UpdateUserRequest(user_name=on.name)),
    "ram delete": lambda c, by, on: c.ram(*by.key).delete_user(ram.DeleteUserRequest(user_name=on.name)),
    "ims create": lambda c, by, _on: c.ims(*by.key).create_user(
        ims.CreateUserRequest(user_principal_name=logon(new_name()), display_name="x")
    ),
    "ims get": lambda c, by, on: c.ims(*by.key).get_user(ims.GetUserRequest(user_id=on.user_id)),
    "ims update": lambda c, by, on: c.ims(*by.key).update_user(ims.UpdateUserRequest(user_id=on.user_id)),
    "ims delete": lambda c, by, on: c.ims(*by.key).delete_user(ims.DeleteUserRequest(user_id=on.user_id)),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_user_operations__without_rights__denied_and_nothing_told(company: Seed, call: Call) -> None:
    nobody, somebody = company.new_user(), company.new_user()
    ghost = Caller("ghost", "123456789012345678", "", "")
    for target in (somebody, ghost, nobody):  # not even about itself
        error = refusal(call, company, nobody, target)
        assert (error.status_code, error.code) == (403, "NoPermission")
    assert company.ram().get_user(ram.GetUserRequest(user_name=somebody.name)).body.user.user_id == somebody.user_id


def test_create_user__right_bound_to_a_tag__only_with_that_tag(company: Seed) -> None:
    caller = company.new_user()
    condition = {"StringEquals": {"acs:RequestTag/team": "blue"}}
    give(company, caller, {"Effect": "Allow", "Action": "ram:CreateUser", "Resource": "*", "Condition": condition})
    client = company.ims(*caller.key)
    for value, passes in (("red", False), ("blue", True)):
        tag = [ims.CreateUserRequestTag(key="team", value=value)]
        request = ims.CreateUserRequest(user_principal_name=logon(new_name()), display_name="x", tag=tag)
        if passes:
            assert client.create_user(request).body.user.user_id
        else:
            assert refusal(client.create_user, request).code == "NoPermission"
    bare = ram.CreateUserRequest(user_name=new_name())
    assert refusal(company.ram(*caller.key).create_user, bare).code == "NoPermission"


def test_user_operations__right_bound_to_the_users_tag__in_both_versions(company: Seed) -> None:
    caller, blue, red = company.new_user(), new_name(), new_name()
    condition = {"StringEquals": {"acs:ResourceTag/team": "blue"}}
    give(company, caller, {"Effect": "Allow", "Action": "ram:*User", "Resource": "*", "Condition": condition})
    for name, color in ((blue, "blue"), (red, "red")):
        tag = [ims.CreateUserRequestTag(key="team", value=color)]
        request = ims.CreateUserRequest(user_principal_name=logon(name), display_name="x", tag=tag)
        company.ims().create_user(request)
    assert company.ram(*caller.key).get_user(ram.GetUserRequest(user_name=blue)).body.user.user_name == blue
    assert refusal(company.ram(*caller.key).get_user, ram.GetUserRequest(user_name=red)).code == "NoPermission"
    by_name = ims.DeleteUserRequest(user_principal_name=logon(red))
    assert refusal(company.ims(*caller.key).delete_user, by_name).code == "NoPermission"
    company.ims(*caller.key).delete_user(ims.DeleteUserRequest(user_principal_name=logon(blue)))


def test_update_user__deny_by_name__holds_in_any_case_by_id_and_key(company: Seed) -> None:
    caller, protected = company.new_user("AliyunRAMFullAccess"), company.new_user()
    arn = f"acs:ram::{company.account_id}:user/{protected.name}"
    give(company, caller, {"Effect": "Deny", "Action": "ram:*", "Resource": arn})
    by_name = ram.UpdateUserRequest(user_name=protected.name.upper(), new_comments="x")
    assert refusal(company.ram(*caller.key).update_user, by_name).code == "NoPermission"
    client = company.ims(*caller.key)
    for given in ({"user_id": protected.user_id}, {"user_principal_name": f"{protected.name.upper()}@ACME"}):
        assert refusal(client.update_user, ims.UpdateUserRequest(**given)).code == "NoPermission"
        assert refusal(client.delete_user, ims.DeleteUserRequest(**given)).code == "NoPermission"
    by_key = ims.GetUserRequest(user_access_key_id=protected.key_id)
    assert refusal(client.get_user, by_key).code == "NoPermission"


def test_user_operations__another_account__as_if_nobody_were_there(company: Seed) -> None:
    owner = secrets.token_hex(6)
    with company.services.store.transaction() as session:
        other = create_account(
            session,
            alias=None,
            display_name="",
            owner_login=f"{owner}@example.com",
            owner_password=Secret("Correct-Horse-7-Battery"),
            now=datetime.now(UTC),
        )
        made = create_access_key(
            session, company.services.ring, account_id=other.id, user_id=None, now=datetime.now(UTC)
        )
    key = (made.access_key_id, made.secret.reveal())
    victim = company.new_user()
    stranger_ims, stranger_ram = company.ims(*key), company.ram(*key)
    for given in (
        {"user_id": victim.user_id},
        {"user_access_key_id": victim.key_id},
        {"user_principal_name": logon(victim.name)},
    ):
        assert refusal(stranger_ims.get_user, ims.GetUserRequest(**given)).code == "EntityNotExist.User"
    assert refusal(stranger_ram.delete_user, ram.DeleteUserRequest(user_name=victim.name)).code == "EntityNotExist.User"
    by_id = ims.DeleteUserRequest(user_id=victim.user_id)
    assert refusal(stranger_ims.delete_user, by_id).code == "EntityNotExist.User"
    assert stranger_ims.list_users(ims.ListUsersRequest()).body.users.user == []
    company.ims().delete_user(by_id)
    in_bin = ims.RestoreUserFromRecycleBinRequest(user_id=victim.user_id)
    assert refusal(stranger_ims.restore_user_from_recycle_bin, in_bin).code == "EntityNotExist.User"
    seen = stranger_ims.list_users_in_recycle_bin(ims.ListUsersInRecycleBinRequest()).body
    assert seen.users.user == []
    key_info = ims.GetAccessKeyInfoInRecycleBinRequest(user_access_key_id=victim.key_id)
    error = refusal(stranger_ims.get_access_key_info_in_recycle_bin, key_info)
    assert error.code == "EntityNotExist.User.AccessKey"
