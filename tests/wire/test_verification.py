"""Security phone and security e-mail, through the official client."""

import pytest
from alibabacloud_ims20190815.client import Client
from alibabacloud_ims20190815.models import (
    GetVerificationInfoRequest,
    SetVerificationInfoRequest,
    UnbindVerificationRequest,
)
from alibabacloud_ram20150501.models import CreateUserRequest, DeleteUserRequest

from tests.wire.refusal import refusal
from tests.wire.seed import Caller, Seed

PHONE, EMAIL = "86-18600001234", "alice@example.com"


@pytest.fixture
def user(company: Seed) -> Caller:
    return company.new_user()


def logon_name(company: Seed, name: str) -> str:
    return f"{name}@{company.account_id}.onaliyun.com"


def fill(ims: Client, name: str) -> None:
    ims.set_verification_info(SetVerificationInfoRequest(EMAIL, None, name, "email"))
    ims.set_verification_info(SetVerificationInfoRequest(None, PHONE, name, "sms"))


def test_verification_info__set__is_told_and_never_claimed_to_be_verified(company: Seed, user: Caller) -> None:
    ims, name = company.ims(), logon_name(company, user.name)
    body = ims.get_verification_info(GetVerificationInfoRequest(name)).body
    assert (body.security_phone_device, body.security_email_device) == (None, None)
    fill(ims, name)
    body = ims.get_verification_info(GetVerificationInfoRequest(name)).body
    phone, email = body.security_phone_device, body.security_email_device
    assert (phone.area_code, phone.phone_number, phone.status) == ("86", "18600001234", "pending")
    assert (email.email, email.status) == (EMAIL, "pending")
    ims.set_verification_info(SetVerificationInfoRequest("other@example.com", None, name, "email"))
    body = ims.get_verification_info(GetVerificationInfoRequest(name)).body
    assert body.security_email_device.email == "other@example.com"


def test_unbind_verification__what_is_set__is_gone(company: Seed, user: Caller) -> None:
    ims, name = company.ims(), logon_name(company, user.name)
    fill(ims, name)
    wrong = UnbindVerificationRequest(None, "86-18600001235", name, "sms")
    error = refusal(ims.unbind_verification, wrong)
    assert (error.status_code, error.code) == (404, "EntityNotExist.User.SecurityPhone")
    ims.unbind_verification(UnbindVerificationRequest(None, PHONE, name, "sms"))
    ims.unbind_verification(UnbindVerificationRequest(EMAIL.upper(), None, name, "email"))
    body = ims.get_verification_info(GetVerificationInfoRequest(name)).body
    assert (body.security_phone_device, body.security_email_device) == (None, None)
    error = refusal(ims.unbind_verification, UnbindVerificationRequest(EMAIL, None, name, "email"))
    assert error.code == "EntityNotExist.User.SecurityEmail"


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        ((EMAIL, None, "sms"), "MissingParameter"),
        ((None, PHONE, "email"), "MissingParameter"),
        ((EMAIL, PHONE, None), "MissingParameter"),
        ((EMAIL, PHONE, "pigeon"), "InvalidParameter.VerifyType"),
        ((None, "18600001234", "sms"), "InvalidParameter.MobilePhone.Format"),
        (("alice", None, "email"), "InvalidParameter.Email.Format"),
        (("a\u00e9@example.com", None, "email"), "InvalidParameter.Email.Format"),
        (("a" * 200 + "@example.com", None, "email"), "InvalidParameter.Email.Format"),
    ],
)
def test_set_verification_info__unusable__refused(
    company: Seed, user: Caller, sent: tuple[str | None, str | None, str | None], code: str
) -> None:
    email, phone, kind = sent
    request = SetVerificationInfoRequest(email, phone, logon_name(company, user.name), kind)
    error = refusal(company.ims().set_verification_info, request)
    assert (error.status_code, error.code) == (400, code)


def test_verification_info__user_without_policies__may_see_its_own_only(company: Seed, user: Caller) -> None:
    ims, victim = company.ims(*user.key), logon_name(company, company.new_user().name)
    fill(company.ims(), logon_name(company, user.name))
    assert ims.get_verification_info(GetVerificationInfoRequest()).body.security_email_device.email == EMAIL
    for call, request in (
        (ims.get_verification_info, GetVerificationInfoRequest(victim)),
        (ims.set_verification_info, SetVerificationInfoRequest(EMAIL, None, None, "email")),
        (ims.unbind_verification, UnbindVerificationRequest(EMAIL, None, None, "email")),
    ):
        assert refusal(call, request).code == "NoPermission"


def test_verification_info__nobody__not_found(company: Seed) -> None:
    name = "nobody-at-all@acme.onaliyun.com"
    error = refusal(company.ims().get_verification_info, GetVerificationInfoRequest(name))
    assert (error.status_code, error.code) == (404, "EntityNotExist.User")
    assert refusal(company.ims().get_verification_info, GetVerificationInfoRequest()).code == "MissingParameter"


def test_delete_user__with_verification_info__goes_with_it(company: Seed) -> None:
    company.ram().create_user(CreateUserRequest(user_name="reachable"))
    fill(company.ims(), logon_name(company, "reachable"))
    company.ram().delete_user(DeleteUserRequest(user_name="reachable"))
    request = GetVerificationInfoRequest(logon_name(company, "reachable"))
    assert refusal(company.ims().get_verification_info, request).code == "EntityNotExist.User"
