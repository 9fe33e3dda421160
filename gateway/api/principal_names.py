"""Users as the identity service names them: `<user>@<domain>`. Rule: ram-limits §2 (UserPrincipalName); operations.md.

A domain that is not the account's means no user of it: the name is kept whole, and nobody is called that.
"""

from gateway.api.action import Work
from gateway.api.parameters import Parameters
from gateway.directory.accounts import Account, get_account
from gateway.directory.domains import default_domain, list_domain_aliases
from gateway.directory.names import USER_NAME, check_name
from gateway.directory.users import User
from gateway.errors import InputError, Reason

_LONGEST = 128


def read_principal_name(parameters: Parameters, name: str = "UserPrincipalName") -> str:
    """Raises: InputError(PARAMETER_MISSING), InputError(PARAMETER_INVALID) for a text without exactly one `@`."""
    return _checked(parameters.text(name, max_length=_LONGEST), name)


def read_optional_principal_name(parameters: Parameters, name: str = "UserPrincipalName") -> str | None:
    """Raises: InputError(PARAMETER_INVALID) for a text without exactly one `@`."""
    text = parameters.optional_text(name, max_length=_LONGEST)
    return None if text is None else _checked(text, name)


def check_new_principal_name(name: str, parameter: str) -> None:
    """Refuse what no user can be called: the part in front of the domain follows the rule of user names.

    Raises: InputError(NAME_LENGTH), InputError(NAME_INVALID_CHARS), subject `parameter`.
    """
    check_name(USER_NAME.renamed(parameter), name.partition("@")[0])


def new_user_name_of(work: Work, principal_name: str, parameter: str) -> str:
    """The name in front of the domain, for a user that is to be called so.

    Raises: InputError(PARAMETER_INVALID), subject `parameter`, for a domain that is not the account's.
    """
    name = user_name_of(work, principal_name)
    if name == principal_name:
        message = f"the domain of `{parameter}` is not one of the account's"
        raise InputError(Reason.PARAMETER_INVALID, message, principal_name, subject=parameter)
    return name


def user_name_of(work: Work, principal_name: str) -> str:
    """The name in front of the domain, if the domain is the caller's account's.

    Accepted: the default domain, `<alias>` alone, `<account id>.<suffix>` and every domain alias, in any case.
    """
    name, _, domain = principal_name.partition("@")
    account = get_account(work.session, work.account_id)
    return name if domain.lower() in _domains(work, account) else principal_name


def principal_name_of(work: Work, user: User) -> str:
    """How answers name a user."""
    return default_principal_name(work, user.name)


def default_principal_name(work: Work, name: str) -> str:
    """The logon name of a user of the caller's account, in its default domain."""
    return f"{name}@{default_domain(get_account(work.session, work.account_id), work.services.domain_suffix)}"


def _domains(work: Work, account: Account) -> set[str]:
    suffix = work.services.domain_suffix
    own = {default_domain(account, suffix), account.alias, f"{account.id}.{suffix}"}
    return {domain.lower() for domain in own} | {row.domain for row in list_domain_aliases(work.session, account.id)}


def _checked(text: str, name: str) -> str:
    if text.count("@") != 1 or text.startswith("@") or text.endswith("@"):
        raise InputError(Reason.PARAMETER_INVALID, f"{name} must be <user>@<domain>", text[:40], subject=name)
    return text
