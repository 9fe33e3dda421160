"""Groups in both versions, through the official clients."""

from collections.abc import Callable

import pytest
from alibabacloud_ims20190815 import models as ims
from alibabacloud_ram20150501 import models as ram

from gateway.directory.attachments import attach_policy
from gateway.directory.groups import get_group
from tests.fake_clock import NOON
from tests.wire.names import new_name
from tests.wire.refusal import refusal
from tests.wire.seed import Caller, Seed


def make(company: Seed, **more: str) -> str:
    name = new_name()
    company.ims().create_group(ims.CreateGroupRequest(group_name=name, **more))
    return name


def test_group__ram__made_read_changed_and_deleted(company: Seed) -> None:
    name, new, client = new_name(), new_name(), company.ram()
    made = client.create_group(ram.CreateGroupRequest(group_name=name, comments="first")).body.group
    assert (made.group_name, made.comments) == (name, "first")
    assert made.group_id.isdigit()
    got = client.get_group(ram.GetGroupRequest(group_name=name.upper())).body.group
    assert got.to_map() == {**made.to_map(), "UpdateDate": made.create_date}
    request = ram.UpdateGroupRequest(group_name=name, new_group_name=new, new_comments="second")
    changed = client.update_group(request).body.group
    assert (changed.group_id, changed.group_name, changed.comments) == (made.group_id, new, "second")
    assert client.update_group(ram.UpdateGroupRequest(group_name=new, new_comments="")).body.group.comments is None
    client.delete_group(ram.DeleteGroupRequest(group_name=new))
    error = refusal(client.get_group, ram.GetGroupRequest(group_name=new))
    assert (error.status_code, error.code) == (404, "EntityNotExist.Group")
    assert "The group does not exist." in str(error.message)


def test_group__ims__has_a_display_name_too(company: Seed) -> None:
    name, new, client = new_name(), new_name(), company.ims()
    request = ims.CreateGroupRequest(group_name=name, display_name="Developers", comments="c")
    made = client.create_group(request).body.group
    assert (made.group_name, made.display_name, made.comments) == (name, "Developers", "c")
    assert made.update_date == made.create_date
    assert client.get_group(ims.GetGroupRequest(group_name=name)).body.group.to_map() == made.to_map()
    change = ims.UpdateGroupRequest(group_name=name, new_group_name=new, new_display_name="Testers", new_comments="d")
    changed = client.update_group(change).body.group
    assert (changed.group_id, changed.group_name) == (made.group_id, new)
    assert (changed.display_name, changed.comments) == ("Testers", "d")
    client.delete_group(ims.DeleteGroupRequest(group_name=new))
    assert refusal(client.get_group, ims.GetGroupRequest(group_name=new)).code == "EntityNotExist.Group"


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"group_name": "a b"}, "InvalidParameter.GroupName.InvalidChars"),
        ({"group_name": "x" * 65}, "InvalidParameter.GroupName.Length"),
        ({"group_name": None}, "MissingParameter"),
        ({"comments": "x" * 129}, "InvalidParameter.Comments.Length"),
        ({"display_name": "x" * 25}, "InvalidParameter.DisplayName.Length"),
        ({"display_name": "a b"}, "InvalidParameter.DisplayName.InvalidChars"),
    ],
)
def test_create_group__malformed__refused_and_nothing_made(company: Seed, given: dict[str, str], code: str) -> None:
    name = new_name()
    error = refusal(company.ims().create_group, ims.CreateGroupRequest(**{"group_name": name, **given}))
    assert (error.status_code, error.code) == (400, code)
    if "display_name" not in given:
        error = refusal(company.ram().create_group, ram.CreateGroupRequest(**{"group_name": name, **given}))
        assert error.code == code
    assert refusal(company.ram().get_group, ram.GetGroupRequest(group_name=name)).code == "EntityNotExist.Group"


def test_create_group__name_taken__refused_in_both(company: Seed) -> None:
    name = make(company)
    error = refusal(company.ram().create_group, ram.CreateGroupRequest(group_name=name.upper()))
    assert (error.status_code, error.code) == (409, "EntityAlreadyExists.Group")
    assert refusal(company.ims().create_group, ims.CreateGroupRequest(group_name=name)).code == error.code


def test_update_group__refused__says_why(company: Seed) -> None:
    name, other = make(company), make(company)
    for given, code in (
        ({"new_group_name": other}, "EntityAlreadyExists.Group"),
        ({"new_group_name": "a/b"}, "InvalidParameter.NewGroupName.InvalidChars"),
        ({"new_comments": "x" * 129}, "InvalidParameter.NewComments.Length"),
    ):
        assert refusal(company.ram().update_group, ram.UpdateGroupRequest(group_name=name, **given)).code == code
        assert refusal(company.ims().update_group, ims.UpdateGroupRequest(group_name=name, **given)).code == code
    longer = ims.UpdateGroupRequest(group_name=name, new_display_name="x" * 25)
    assert refusal(company.ims().update_group, longer).code == "InvalidParameter.NewDisplayName.Length"
    gone = ram.UpdateGroupRequest(group_name=new_name(), new_comments="x")
    assert refusal(company.ram().update_group, gone).code == "EntityNotExist.Group"


def test_delete_group__with_members_or_policies__refused_verbatim(company: Seed) -> None:
    name, caller = make(company), company.new_user()
    company.ram().add_user_to_group(ram.AddUserToGroupRequest(user_name=caller.name, group_name=name))
    error = refusal(company.ram().delete_group, ram.DeleteGroupRequest(group_name=name))
    assert (error.status_code, error.code) == (409, "DeleteConflict.Group.User")
    assert "The group CAN NOT has any user while deleting the group." in str(error.message)
    company.ram().remove_user_from_group(ram.RemoveUserFromGroupRequest(user_name=caller.name, group_name=name))
    with company.services.store.transaction() as session:
        group = get_group(session, company.account_id, name)
        attach_policy(session, company.account_id, "System", "AliyunRAMReadOnlyAccess", group, NOON)
    error = refusal(company.ims().delete_group, ims.DeleteGroupRequest(group_name=name))
    assert error.code == "DeleteConflict.Group.Policy"
    assert "The group CAN NOT has any policy while deleting the group." in str(error.message)


def test_list_groups__pages__every_group_once(company: Seed) -> None:
    mine = sorted(make(company) for _ in range(3))
    seen: list[str] = []
    marker = None
    while True:
        body = company.ram().list_groups(ram.ListGroupsRequest(marker=marker, max_items=2)).body
        seen += [group.group_name for group in body.groups.group]
        if not body.is_truncated:
            break
        marker = body.marker
    assert [name for name in seen if name in mine] == mine
    assert len(seen) == len(set(seen))
    listed = company.ims().list_groups(ims.ListGroupsRequest()).body
    assert [group.group_name for group in listed.groups.group] == seen
    assert {"CreateDate", "UpdateDate", "GroupId"} <= listed.groups.group[0].to_map().keys()
    for size in (0, 1001):
        error = refusal(company.ims().list_groups, ims.ListGroupsRequest(max_items=size))
        assert error.code == "InvalidParameter.MaxItems"


Call = Callable[[Seed, Caller, str], object]
CALLS: dict[str, Call] = {
    "ram create": lambda c, by, _on: c.ram(*by.key).create_group(ram.CreateGroupRequest(group_name=new_name())),
    "ram get": lambda c, by, on: c.ram(*by.key).get_group(ram.GetGroupRequest(group_name=on)),
    "ram update": lambda c, by, on: c.ram(*by.key).update_group(ram.UpdateGroupRequest(group_name=on)),
    "ram delete": lambda c, by, on: c.ram(*by.key).delete_group(ram.DeleteGroupRequest(group_name=on)),
    "ram list": lambda c, by, _on: c.ram(*by.key).list_groups(ram.ListGroupsRequest()),
    "ims create": lambda c, by, _on: c.ims(*by.key).create_group(ims.CreateGroupRequest(group_name=new_name())),
    "ims get": lambda c, by, on: c.ims(*by.key).get_group(ims.GetGroupRequest(group_name=on)),
    "ims update": lambda c, by, on: c.ims(*by.key).update_group(ims.UpdateGroupRequest(group_name=on)),
    "ims delete": lambda c, by, on: c.ims(*by.key).delete_group(ims.DeleteGroupRequest(group_name=on)),
    "ims list": lambda c, by, _on: c.ims(*by.key).list_groups(ims.ListGroupsRequest()),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_group_operations__without_rights__denied_and_nothing_told(company: Seed, call: Call) -> None:
    nobody = company.new_user()
    for name in (make(company), "no-such-group"):
        error = refusal(call, company, nobody, name)
        assert (error.status_code, error.code) == (403, "NoPermission")
