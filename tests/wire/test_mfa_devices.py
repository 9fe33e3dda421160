"""Virtual MFA devices, through the official clients."""

import base64
import secrets
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from alibabacloud_ims20190815 import models as ims_models
from alibabacloud_ram20150501 import models as ram_models

from gateway.directory.accounts import get_account
from gateway.directory.mfa_devices import bind_seed, drop_device_of
from gateway.directory.security_preference import SecurityChange, set_security_preference
from gateway.secret import Secret
from gateway.totp import code_at, new_seed, step_at
from tests.wire.refusal import refusal
from tests.wire.seed import Caller, Seed


class Phone:
    """An authenticator app that has read one seed."""

    def __init__(self, seed: str, serial_number: str) -> None:
        self.seed, self.serial_number = Secret(seed), serial_number

    def code(self, offset: int = 0) -> str:
        return code_at(self.seed, step_at(datetime.now(UTC)) + offset)

    def pair_for(self, user: Caller) -> ram_models.BindMFADeviceRequest:
        return self.codes_for(user, self.code(-1), self.code())

    def codes_for(self, user: Caller, first: str, second: str | None) -> ram_models.BindMFADeviceRequest:
        return ram_models.BindMFADeviceRequest(first, second, self.serial_number, user.name)

    def logon_codes_for(self, company: Seed, user: Caller, first: str) -> ims_models.BindMFADeviceRequest:
        return ims_models.BindMFADeviceRequest(first, None, self.serial_number, logon_name(company, user))


def logon_name(company: Seed, user: Caller) -> str:
    return f"{user.name}@{company.account_id}.onaliyun.com"


def new_phone(company: Seed) -> Phone:
    request = ram_models.CreateVirtualMFADeviceRequest("phone-" + secrets.token_hex(4))
    made = company.ram().create_virtual_mfadevice(request).body.virtual_mfadevice
    return Phone(made.base_32string_seed, made.serial_number)


def bound_phone(company: Seed, user: Caller) -> Phone:
    phone = new_phone(company)
    company.ram().bind_mfadevice(phone.pair_for(user))
    return phone


@pytest.fixture
def user(company: Seed) -> Caller:
    return company.new_user()


@pytest.fixture
def closed(company: Seed) -> Iterator[None]:
    """Users may not manage their own devices."""

    def allow(allowed: bool) -> None:
        with company.services.store.transaction() as session:
            change = SecurityChange(allow_user_to_manage_mfa_devices=allowed)
            set_security_preference(session, company.account_id, change)

    allow(False)
    yield
    allow(True)


def test_create_virtual_mfa_device__ram__seed_picture_and_serial_number(company: Seed) -> None:
    name = "Tablet.of-" + secrets.token_hex(4)
    request = ram_models.CreateVirtualMFADeviceRequest(name)
    made = company.ram().create_virtual_mfadevice(request).body.virtual_mfadevice
    assert made.serial_number == f"acs:ram::{company.account_id}:mfa/{name}"
    assert len(base64.b32decode(made.base_32string_seed)) == 20
    assert base64.b64decode(made.qrcode_png).startswith(b"\x89PNG")
    error = refusal(company.ram().create_virtual_mfadevice, request)
    assert (error.status_code, error.code) == (409, "EntityAlreadyExists.VirtualMFADevice")


@pytest.mark.parametrize(
    ("name", "code"), [("a_b", "InvalidChars"), ("a" * 65, "Length"), ("\U0001f4f1", "InvalidChars")]
)
def test_create_virtual_mfa_device__ram_bad_name__refused(company: Seed, name: str, code: str) -> None:
    error = refusal(company.ram().create_virtual_mfadevice, ram_models.CreateVirtualMFADeviceRequest(name))
    assert (error.status_code, error.code) == (400, f"InvalidParameter.VirtualMFADeviceName.{code}")


def test_create_virtual_mfa_device__ims__no_dots(company: Seed) -> None:
    ims, name = company.ims(), "ims-" + secrets.token_hex(4)
    made = ims.create_virtual_mfadevice(ims_models.CreateVirtualMFADeviceRequest(name)).body.virtual_mfadevice
    assert made.serial_number == f"acs:ram::{company.account_id}:mfa/{name}"
    assert base64.b64decode(made.qrcode_png).startswith(b"\x89PNG")
    error = refusal(ims.create_virtual_mfadevice, ims_models.CreateVirtualMFADeviceRequest("a.b"))
    assert error.code == "InvalidParameter.VirtualMFADeviceName.InvalidChars"


def test_bind_mfa_device__two_consecutive_codes__bound_once(company: Seed, user: Caller) -> None:
    ram, phone = company.ram(), new_phone(company)
    ram.bind_mfadevice(phone.pair_for(user))
    info = ram.get_user_mfainfo(ram_models.GetUserMFAInfoRequest(user.name)).body.mfadevice
    assert (info.serial_number, info.type) == (phone.serial_number, "VMFA")
    error = refusal(ram.bind_mfadevice, new_phone(company).pair_for(user))
    assert (error.status_code, error.code) == (409, "EntityAlreadyExists.User.MFADevice")
    assert error.data["Message"] == "The user has already bound a MFA device."
    error = refusal(ram.bind_mfadevice, phone.pair_for(company.new_user()))
    assert (error.status_code, error.code) == (409, "EntityAlreadyExists.VirtualMFADevice.User")


def test_bind_mfa_device__codes_that_do_not_follow_each_other__refused(company: Seed, user: Caller) -> None:
    ram, phone = company.ram(), new_phone(company)
    for first, second in (
        (phone.code(), phone.code()),
        (phone.code(), phone.code(-1)),
        (phone.code(-9), phone.code(-8)),
    ):
        error = refusal(ram.bind_mfadevice, phone.codes_for(user, first, second))
        assert (error.status_code, error.code) == (403, "CheckAuthenticationCodeFail")
        assert error.data["Message"] == 'The parameter - "AuthenticationCode" is inccorrect.'
    error = refusal(ram.get_user_mfainfo, ram_models.GetUserMFAInfoRequest(user.name))
    assert (error.status_code, error.code) == (404, "EntityNotExist.User.MFADevice")


def test_bind_mfa_device__used_codes_after_unbinding__refused(company: Seed, user: Caller) -> None:
    ram, phone = company.ram(), new_phone(company)
    request = phone.pair_for(user)
    ram.bind_mfadevice(request)
    ram.unbind_mfadevice(ram_models.UnbindMFADeviceRequest(user.name))
    assert refusal(ram.bind_mfadevice, request).code == "CheckAuthenticationCodeFail"
    company.ims().bind_mfadevice(phone.logon_codes_for(company, user, phone.code(1)))


def test_bind_mfa_device__wrong_codes_in_a_row__throttled(company: Seed, user: Caller) -> None:
    ram, phone = company.ram(), new_phone(company)
    for _ in range(5):
        error = refusal(ram.bind_mfadevice, phone.codes_for(user, phone.code(), phone.code()))
        assert error.code == "CheckAuthenticationCodeFail"
    error = refusal(ram.bind_mfadevice, phone.pair_for(user))
    assert (error.status_code, error.code, error.data["Reason"]) == (429, "Throttling.Login", "LoginThrottled")
    assert 0 < error.retry_after <= 30_000


@pytest.mark.parametrize("code", ["12345", "1234567", "abcdef", "12 456"])
def test_bind_mfa_device__not_six_digits__refused(company: Seed, user: Caller, code: str) -> None:
    phone = new_phone(company)
    for first, second in ((code, phone.code()), (phone.code(), code)):
        error = refusal(company.ram().bind_mfadevice, phone.codes_for(user, first, second))
        assert (error.status_code, error.code) == (400, "InvalidParameter.AuthenticationCode.Format")
        assert error.data["Message"] == 'The parameter - "AuthenticationCode" MUST be 6 numbers.'


def test_bind_mfa_device__ram_without_second_code__refused(company: Seed, user: Caller) -> None:
    phone = new_phone(company)
    error = refusal(company.ram().bind_mfadevice, phone.codes_for(user, phone.code(), None))
    assert (error.status_code, error.code) == (400, "MissingParameter")


def test_bind_mfa_device__nobody_or_nothing__not_found(company: Seed, user: Caller) -> None:
    ram, phone = company.ram(), new_phone(company)
    request = phone.pair_for(user)
    request.user_name = "nobody-at-all"
    assert refusal(ram.bind_mfadevice, request).code == "EntityNotExist.User"
    request = phone.pair_for(user)
    request.serial_number += "x"
    error = refusal(ram.bind_mfadevice, request)
    assert (error.status_code, error.code) == (404, "EntityNotExist.VirtualMFADevice")
    request.serial_number = f"acs:ram::{'9' * 16}:mfa/phone"
    assert refusal(ram.bind_mfadevice, request).code == "EntityNotExist.VirtualMFADevice"
    request.serial_number = "phone"
    assert refusal(ram.bind_mfadevice, request).code == "InvalidParameter.SerialNumber"


def test_bind_mfa_device__ims_one_code__bound(company: Seed, user: Caller) -> None:
    ims, phone = company.ims(), new_phone(company)
    wrong = phone.logon_codes_for(company, user, phone.code(-9))
    assert refusal(ims.bind_mfadevice, wrong).code == "CheckAuthenticationCodeFail"
    ims.bind_mfadevice(phone.logon_codes_for(company, user, phone.code()))
    answer = ims.get_user_mfainfo(ims_models.GetUserMFAInfoRequest(logon_name(company, user))).body
    assert (answer.is_mfaenable, answer.mfadevice.serial_number) == (True, phone.serial_number)


def test_unbind_mfa_device__bound__serial_number_and_gone(company: Seed, user: Caller) -> None:
    ram, phone = company.ram(), bound_phone(company, user)
    answer = ram.unbind_mfadevice(ram_models.UnbindMFADeviceRequest(user.name)).body
    assert answer.mfadevice.serial_number == phone.serial_number
    request = ims_models.UnbindMFADeviceRequest(logon_name(company, user))
    error = refusal(company.ims().unbind_mfadevice, request)
    assert (error.status_code, error.code) == (404, "EntityNotExist.User.MFADevice")
    assert error.data["Message"] == "The user has not bound any MFA device."


def test_unbind_mfa_device__ims__serial_number(company: Seed, user: Caller) -> None:
    phone = bound_phone(company, user)
    request = ims_models.UnbindMFADeviceRequest(logon_name(company, user))
    assert company.ims().unbind_mfadevice(request).body.mfadevice.serial_number == phone.serial_number
    request = ram_models.UnbindMFADeviceRequest(user.name)
    assert refusal(company.ram().unbind_mfadevice, request).code == "EntityNotExist.User.MFADevice"


def test_delete_virtual_mfa_device__bound_then_unbound__conflict_then_gone(company: Seed, user: Caller) -> None:
    ram, phone = company.ram(), bound_phone(company, user)
    request = ram_models.DeleteVirtualMFADeviceRequest(phone.serial_number)
    error = refusal(ram.delete_virtual_mfadevice, request)
    assert (error.status_code, error.code) == (409, "DeleteConflict.VirtualMFADevice.User")
    ram.unbind_mfadevice(ram_models.UnbindMFADeviceRequest(user.name))
    ram.delete_virtual_mfadevice(request)
    error = refusal(
        company.ims().delete_virtual_mfadevice, ims_models.DeleteVirtualMFADeviceRequest(phone.serial_number)
    )
    assert (error.status_code, error.code) == (404, "EntityNotExist.VirtualMFADevice")


def test_delete_virtual_mfa_device__ims__gone(company: Seed) -> None:
    phone = new_phone(company)
    company.ims().delete_virtual_mfadevice(ims_models.DeleteVirtualMFADeviceRequest(phone.serial_number))
    request = ram_models.DeleteVirtualMFADeviceRequest(phone.serial_number)
    assert refusal(company.ram().delete_virtual_mfadevice, request).code == "EntityNotExist.VirtualMFADevice"


def test_delete_user__with_a_device__conflict(company: Seed) -> None:
    ram, name = company.ram(), "leaver-" + secrets.token_hex(4)
    ram.create_user(ram_models.CreateUserRequest(user_name=name))
    bound_phone(company, Caller(name, "", "", ""))
    error = refusal(ram.delete_user, ram_models.DeleteUserRequest(user_name=name))
    assert (error.status_code, error.code) == (409, "DeleteConflict.User.MFADevice")


def test_disable_virtual_mfa__bound__unbound_and_deleted(company: Seed, user: Caller) -> None:
    ims, phone = company.ims(), bound_phone(company, user)
    request = ims_models.DisableVirtualMFARequest(logon_name(company, user))
    ims.disable_virtual_mfa(request)
    serials = [
        d.serial_number for d in company.ram().list_virtual_mfadevices().body.virtual_mfadevices.virtual_mfadevice
    ]
    assert phone.serial_number not in serials
    error = refusal(ims.disable_virtual_mfa, request)
    assert (error.status_code, error.code) == (404, "EntityNotExist.User.MFADevice")


def test_list_virtual_mfa_devices__ram__all_with_their_users(company: Seed, user: Caller) -> None:
    free, bound = new_phone(company), bound_phone(company, user)
    listed = company.ram().list_virtual_mfadevices().body.virtual_mfadevices.virtual_mfadevice
    by_serial = {device.serial_number: device for device in listed}
    assert by_serial[free.serial_number].user is None
    assert by_serial[free.serial_number].activate_date is None
    found = by_serial[bound.serial_number]
    assert (found.user.user_name, found.user.user_id) == (user.name, user.user_id)
    assert found.activate_date.endswith("Z")


def test_list_virtual_mfa_devices__ims__in_pages(company: Seed, user: Caller) -> None:
    ims, phones = company.ims(), [bound_phone(company, user), new_phone(company), new_phone(company)]
    found, marker = [], None
    while True:
        request = ims_models.ListVirtualMFADevicesRequest(marker=marker, max_items=2)
        body = ims.list_virtual_mfadevices(request).body
        found += body.virtual_mfadevices.virtual_mfadevice
        if not body.is_truncated:
            break
        marker = body.marker
    by_serial = {device.serial_number: device for device in found}
    assert len(by_serial) == len(found)
    assert {phone.serial_number for phone in phones} <= set(by_serial)
    principal = by_serial[phones[0].serial_number].user.user_principal_name
    assert principal.startswith(user.name + "@")
    error = refusal(ims.list_virtual_mfadevices, ims_models.ListVirtualMFADevicesRequest(max_items=101))
    assert (error.status_code, error.code) == (400, "InvalidParameter.MaxItems")


def test_get_user_mfa_info__ims_without_device__says_no(company: Seed, user: Caller) -> None:
    ims = company.ims()
    answer = ims.get_user_mfainfo(ims_models.GetUserMFAInfoRequest(logon_name(company, user))).body
    assert (answer.is_mfaenable, answer.mfadevice) == (False, None)
    request = ims_models.GetUserMFAInfoRequest("nobody-at-all@acme.onaliyun.com")
    assert refusal(ims.get_user_mfainfo, request).code == "EntityNotExist.User"
    assert refusal(ims.get_user_mfainfo, ims_models.GetUserMFAInfoRequest()).code == "MissingParameter"


def test_get_account_mfa_info__owner_with_and_without_device__tells(company: Seed, user: Caller) -> None:
    assert company.ims().get_account_mfainfo().body.is_mfaenable is False
    with company.services.store.transaction() as session:
        owner, now = get_account(session, company.account_id), datetime.now(UTC)
        bind_seed(session, company.services.ring, owner, new_seed(), used_step=0, now=now)
    assert company.ims().get_account_mfainfo().body.is_mfaenable is True
    listed = company.ram().list_virtual_mfadevices().body.virtual_mfadevices.virtual_mfadevice
    (found,) = [device for device in listed if device.serial_number.endswith("mfa/account-owner")]
    assert found.user is None
    with company.services.store.transaction() as session:
        drop_device_of(session, get_account(session, company.account_id))
    assert refusal(company.ims(*user.key).get_account_mfainfo).code == "NoPermission"


def test_own_device__user_without_policies__may_bind_see_and_unbind(company: Seed, user: Caller) -> None:
    ram, ims, phone = company.ram(*user.key), company.ims(*user.key), new_phone(company)
    request = phone.pair_for(user)
    request.user_name = None
    ram.bind_mfadevice(request)
    assert ram.get_user_mfainfo(ram_models.GetUserMFAInfoRequest()).body.mfadevice.serial_number == phone.serial_number
    assert ims.get_user_mfainfo(ims_models.GetUserMFAInfoRequest()).body.is_mfaenable is True
    assert ram.unbind_mfadevice(ram_models.UnbindMFADeviceRequest(user.name.upper())).body.mfadevice is not None


def test_own_device__account_does_not_let_users__denied(company: Seed, user: Caller, closed: None) -> None:
    ram, phone = company.ram(*user.key), new_phone(company)
    for call, request in (
        (ram.bind_mfadevice, phone.pair_for(user)),
        (ram.unbind_mfadevice, ram_models.UnbindMFADeviceRequest(user.name)),
        (ram.get_user_mfainfo, ram_models.GetUserMFAInfoRequest()),
    ):
        assert refusal(call, request).code == "NoPermission"


def test_devices_of_others__user_without_policies__denied(company: Seed, user: Caller) -> None:
    victim, phone = company.new_user(), new_phone(company)
    ram, ims = company.ram(*user.key), company.ims(*user.key)
    theirs = logon_name(company, victim)
    for call, request in (
        (ram.bind_mfadevice, phone.pair_for(victim)),
        (ims.bind_mfadevice, phone.logon_codes_for(company, victim, phone.code())),
        (ram.unbind_mfadevice, ram_models.UnbindMFADeviceRequest(victim.name)),
        (ims.unbind_mfadevice, ims_models.UnbindMFADeviceRequest(theirs)),
        (ims.disable_virtual_mfa, ims_models.DisableVirtualMFARequest(theirs)),
        (ram.get_user_mfainfo, ram_models.GetUserMFAInfoRequest(victim.name)),
        (ims.get_user_mfainfo, ims_models.GetUserMFAInfoRequest(theirs)),
        (ram.create_virtual_mfadevice, ram_models.CreateVirtualMFADeviceRequest("mine")),
        (ims.create_virtual_mfadevice, ims_models.CreateVirtualMFADeviceRequest("mine")),
        (ram.delete_virtual_mfadevice, ram_models.DeleteVirtualMFADeviceRequest(phone.serial_number)),
        (ims.delete_virtual_mfadevice, ims_models.DeleteVirtualMFADeviceRequest(phone.serial_number)),
        (ims.list_virtual_mfadevices, ims_models.ListVirtualMFADevicesRequest()),
    ):
        assert refusal(call, request).code == "NoPermission"
    assert refusal(ram.list_virtual_mfadevices).code == "NoPermission"


def test_bind_mfa_device__denied_caller__spends_no_code(company: Seed, user: Caller) -> None:
    victim, phone = company.new_user(), new_phone(company)
    request = phone.pair_for(victim)
    assert refusal(company.ram(*user.key).bind_mfadevice, request).code == "NoPermission"
    company.ram().bind_mfadevice(request)
