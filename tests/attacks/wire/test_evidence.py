"""What is remembered of changes: who is behind a role session is not what the session calls itself."""

from typing import Any

import pytest
from alibabacloud_ram20150501 import models as ram
from alibabacloud_sts20150401.models import AssumeRoleRequest

from gateway.audit.receipts import Receipt, list_receipts
from tests.attacks.wire.neighbours import new_role_of
from tests.wire.names import new_name
from tests.wire.refusal import refusal
from tests.wire.seed import Caller, Seed
from tests.wire.test_assume_role import keys, root, trust

Keys = tuple[str, str, str]


def receipts_of(company: Seed, request_id: str) -> list[Receipt]:
    with company.services.store.reading() as session:
        return list(list_receipts(session, request_id=request_id))


def become(company: Seed, caller: tuple[Any, ...], role: str, **more: str) -> tuple[Keys, Receipt]:
    request = AssumeRoleRequest(role_arn=role, role_session_name="alice", **more)
    body = company.client(*caller).assume_role(request).body
    (receipt,) = receipts_of(company, body.request_id)
    return keys(body), receipt


def test_role_session__called_like_somebody_elses__receipts_tell_the_two_apart(company: Seed) -> None:
    alice, mallory = (company.new_user("AliyunSTSAssumeRoleAccess") for _ in range(2))
    role = new_role_of(company, company.account_id, trust(root(company.account_id)), "AliyunRAMFullAccess")
    behind = {}
    for who in (alice, mallory):
        session, assumed = become(company, who.key, role)
        made = company.ram(*session).create_group(ram.CreateGroupRequest(group_name=new_name())).body
        (receipt,) = receipts_of(company, made.request_id)
        assert receipt.principal_arn is not None
        assert receipt.principal_arn.endswith("/alice")
        assert receipt.details["session_id"] == assumed.details["session_id"]
        behind[assumed.principal_arn] = receipt.details["session_id"]
    assert len(set(behind.values())) == 2


def test_role_session__derived_from_another__receipts_lead_back_to_the_person(company: Seed) -> None:
    caller = company.new_user("AliyunSTSAssumeRoleAccess")
    document = trust(root(company.account_id))
    first = new_role_of(company, company.account_id, document, "AliyunSTSAssumeRoleAccess")
    second = new_role_of(company, company.account_id, document, "AliyunRAMFullAccess")
    session, assumed = become(company, caller.key, first, source_identity="Mallory")
    derived, chained = become(company, session, second)
    assert chained.details["parent_session_id"] == assumed.details["session_id"]
    assert assumed.details["source_identity"] == chained.details["source_identity"] == "Mallory"
    made = company.ram(*derived).create_group(ram.CreateGroupRequest(group_name=new_name())).body
    (receipt,) = receipts_of(company, made.request_id)
    assert receipt.details["source_identity"] == "Mallory"


@pytest.mark.parametrize("text", ["x\n{}", "x\r\nHTTP/1.1 200", 'x","outcome":"Allow', "x\u2028y"])
def test_call__texts_with_line_ends_and_quotes__stay_inside_their_line_of_the_log(company: Seed, text: str) -> None:
    company.ram().create_group(ram.CreateGroupRequest(group_name=new_name(), comments=text))
    refusal(company.ram().get_user, ram.GetUserRequest(user_name=text))
    for line in company.gateway.log_text().splitlines():
        assert line.startswith('{"at":')
        assert line.endswith("}")


def test_call__refused_or_failed__leaves_no_receipt(company: Seed) -> None:
    nobody, there = company.new_user(), company.new_user()

    def failed(by: Caller | None, name: str) -> str:
        client = company.ram() if by is None else company.ram(*by.key)
        error = refusal(client.create_user, ram.CreateUserRequest(user_name=name))
        return str(error.data["RequestId"])

    for request_id in (failed(nobody, new_name()), failed(None, there.name), failed(None, "a b")):
        assert receipts_of(company, request_id) == []
