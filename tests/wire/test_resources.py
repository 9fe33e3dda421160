"""Resources that outlive the user who made them, through the official client's own signing."""

from collections.abc import Mapping
from typing import Any

import pytest
from alibabacloud_ims20190815.models import DeleteUserRequest, GetUserRequest, RestoreUserFromRecycleBinRequest

from gateway.audit.receipts import list_receipts
from tests.wire.names import new_name
from tests.wire.own_policy import give
from tests.wire.refusal import refusal
from tests.wire.resource_service import ResourceService, listed, tagged
from tests.wire.seed import Caller, Seed


def arn_of(company: Seed, name: str) -> str:
    return f"acs:oss:cn-hangzhou:{company.account_id}:{name}"


def allow(company: Seed, caller: Caller, *actions: str, resource: str = "*", **conditions: object) -> None:
    give(company, caller, {"Effect": "Allow", "Action": actions, "Resource": resource, "Condition": conditions})


def new_group(owner: ResourceService) -> str:
    return str(owner.call("CreateResourceGroup", Name=new_name("group"))["ResourceGroup"]["Id"])


def names(answer: Mapping[str, Any]) -> list[str]:
    return [row["ResourceArn"].rpartition(":")[2] for row in answer["Resources"]["Resource"]]


def delete_user(company: Seed, name: str) -> None:
    company.ims().delete_user(DeleteUserRequest(user_principal_name=f"{name}@acme.onaliyun.com"))


def test_leaver__deleted__resources_stay_and_are_handed_over(over: Seed) -> None:
    owner, leaver, heir = ResourceService(over), over.new_user(), over.new_user()
    prefix, group_id = new_name("bucket"), new_group(owner)
    allow(over, leaver, "ram:RegisterResource", resource=f"acs:oss:*:*:{prefix}*")
    allow(over, leaver, "ram:RegisterResource", resource=f"acs:ram:*:*:resourcegroup/{group_id}")
    maker = ResourceService(over, *leaver.key)
    for number in range(3):
        arn = arn_of(over, f"{prefix}-{number}")
        group = {"ResourceGroupId": group_id, "ResourceType": "oss:bucket"} if number else {}
        made = maker.call("RegisterResource", ResourceArn=arn, **group, **tagged(env="prod"))["Resource"]
        assert made["Creator"] == made["Owner"] == {"Type": "User", "Id": leaver.user_id, "Name": leaver.name}
        assert (made["OwnerGone"], made["Tags"]) == (False, {"Tag": [{"Key": "env", "Value": "prod"}]})
    delete_user(over, leaver.name)

    gone = owner.call("ListResources", OwnerGone=True, CreatorId=leaver.user_id, **tagged(env="prod"))
    assert names(gone) == [f"{prefix}-{number}" for number in range(3)]
    assert all(row["OwnerGone"] for row in gone["Resources"]["Resource"])
    typed = owner.call("ListResources", CreatorId=leaver.user_id, ResourceType="oss:bucket", ResourceGroupId=group_id)
    assert names(typed) == [f"{prefix}-1", f"{prefix}-2"]
    page = owner.call("ListResources", OwnerId=leaver.user_id, MaxResults=2)
    assert (names(page), page["IsTruncated"]) == ([f"{prefix}-0", f"{prefix}-1"], True)
    rest = owner.call("ListResources", OwnerId=leaver.user_id, MaxResults=2, NextToken=page["NextToken"])
    assert (names(rest), rest["IsTruncated"]) == ([f"{prefix}-2"], False)

    moved = owner.call("TransferResources", FromOwnerId=leaver.user_id, ToUserName=heir.name)
    assert (len(moved["ResourceArns"]["ResourceArn"]), moved["IsTruncated"]) == (3, False)
    found = owner.call("GetResource", ResourceArn=arn_of(over, f"{prefix}-2"))["Resource"]
    assert (found["Creator"]["Name"], found["Owner"]["Id"]) == (leaver.name, heir.user_id)
    assert names(owner.call("ListResources", OwnerGone=True, CreatorId=leaver.user_id)) == []
    with over.services.store.reading() as session:
        receipt = next(row for row in list_receipts(session) if row.kind == "TransferResources")
    assert receipt.details["transferred"] == moved["ResourceArns"]["ResourceArn"]
    assert (receipt.details["from"], receipt.details["to"]) == (leaver.user_id, heir.user_id)
    assert owner.call("TransferResources", FromOwnerId=leaver.user_id, ToUserName=heir.name)["ResourceArns"] == {
        "ResourceArn": []
    }


def test_tags__of_the_resource_and_of_the_call__are_what_policies_see(company: Seed) -> None:
    owner, clerk = ResourceService(company), company.new_user()
    mine = ResourceService(company, *clerk.key)
    dev, prod = (arn_of(company, new_name("bucket")) for _ in range(2))
    allow(company, clerk, "ram:RegisterResource", StringEquals={"acs:RequestTag/env": "dev"})
    allow(
        company,
        clerk,
        "ram:GetResource",
        "ram:DeregisterResource",
        "ram:TransferResources",
        "ram:TagResources",
        StringEquals={"acs:ResourceTag/env": "dev"},
    )
    assert mine.call("RegisterResource", ResourceArn=dev, **tagged(env="dev"))["Resource"]["ResourceType"] == "oss"
    assert refusal(mine.call, "RegisterResource", ResourceArn=prod, **tagged(env="prod")).code == "NoPermission"
    owner.call("RegisterResource", ResourceArn=prod, **tagged(env="prod"))
    assert mine.call("GetResource", ResourceArn=dev)["Resource"]["ResourceArn"] == dev
    for operation, more in (
        ("GetResource", {"ResourceArn": prod}),
        ("DeregisterResource", {"ResourceArn": prod}),
        ("TransferResources", {**listed("ResourceArn", dev, prod), "ToUserName": clerk.name}),
        ("TransferResources", {"FromOwnerId": company.account_id, "ToUserName": clerk.name}),
        ("TagResources", {**listed("ResourceArn", prod), **tagged(env="dev")}),
        ("GetResource", {"ResourceArn": f"{dev}-unknown"}),
        ("ListResources", {}),
    ):
        error = refusal(mine.call, operation, **more)
        assert (error.status_code, error.code) == (403, "NoPermission")
    assert owner.call("GetResource", ResourceArn=prod)["Resource"]["Owner"]["Id"] == company.account_id
    owner.call("TagResources", **listed("ResourceArn", dev, prod), **tagged(env="dev", team="x"))
    assert mine.call("GetResource", ResourceArn=prod)["Resource"]["Tags"]["Tag"] == [
        {"Key": "env", "Value": "dev"},
        {"Key": "team", "Value": "x"},
    ]
    owner.call("UntagResources", **listed("ResourceArn", prod), **listed("TagKey", "env"))
    assert refusal(mine.call, "GetResource", ResourceArn=prod).code == "NoPermission"
    owner.call("UntagResources", **listed("ResourceArn", dev), All=True)
    assert owner.call("GetResource", ResourceArn=dev)["Resource"]["Tags"] == {"Tag": []}
    for arn in (dev, prod):
        owner.call("DeregisterResource", ResourceArn=arn)
        assert refusal(owner.call, "GetResource", ResourceArn=arn).code == "EntityNotExist.Resource"


def test_update_resource__type_and_group__changed_alone(company: Seed) -> None:
    owner, arn = ResourceService(company), arn_of(company, new_name("bucket"))
    group = new_group(owner)
    owner.call("RegisterResource", ResourceArn=arn)
    changed = owner.call("UpdateResource", ResourceArn=arn, ResourceGroupId=group)["Resource"]
    assert (changed["ResourceType"], changed["ResourceGroupId"]) == ("oss", group)
    changed = owner.call("UpdateResource", ResourceArn=arn, ResourceType="oss:bucket", ResourceGroupId="")["Resource"]
    assert (changed["ResourceType"], "ResourceGroupId" in changed) == ("oss:bucket", False)
    assert refusal(owner.call, "UpdateResource", ResourceArn=arn).data["Reason"] == "ParameterMissing"


@pytest.mark.parametrize(
    ("operation", "more", "code"),
    [
        ("RegisterResource", {}, "MissingParameter"),
        ("RegisterResource", {"ResourceArn": "acs:oss:::b"}, "InvalidParameter.ResourceArn"),
        ("RegisterResource", {"ResourceArn": "acs:oss::1234567890123456:b"}, "InvalidParameter.ResourceArn"),
        ("RegisterResource", {"ResourceArn": "acs:oss::{account}:*"}, "InvalidParameter.ResourceArn"),
        ("RegisterResource", {"ResourceArn": "acs:ram::{account}:user/alice"}, "InvalidParameter.ResourceArn"),
        (
            "RegisterResource",
            {"ResourceArn": "acs:oss::{account}:b", "ResourceType": "a b"},
            "InvalidParameter.ResourceType",
        ),
        (
            "RegisterResource",
            {"ResourceArn": "acs:oss::{account}:b", **tagged(aliyun="x")},
            "InvalidParameter.TagKey",
        ),
        ("ListResources", {"OwnerId": "alice"}, "InvalidParameter.OwnerId"),
        ("ListResources", {"OwnerGone": "maybe"}, "InvalidParameter.OwnerGone"),
        ("ListResources", {"MaxResults": 101}, "InvalidParameter.MaxResults"),
        ("ListResources", {"NextToken": "%%"}, "InvalidParameter.NextToken"),
        ("TransferResources", {"ToUserName": "alice"}, "MissingParameter"),
        ("TransferResources", {"FromOwnerId": "123456789012345678"}, "MissingParameter"),
        (
            "TransferResources",
            {"FromOwnerId": "123456789012345678", "ToUserName": "nobody"},
            "EntityNotExist.User",
        ),
        ("TransferResources", {"ResourceArn": '["x"]', "ToUserName": "alice"}, "EntityNotExist.Resource"),
        (
            "TransferResources",
            {"ResourceArn": '["x"]', "FromOwnerId": "123456789012345678", "ToUserName": "alice"},
            "InvalidParameter.FromOwnerId",
        ),
        ("TagResources", {"ResourceArn": '["x"]'}, "MissingParameter"),
        ("TagResources", {"ResourceArn": '["x"]', **tagged(env="a")}, "EntityNotExist.Resource"),
        ("UntagResources", {"ResourceArn": '["x"]'}, "MissingParameter"),
        ("UntagResources", {"ResourceArn": '["x"]', "All": "true"}, "EntityNotExist.Resource"),
        ("DeregisterResource", {"ResourceArn": "x"}, "EntityNotExist.Resource"),
    ],
)
def test_call__unusable__refused(company: Seed, operation: str, more: dict[str, str], code: str) -> None:
    values = {name: str(value).replace("{account}", company.account_id) for name, value in more.items()}
    assert refusal(ResourceService(company).call, operation, **values).code == code


def test_transfer__to_the_owner_itself__refused(company: Seed) -> None:
    heir = company.new_user()
    error = refusal(ResourceService(company).call, "TransferResources", FromOwnerId=heir.user_id, ToUserName=heir.name)
    assert error.code == "InvalidParameter.FromOwnerId"


def test_restored_user__is_no_leaver_any_more(company: Seed) -> None:
    user, owner = company.new_user(), ResourceService(company)
    allow(company, user, "ram:RegisterResource")
    ResourceService(company, *user.key).call("RegisterResource", ResourceArn=arn_of(company, new_name("b")))
    delete_user(company, user.name)
    assert len(names(owner.call("ListResources", OwnerGone=True, OwnerId=user.user_id))) == 1
    company.ims().restore_user_from_recycle_bin(RestoreUserFromRecycleBinRequest(user_id=user.user_id))
    assert company.ims().get_user(GetUserRequest(user_id=user.user_id)).body.user.user_id == user.user_id
    assert names(owner.call("ListResources", OwnerGone=True, OwnerId=user.user_id)) == []
