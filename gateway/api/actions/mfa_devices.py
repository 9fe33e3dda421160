"""MFA devices on the wire. Rule: ram-limits §4, §10; policy-language §2."""

import base64
import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from gateway.api.action import AnyAction, Outcome, Target, Work, ram_action
from gateway.api.named_user import (
    NamedUser,
    named_user,
    named_user_target,
    names_caller,
    read_logon_name,
    read_optional_logon_name,
    read_user_name,
)
from gateway.api.paging import page_fields, read_page
from gateway.api.parameters import Parameters, no_parameters
from gateway.api.principal_names import principal_name_of
from gateway.api.render import Value
from gateway.api.targets import all_of, whole_account
from gateway.api.versions import IMS, RAM
from gateway.arn import parse_ram_arn
from gateway.clock import wire_time
from gateway.directory.accounts import get_account
from gateway.directory.domains import default_domain
from gateway.directory.mfa_devices import (
    Codes,
    ListedDevice,
    bind_device,
    check_may_bind,
    create_device,
    delete_device,
    drop_device_of,
    find_device,
    find_device_of,
    get_device,
    get_device_of,
    list_devices,
    spend_codes,
    unbind_device,
    wrong_code,
)
from gateway.directory.names import MFA_DEVICE_NAME, NameRule, check_name
from gateway.directory.quotas import MFA_DEVICES_PER_ACCOUNT
from gateway.directory.security_preference import get_security_preference
from gateway.directory.users import User
from gateway.errors import InputError
from gateway.secret import Secret
from gateway.store.paging import Page
from gateway.totp import provisioning_uri, qr_png

_LONGEST_SERIAL = 1024
_LONGEST_CODE = 64
_MOST_LISTED = 100
_VIRTUAL = "VMFA"
_IMS_DEVICE_NAME = replace(MFA_DEVICE_NAME, pattern=re.compile(r"[A-Za-z0-9-]*"))


@dataclass(frozen=True, slots=True)
class Binding:
    who: NamedUser
    serial_number: str
    codes: Codes


def _device_name(rule: NameRule) -> Callable[[Parameters], str]:
    def parse(parameters: Parameters) -> str:
        """Raises: InputError(PARAMETER_MISSING), InputError(NAME_LENGTH), InputError(NAME_INVALID_CHARS)."""
        name = parameters.text(rule.parameter, max_length=_LONGEST_SERIAL)
        check_name(rule, name)
        return name

    return parse


def _serial_number(parameters: Parameters) -> str:
    """Raises: InputError(PARAMETER_MISSING), InputError(ARN_MALFORMED); subject "SerialNumber"."""
    text = parameters.text("SerialNumber", max_length=_LONGEST_SERIAL)
    try:
        return str(parse_ram_arn(text, "mfa"))
    except InputError as error:
        raise InputError(error.reason, error.public, error.detail, subject="SerialNumber") from error


def _ram_binding(parameters: Parameters) -> Binding:
    first = parameters.text("AuthenticationCode1", max_length=_LONGEST_CODE)
    second = parameters.text("AuthenticationCode2", max_length=_LONGEST_CODE)
    return _binding(read_user_name(parameters), parameters, Codes(Secret(first), Secret(second)))


def _ims_binding(parameters: Parameters) -> Binding:
    """The second code may be left out: then the first must be one that counts at a sign-in."""
    first = parameters.text("AuthenticationCode1", max_length=_LONGEST_CODE)
    second = parameters.optional_text("AuthenticationCode2", max_length=_LONGEST_CODE)
    return _binding(read_logon_name(parameters), parameters, Codes(Secret(first), Secret(second) if second else None))


def _binding(who: NamedUser, parameters: Parameters, codes: Codes) -> Binding:
    """Raises: InputError(PARAMETER_INVALID), subject "AuthenticationCode", for a code that is not 6 digits."""
    codes.check_format()
    return Binding(who, _serial_number(parameters), codes)


def _page(parameters: Parameters) -> Page:
    return read_page(parameters, default=_MOST_LISTED, most=_MOST_LISTED)


def _device_targets(work: Work, serial_number: str) -> tuple[Target, ...]:
    device = find_device(work.session, work.account_id, serial_number)
    return (Target(serial_number if device is None else device.serial_number),)


def _user_targets(work: Work, who: NamedUser) -> tuple[Target, ...]:
    return (named_user_target(work, who),)


def _binding_targets(work: Work, request: Binding) -> tuple[Target, ...]:
    return (named_user_target(work, request.who),)


def _manages_own(work: Work, who: NamedUser) -> bool:
    """Rule: ram-limits §7, AllowUserToManageMFADevices."""
    return names_caller(work, who) and (
        get_security_preference(work.session, work.account_id).allow_user_to_manage_mfa_devices
    )


def _binds_own(work: Work, request: Binding) -> bool:
    return _manages_own(work, request.who)


def create_virtual_mfa_device(work: Work, name: str) -> Outcome:
    """Make a device. Nobody gets to see its seed again.

    Raises: AlreadyExists and LimitExceeded, subject "VirtualMFADevice".
    """
    made = create_device(work.session, work.services.ring, work.account_id, name, work.now)
    domain = default_domain(get_account(work.session, work.account_id), work.services.domain_suffix)
    picture = qr_png(provisioning_uri(made.seed, f"{name}@{domain}"))
    answer: dict[str, Value] = {
        "SerialNumber": made.device.serial_number,
        "Base32StringSeed": made.seed.reveal(),
        "QRCodePNG": base64.b64encode(picture).decode(),
    }
    return Outcome({"VirtualMFADevice": answer}, details={"device": made.device.serial_number})


def prove_codes(work: Work, request: Binding) -> str:
    """Spend the codes, in a transaction of its own: a wrong one must be counted though the call is refused.

    Gives the id of the device. Raises: CredentialError(MFA_CODE_WRONG), Throttled(LOGIN_THROTTLED); NotFound and
    AlreadyExists as `bind_mfa_device`.
    """
    user = named_user(work, request.who)
    device = get_device(work.session, work.account_id, request.serial_number)
    check_may_bind(work.session, device, user)
    with work.services.store.transaction() as session:
        right = spend_codes(session, work.services.ring, device.id, request.codes, work.now)
    if not right:
        raise wrong_code(request.codes)
    return device.id


def bind_mfa_device(work: Work, request: Binding) -> Outcome:
    """Bind a device to a user, who proved by two codes that follow each other that its seed is in an app.

    Raises: NotFound, subject "User" or "VirtualMFADevice"; AlreadyExists, subject "User.MFADevice" or
    "VirtualMFADevice.User".
    """
    device = bind_device(work.session, work.made(str), named_user(work, request.who), work.now)
    return Outcome(details={"device": device.serial_number})


def unbind_mfa_device(work: Work, who: NamedUser) -> Outcome:
    """Raises: NotFound, subject "User" or "User.MFADevice"."""
    serial_number = unbind_device(work.session, named_user(work, who)).serial_number
    return Outcome({"MFADevice": {"SerialNumber": serial_number}}, details={"device": serial_number})


def disable_virtual_mfa(work: Work, who: NamedUser) -> Outcome:
    """Unbind a user's device and delete it. Raises: NotFound, subject "User" or "User.MFADevice"."""
    device = drop_device_of(work.session, named_user(work, who))
    return Outcome(details={"device": device.serial_number})


def delete_virtual_mfa_device(work: Work, serial_number: str) -> Outcome:
    """Raises: NotFound, subject "VirtualMFADevice"; Conflict, subject "VirtualMFADevice.User"."""
    delete_device(work.session, work.account_id, serial_number)
    return Outcome()


def ram_list_virtual_mfa_devices(work: Work, _request: None) -> Outcome:
    """All devices of the account: this operation has no pages."""
    found = list_devices(work.session, work.account_id, Page(MFA_DEVICES_PER_ACCOUNT))
    return Outcome(_listed([_ram_device(listed) for listed in found.rows]))


def ims_list_virtual_mfa_devices(work: Work, page: Page) -> Outcome:
    found = list_devices(work.session, work.account_id, page)
    return Outcome({**_listed([_ims_device(work, listed) for listed in found.rows]), **page_fields(found)})


def ram_get_user_mfa_info(work: Work, who: NamedUser) -> Outcome:
    """Raises: NotFound, subject "User" or "User.MFADevice"."""
    device = get_device_of(work.session, named_user(work, who))
    return Outcome({"MFADevice": {"SerialNumber": device.serial_number, "Type": _VIRTUAL}})


def ims_get_user_mfa_info(work: Work, who: NamedUser) -> Outcome:
    """Raises: NotFound, subject "User".

    ASSUMPTION: a user without a device is answered by `IsMFAEnable` false; the other service has no such field, and
    refuses.
    """
    device = find_device_of(work.session, named_user(work, who))
    if device is None:
        return Outcome({"IsMFAEnable": False})
    return Outcome({"IsMFAEnable": True, "MFADevice": {"SerialNumber": device.serial_number, "Type": _VIRTUAL}})


def get_account_mfa_info(work: Work, _request: None) -> Outcome:
    """Whether the account owner has a device."""
    account = get_account(work.session, work.account_id)
    return Outcome({"IsMFAEnable": find_device_of(work.session, account) is not None})


def _listed(devices: list[Value]) -> dict[str, Value]:
    return {"VirtualMFADevices": {"VirtualMFADevice": devices}}


def _ram_device(listed: ListedDevice) -> Value:
    user = listed.user
    return _device(listed, None if user is None else _user(user) | {"UserName": user.name})


def _ims_device(work: Work, listed: ListedDevice) -> Value:
    user = listed.user
    return _device(listed, None if user is None else _user(user) | {"UserPrincipalName": principal_name_of(work, user)})


def _user(user: User) -> dict[str, Value]:
    return {"UserId": user.id, "DisplayName": user.display_name}


def _device(listed: ListedDevice, user: Value) -> Value:
    answer: dict[str, Value] = {"SerialNumber": listed.device.serial_number}
    if listed.device.bound_at is not None:
        answer["ActivateDate"] = wire_time(listed.device.bound_at)
    if user is not None:
        answer["User"] = user
    return answer


def _making(version: str, rule: NameRule) -> AnyAction:
    name = "CreateVirtualMFADevice"
    return ram_action(name, version, _device_name(rule), create_virtual_mfa_device, all_of("mfa"))


def _binding_by(version: str, parse: Callable[[Parameters], Binding]) -> AnyAction:
    return ram_action(
        "BindMFADevice", version, parse, bind_mfa_device, _binding_targets, on_itself=_binds_own, prepare=prove_codes
    )


def _of_a_user(
    name: str,
    version: str,
    parse: Callable[[Parameters], NamedUser],
    perform: Callable[[Work, NamedUser], Outcome],
    *,
    reads: bool = False,
) -> AnyAction:
    return ram_action(name, version, parse, perform, _user_targets, on_itself=_manages_own, reads=reads)


def _deleting(version: str) -> AnyAction:
    name = "DeleteVirtualMFADevice"
    return ram_action(name, version, _serial_number, delete_virtual_mfa_device, _device_targets)


ACTIONS: tuple[AnyAction, ...] = (
    _making(RAM, MFA_DEVICE_NAME),
    _making(IMS, _IMS_DEVICE_NAME),
    _binding_by(RAM, _ram_binding),
    _binding_by(IMS, _ims_binding),
    _of_a_user("UnbindMFADevice", RAM, read_user_name, unbind_mfa_device),
    _of_a_user("UnbindMFADevice", IMS, read_logon_name, unbind_mfa_device),
    _of_a_user("DisableVirtualMFA", IMS, read_logon_name, disable_virtual_mfa),
    _of_a_user("GetUserMFAInfo", RAM, read_user_name, ram_get_user_mfa_info, reads=True),
    _of_a_user("GetUserMFAInfo", IMS, read_optional_logon_name, ims_get_user_mfa_info, reads=True),
    _deleting(RAM),
    _deleting(IMS),
    ram_action("ListVirtualMFADevices", RAM, no_parameters, ram_list_virtual_mfa_devices, all_of("mfa"), reads=True),
    ram_action("ListVirtualMFADevices", IMS, _page, ims_list_virtual_mfa_devices, all_of("mfa"), reads=True),
    ram_action("GetAccountMFAInfo", IMS, no_parameters, get_account_mfa_info, whole_account, reads=True),
)
