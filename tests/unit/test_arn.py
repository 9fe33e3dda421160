import pytest

from gateway.arn import assumed_role_arn, parse_ram_arn, role_arn, root_arn
from gateway.errors import InputError, Reason

ACCOUNT = "1234567890123456"


def test_parse_ram_arn__role__is_read() -> None:
    arn = parse_ram_arn(f"acs:ram::{ACCOUNT}:role/Reader.x-1", "role")

    assert (arn.account_id, arn.kind, arn.name) == (ACCOUNT, "role", "Reader.x-1")
    assert str(arn) == f"acs:ram::{ACCOUNT}:role/Reader.x-1"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "acs:ram::1:role/x",
        f"acs:ram::{ACCOUNT}:role/",
        f"acs:ram::{ACCOUNT}:user/x",
        f"acs:ram:cn:{ACCOUNT}:role/x",
        f"acs:sts::{ACCOUNT}:role/x",
        f" acs:ram::{ACCOUNT}:role/x",
        f"acs:ram::{ACCOUNT}:role/x ",
        f"acs:ram::{ACCOUNT}:role/x\n",
        f"acs:ram::{ACCOUNT}:role/a/b",
        f"acs:ram::{ACCOUNT}:role/x,y",
        f"acs:ram::{ACCOUNT}:role/" + "x" * 2000,
        "acs:ram::１２３４５６７８９０１２３４５６:role/x",
    ],
)
def test_parse_ram_arn__anything_else__is_refused(text: str) -> None:
    with pytest.raises(InputError) as refusal:
        parse_ram_arn(text, "role")

    assert refusal.value.reason is Reason.ARN_MALFORMED


def test_arns__as_the_contract_writes_them() -> None:
    assert role_arn(ACCOUNT, "AdminRole") == f"acs:ram::{ACCOUNT}:role/adminrole"
    assert assumed_role_arn(ACCOUNT, "r", "alice") == f"acs:ram::{ACCOUNT}:assumed-role/r/alice"
    assert root_arn(ACCOUNT) == f"acs:ram::{ACCOUNT}:root"
