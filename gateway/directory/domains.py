"""The domains that a user's logon name may end in, and finding an account by any name it goes by.

Rule: sso-contract §1.4.
"""

import re
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ForeignKey, or_, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from gateway.directory.accounts import Account, lock_account
from gateway.directory.names import name_key
from gateway.directory.unique import insert_unique
from gateway.errors import InputError, NotFound, Reason
from gateway.store.base import Base

_LONGEST_DOMAIN = 253
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_DOMAIN = re.compile(rf"{_LABEL}(?:\.{_LABEL})+")


class DomainAlias(Base):
    __tablename__ = "domain_aliases"

    domain: Mapped[str] = mapped_column(primary_key=True)  # lower case; one account at most has it
    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"), index=True)
    created_at: Mapped[datetime]


def default_domain(account: Account, suffix: str) -> str:
    """`<alias>.<suffix>`; it always belongs to the account, whatever else is set up."""
    return f"{account.alias}.{suffix}"


def add_domain_alias(session: Session, account_id: str, domain: str, now: datetime) -> DomainAlias:
    """Let logon names end in `domain` too. From then on the auxiliary domain does not count.

    Who owns the domain is the operator's business: nothing here asks DNS.
    Raises: InputError(PARAMETER_INVALID), AlreadyExists if any account has it; subject "DomainAlias".
    """
    lock_account(session, account_id)
    row = DomainAlias(domain=_domain(domain, "DomainAlias"), account_id=account_id, created_at=now)
    insert_unique(session, row, "DomainAlias")
    return row


def remove_domain_alias(session: Session, account_id: str, domain: str) -> None:
    """Raises: NotFound, subject "DomainAlias"."""
    lock_account(session, account_id)
    row = session.get(DomainAlias, name_key(domain))
    if row is None or row.account_id != account_id:
        raise NotFound(Reason.NOT_FOUND, "the account has no such domain alias", subject="DomainAlias")
    session.delete(row)
    session.flush()


def list_domain_aliases(session: Session, account_id: str) -> Sequence[DomainAlias]:
    query = select(DomainAlias).where(DomainAlias.account_id == account_id).order_by(DomainAlias.domain)
    return session.scalars(query).all()


def set_auxiliary_domain(session: Session, account_id: str, domain: str | None) -> None:
    """A further domain for user SSO; it counts only while there is no domain alias. Several accounts may share it.

    Raises: InputError(PARAMETER_INVALID), subject "AuxiliaryDomain".
    """
    checked = None if domain is None else _domain(domain, "AuxiliaryDomain")
    lock_account(session, account_id).auxiliary_domain = checked


def find_account(session: Session, text: str, suffix: str) -> Account | None:
    """The account that goes by an account id, an alias, a default domain or a domain alias, in any case.

    Everything below our own suffix is a default domain and nothing else: a domain alias that looks like another
    account's default domain leads nowhere. The auxiliary domain is not looked at, since it need not be unique.
    """
    key = name_key(text.strip())
    under_suffix = key.removesuffix("." + suffix.lower())
    if under_suffix != key or "." not in key:
        return session.scalar(select(Account).where(or_(Account.id == under_suffix, Account.alias == under_suffix)))
    return session.scalar(select(Account).join(DomainAlias).where(DomainAlias.domain == key))


def _domain(text: str, parameter: str) -> str:
    domain = text.lower()
    if len(domain) > _LONGEST_DOMAIN or not _DOMAIN.fullmatch(domain):
        message = f"`{parameter}` must be a domain name such as example.com"
        raise InputError(Reason.PARAMETER_INVALID, message, subject=parameter)
    return domain
