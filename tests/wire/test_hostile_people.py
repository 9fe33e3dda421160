"""Hostile values in each parameter of the operations on users, groups and the recycle bin: refused with a reason, or
taken as the plain text that they are. Never a fault of ours, and nothing half written."""

import json
import secrets
from collections.abc import Mapping

import pytest
from sqlalchemy import select

from gateway.directory.groups import Group
from gateway.directory.names import GROUP_NAME, USER_NAME
from gateway.directory.tags import Tag
from gateway.directory.users import User
from tests.wire.seed import Seed
from tests.wire.signed import Answer, SignedCall, send

RAM, IMS = "2015-05-01", "2019-08-15"
UPN = "ghost@acme.onaliyun.com"
ID = "123456789012345678"
KEY = "LTAI00000000000000000000"
OPERATIONS: tuple[tuple[str, str, Mapping[str, str]], ...] = (
    (RAM, "CreateUser", {"UserName": "", "DisplayName": "d", "Comments": "c", "Email": "", "MobilePhone": ""}),
    (RAM, "GetUser", {"UserName": "ghost"}),
    (RAM, "UpdateUser", {"UserName": "ghost", "NewUserName": "x", "NewDisplayName": "x", "NewComments": "x"}),
    (RAM, "UpdateUser", {"UserName": "ghost", "NewEmail": "e@example.com", "NewMobilePhone": "86-12345"}),
    (RAM, "DeleteUser", {"UserName": "ghost"}),
    (RAM, "ListUsers", {"Marker": "YQ", "MaxItems": "5"}),
    (RAM, "CreateGroup", {"GroupName": "", "Comments": "c"}),
    (RAM, "GetGroup", {"GroupName": "ghost"}),
    (RAM, "UpdateGroup", {"GroupName": "ghost", "NewGroupName": "x", "NewComments": "x"}),
    (RAM, "DeleteGroup", {"GroupName": "ghost"}),
    (RAM, "ListGroups", {"Marker": "YQ", "MaxItems": "5"}),
    (RAM, "AddUserToGroup", {"UserName": "alice", "GroupName": "ghost"}),
    (RAM, "RemoveUserFromGroup", {"UserName": "alice", "GroupName": "ghost"}),
    (RAM, "ListGroupsForUser", {"UserName": "alice"}),
    (RAM, "ListUsersForGroup", {"GroupName": "ghost", "Marker": "YQ", "MaxItems": "5"}),
    (IMS, "CreateUser", {"UserPrincipalName": "", "DisplayName": "d", "Comments": "c", "Tag": "[]"}),
    (IMS, "CreateUser", {"UserPrincipalName": "", "DisplayName": "d", "Tag.1.Key": "k", "Tag.1.Value": "v"}),
    (IMS, "GetUser", {"UserPrincipalName": UPN}),
    (IMS, "GetUser", {"UserId": ID}),
    (IMS, "GetUser", {"UserAccessKeyId": KEY}),
    (IMS, "UpdateUser", {"UserPrincipalName": UPN, "NewUserPrincipalName": UPN, "NewDisplayName": "x"}),
    (IMS, "UpdateUser", {"UserId": ID, "NewComments": "x", "NewEmail": "", "NewMobilePhone": ""}),
    (IMS, "DeleteUser", {"UserPrincipalName": UPN}),
    (IMS, "DeleteUser", {"UserId": ID}),
    (IMS, "ListUsers", {"Marker": "YQ", "MaxItems": "5", "Status": "active", "Tag": "[]"}),
    (IMS, "ListUsers", {"Tag.1.Key": "k", "Tag.1.Value": "v"}),
    (IMS, "ListUserBasicInfos", {"Marker": "YQ", "MaxItems": "5", "Status": "active", "Tag": "[]"}),
    (IMS, "CreateGroup", {"GroupName": "", "DisplayName": "d", "Comments": "c"}),
    (IMS, "GetGroup", {"GroupName": "ghost"}),
    (IMS, "UpdateGroup", {"GroupName": "ghost", "NewGroupName": "x", "NewDisplayName": "x", "NewComments": "x"}),
    (IMS, "DeleteGroup", {"GroupName": "ghost"}),
    (IMS, "ListGroups", {"Marker": "YQ", "MaxItems": "5"}),
    (IMS, "AddUserToGroup", {"UserPrincipalName": "alice@acme", "GroupName": "ghost"}),
    (IMS, "RemoveUserFromGroup", {"UserPrincipalName": "alice@acme", "GroupName": "ghost"}),
    (IMS, "ListGroupsForUser", {"UserPrincipalName": "alice@acme"}),
    (IMS, "ListUsersForGroup", {"GroupName": "ghost", "Marker": "YQ", "MaxItems": "5"}),
    (IMS, "GetAccountSummary", {}),
    (IMS, "ListUsersInRecycleBin", {"Filter": f"UserPrincipalName eq {UPN}", "Marker": "YQ", "MaxItems": "5"}),
    (IMS, "GetUserInRecycleBin", {"UserId": ID}),
    (IMS, "GetUserInRecycleBin", {"UserAccessKeyId": KEY}),
    (IMS, "RestoreUserFromRecycleBin", {"UserId": ID}),
    (IMS, "DeleteUserInRecycleBin", {"UserId": ID}),
    (IMS, "ListAccessKeysInRecycleBin", {"UserId": ID}),
    (IMS, "GetAccessKeyInfoInRecycleBin", {"UserAccessKeyId": KEY}),
    (IMS, "RestoreAccessKeyFromRecycleBin", {"UserId": ID, "UserAccessKeyId": KEY}),
    (IMS, "DeleteAccessKeyInRecycleBin", {"UserId": ID, "UserAccessKeyId": KEY}),
)
HOSTILE = (
    "",
    " ",
    "\0",
    "a\0b@acme",
    "*",
    "../../etc/passwd",
    "' OR '1'='1",
    "%00%ff",
    "\u212aelvin",  # lower() makes a plain k of it
    "alice\u200b",
    "\u202ealice@acme.onaliyun.com",
    "a@b@acme.onaliyun.com",
    "@acme.onaliyun.com",
    "alice@",
    "-1",
    "1.5",
    "9" * 400,
    "x" * 50_000,
    "[",
    "[" * 20_000,
    '[{"Key":"a\\u0000","Value":"\\ud800"}]',
    '[{"Key":1}]',
    '[{"Key":"k","Value":{"$gt":""}}]',
    '{"Key":"k"}',
    "null",
    "UserPrincipalName eq alice\0@acme",
    "gA",  # a marker that is no text
    "AA",  # a marker that is NUL
)


def ask(company: Seed, version: str, action: str, parameters: Mapping[str, str]) -> Answer:
    call = SignedCall(company.owner_key, query=parameters, more={"x-acs-action": action, "x-acs-version": version})
    with company.gateway.connect() as connection:
        return send(connection, call.request())


def filled(parameters: Mapping[str, str]) -> dict[str, str]:
    """What a new thing is called must be new each time."""
    fresh = {"UserName": "h-{}", "GroupName": "h-{}", "UserPrincipalName": "h-{}@acme.onaliyun.com"}
    token = secrets.token_hex(6)
    return {
        name: fresh[name].format(token) if name in fresh and not text else text for name, text in parameters.items()
    }


@pytest.mark.parametrize(
    ("version", "action", "parameters"),
    OPERATIONS,
    ids=[f"{version[:4]}-{action}" for version, action, _ in OPERATIONS],
)
def test_operation__hostile_value_in_each_parameter__answered_or_refused_with_a_reason(
    company: Seed, version: str, action: str, parameters: Mapping[str, str]
) -> None:
    for name in parameters or {"Unknown": ""}:
        for value in HOSTILE:
            answer = ask(company, version, action, {**filled(parameters), name: value})
            told = (name, value[:40], answer.body[:300])
            assert answer.status in (200, 400, 404, 409), told
            if answer.status != 200:
                assert answer.json["Reason"], told
                assert answer.json["RequestId"], told


def test_after_all_that__names_are_names_and_tags_are_of_somebody(company: Seed) -> None:
    with company.services.store.reading() as session:
        users = session.scalars(select(User)).all()
        assert all(USER_NAME.pattern.fullmatch(user.name) and user.name_key == user.name.lower() for user in users)
        groups = session.scalars(select(Group)).all()
        assert all(GROUP_NAME.pattern.fullmatch(group.name) for group in groups)
        tagged = set(session.scalars(select(Tag.thing_id).where(Tag.kind == "user")))
        assert tagged <= {user.id for user in users}


def test_create_user__tags_as_json_and_numbered_at_once__refused_or_one_of_them(company: Seed) -> None:
    name = filled({"UserPrincipalName": "", "DisplayName": "d"})
    both = {**name, "Tag": json.dumps([{"Key": "a", "Value": "1"}]), "Tag.1.Key": "b", "Tag.1.Value": "2"}
    answer = ask(company, IMS, "CreateUser", both)
    assert answer.status == 200
    assert answer.json["User"]["Tags"] == {"Tag": [{"TagKey": "a", "TagValue": "1"}]}
