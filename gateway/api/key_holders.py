"""Whose access key is meant: a user who is named, or whoever calls. Rule: ram-limits §3; operations.md, traps."""

from dataclasses import dataclass
from typing import Protocol

from gateway.api.action import Target, Work
from gateway.api.parameters import Parameters
from gateway.api.principal_names import read_optional_principal_name, user_name_of
from gateway.api.targets import user_target
from gateway.api.versions import IMS
from gateway.directory.users import find_user, get_user
from gateway.errors import InputError, Reason
from gateway.principal import AccountOwner, RamUser

_LONGEST_NAME = 64


@dataclass(frozen=True, slots=True)
class Holder:
    """`name` as the version of the call spells it; None for whoever calls."""

    version: str
    name: str | None


class AboutHolder(Protocol):
    """A request about a key of somebody."""

    @property
    def holder(self) -> Holder: ...


def read_holder(parameters: Parameters, version: str) -> Holder:
    """Raises: InputError(PARAMETER_INVALID), subject "UserName" or "UserPrincipalName"."""
    if version == IMS:
        return Holder(version, read_optional_principal_name(parameters))
    return Holder(version, parameters.optional_text("UserName", max_length=_LONGEST_NAME))


def user_id_of(work: Work, holder: Holder) -> str | None:
    """The id of the user, or None for the account owner.

    Raises: NotFound, subject "User"; InputError(PARAMETER_MISSING) where a role calls, which has no keys.
    """
    if holder.name is not None:
        return get_user(work.session, work.account_id, _user_name(work, holder, holder.name)).id
    if isinstance(work.caller, AccountOwner):
        return None
    if isinstance(work.caller, RamUser):
        return work.caller.user_id
    raise _nobody_named(holder)


def holder_targets(work: Work, request: Holder | AboutHolder) -> tuple[Target, ...]:
    """The user whose key it is; the account's root for the owner's own keys.

    Raises: InputError(PARAMETER_MISSING) where a role calls and names nobody.
    """
    holder = request if isinstance(request, Holder) else request.holder
    if holder.name is not None:
        return (user_target(work, _user_name(work, holder, holder.name)),)
    if isinstance(work.caller, AccountOwner):
        return (Target(work.caller.arn),)
    if isinstance(work.caller, RamUser):
        return (user_target(work, work.caller.name),)
    raise _nobody_named(holder)


def acts_on_itself(work: Work, holder: Holder) -> bool:
    """Whether a RAM user means itself, by naming nobody or by its own name."""
    if not isinstance(work.caller, RamUser):
        return False
    if holder.name is None:
        return True
    user = find_user(work.session, work.account_id, _user_name(work, holder, holder.name))
    return user is not None and user.id == work.caller.user_id


def _user_name(work: Work, holder: Holder, name: str) -> str:
    return user_name_of(work, name) if holder.version == IMS else name


def _nobody_named(holder: Holder) -> InputError:
    subject = "UserPrincipalName" if holder.version == IMS else "UserName"
    return InputError(Reason.PARAMETER_MISSING, f"a role has no access keys: {subject} must be given", subject=subject)
