"""Users one at a time, in both versions, through the official clients."""

from datetime import UTC, datetime
from typing import Any

import pytest
from alibabacloud_ims20190815 import models as ims
from alibabacloud_ram20150501 import models as ram

from gateway.directory.access_keys import create_access_key
from gateway.directory.groups import add_user, create_group
from gateway.directory.login_profiles import create_login_profile
from gateway.directory.mfa_devices import bind_device, create_device
from gateway.directory.users import create_user, get_user, record_login
from gateway.secret import Secret
from tests.wire.names import logon, new_name
from tests.wire.refusal import refusal
from tests.wire.seed import Seed

NOBODY = "Nobody-of-that-name"


def test_create_user__ram_with_everything__is_answered_and_found_again(company: Seed) -> None:
    name = new_name()
    request = ram.CreateUserRequest(
        user_name=name,
        display_name="Zhang.Qiang_1",
        comments="<hired> & 2026 é",
        email="zhang@example.com",
        mobile_phone="86-18600001234",
    )
    made = company.ram().create_user(request).body.user.to_map()
    got = company.ram().get_user(ram.GetUserRequest(user_name=name.upper())).body.user.to_map()
    assert got == {**made, "UpdateDate": made["CreateDate"]}
    assert made == {
        "UserId": made["UserId"],
        "CreateDate": made["CreateDate"],
        "UserName": name,
        "DisplayName": "Zhang.Qiang_1",
        "Comments": "<hired> & 2026 é",
        "Email": "zhang@example.com",
        "MobilePhone": "86-18600001234",
    }
    assert made["UserId"].isdigit()


def test_create_user__ims_with_tags__is_answered_and_found_by_name_id_and_key(company: Seed) -> None:
    name, client = new_name(), company.ims()
    request = ims.CreateUserRequest(
        user_principal_name=logon(name),
        display_name="Li",
        email="li@example.com",
        mobile_phone="1-5550100",
        comments="c",
        tag=[ims.CreateUserRequestTag(key="team", value="blue"), ims.CreateUserRequestTag(key="empty", value="")],
    )
    made = client.create_user(request).body.user
    assert made.user_principal_name == logon(name)
    assert made.provision_type == "Manual"
    assert made.last_login_date is None
    assert {tag.tag_key: tag.tag_value for tag in made.tags.tag} == {"team": "blue", "empty": ""}
    with company.services.store.transaction() as session:
        key = create_access_key(
            session, company.services.ring, account_id=company.account_id, user_id=made.user_id, now=datetime.now(UTC)
        )
        record_login(session, get_user(session, company.account_id, name), datetime.now(UTC))
    for found_by in (
        {"user_principal_name": f"{name}@acme"},
        {"user_principal_name": f"{name.upper()}@{company.account_id}.onaliyun.com"},
        {"user_id": made.user_id},
        {"user_access_key_id": key.access_key_id},
    ):
        got = client.get_user(ims.GetUserRequest(**found_by)).body.user
        assert got.user_id == made.user_id
        assert (got.user_name, got.user_principal_name) == (name, logon(name))
        assert (got.email, got.mobile_phone, got.comments) == ("li@example.com", "1-5550100", "c")
        assert got.last_login_date is not None
        assert len(got.tags.tag) == 2
    assert company.ram().get_user(ram.GetUserRequest(user_name=name)).body.user.last_login_date is not None


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"user_name": "a b"}, "InvalidParameter.UserName.InvalidChars"),
        ({"user_name": "x" * 65}, "InvalidParameter.UserName.Length"),
        ({"user_name": "x" * 5000}, "InvalidParameter.UserName.Length"),
        ({}, "MissingParameter"),
        ({"display_name": "a<b"}, "InvalidParameter.DisplayName.InvalidChars"),
        ({"display_name": "x" * 129}, "InvalidParameter.DisplayName.Length"),
        ({"comments": "x" * 129}, "InvalidParameter.Comments.Length"),
        ({"email": "not-an-address"}, "InvalidParameter.Email.Format"),
        ({"email": "a@b@example.com"}, "InvalidParameter.Email.Format"),
        ({"mobile_phone": "18600001234"}, "InvalidParameter.MobilePhone.Format"),
        ({"mobile_phone": "86-1860000123٤"}, "InvalidParameter.MobilePhone.Format"),
    ],
)
def test_create_user__ram_malformed__refused_and_nothing_made(company: Seed, given: dict[str, str], code: str) -> None:
    name = new_name()
    given = {"user_name": name, **given} if given else {}
    error = refusal(company.ram().create_user, ram.CreateUserRequest(**given))
    assert (error.status_code, error.code) == (400, code)
    assert refusal(company.ram().get_user, ram.GetUserRequest(user_name=name)).code == "EntityNotExist.User"


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"user_principal_name": "bob@elsewhere.example"}, "InvalidParameter.UserPrincipalName"),
        ({"user_principal_name": "bob"}, "InvalidParameter.UserPrincipalName"),
        ({"user_principal_name": "b b@acme.onaliyun.com"}, "InvalidParameter.UserPrincipalName.InvalidChars"),
        ({"user_principal_name": f"{'x' * 65}@acme.onaliyun.com"}, "InvalidParameter.UserPrincipalName.Length"),
        ({"display_name": "x" * 25}, "InvalidParameter.DisplayName.Length"),
        ({"display_name": None}, "MissingParameter"),
        ({"tag": [ims.CreateUserRequestTag(key="acs:x", value="")]}, "InvalidParameter.TagKey"),
    ],
)
def test_create_user__ims_malformed__refused_and_nothing_made(company: Seed, given: dict[str, Any], code: str) -> None:
    name = new_name()
    request = ims.CreateUserRequest(**{"user_principal_name": logon(name), "display_name": "B", **given})
    error = refusal(company.ims().create_user, request)
    assert (error.status_code, error.code) == (400, code)
    assert refusal(company.ram().get_user, ram.GetUserRequest(user_name=name)).code == "EntityNotExist.User"


def test_create_user__name_taken_in_any_case__refused_in_both(company: Seed) -> None:
    caller = company.new_user()
    error = refusal(company.ram().create_user, ram.CreateUserRequest(user_name=caller.name.upper()))
    assert (error.status_code, error.code) == (409, "EntityAlreadyExists.User")
    assert "The user does already EXIST." in str(error.message)
    request = ims.CreateUserRequest(user_principal_name=logon(caller.name), display_name="x")
    assert refusal(company.ims().create_user, request).code == "EntityAlreadyExists.User"


def test_create_user__taken_name_with_tags__leaves_no_tags_behind(company: Seed) -> None:
    caller = company.new_user()
    tag = [ims.CreateUserRequestTag(key="k", value="v")]
    request = ims.CreateUserRequest(user_principal_name=logon(caller.name), display_name="x", tag=tag)
    refusal(company.ims().create_user, request)
    got = company.ims().get_user(ims.GetUserRequest(user_id=caller.user_id)).body.user
    assert got.tags.tag == []


def test_get_user__nobody_or_too_many_keys__refused(company: Seed) -> None:
    caller, client = company.new_user(), company.ims()
    for given in (
        {"user_principal_name": logon(NOBODY)},
        {"user_principal_name": f"{caller.name}@elsewhere.example"},
        {"user_id": "123456789012345678"},
        {"user_access_key_id": "LTAI00000000000000000000"},
        {"user_access_key_id": company.owner_key.access_key_id},
    ):
        error = refusal(client.get_user, ims.GetUserRequest(**given))
        assert (error.status_code, error.code) == (404, "EntityNotExist.User")
    assert refusal(company.ram().get_user, ram.GetUserRequest(user_name=NOBODY)).code == "EntityNotExist.User"
    assert refusal(client.get_user, ims.GetUserRequest()).code == "MissingParameter"
    both = ims.GetUserRequest(user_id=caller.user_id, user_principal_name=logon(caller.name))
    assert refusal(client.get_user, both).code == "InvalidParameter.UserId"


def test_update_user__ram_renamed__acts_at_once_and_keeps_key_and_policies(company: Seed) -> None:
    caller, new = company.new_user("AliyunRAMReadOnlyAccess"), new_name()
    request = ram.UpdateUserRequest(
        user_name=caller.name,
        new_user_name=new,
        new_display_name="New",
        new_comments="n",
        new_email="n@example.com",
        new_mobile_phone="86-10000",
    )
    changed = company.ram().update_user(request).body.user
    assert (changed.user_id, changed.user_name) == (caller.user_id, new)
    assert (changed.display_name, changed.comments, changed.email) == ("New", "n", "n@example.com")
    assert changed.mobile_phone == "86-10000"
    assert company.client(*caller.key).get_caller_identity().body.arn == f"acs:ram::{company.account_id}:user/{new}"
    assert company.ram(*caller.key).get_user(ram.GetUserRequest(user_name=new)).body.user.user_id == caller.user_id
    assert refusal(company.ram().get_user, ram.GetUserRequest(user_name=caller.name)).code == "EntityNotExist.User"
    again = ram.UpdateUserRequest(user_name=new, new_comments="", new_email="", new_mobile_phone="")
    cleared = company.ram().update_user(again).body.user
    assert (cleared.comments, cleared.email, cleared.mobile_phone) == (None, None, None)
    assert (cleared.display_name, cleared.user_name) == ("New", new)


def test_update_user__ims_by_id_and_name__changes_what_is_given(company: Seed) -> None:
    caller, new, client = company.new_user(), new_name(), company.ims()
    by_id = ims.UpdateUserRequest(user_id=caller.user_id, new_user_principal_name=logon(new))
    changed = client.update_user(by_id).body.user
    assert (changed.user_principal_name, changed.provision_type) == (logon(new), "Manual")
    by_name = ims.UpdateUserRequest(user_principal_name=logon(new), new_display_name="Neu", new_comments="k")
    changed = client.update_user(by_name).body.user
    assert (changed.user_id, changed.display_name, changed.comments) == (caller.user_id, "Neu", "k")


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"new_user_name": "a/b"}, "InvalidParameter.NewUserName.InvalidChars"),
        ({"new_user_name": "x" * 65}, "InvalidParameter.NewUserName.Length"),
        ({"new_display_name": "x" * 129}, "InvalidParameter.NewDisplayName.Length"),
        ({"new_comments": "x" * 129}, "InvalidParameter.NewComments.Length"),
        ({"new_email": "@"}, "InvalidParameter.NewEmail.Format"),
        ({"new_mobile_phone": "+86 186"}, "InvalidParameter.NewMobilePhone.Format"),
        ({"new_user_name": "alice"}, "EntityAlreadyExists.User"),
        ({"user_name": NOBODY}, "EntityNotExist.User"),
    ],
)
def test_update_user__ram_refused__nothing_changes(company: Seed, given: dict[str, str], code: str) -> None:
    caller = company.new_user()
    before = company.ram().get_user(ram.GetUserRequest(user_name=caller.name)).body.user.to_map()
    request = ram.UpdateUserRequest(**{"user_name": caller.name, "new_comments": "changed", **given})
    assert refusal(company.ram().update_user, request).code == code
    assert company.ram().get_user(ram.GetUserRequest(user_name=caller.name)).body.user.to_map() == before


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"new_user_principal_name": "x@elsewhere.example"}, "InvalidParameter.NewUserPrincipalName"),
        ({"new_user_principal_name": "a/b@acme.onaliyun.com"}, "InvalidParameter.NewUserPrincipalName.InvalidChars"),
        ({"new_user_principal_name": "alice@acme.onaliyun.com"}, "EntityAlreadyExists.User"),
        ({"new_display_name": "x" * 25}, "InvalidParameter.NewDisplayName.Length"),
        ({"user_id": "123456789012345678"}, "EntityNotExist.User"),
        ({"user_id": None}, "MissingParameter"),
    ],
)
def test_update_user__ims_refused__says_why(company: Seed, given: dict[str, str], code: str) -> None:
    caller = company.new_user()
    request = ims.UpdateUserRequest(**{"user_id": caller.user_id, **given})
    assert refusal(company.ims().update_user, request).code == code


def test_delete_user__ram_still_tied__refused_until_untied(company: Seed) -> None:
    caller, client = company.new_user("AliyunRAMReadOnlyAccess"), company.ram()
    request = ram.DeleteUserRequest(user_name=caller.name)
    error = refusal(client.delete_user, request)
    assert (error.status_code, error.code) == (409, "DeleteConflict.User.Policy")
    assert "The user CAN NOT has any policy while deleting the user." in str(error.message)
    bare = new_name()
    client.create_user(ram.CreateUserRequest(user_name=bare))
    client.delete_user(ram.DeleteUserRequest(user_name=bare))
    assert refusal(client.delete_user, ram.DeleteUserRequest(user_name=bare)).code == "EntityNotExist.User"


def test_delete_user__ims__takes_everything_off_and_its_key_is_dead(company: Seed) -> None:
    caller = company.new_user("AliyunRAMReadOnlyAccess")
    company.ims().delete_user(ims.DeleteUserRequest(user_principal_name=logon(caller.name)))
    assert refusal(company.client(*caller.key).get_caller_identity).code == "InvalidAccessKeyId.NotFound"
    for given in ({"user_id": caller.user_id}, {"user_access_key_id": caller.key_id}):
        assert refusal(company.ims().get_user, ims.GetUserRequest(**given)).code == "EntityNotExist.User"
    by_id = ims.DeleteUserRequest(user_id=caller.user_id)
    assert refusal(company.ims().delete_user, by_id).code == "EntityNotExist.User"


@pytest.mark.parametrize(
    ("tie", "message"),
    [
        ("Group", "The user CAN NOT be in any group while deleting the user."),
        ("AccessKey", "The user CAN NOT has any access key while deleting the user."),
        ("LoginProfile", "The user CAN NOT has login profile while deleting the user."),
        ("MFADevice", "The user CAN NOT has MFA device while deleting the user."),
    ],
)
def test_delete_user__ram_each_tie__refused_verbatim(company: Seed, tie: str, message: str) -> None:
    name, now = new_name(), datetime.now(UTC)
    with company.services.store.transaction() as session:
        user = create_user(session, company.account_id, name, now=now)
        if tie == "Group":
            add_user(session, create_group(session, company.account_id, name, now=now), user, now)
        elif tie == "AccessKey":
            create_access_key(session, company.services.ring, account_id=user.account_id, user_id=user.id, now=now)
        elif tie == "LoginProfile":
            create_login_profile(session, user, Secret("Correct-Horse-7"), now=now)
        else:
            device = create_device(session, company.services.ring, user.account_id, name, now).device
            bind_device(session, device.id, user, now)
    error = refusal(company.ram().delete_user, ram.DeleteUserRequest(user_name=name))
    assert (error.status_code, error.code) == (409, f"DeleteConflict.User.{tie}")
    assert message in str(error.message)
