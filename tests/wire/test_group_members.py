"""Who is in which group, in both versions, through the official clients."""

import secrets
from collections.abc import Callable

import pytest
from alibabacloud_ims20190815 import models as ims
from alibabacloud_ram20150501 import models as ram

from gateway.directory.attachments import attach_policy
from gateway.directory.groups import get_group
from tests.fake_clock import NOON
from tests.wire.names import logon
from tests.wire.own_policy import give
from tests.wire.refusal import refusal
from tests.wire.seed import Caller, Seed


def new_group(company: Seed, *policies: str) -> str:
    name = "members-" + secrets.token_hex(4)
    company.ims().create_group(ims.CreateGroupRequest(group_name=name, display_name="Shown", comments="c"))
    with company.services.store.transaction() as session:
        for policy in policies:
            group = get_group(session, company.account_id, name)
            attach_policy(session, company.account_id, "System", policy, group, NOON)
    return name


def join(company: Seed, user: str, group: str) -> None:
    company.ram().add_user_to_group(ram.AddUserToGroupRequest(user_name=user, group_name=group))


def test_membership__ram_and_ims__seen_from_both_sides(company: Seed) -> None:
    one, two, group = company.new_user(), company.new_user(), new_group(company)
    join(company, one.name, group)
    company.ims().add_user_to_group(
        ims.AddUserToGroupRequest(user_principal_name=logon(two.name), group_name=group.upper())
    )
    [seen] = company.ram().list_groups_for_user(ram.ListGroupsForUserRequest(user_name=one.name)).body.groups.group
    assert (seen.group_name, seen.comments) == (group, "c")
    by_name = ims.ListGroupsForUserRequest(user_principal_name=logon(one.name))
    [shown] = company.ims().list_groups_for_user(by_name).body.groups.group
    assert shown.to_map() == {**seen.to_map(), "DisplayName": "Shown"}
    members = company.ram().list_users_for_group(ram.ListUsersForGroupRequest(group_name=group)).body
    assert {user.user_name for user in members.users.user} == {one.name, two.name}
    assert members.is_truncated is False
    found = company.ims().list_users_for_group(ims.ListUsersForGroupRequest(group_name=group)).body.users.user
    assert {(user.user_id, user.user_principal_name) for user in found} == {
        (one.user_id, logon(one.name)),
        (two.user_id, logon(two.name)),
    }
    assert all(user.join_date for user in (*found, *members.users.user))
    company.ims().remove_user_from_group(
        ims.RemoveUserFromGroupRequest(user_principal_name=logon(one.name), group_name=group)
    )
    assert company.ims().list_groups_for_user(by_name).body.groups.group == []


def test_list_users_for_group__pages__each_member_once(company: Seed) -> None:
    group = new_group(company)
    ids = set()
    for _ in range(3):
        caller = company.new_user()
        ids.add(caller.user_id)
        join(company, caller.name, group)
    first = company.ims().list_users_for_group(ims.ListUsersForGroupRequest(group_name=group, max_items=2)).body
    assert first.is_truncated
    rest = ims.ListUsersForGroupRequest(group_name=group, max_items=2, marker=first.marker)
    second = company.ims().list_users_for_group(rest).body
    assert second.is_truncated is False
    assert [len(page.users.user) for page in (first, second)] == [2, 1]
    assert {user.user_id for user in (*first.users.user, *second.users.user)} == ids


def test_add_user_to_group__group_with_policy__acts_at_once_and_ends_at_once(company: Seed) -> None:
    caller, group = company.new_user(), new_group(company, "AliyunRAMReadOnlyAccess")
    look = company.ram(*caller.key).list_groups
    assert refusal(look, ram.ListGroupsRequest()).code == "NoPermission"
    join(company, caller.name, group)
    assert look(ram.ListGroupsRequest()).body.groups.group
    company.ram().remove_user_from_group(ram.RemoveUserFromGroupRequest(user_name=caller.name, group_name=group))
    assert refusal(look, ram.ListGroupsRequest()).code == "NoPermission"


def test_membership__refused__verbatim(company: Seed) -> None:
    caller, group, client = company.new_user(), new_group(company), company.ram()
    leave = ram.RemoveUserFromGroupRequest(user_name=caller.name, group_name=group)
    error = refusal(client.remove_user_from_group, leave)
    assert (error.status_code, error.code) == (404, "EntityNotExist.User.Group")
    assert "The user has not joined the group." in str(error.message)
    join(company, caller.name, group)
    again = ram.AddUserToGroupRequest(user_name=caller.name, group_name=group)
    error = refusal(client.add_user_to_group, again)
    assert (error.status_code, error.code) == (409, "EntityAlreadyExists.User.Group")
    assert "The user has already joined the group." in str(error.message)
    for _ in range(9):
        join(company, caller.name, new_group(company))
    eleventh = ram.AddUserToGroupRequest(user_name=caller.name, group_name=new_group(company))
    error = refusal(client.add_user_to_group, eleventh)
    assert (error.status_code, error.code) == (409, "LimitExceeded.User.Group")


def test_membership__user_or_group_missing__not_found(company: Seed) -> None:
    caller, group = company.new_user(), new_group(company)
    for user, name, code in (
        ("no-such-user", group, "EntityNotExist.User"),
        (caller.name, "no-such-group", "EntityNotExist.Group"),
    ):
        for call in (company.ram().add_user_to_group, company.ram().remove_user_from_group):
            assert refusal(call, ram.AddUserToGroupRequest(user_name=user, group_name=name)).code == code
        for call in (company.ims().add_user_to_group, company.ims().remove_user_from_group):
            request = ims.AddUserToGroupRequest(user_principal_name=logon(user), group_name=name)
            assert refusal(call, request).code == code
    request = ims.ListUsersForGroupRequest(group_name="no-such-group")
    assert refusal(company.ims().list_users_for_group, request).code == "EntityNotExist.Group"
    for given, code in (({"user_name": "no-such-user"}, "EntityNotExist.User"), ({}, "MissingParameter")):
        request = ram.ListGroupsForUserRequest(**given)
        assert refusal(company.ram().list_groups_for_user, request).code == code
    missing = ram.AddUserToGroupRequest(group_name=group)
    assert refusal(company.ram(*caller.key).add_user_to_group, missing).code == "MissingParameter"


def test_add_user_to_group__right_to_one_of_the_two__denied(company: Seed) -> None:
    caller, joining, group = company.new_user(), company.new_user(), new_group(company)
    user_arn = f"acs:ram::{company.account_id}:user/{joining.name}"
    group_arn = f"acs:ram::{company.account_id}:group/{group}"
    request = ram.AddUserToGroupRequest(user_name=joining.name.upper(), group_name=group.upper())
    give(company, caller, {"Effect": "Allow", "Action": "ram:AddUserToGroup", "Resource": user_arn})
    assert refusal(company.ram(*caller.key).add_user_to_group, request).code == "NoPermission"
    other = company.new_user()
    give(company, other, {"Effect": "Allow", "Action": "ram:AddUserToGroup", "Resource": group_arn})
    assert refusal(company.ram(*other.key).add_user_to_group, request).code == "NoPermission"
    give(company, caller, {"Effect": "Allow", "Action": "ram:AddUserToGroup", "Resource": group_arn})
    company.ram(*caller.key).add_user_to_group(request)
    leave = ram.RemoveUserFromGroupRequest(user_name=joining.name, group_name=group)
    assert refusal(company.ram(*caller.key).remove_user_from_group, leave).code == "NoPermission"


Call = Callable[[Seed, Caller, str, str], object]
CALLS: dict[str, Call] = {
    "ram add": lambda c, by, user, group: c.ram(*by.key).add_user_to_group(
        ram.AddUserToGroupRequest(user_name=user, group_name=group)
    ),
    "ram remove": lambda c, by, user, group: c.ram(*by.key).remove_user_from_group(
        ram.RemoveUserFromGroupRequest(user_name=user, group_name=group)
    ),
    "ram groups": lambda c, by, user, _: c.ram(*by.key).list_groups_for_user(
        ram.ListGroupsForUserRequest(user_name=user)
    ),
    "ram users": lambda c, by, _, group: c.ram(*by.key).list_users_for_group(
        ram.ListUsersForGroupRequest(group_name=group)
    ),
    "ims add": lambda c, by, user, group: c.ims(*by.key).add_user_to_group(
        ims.AddUserToGroupRequest(user_principal_name=logon(user), group_name=group)
    ),
    "ims remove": lambda c, by, user, group: c.ims(*by.key).remove_user_from_group(
        ims.RemoveUserFromGroupRequest(user_principal_name=logon(user), group_name=group)
    ),
    "ims groups": lambda c, by, user, _: c.ims(*by.key).list_groups_for_user(
        ims.ListGroupsForUserRequest(user_principal_name=logon(user))
    ),
    "ims users": lambda c, by, _, group: c.ims(*by.key).list_users_for_group(
        ims.ListUsersForGroupRequest(group_name=group)
    ),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_membership_operations__without_rights__denied_and_nothing_told(company: Seed, call: Call) -> None:
    nobody, group = company.new_user(), new_group(company)
    for user, name in ((nobody.name, group), ("no-such-user", "no-such-group")):
        error = refusal(call, company, nobody, user, name)
        assert (error.status_code, error.code) == (403, "NoPermission")
