"""Users, groups and who is in them, in both services."""

from collections.abc import Mapping

from tests.wire.names import new_name
from tests.wire.walk.scenario import Scenario, denied
from tests.wire.walk.walker import IMS, RAM, Answer, Walk


def _group(walk: Walk) -> str:
    name = new_name()
    walk.ram("CreateGroup", GroupName=name)
    return name


def _membership(walk: Walk) -> Mapping[str, str]:
    member = {**walk.user(), "GroupName": _group(walk)}
    walk("AddUserToGroup", **member)
    return member


def _create_user(walk: Walk) -> Answer:
    return walk(
        "CreateUser", **walk.called(new_name()), DisplayName="Zoë", Comments="a b & c", MobilePhone="86-18600001234"
    )


def _update_user(walk: Walk) -> Answer:
    user, new = walk.user(), walk.called(new_name())
    return walk("UpdateUser", **user, **{f"New{name}": value for name, value in new.items()}, NewDisplayName="Zoë")


def _list_users_for_group(walk: Walk) -> Answer:
    return walk("ListUsersForGroup", GroupName=_membership(walk)["GroupName"])


def _list_groups_for_user(walk: Walk) -> Answer:
    member = dict(_membership(walk))
    del member["GroupName"]
    return walk("ListGroupsForUser", **member)


def _users(service: str) -> tuple[Scenario, ...]:
    return (
        Scenario(
            service,
            "CreateUser",
            _create_user,
            lambda walk: walk("CreateUser", **walk.user(), DisplayName="x"),
            "EntityAlreadyExists.User",
        ),
        Scenario(
            service,
            "GetUser",
            lambda walk: walk("GetUser", **walk.user()),
            lambda walk: walk("GetUser", **walk.called(new_name())),
            "EntityNotExist.User",
        ),
        Scenario(
            service,
            "UpdateUser",
            _update_user,
            lambda walk: walk("UpdateUser", **walk.called(new_name()), NewDisplayName="x"),
            "EntityNotExist.User",
        ),
        Scenario(
            service,
            "DeleteUser",
            lambda walk: walk("DeleteUser", **walk.user()),
            lambda walk: walk("DeleteUser", **walk.called(new_name())),
            "EntityNotExist.User",
        ),
        Scenario(
            service,
            "ListUsers",
            lambda walk: walk.user() and walk("ListUsers", MaxItems=1),
            lambda walk: walk("ListUsers", MaxItems=1001),
            "InvalidParameter.MaxItems",
        ),
    )


def _groups(service: str) -> tuple[Scenario, ...]:
    return (
        Scenario(
            service,
            "CreateGroup",
            lambda walk: walk("CreateGroup", GroupName=new_name(), Comments="a b"),
            lambda walk: walk("CreateGroup", GroupName=_group(walk)),
            "EntityAlreadyExists.Group",
        ),
        Scenario(
            service,
            "GetGroup",
            lambda walk: walk("GetGroup", GroupName=_group(walk)),
            lambda walk: walk("GetGroup", GroupName=new_name()),
            "EntityNotExist.Group",
        ),
        Scenario(
            service,
            "UpdateGroup",
            lambda walk: walk("UpdateGroup", GroupName=_group(walk), NewGroupName=new_name(), NewComments="c"),
            lambda walk: walk("UpdateGroup", GroupName=_group(walk), NewGroupName="a b"),
            "InvalidParameter.NewGroupName.InvalidChars",
        ),
        Scenario(
            service,
            "DeleteGroup",
            lambda walk: walk("DeleteGroup", GroupName=_group(walk)),
            lambda walk: walk("DeleteGroup", GroupName=_membership(walk)["GroupName"]),
            "DeleteConflict.Group.User",
        ),
        Scenario(
            service,
            "ListGroups",
            lambda walk: _group(walk) and walk("ListGroups", MaxItems=1),
            lambda walk: walk("ListGroups", Marker="%%"),
            "InvalidParameter.Marker",
        ),
        Scenario(
            service,
            "AddUserToGroup",
            lambda walk: walk("AddUserToGroup", **walk.user(), GroupName=_group(walk)),
            lambda walk: walk("AddUserToGroup", **_membership(walk)),
            "EntityAlreadyExists.User.Group",
        ),
        Scenario(
            service,
            "RemoveUserFromGroup",
            lambda walk: walk("RemoveUserFromGroup", **_membership(walk)),
            lambda walk: walk("RemoveUserFromGroup", **walk.user(), GroupName=_group(walk)),
            "EntityNotExist.User.Group",
        ),
        Scenario(
            service,
            "ListUsersForGroup",
            _list_users_for_group,
            lambda walk: walk("ListUsersForGroup", GroupName=new_name()),
            "EntityNotExist.Group",
        ),
        Scenario(
            service,
            "ListGroupsForUser",
            _list_groups_for_user,
            lambda walk: walk("ListGroupsForUser", **walk.called(new_name())),
            "EntityNotExist.User",
        ),
    )


SCENARIOS = (
    *_users(RAM),
    *_users(IMS),
    *_groups(RAM),
    *_groups(IMS),
    Scenario(
        IMS,
        "ListUserBasicInfos",
        lambda walk: walk.user() and walk("ListUserBasicInfos"),
        denied("ListUserBasicInfos"),
        "NoPermission",
    ),
)
