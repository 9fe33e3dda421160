"""Account alias and default domain on the wire: two views of one name. Rule: ram-limits §2, §10; policy-language §2."""

from gateway.api.action import AnyAction, Outcome, Work, ram_action
from gateway.api.parameters import Parameters, no_parameters
from gateway.api.targets import whole_account
from gateway.api.versions import IMS, RAM
from gateway.directory.accounts import Account, get_account, set_alias
from gateway.directory.domains import default_domain
from gateway.errors import InputError, NotFound, Reason

_LONGEST_ALIAS = 64
_LONGEST_DOMAIN = 128


def _alias(parameters: Parameters) -> str:
    return parameters.text("AccountAlias", max_length=_LONGEST_ALIAS)


def _domain(parameters: Parameters) -> str:
    return parameters.text("DefaultDomainName", max_length=_LONGEST_DOMAIN)


def get_account_alias(work: Work, _request: None) -> Outcome:
    """Raises: NotFound, subject "AccountAlias", while none was chosen.

    ASSUMPTION: what the platform answers while there is no alias is not published.
    """
    account = get_account(work.session, work.account_id)
    if account.alias == account.id:
        raise NotFound(Reason.NOT_FOUND, "the account has no alias", subject="AccountAlias")
    return Outcome({"AccountAlias": account.alias})


def set_account_alias(work: Work, alias: str) -> Outcome:
    """Raises: InputError(PARAMETER_INVALID), AlreadyExists; subject "AccountAlias"."""
    set_alias(work.session, work.account_id, alias)
    return Outcome()


def clear_account_alias(work: Work, _request: None) -> Outcome:
    """Go back to the account id. Clearing what is not there changes nothing."""
    set_alias(work.session, work.account_id, None)
    return Outcome()


def get_default_domain(work: Work, _request: None) -> Outcome:
    return Outcome({"DefaultDomainName": _own_domain(work, get_account(work.session, work.account_id))})


def set_default_domain(work: Work, domain: str) -> Outcome:
    """Choose the alias by the domain that it makes.

    Raises: InputError(PARAMETER_INVALID), subject "DefaultDomainName", for a name not below our suffix;
    otherwise as `set_account_alias`.
    """
    suffix = "." + work.services.domain_suffix
    alias = domain.lower().removesuffix(suffix)
    if alias == domain.lower():
        message = f"the default domain must end in {suffix}"
        raise InputError(Reason.PARAMETER_INVALID, message, subject="DefaultDomainName")
    set_alias(work.session, work.account_id, None if alias == work.account_id else alias)
    return Outcome({"DefaultDomainName": _own_domain(work, get_account(work.session, work.account_id))})


def _own_domain(work: Work, account: Account) -> str:
    return default_domain(account, work.services.domain_suffix)


ACTIONS: tuple[AnyAction, ...] = (
    ram_action("GetAccountAlias", RAM, no_parameters, get_account_alias, whole_account, reads=True),
    ram_action("SetAccountAlias", RAM, _alias, set_account_alias, whole_account),
    ram_action("ClearAccountAlias", RAM, no_parameters, clear_account_alias, whole_account),
    ram_action("GetDefaultDomain", IMS, no_parameters, get_default_domain, whole_account, reads=True),
    ram_action("SetDefaultDomain", IMS, _domain, set_default_domain, whole_account),
)
