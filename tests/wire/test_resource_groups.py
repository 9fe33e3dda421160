"""Resource groups by the official client's own signing, and rights within them."""

from alibabacloud_ram20150501.models import AttachPolicyToUserRequest, DetachPolicyFromUserRequest

from tests.wire.names import new_name
from tests.wire.own_policy import give
from tests.wire.refusal import refusal
from tests.wire.resource_service import ResourceService
from tests.wire.seed import Seed


def test_resource_groups__made_listed_and_deleted(company: Seed) -> None:
    owner = ResourceService(company)
    name = new_name("group")
    made = owner.call("CreateResourceGroup", Name=name, DisplayName="Web shop")["ResourceGroup"]
    assert (made["Name"], made["DisplayName"]) == (name, "Web shop")
    assert owner.call("GetResourceGroup", ResourceGroupId=made["Id"])["ResourceGroup"] == made
    listed = owner.call("ListResourceGroups", MaxResults=100)["ResourceGroups"]["ResourceGroup"]
    assert made in listed
    assert refusal(owner.call, "CreateResourceGroup", Name=name).code == "EntityAlreadyExists.ResourceGroup"
    assert refusal(owner.call, "CreateResourceGroup", Name="a b").code == "InvalidParameter.Name.InvalidChars"
    owner.call("DeleteResourceGroup", ResourceGroupId=made["Id"])
    for operation in ("GetResourceGroup", "DeleteResourceGroup"):
        error = refusal(owner.call, operation, ResourceGroupId=made["Id"])
        assert (error.status_code, error.code) == (404, "EntityNotExist.ResourceGroup")


def test_attach_policy__within_a_group__counts_there_only(company: Seed) -> None:
    owner, clerk = ResourceService(company), company.new_user()
    group = owner.call("CreateResourceGroup", Name=new_name("group"))["ResourceGroup"]["Id"]
    inside, outside = (f"acs:oss:cn-hangzhou:{company.account_id}:{new_name('bucket')}" for _ in range(2))
    owner.call("RegisterResource", ResourceArn=inside, ResourceGroupId=group)
    owner.call("RegisterResource", ResourceArn=outside)
    mine = ResourceService(company, *clerk.key)
    assert refusal(mine.call, "GetResource", ResourceArn=inside).code == "NoPermission"
    values = {"policy_type": "System", "policy_name": "AliyunRAMFullAccess", "user_name": clerk.name}
    attach = AttachPolicyToUserRequest(**values)
    attach_map = {**attach.to_map(), "ResourceGroupId": group}
    company.ram().attach_policy_to_user(AttachPolicyToUserRequest().from_map(attach_map))
    assert mine.call("GetResource", ResourceArn=inside)["Resource"]["ResourceArn"] == inside
    assert refusal(mine.call, "GetResource", ResourceArn=outside).code == "NoPermission"
    error = refusal(owner.call, "DeleteResourceGroup", ResourceGroupId=group)
    assert (error.status_code, error.code) == (409, "DeleteConflict.ResourceGroup")
    detach = {**DetachPolicyFromUserRequest(**values).to_map(), "ResourceGroupId": group}
    company.ram().detach_policy_from_user(DetachPolicyFromUserRequest().from_map(detach))
    assert refusal(mine.call, "GetResource", ResourceArn=inside).code == "NoPermission"


def test_update_resource__into_a_group__needs_rights_on_the_group(company: Seed) -> None:
    """Whoever moves a resource into a group gives rights on it to those who have rights there."""
    owner, clerk = ResourceService(company), company.new_user()
    group = owner.call("CreateResourceGroup", Name=new_name("group"))["ResourceGroup"]["Id"]
    arn = f"acs:oss:cn-hangzhou:{company.account_id}:{new_name('bucket')}"
    owner.call("RegisterResource", ResourceArn=arn)
    give(company, clerk, {"Effect": "Allow", "Action": "ram:UpdateResource", "Resource": arn})
    mine = ResourceService(company, *clerk.key)
    assert refusal(mine.call, "UpdateResource", ResourceArn=arn, ResourceGroupId=group).code == "NoPermission"
    give(
        company,
        clerk,
        {"Effect": "Allow", "Action": "ram:UpdateResource", "Resource": f"acs:ram:*:*:resourcegroup/{group}"},
    )
    mine.call("UpdateResource", ResourceArn=arn, ResourceGroupId=group)
