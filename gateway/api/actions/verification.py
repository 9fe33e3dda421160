"""Security phone and security e-mail of users on the wire. Rule: operations.md, Verification; ram-limits §2."""

from collections.abc import Callable
from dataclasses import dataclass

from gateway.api.action import AnyAction, Outcome, Target, Work, ram_action
from gateway.api.named_user import NamedUser, named_user, named_user_target, names_caller, read_optional_logon_name
from gateway.api.parameters import Parameters
from gateway.api.render import Value
from gateway.api.versions import IMS
from gateway.directory.verification import VerifyType, get_verification, remove_verification, set_verification

_LONGEST = 128
_PARAMETERS = {VerifyType.SMS: "MobilePhone", VerifyType.EMAIL: "Email"}


@dataclass(frozen=True, slots=True)
class AddressOf:
    who: NamedUser
    verify_type: VerifyType
    address: str


def _address_of(parameters: Parameters) -> AddressOf:
    """The kind, and the parameter that goes with it; the other one does not count.

    Raises: InputError(PARAMETER_MISSING), InputError(PARAMETER_INVALID).
    """
    verify_type = VerifyType(parameters.choice("VerifyType", set(VerifyType)))
    address = parameters.text(_PARAMETERS[verify_type], max_length=_LONGEST)
    return AddressOf(read_optional_logon_name(parameters), verify_type, address)


def _of_user(work: Work, who: NamedUser) -> tuple[Target, ...]:
    return (named_user_target(work, who),)


def _of_address(work: Work, request: AddressOf) -> tuple[Target, ...]:
    return _of_user(work, request.who)


def get_verification_info(work: Work, who: NamedUser) -> Outcome:
    """What is noted. `Status` is always `pending`: nothing was ever sent there. Raises: NotFound, subject "User"."""
    found = get_verification(work.session, named_user(work, who))
    answer: dict[str, Value] = {}
    if found.phone is not None:
        answer["SecurityPhoneDevice"] = {
            "AreaCode": found.phone.area_code,
            "PhoneNumber": found.phone.number,
            "Status": found.phone.status,
        }
    if found.email is not None:
        answer["SecurityEmailDevice"] = {"Email": found.email.address, "Status": found.email.status}
    return Outcome(answer)


def set_verification_info(work: Work, request: AddressOf) -> Outcome:
    """Raises: NotFound, subject "User"; InputError(PARAMETER_INVALID), subject "MobilePhone" or "Email"."""
    user = named_user(work, request.who)
    set_verification(work.session, user, request.verify_type, request.address, work.now)
    return Outcome(details={"verify_type": request.verify_type.value})


def unbind_verification(work: Work, request: AddressOf) -> Outcome:
    """Raises: NotFound, subject "User", "User.SecurityPhone" or "User.SecurityEmail"."""
    remove_verification(work.session, named_user(work, request.who), request.verify_type, request.address)
    return Outcome(details={"verify_type": request.verify_type.value})


def _changing(name: str, perform: Callable[[Work, AddressOf], Outcome]) -> AnyAction:
    return ram_action(name, IMS, _address_of, perform, _of_address)


ACTIONS: tuple[AnyAction, ...] = (
    ram_action(
        "GetVerificationInfo",
        IMS,
        read_optional_logon_name,
        get_verification_info,
        _of_user,
        on_itself=names_caller,
        reads=True,
    ),
    _changing("SetVerificationInfo", set_verification_info),
    _changing("UnbindVerification", unbind_verification),
)
