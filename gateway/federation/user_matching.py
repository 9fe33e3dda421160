"""From the NameID of an assertion to a RAM user who exists. Nobody is created on the way.

Rule: sso-contract §1.4 (accepted suffixes), §1.2 (SsoLoginWithDomain).
"""

import re

from sqlalchemy.orm import Session

from gateway.directory.accounts import Account
from gateway.directory.domains import default_domain, list_domain_aliases
from gateway.directory.user_sso import UserSsoSettings
from gateway.directory.users import User, find_user
from gateway.errors import AuthenticationError, Reason

# Checked before any lower-casing, so that no letter of another script can turn into one of these.
_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)
_DOMAIN = re.compile(r"[A-Za-z0-9.-]{1,253}", re.ASCII)


def accepted_domains(session: Session, account: Account, suffix: str) -> tuple[str, ...]:
    """The domains a NameID may end in, lower case: the default one always, then the domain aliases; the auxiliary
    domain only while there is no alias.
    """
    aliases = tuple(row.domain.lower() for row in list_domain_aliases(session, account.id))
    auxiliary = (account.auxiliary_domain.lower(),) if account.auxiliary_domain and not aliases else ()
    return (default_domain(account, suffix).lower(), *aliases, *auxiliary)


def match_user(session: Session, account: Account, settings: UserSsoSettings, name_id: str, suffix: str) -> User:
    """The RAM user of `account` that a NameID means, in any case.

    Refused: a domain that the account does not accept, no domain where one is due, any domain where SSO is set to
    bare names, a name that no user has or could have. White space is not forgiven.
    ASSUMPTION: user names and domains are compared without regard to case.
    Raises: AuthenticationError with USER_DOMAIN_NOT_ACCEPTED or USER_NO_MATCH. Rule: sso-contract §1.2, §1.4, §4.
    """
    name = local_part(session, account, name_id, suffix, with_domain=settings.login_with_domain)
    user = find_user(session, account.id, name) if _NAME.fullmatch(name) else None
    if user is None:
        why = "no such user" if _NAME.fullmatch(name) else "user names have 1 to 64 letters, digits and . _ -"
        raise AuthenticationError(
            Reason.USER_NO_MATCH,
            "The user does not exist. Ask your administrator to create a RAM user with your sign-in name.",
            detail=f"account {account.id}, NameID {name_id!r:.300}, name {name!r:.200}: {why}",
        )
    return user


def local_part(session: Session, account: Account, name_id: str, suffix: str, *, with_domain: bool) -> str:
    """The user name in a logon name that has to end in a domain of the account, or has to be bare.

    Raises: AuthenticationError(USER_DOMAIN_NOT_ACCEPTED). Rule: sso-contract §1.2, §1.4.
    """
    return _before_domain(session, account, name_id, suffix) if with_domain else _bare_name(name_id)


def _before_domain(session: Session, account: Account, name_id: str, suffix: str) -> str:
    name, at, domain = name_id.rpartition("@")
    accepted = accepted_domains(session, account, suffix)
    if not at or not _DOMAIN.fullmatch(domain) or domain.lower() not in accepted:
        hint = _auxiliary_hint(account, domain, accepted)
        raise AuthenticationError(
            Reason.USER_DOMAIN_NOT_ACCEPTED,
            "The user does not exist: your sign-in name does not end in a domain of this account. Ask your "
            "administrator to check the name that your identity provider sends.",
            detail=f"account {account.id}, NameID {name_id!r:.300}; accepted domains: {', '.join(accepted)}{hint}",
        )
    return name


def _bare_name(name_id: str) -> str:
    if "@" in name_id:
        raise AuthenticationError(
            Reason.USER_DOMAIN_NOT_ACCEPTED,
            "The user does not exist: your identity provider sends a sign-in name with a domain, and this account "
            "expects it without. Ask your administrator to change one of the two.",
            detail=f"NameID {name_id!r:.300}; SsoLoginWithDomain is false, so the bare user name is expected",
        )
    return name_id


def _auxiliary_hint(account: Account, domain: str, accepted: tuple[str, ...]) -> str:
    auxiliary = (account.auxiliary_domain or "").lower()
    if auxiliary and domain.lower() == auxiliary and auxiliary not in accepted:
        return f"; the auxiliary domain {auxiliary} does not count while a domain alias is configured"
    return ""
