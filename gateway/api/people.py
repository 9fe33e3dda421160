"""How answers show users and groups. An optional field that is not set is left out. Rule: operations.md."""

from collections.abc import Mapping

from gateway.api.action import Work
from gateway.api.principal_names import principal_name_of
from gateway.api.render import Value
from gateway.clock import wire_time
from gateway.directory.groups import Group
from gateway.directory.users import User

ACTIVE = "active"  # ASSUMPTION: no operation freezes a user, so every user is active


def ram_user(user: User) -> dict[str, Value]:
    """A user as RAM names it."""
    return {**_common(user), "UserName": user.name}


def ims_user(work: Work, user: User) -> dict[str, Value]:
    """A user as IMS names it, without its tags."""
    return {
        **_common(user),
        "UserPrincipalName": principal_name_of(work, user),
        "ProvisionType": user.provision_type,
        "UpdateDate": wire_time(user.updated_at),
        **last_login(user),
    }


def last_login(user: User) -> dict[str, Value]:
    """Left out for a user who never signed in."""
    return {} if user.last_login_at is None else {"LastLoginDate": wire_time(user.last_login_at)}


def tag_list(tags: Mapping[str, str]) -> dict[str, Value]:
    return {"Tags": {"Tag": [{"TagKey": key, "TagValue": value} for key, value in tags.items()]}}


def ram_group(group: Group) -> dict[str, Value]:
    """A group as RAM names it, without its dates."""
    return {"GroupId": group.id, "GroupName": group.name, **_given(Comments=group.comments)}


def ims_group(group: Group) -> dict[str, Value]:
    """A group as IMS names it, without its dates."""
    return {**ram_group(group), **_given(DisplayName=group.display_name)}


def _common(user: User) -> dict[str, Value]:
    return {
        "UserId": user.id,
        "CreateDate": wire_time(user.created_at),
        **_given(
            DisplayName=user.display_name, Comments=user.comments, Email=user.email, MobilePhone=user.mobile_phone
        ),
    }


def _given(**texts: str) -> dict[str, Value]:
    return {name: text for name, text in texts.items() if text}
