"""Passwords, second factors and how users are reached, in both services."""

from collections.abc import Mapping

from tests.wire.names import new_name
from tests.wire.test_mfa_devices import Phone
from tests.wire.walk.scenario import Scenario, denied
from tests.wire.walk.walker import IMS, RAM, Answer, Walk

_PASSWORD, _OTHER = "Correct-Horse-7", "Battery-Staple-8"


def _profile(walk: Walk) -> Mapping[str, str]:
    user = walk.user()
    walk("CreateLoginProfile", **user, Password=_PASSWORD)
    return user


def _change_password(walk: Walk, old: str) -> Answer:
    caller = walk.company.new_user()
    walk("CreateLoginProfile", **walk.called(caller.name), Password=_PASSWORD)
    return walk.by(caller)("ChangePassword", OldPassword=old, NewPassword=_OTHER)


def _phone(walk: Walk) -> Phone:
    made = walk("CreateVirtualMFADevice", VirtualMFADeviceName=new_name())["VirtualMFADevice"]
    return Phone(made["Base32StringSeed"], made["SerialNumber"])


def _codes(phone: Phone) -> Mapping[str, str]:
    return {
        "SerialNumber": phone.serial_number,
        "AuthenticationCode1": phone.code(-1),
        "AuthenticationCode2": phone.code(),
    }


def _bound(walk: Walk) -> Mapping[str, str]:
    """A user with a phone."""
    user = walk.user()
    walk("BindMFADevice", **user, **_codes(_phone(walk)))
    return user


def _list_devices(walk: Walk) -> Answer:
    _bound(walk)
    _phone(walk)
    return walk("ListVirtualMFADevices")


def _delete_bound(walk: Walk) -> Answer:
    user, phone = walk.user(), _phone(walk)
    walk("BindMFADevice", **user, **_codes(phone))
    return walk("DeleteVirtualMFADevice", SerialNumber=phone.serial_number)


def _passwords(service: str) -> tuple[Scenario, ...]:
    missing = "EntityNotExist.User.LoginProfile"
    return (
        Scenario(
            service,
            "CreateLoginProfile",
            lambda walk: walk("CreateLoginProfile", **walk.user(), Password=_PASSWORD, PasswordResetRequired=True),
            lambda walk: walk("CreateLoginProfile", **walk.user(), Password="short"),
            "InvalidParameter.Password.TooWeak",
        ),
        Scenario(
            service,
            "GetLoginProfile",
            lambda walk: walk("GetLoginProfile", **_profile(walk)),
            lambda walk: walk("GetLoginProfile", **walk.user()),
            missing,
        ),
        Scenario(
            service,
            "UpdateLoginProfile",
            lambda walk: walk("UpdateLoginProfile", **_profile(walk), MFABindRequired=False, Password=_OTHER),
            lambda walk: walk("UpdateLoginProfile", **walk.user(), MFABindRequired=False),
            missing,
        ),
        Scenario(
            service,
            "DeleteLoginProfile",
            lambda walk: walk("DeleteLoginProfile", **_profile(walk)),
            lambda walk: walk("DeleteLoginProfile", **walk.user()),
            missing,
        ),
        Scenario(
            service,
            "ChangePassword",
            lambda walk: _change_password(walk, _PASSWORD),
            lambda walk: _change_password(walk, "Wrong-Horse-7"),
            "AuthenticationFail.Login",
        ),
    )


def _second_factors(service: str) -> tuple[Scenario, ...]:
    unbound = "EntityNotExist.User.MFADevice"
    return (
        Scenario(
            service,
            "CreateVirtualMFADevice",
            lambda walk: walk("CreateVirtualMFADevice", VirtualMFADeviceName=new_name()),
            lambda walk: walk("CreateVirtualMFADevice", VirtualMFADeviceName="a_b"),
            "InvalidParameter.VirtualMFADeviceName.InvalidChars",
        ),
        Scenario(
            service,
            "BindMFADevice",
            lambda walk: walk("BindMFADevice", **walk.user(), **_codes(_phone(walk))),
            lambda walk: walk("BindMFADevice", **_bound(walk), **_codes(_phone(walk))),
            "EntityAlreadyExists.User.MFADevice",
        ),
        Scenario(
            service,
            "GetUserMFAInfo",
            lambda walk: walk("GetUserMFAInfo", **_bound(walk)),
            lambda walk: walk("GetUserMFAInfo", **walk.called(new_name())),
            "EntityNotExist.User",
        ),
        Scenario(
            service,
            "UnbindMFADevice",
            lambda walk: walk("UnbindMFADevice", **_bound(walk)),
            lambda walk: walk("UnbindMFADevice", **walk.user()),
            unbound,
        ),
        Scenario(service, "ListVirtualMFADevices", _list_devices, denied("ListVirtualMFADevices"), "NoPermission"),
        Scenario(
            service,
            "DeleteVirtualMFADevice",
            lambda walk: walk("DeleteVirtualMFADevice", SerialNumber=_phone(walk).serial_number),
            _delete_bound,
            "DeleteConflict.VirtualMFADevice.User",
        ),
    )


def _verified(walk: Walk) -> Mapping[str, str]:
    contact = {**walk.user(), "VerifyType": "email", "Email": "alice@example.com"}
    walk("SetVerificationInfo", **contact)
    return contact


def _verification(walk: Walk) -> Answer:
    contact = _verified(walk)
    name = {"UserPrincipalName": contact["UserPrincipalName"]}
    walk("SetVerificationInfo", **name, VerifyType="sms", MobilePhone="86-18600001234")
    return walk("GetVerificationInfo", **name)


SCENARIOS = (
    *_passwords(RAM),
    *_passwords(IMS),
    *_second_factors(RAM),
    *_second_factors(IMS),
    Scenario(
        IMS,
        "DisableVirtualMFA",
        lambda walk: walk("DisableVirtualMFA", **_bound(walk)),
        lambda walk: walk("DisableVirtualMFA", **walk.user()),
        "EntityNotExist.User.MFADevice",
    ),
    Scenario(
        IMS,
        "GetVerificationInfo",
        _verification,
        denied("GetVerificationInfo", UserPrincipalName="alice@acme"),
        "NoPermission",
    ),
    Scenario(
        IMS,
        "SetVerificationInfo",
        _verified,
        lambda walk: walk("SetVerificationInfo", **walk.user(), VerifyType="email", Email="alice"),
        "InvalidParameter.Email.Format",
    ),
    Scenario(
        IMS,
        "UnbindVerification",
        lambda walk: walk("UnbindVerification", **_verified(walk)),
        lambda walk: walk("UnbindVerification", **walk.user(), VerifyType="email", Email="alice@example.com"),
        "EntityNotExist.User.SecurityEmail",
    ),
)
