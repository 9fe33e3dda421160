"""What changing calls on users and groups leave in the audit log: who it was and what they are called now."""

from alibabacloud_ims20190815 import models as ims
from alibabacloud_ram20150501 import models as ram

from gateway.audit.receipts import Receipt, list_receipts
from tests.wire.names import logon, new_name
from tests.wire.seed import Seed


def receipt_of(company: Seed, request_id: str) -> Receipt:
    with company.services.store.reading() as session:
        [receipt] = list_receipts(session, request_id=request_id)
    return receipt


def test_receipts__user_made_renamed_and_deleted__say_who(company: Seed) -> None:
    name, new, email = new_name(), new_name(), "private@example.com"
    made = company.ram().create_user(ram.CreateUserRequest(user_name=name, email=email)).body
    receipt = receipt_of(company, made.request_id)
    arn = f"acs:ram::{company.account_id}:user/{name}"
    assert (receipt.kind, receipt.details["user"], receipt.details["user_id"]) == ("CreateUser", arn, made.user.user_id)
    rename = ims.UpdateUserRequest(user_id=made.user.user_id, new_user_principal_name=logon(new))
    receipt = receipt_of(company, company.ims().update_user(rename).body.request_id)
    renamed = f"acs:ram::{company.account_id}:user/{new}"
    assert receipt.details["targets"] == [arn, renamed]
    assert receipt.details["user"] == renamed
    gone = company.ims().delete_user(ims.DeleteUserRequest(user_principal_name=logon(new))).body
    receipt = receipt_of(company, gone.request_id)
    assert receipt.details["user_id"] == made.user.user_id
    assert receipt.details["kept_until"]
    assert email not in str(receipt)


def test_receipts__user_restored__say_what_it_did_not_get_back(company: Seed) -> None:
    caller, group = company.new_user("AliyunRAMReadOnlyAccess"), new_name()
    made = company.ram().create_group(ram.CreateGroupRequest(group_name=group)).body
    assert receipt_of(company, made.request_id).details["group_id"] == made.group.group_id
    joined = ram.AddUserToGroupRequest(user_name=caller.name, group_name=group)
    receipt = receipt_of(company, company.ram().add_user_to_group(joined).body.request_id)
    assert receipt.details["targets"] == [
        f"acs:ram::{company.account_id}:user/{caller.name}",
        f"acs:ram::{company.account_id}:group/{group}",
    ]
    company.ims().delete_user(ims.DeleteUserRequest(user_id=caller.user_id))
    company.ram().delete_group(ram.DeleteGroupRequest(group_name=group))
    back = ims.RestoreUserFromRecycleBinRequest(user_id=caller.user_id)
    receipt = receipt_of(company, company.ims().restore_user_from_recycle_bin(back).body.request_id)
    assert receipt.details["not_given_back"] == [f"group {made.group.group_id}"]
    assert receipt.details["user"] == f"acs:ram::{company.account_id}:user/{caller.name}"
