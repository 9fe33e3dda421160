"""Deleted users and AccessKeys: what they can still do (nothing), and how they come back. Through the official client."""

import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from alibabacloud_ims20190815 import models as ims
from alibabacloud_ram20150501 import models as ram

from gateway.directory.access_keys import AccessKeyStatus, set_status
from gateway.directory.groups import add_user, get_group
from gateway.directory.recycled_keys import delete_access_key
from gateway.directory.users import get_user
from tests.fake_clock import NOON
from tests.wire.names import logon
from tests.wire.refusal import refusal
from tests.wire.seed import Caller, Seed

GHOST = "123456789012345678"


def delete(company: Seed, caller: Caller) -> None:
    company.ims().delete_user(ims.DeleteUserRequest(user_id=caller.user_id))


def delete_key(company: Seed, caller: Caller) -> None:
    with company.services.store.transaction() as session:
        delete_access_key(
            session,
            account_id=company.account_id,
            user_id=caller.user_id,
            access_key_id=caller.key_id,
            now=datetime.now(UTC),
        )


def enable_key(company: Seed, caller: Caller) -> None:
    with company.services.store.transaction() as session:
        set_status(
            session,
            account_id=company.account_id,
            user_id=caller.user_id,
            access_key_id=caller.key_id,
            status=AccessKeyStatus.ACTIVE,
            now=datetime.now(UTC),
        )


def restore(company: Seed, caller: Caller) -> None:
    company.ims().restore_user_from_recycle_bin(ims.RestoreUserFromRecycleBinRequest(user_id=caller.user_id))


def restore_key(company: Seed, caller: Caller) -> None:
    company.ims().restore_access_key_from_recycle_bin(
        ims.RestoreAccessKeyFromRecycleBinRequest(user_id=caller.user_id, user_access_key_id=caller.key_id)
    )


def keys_in_bin(company: Seed, caller: Caller) -> list[str]:
    request = ims.ListAccessKeysInRecycleBinRequest(user_id=caller.user_id)
    keys = company.ims().list_access_keys_in_recycle_bin(request).body.access_keys.access_key
    return [key.access_key_id for key in keys]


def days_between(earlier: str, later: str) -> float:
    return (datetime.fromisoformat(later) - datetime.fromisoformat(earlier)) / timedelta(days=1)


def test_recycle_bin__user_deleted__is_listed_and_found_by_id_and_key(company: Seed) -> None:
    caller = company.new_user()
    delete(company, caller)
    by_id = company.ims().get_user_in_recycle_bin(ims.GetUserInRecycleBinRequest(user_id=caller.user_id)).body.user
    by_key = ims.GetUserInRecycleBinRequest(user_access_key_id=caller.key_id)
    assert company.ims().get_user_in_recycle_bin(by_key).body.user.to_map() == by_id.to_map()
    assert (by_id.user_id, by_id.user_principal_name) == (caller.user_id, logon(caller.name))
    assert days_between(by_id.recycle_date, by_id.delete_date) == 30
    wanted = ims.ListUsersInRecycleBinRequest(filter=f"UserPrincipalName eq {logon(caller.name).upper()}")
    [listed] = company.ims().list_users_in_recycle_bin(wanted).body.users.user
    assert listed.to_map() == by_id.to_map()


def test_recycle_bin__pages__each_deleted_user_once(company: Seed) -> None:
    mine = {caller.user_id for caller in (company.new_user(), company.new_user(), company.new_user())}
    for user_id in mine:
        company.ims().delete_user(ims.DeleteUserRequest(user_id=user_id))
    seen: list[str] = []
    marker = None
    while True:
        request = ims.ListUsersInRecycleBinRequest(marker=marker, max_items=2)
        body = company.ims().list_users_in_recycle_bin(request).body
        seen += [user.user_id for user in body.users.user]
        if not body.is_truncated:
            break
        marker = body.marker
    assert len(seen) == len(set(seen))
    assert mine <= set(seen)


def test_recycle_bin__user_in_it__is_nowhere_else(company: Seed) -> None:
    caller = company.new_user("AliyunRAMFullAccess")
    group = "bin-" + secrets.token_hex(4)
    company.ram().create_group(ram.CreateGroupRequest(group_name=group))
    company.ram().add_user_to_group(ram.AddUserToGroupRequest(user_name=caller.name, group_name=group))
    delete(company, caller)
    assert refusal(company.client(*caller.key).get_caller_identity).code == "InvalidAccessKeyId.NotFound"
    assert refusal(company.ram().get_user, ram.GetUserRequest(user_name=caller.name)).code == "EntityNotExist.User"
    listed = company.ims().list_users(ims.ListUsersRequest()).body.users.user
    assert caller.user_id not in {user.user_id for user in listed}
    members = company.ram().list_users_for_group(ram.ListUsersForGroupRequest(group_name=group)).body
    assert members.users.user == []
    entities = ram.ListEntitiesForPolicyRequest(policy_type="System", policy_name="AliyunRAMFullAccess")
    attached = company.ram().list_entities_for_policy(entities).body.users.user
    assert caller.name not in {user.user_name for user in attached}
    company.ram().delete_group(ram.DeleteGroupRequest(group_name=group))


def test_recycle_bin__restored__has_its_groups_policies_and_tags_but_no_working_key(company: Seed) -> None:
    caller = company.new_user("AliyunRAMReadOnlyAccess")
    kept, gone = "kept-" + secrets.token_hex(4), "gone-" + secrets.token_hex(4)
    for name in (kept, gone):
        company.ram().create_group(ram.CreateGroupRequest(group_name=name))
        with company.services.store.transaction() as session:
            group = get_group(session, company.account_id, name)
            add_user(session, group, get_user(session, company.account_id, caller.name), NOON)
    tag = ims.TagResourcesRequestTag(key="team", value="blue")
    company.ims().tag_resources(ims.TagResourcesRequest(resource_type="user", resource_id=[caller.user_id], tag=[tag]))
    before = company.ims().get_user(ims.GetUserRequest(user_id=caller.user_id)).body.user.to_map()
    delete(company, caller)
    company.ram().delete_group(ram.DeleteGroupRequest(group_name=gone))
    restore(company, caller)
    after = company.ims().get_user(ims.GetUserRequest(user_id=caller.user_id)).body.user.to_map()
    assert after == {**before, "UpdateDate": after["UpdateDate"]}
    groups = company.ram().list_groups_for_user(ram.ListGroupsForUserRequest(user_name=caller.name)).body.groups
    assert [(group.group_name, group.join_date) for group in groups.group] == [(kept, "2026-03-04T12:00:00Z")]
    assert refusal(company.client(*caller.key).get_caller_identity).code == "InvalidAccessKeyId.NotFound"
    assert keys_in_bin(company, caller) == [caller.key_id]
    restore_key(company, caller)
    assert refusal(company.client(*caller.key).get_caller_identity).code == "InvalidAccessKeyId.Inactive"
    enable_key(company, caller)
    assert company.ram(*caller.key).list_groups(ram.ListGroupsRequest(max_items=1)).body.groups.group
    assert refusal(restore, company, caller).code == "EntityNotExist.User"


def test_restore_user__name_taken_meanwhile__refused_until_it_is_free(company: Seed) -> None:
    caller = company.new_user()
    delete(company, caller)
    made = company.ram().create_user(ram.CreateUserRequest(user_name=caller.name.upper())).body.user
    error = refusal(restore, company, caller)
    assert (error.status_code, error.code) == (409, "EntityAlreadyExists.User")
    rename = ram.UpdateUserRequest(user_name=made.user_name, new_user_name="other-" + secrets.token_hex(4))
    company.ram().update_user(rename)
    restore(company, caller)
    assert company.ram().get_user(ram.GetUserRequest(user_name=caller.name)).body.user.user_id == caller.user_id


def test_delete_user_in_recycle_bin__gone_for_good_with_its_keys(company: Seed) -> None:
    caller = company.new_user()
    delete(company, caller)
    request = ims.DeleteUserInRecycleBinRequest(user_id=caller.user_id)
    company.ims().delete_user_in_recycle_bin(request)
    assert refusal(company.ims().delete_user_in_recycle_bin, request).code == "EntityNotExist.User"
    assert refusal(restore, company, caller).code == "EntityNotExist.User"
    assert refusal(restore_key, company, caller).code == "EntityNotExist.User.AccessKey"
    assert refusal(keys_in_bin, company, caller).code == "EntityNotExist.User"


def test_recycle_bin__key_deleted__is_told_about_and_comes_back_inactive(company: Seed) -> None:
    caller = company.new_user()
    delete_key(company, caller)
    assert refusal(company.client(*caller.key).get_caller_identity).code == "InvalidAccessKeyId.NotFound"
    info = ims.GetAccessKeyInfoInRecycleBinRequest(user_access_key_id=caller.key_id)
    key = company.ims().get_access_key_info_in_recycle_bin(info).body.access_key
    assert (key.access_key_id, key.user_id) == (caller.key_id, caller.user_id)
    assert (key.user_principal_name, key.user_recycled) == (logon(caller.name), False)
    assert days_between(key.recycle_date, key.delete_date) == 30
    assert keys_in_bin(company, caller) == [caller.key_id]
    restore_key(company, caller)
    assert keys_in_bin(company, caller) == []
    assert refusal(company.client(*caller.key).get_caller_identity).code == "InvalidAccessKeyId.Inactive"
    assert refusal(restore_key, company, caller).code == "EntityNotExist.User.AccessKey"


def test_recycle_bin__key_of_a_deleted_user__waits_for_its_user(company: Seed) -> None:
    caller = company.new_user()
    delete(company, caller)
    info = ims.GetAccessKeyInfoInRecycleBinRequest(user_access_key_id=caller.key_id)
    key = company.ims().get_access_key_info_in_recycle_bin(info).body.access_key
    assert (key.user_principal_name, key.user_recycled) == (logon(caller.name), True)
    error = refusal(restore_key, company, caller)
    assert (error.status_code, error.code) == (404, "EntityNotExist.User")


def test_delete_access_key_in_recycle_bin__gone_for_good(company: Seed) -> None:
    caller, other = company.new_user(), company.new_user()
    delete_key(company, caller)
    client = company.ims()
    wrong = ims.DeleteAccessKeyInRecycleBinRequest(user_id=other.user_id, user_access_key_id=caller.key_id)
    error = refusal(client.delete_access_key_in_recycle_bin, wrong)
    assert (error.status_code, error.code) == (404, "EntityNotExist.User.AccessKey")
    right = ims.DeleteAccessKeyInRecycleBinRequest(user_id=caller.user_id, user_access_key_id=caller.key_id)
    client.delete_access_key_in_recycle_bin(right)
    assert refusal(client.delete_access_key_in_recycle_bin, right).code == "EntityNotExist.User.AccessKey"
    info = ims.GetAccessKeyInfoInRecycleBinRequest(user_access_key_id=caller.key_id)
    error = refusal(client.get_access_key_info_in_recycle_bin, info)
    assert error.code == "EntityNotExist.User.AccessKey"


def test_recycle_bin__user_left_out__is_the_calling_user_and_nobody_for_the_owner(company: Seed) -> None:
    admin = company.new_user("AliyunRAMFullAccess")
    own = company.ims(*admin.key)
    assert own.list_access_keys_in_recycle_bin(ims.ListAccessKeysInRecycleBinRequest()).body.access_keys is not None
    not_there = ims.DeleteAccessKeyInRecycleBinRequest(user_access_key_id="LTAI00000000000000000000")
    assert refusal(own.delete_access_key_in_recycle_bin, not_there).code == "EntityNotExist.User.AccessKey"
    for call, request in (
        (company.ims().list_access_keys_in_recycle_bin, ims.ListAccessKeysInRecycleBinRequest()),
        (company.ims().delete_access_key_in_recycle_bin, not_there),
        (company.ims().restore_access_key_from_recycle_bin, not_there),
    ):
        assert refusal(call, request).code == "MissingParameter"


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"filter": "UserName eq alice"}, "InvalidParameter.Filter"),
        ({"filter": "UserPrincipalName eq alice"}, "InvalidParameter.Filter"),
        ({"filter": "UserPrincipalName ne alice@acme.onaliyun.com"}, "InvalidParameter.Filter"),
        ({"max_items": 1001}, "InvalidParameter.MaxItems"),
    ],
)
def test_list_users_in_recycle_bin__malformed__refused(company: Seed, given: dict[str, Any], code: str) -> None:
    error = refusal(company.ims().list_users_in_recycle_bin, ims.ListUsersInRecycleBinRequest(**given))
    assert (error.status_code, error.code) == (400, code)


def test_list_users_in_recycle_bin__name_of_another_domain__nobody(company: Seed) -> None:
    caller = company.new_user()
    delete(company, caller)
    request = ims.ListUsersInRecycleBinRequest(filter=f"UserPrincipalName eq {caller.name}@elsewhere.example")
    assert company.ims().list_users_in_recycle_bin(request).body.users.user == []


def test_get_user_in_recycle_bin__live_or_unknown__not_found(company: Seed) -> None:
    caller, call = company.new_user(), company.ims().get_user_in_recycle_bin
    for given, code in (
        ({"user_id": caller.user_id}, "EntityNotExist.User"),
        ({"user_id": GHOST}, "EntityNotExist.User"),
        ({"user_access_key_id": caller.key_id}, "EntityNotExist.User.AccessKey"),
        ({}, "MissingParameter"),
        ({"user_id": GHOST, "user_access_key_id": caller.key_id}, "InvalidParameter.UserAccessKeyId"),
    ):
        assert refusal(call, ims.GetUserInRecycleBinRequest(**given)).code == code


Call = Callable[[Any, Caller], object]
CALLS: dict[str, Call] = {
    "list users": lambda c, _on: c.list_users_in_recycle_bin(ims.ListUsersInRecycleBinRequest()),
    "get user": lambda c, on: c.get_user_in_recycle_bin(ims.GetUserInRecycleBinRequest(user_id=on.user_id)),
    "restore user": lambda c, on: c.restore_user_from_recycle_bin(
        ims.RestoreUserFromRecycleBinRequest(user_id=on.user_id)
    ),
    "delete user": lambda c, on: c.delete_user_in_recycle_bin(ims.DeleteUserInRecycleBinRequest(user_id=on.user_id)),
    "list keys": lambda c, on: c.list_access_keys_in_recycle_bin(
        ims.ListAccessKeysInRecycleBinRequest(user_id=on.user_id)
    ),
    "get key": lambda c, on: c.get_access_key_info_in_recycle_bin(
        ims.GetAccessKeyInfoInRecycleBinRequest(user_access_key_id=on.key_id)
    ),
    "restore key": lambda c, on: c.restore_access_key_from_recycle_bin(
        ims.RestoreAccessKeyFromRecycleBinRequest(user_id=on.user_id, user_access_key_id=on.key_id)
    ),
    "delete key": lambda c, on: c.delete_access_key_in_recycle_bin(
        ims.DeleteAccessKeyInRecycleBinRequest(user_id=on.user_id, user_access_key_id=on.key_id)
    ),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_recycle_bin_operations__without_rights__denied_and_nothing_told(company: Seed, call: Call) -> None:
    nobody, deleted = company.new_user(), company.new_user()
    delete(company, deleted)
    for target in (deleted, Caller("ghost", GHOST, "LTAI00000000000000000000", "")):
        error = refusal(call, company.ims(*nobody.key), target)
        assert (error.status_code, error.code) == (403, "NoPermission")
