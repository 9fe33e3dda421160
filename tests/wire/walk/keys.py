"""AccessKeys and the networks they may be used from, in both services."""

from collections.abc import Mapping

from tests.wire.names import new_name
from tests.wire.walk.scenario import Scenario, denied
from tests.wire.walk.walker import IMS, RAM, Answer, Walk

_POLICY = '{"Version":1,"Status":"Active","Statements":[{"Type":"ClassicWhiteList","IPList":["127.0.0.0/8","::1"]}]}'
_NO_POLICY = '{"Version":1,"Status":"Inactive","Statements":[]}'


def _key(walk: Walk) -> Mapping[str, str]:
    user = walk.user()
    made = walk("CreateAccessKey", **user)["AccessKey"]
    return {**user, "UserAccessKeyId": made["AccessKeyId"]}


def _unknown(walk: Walk) -> Mapping[str, str]:
    return {**walk.user(), "UserAccessKeyId": "LTAI" + new_name("").replace("-", "") + "0" * 10}


def _two_keys(walk: Walk) -> Answer:
    user = walk.user()
    walk("CreateAccessKey", **user)
    return walk("CreateAccessKey", **user)


def _third_key(walk: Walk) -> Answer:
    user = walk.user()
    walk("CreateAccessKey", **user)
    walk("CreateAccessKey", **user)
    return walk("CreateAccessKey", **user)


def _last_used(walk: Walk) -> Answer:
    caller = walk.company.new_user("AliyunRAMFullAccess")
    return walk.by(caller)("GetAccessKeyLastUsed", **walk.called(caller.name), UserAccessKeyId=caller.key_id)


def _list_keys(walk: Walk) -> Answer:
    key = dict(_key(walk))
    del key["UserAccessKeyId"]
    return walk("ListAccessKeys", **key)


def _keys(service: str) -> tuple[Scenario, ...]:
    missing = "EntityNotExist.User.AccessKey"
    return (
        Scenario(service, "CreateAccessKey", _two_keys, _third_key, "LimitExceeded.User.AccessKey"),
        Scenario(
            service,
            "UpdateAccessKey",
            lambda walk: walk("UpdateAccessKey", **_key(walk), Status="Inactive"),
            lambda walk: walk("UpdateAccessKey", **_key(walk), Status="Off"),
            "InvalidParameter.Status",
        ),
        Scenario(
            service,
            "DeleteAccessKey",
            lambda walk: walk("DeleteAccessKey", **_key(walk)),
            lambda walk: walk("DeleteAccessKey", **_unknown(walk)),
            missing,
        ),
        Scenario(
            service,
            "ListAccessKeys",
            _list_keys,
            lambda walk: walk("ListAccessKeys", **walk.called(new_name())),
            "EntityNotExist.User",
        ),
        Scenario(
            service,
            "GetAccessKeyLastUsed",
            _last_used,
            lambda walk: walk("GetAccessKeyLastUsed", **_unknown(walk)),
            missing,
        ),
    )


SCENARIOS = (
    *_keys(RAM),
    *_keys(IMS),
    Scenario(
        IMS,
        "SetAccessKeyPolicy",
        lambda walk: walk("SetAccessKeyPolicy", **_key(walk), AccessKeyPolicy=_POLICY),
        lambda walk: walk("SetAccessKeyPolicy", **_key(walk), AccessKeyPolicy="{"),
        "InvalidParameter.AccessKeyPolicy",
    ),
    Scenario(
        IMS,
        "GetAccessKeyPolicy",
        lambda walk: walk("GetAccessKeyPolicy", **_key(walk)),
        lambda walk: walk("GetAccessKeyPolicy", **_unknown(walk)),
        "EntityNotExist.User.AccessKey",
    ),
    Scenario(
        IMS,
        "SetAccessKeyPolicyForAccount",
        lambda walk: walk("SetAccessKeyPolicyForAccount", AccessKeyPolicy=_NO_POLICY),
        denied("SetAccessKeyPolicyForAccount", AccessKeyPolicy=_NO_POLICY),
        "NoPermission",
    ),
    Scenario(
        IMS,
        "GetAccessKeyPolicyForAccount",
        lambda walk: walk("GetAccessKeyPolicyForAccount"),
        denied("GetAccessKeyPolicyForAccount"),
        "NoPermission",
    ),
)
