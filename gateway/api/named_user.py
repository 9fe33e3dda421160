"""Whom a call names: by `UserName`, by `UserPrincipalName`, or by nothing, which means a RAM user that calls itself.

Rule: ram-limits §3 (a RAM user omitting the name acts on itself); operations.md (37 names exist in both services).
"""

from dataclasses import dataclass

from gateway.api.action import Target, Work
from gateway.api.parameters import Parameters
from gateway.api.principal_names import read_optional_principal_name, read_principal_name, user_name_of
from gateway.api.targets import user_target
from gateway.directory.users import User, find_user, get_user
from gateway.errors import InputError, Reason
from gateway.principal import RamUser

_USER_NAME, _PRINCIPAL_NAME = "UserName", "UserPrincipalName"
_LONGEST = 128  # how long a name may really be, the rule of names says


@dataclass(frozen=True, slots=True)
class NamedUser:
    parameter: str
    text: str | None


def read_user_name(parameters: Parameters) -> NamedUser:
    return NamedUser(_USER_NAME, parameters.optional_text(_USER_NAME, max_length=_LONGEST))


def read_logon_name(parameters: Parameters) -> NamedUser:
    """Raises: InputError(PARAMETER_MISSING), InputError(PARAMETER_INVALID)."""
    return NamedUser(_PRINCIPAL_NAME, read_principal_name(parameters))


def read_optional_logon_name(parameters: Parameters) -> NamedUser:
    """Raises: InputError(PARAMETER_INVALID)."""
    return NamedUser(_PRINCIPAL_NAME, read_optional_principal_name(parameters))


def named_user(work: Work, who: NamedUser) -> User:
    """Raises: NotFound, subject "User"; InputError(PARAMETER_MISSING) from a caller that is no user itself."""
    return get_user(work.session, work.account_id, _name(work, who))


def named_user_target(work: Work, who: NamedUser) -> Target:
    """Raises: InputError(PARAMETER_MISSING) as `named_user`."""
    return user_target(work, _name(work, who))


def names_caller(work: Work, who: NamedUser) -> bool:
    """Whether a RAM user acts on itself."""
    if not isinstance(work.caller, RamUser):
        return False
    user = find_user(work.session, work.account_id, _name(work, who))
    return user is not None and user.id == work.caller.user_id


def _name(work: Work, who: NamedUser) -> str:
    if who.text is None:
        if not isinstance(work.caller, RamUser):
            message = "only a RAM user can leave out whom it means"
            raise InputError(Reason.PARAMETER_MISSING, message, subject=who.parameter)
        return work.caller.name
    return user_name_of(work, who.text) if who.parameter == _PRINCIPAL_NAME else who.text
