"""Tags, and what was deleted but can come back."""

from collections.abc import Mapping

from tests.wire.names import new_name
from tests.wire.walk.scenario import Scenario, denied
from tests.wire.walk.walker import IMS, RAM, Answer, Walk

_TAG = [{"Key": "team", "Value": "blue"}]
_NO_USER, _NO_KEY = "123456789012345678", "LTAI0000000000000000"


def _thing(walk: Walk) -> Mapping[str, object]:
    """A new thing that this service tags: a user, or a policy."""
    if walk.service == IMS:
        return {"ResourceType": "user", "ResourcePrincipalName": [walk.user()["UserPrincipalName"]]}
    name = new_name()
    document = '{"Version":"1","Statement":[{"Effect":"Deny","Action":"*","Resource":"*"}]}'
    walk("CreatePolicy", PolicyName=name, PolicyDocument=document)
    return {"ResourceType": "policy", "ResourceNames": [name]}


def _tagged(walk: Walk) -> Mapping[str, object]:
    thing = _thing(walk)
    walk("TagResources", **thing, Tag=_TAG)
    return thing


def _tags(service: str) -> tuple[Scenario, ...]:
    keys = {"TagKey" if service == IMS else "TagKeys": ["team"]}
    return (
        Scenario(
            service,
            "TagResources",
            _tagged,
            lambda walk: walk("TagResources", **_thing(walk), Tag=[{"Key": "acs:x", "Value": "y"}]),
            "InvalidParameter.TagKey",
        ),
        Scenario(
            service,
            "UntagResources",
            lambda walk: walk("UntagResources", **_tagged(walk), **keys),
            lambda walk: walk("UntagResources", **{**_thing(walk), "ResourceType": "planet"}, **keys),
            "InvalidParameter.ResourceType",
        ),
        Scenario(
            service,
            "ListTagResources",
            lambda walk: walk("ListTagResources", **_tagged(walk), PageSize=1),
            lambda walk: walk("ListTagResources", **_tagged(walk), PageSize=101),
            "InvalidParameter.PageSize",
        ),
    )


def _deleted_user(walk: Walk) -> Mapping[str, str]:
    user = walk.user()
    user_id = walk("GetUser", **user)["User"]["UserId"]
    walk("DeleteUser", **user)
    return {"UserId": user_id}


def _deleted_key(walk: Walk) -> Mapping[str, str]:
    user = walk.user()
    user_id = walk("GetUser", **user)["User"]["UserId"]
    key_id = walk("CreateAccessKey", **user)["AccessKey"]["AccessKeyId"]
    walk("DeleteAccessKey", **user, UserAccessKeyId=key_id)
    return {"UserId": user_id, "UserAccessKeyId": key_id}


def _list_deleted_users(walk: Walk) -> Answer:
    _deleted_user(walk)
    return walk("ListUsersInRecycleBin", MaxItems=1)


_USERS = tuple(
    Scenario(
        IMS,
        action,
        lambda walk, action=action: walk(action, **_deleted_user(walk)),  # type: ignore[misc]
        lambda walk, action=action: walk(action, UserId=_NO_USER),  # type: ignore[misc]
        "EntityNotExist.User",
    )
    for action in ("GetUserInRecycleBin", "RestoreUserFromRecycleBin", "DeleteUserInRecycleBin")
)
_KEYS = (
    Scenario(
        IMS,
        "GetAccessKeyInfoInRecycleBin",
        lambda walk: walk("GetAccessKeyInfoInRecycleBin", UserAccessKeyId=_deleted_key(walk)["UserAccessKeyId"]),
        lambda walk: walk("GetAccessKeyInfoInRecycleBin", UserAccessKeyId=_NO_KEY),
        "EntityNotExist.User.AccessKey",
    ),
    Scenario(
        IMS,
        "RestoreAccessKeyFromRecycleBin",
        lambda walk: walk("RestoreAccessKeyFromRecycleBin", **_deleted_key(walk)),
        lambda walk: walk("RestoreAccessKeyFromRecycleBin", UserAccessKeyId=_NO_KEY, UserId=_NO_USER),
        "EntityNotExist.User.AccessKey",
    ),
    Scenario(
        IMS,
        "DeleteAccessKeyInRecycleBin",
        lambda walk: walk("DeleteAccessKeyInRecycleBin", **_deleted_key(walk)),
        lambda walk: walk("DeleteAccessKeyInRecycleBin", UserAccessKeyId=_NO_KEY, UserId=_NO_USER),
        "EntityNotExist.User.AccessKey",
    ),
    Scenario(
        IMS,
        "ListAccessKeysInRecycleBin",
        lambda walk: walk("ListAccessKeysInRecycleBin", UserId=_deleted_key(walk)["UserId"]),
        denied("ListAccessKeysInRecycleBin", UserId=_NO_USER),
        "NoPermission",
    ),
    Scenario(
        IMS,
        "ListUsersInRecycleBin",
        _list_deleted_users,
        denied("ListUsersInRecycleBin"),
        "NoPermission",
    ),
)

SCENARIOS = (*_tags(RAM), *_tags(IMS), *_USERS, *_KEYS)
