"""The password policy, through the official clients."""

from collections.abc import Iterator
from typing import Any

import pytest
from alibabacloud_ims20190815.models import SetPasswordPolicyRequest as SetImsPolicy
from alibabacloud_ram20150501.models import SetPasswordPolicyRequest as SetRamPolicy

from gateway.audit.receipts import list_receipts
from tests.wire.refusal import refusal
from tests.wire.seed import Seed

RAM_DEFAULTS: dict[str, Any] = {
    "HardExpiry": False,
    "MinimumPasswordLength": 8,
    "RequireLowercaseCharacters": False,
    "RequireUppercaseCharacters": False,
    "RequireNumbers": False,
    "RequireSymbols": False,
    "MaxPasswordAge": 0,
    "PasswordReusePrevention": 0,
    "MaxLoginAttemps": 0,
}
IMS_DEFAULTS: dict[str, Any] = {
    **{name: value for name, value in RAM_DEFAULTS.items() if name != "HardExpiry"},
    "HardExpire": False,
    "InitialPasswordAge": 14,
    "InterceptRiskPasswordOnApi": False,
    "MinimumPasswordDifferentCharacter": 0,
    "PasswordNotContainUserName": False,
}


@pytest.fixture(autouse=True)
def keep_the_policy(company: Seed) -> Iterator[None]:
    yield
    company.ims().set_password_policy(SetImsPolicy())


def test_get_password_policy__never_set__is_the_default(company: Seed) -> None:
    assert company.ram().get_password_policy().body.password_policy.to_map() == RAM_DEFAULTS
    assert company.ims().get_password_policy().body.password_policy.to_map() == IMS_DEFAULTS


def test_set_ims_password_policy__everything__is_answered_and_seen_by_both(company: Seed) -> None:
    wanted = {
        "HardExpire": True,
        "MinimumPasswordLength": 32,
        "RequireLowercaseCharacters": True,
        "RequireUppercaseCharacters": True,
        "RequireNumbers": True,
        "RequireSymbols": True,
        "MaxPasswordAge": 1095,
        "PasswordReusePrevention": 24,
        "MaxLoginAttemps": 32,
        "InitialPasswordAge": 90,
        "InterceptRiskPasswordOnApi": True,
        "MinimumPasswordDifferentCharacter": 8,
        "PasswordNotContainUserName": True,
    }
    answer = company.ims().set_password_policy(SetImsPolicy().from_map(wanted)).body
    assert answer.password_policy.to_map() == wanted
    assert company.ims().get_password_policy().body.password_policy.to_map() == wanted
    seen = company.ram().get_password_policy().body.password_policy.to_map()
    assert seen == {"HardExpiry": True, **{name: wanted[name] for name in RAM_DEFAULTS if name != "HardExpiry"}}
    with company.services.store.reading() as session:
        receipt = list_receipts(session, account_id=company.account_id)[0]
    assert (receipt.kind, receipt.details["MaxLoginAttemps"]) == ("SetPasswordPolicy", 32)


def test_set_ram_password_policy__what_is_not_sent__is_default_again_but_for_what_ram_does_not_know(
    company: Seed,
) -> None:
    company.ims().set_password_policy(
        SetImsPolicy(minimum_password_length=12, require_numbers=True, password_not_contain_user_name=True)
    )
    answer = company.ram().set_password_policy(SetRamPolicy(hard_expiry=True, max_login_attemps=5)).body
    assert answer.password_policy.to_map() == {**RAM_DEFAULTS, "HardExpiry": True, "MaxLoginAttemps": 5}
    seen = company.ims().get_password_policy().body.password_policy.to_map()
    assert seen == {**IMS_DEFAULTS, "HardExpire": True, "MaxLoginAttemps": 5, "PasswordNotContainUserName": True}


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("MinimumPasswordLength", 7, "InvalidParameter.MinimumPasswordLength.Range"),
        ("MinimumPasswordLength", 33, "InvalidParameter.MinimumPasswordLength.Range"),
        ("MinimumPasswordDifferentCharacter", 9, "InvalidParameter.MinimumPasswordDifferentCharacter"),
        ("MaxPasswordAge", 1096, "InvalidParameter.MaxPasswordAge"),
        ("MaxPasswordAge", -1, "InvalidParameter.MaxPasswordAge"),
        ("PasswordReusePrevention", 25, "InvalidParameter.PasswordReusePrevention"),
        ("MaxLoginAttemps", 33, "InvalidParameter.MaxLoginAttemps"),
        ("InitialPasswordAge", 91, "InvalidParameter.InitialPasswordAge"),
        ("InitialPasswordAge", 99999999999999999999, "InvalidParameter.InitialPasswordAge"),
        ("RequireSymbols", "perhaps", "InvalidParameter.RequireSymbols"),
    ],
)
def test_set_password_policy__out_of_range__refused_and_nothing_changed(
    company: Seed, name: str, value: object, code: str
) -> None:
    request = SetImsPolicy().from_map({"RequireNumbers": True, name: value})
    error = refusal(company.ims().set_password_policy, request)
    assert (error.status_code, error.code) == (400, code)
    assert company.ims().get_password_policy().body.password_policy.to_map() == IMS_DEFAULTS


def test_set_ram_password_policy__out_of_range__refused(company: Seed) -> None:
    error = refusal(company.ram().set_password_policy, SetRamPolicy(minimum_password_length=7))
    assert (error.status_code, error.code) == (400, "InvalidParameter.MinimumPasswordLength.Range")


def test_password_policy__user_without_rights__denied(company: Seed) -> None:
    nobody, reader = company.new_user(), company.new_user("AliyunRAMReadOnlyAccess")
    for call, *request in (
        (company.ram(*nobody.key).get_password_policy,),
        (company.ims(*nobody.key).get_password_policy,),
        (company.ram(*reader.key).set_password_policy, SetRamPolicy()),
        (company.ims(*reader.key).set_password_policy, SetImsPolicy()),
    ):
        assert refusal(call, *request).code == "NoPermission"
    assert company.ims(*reader.key).get_password_policy().body.password_policy.minimum_password_length == 8
