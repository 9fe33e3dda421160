"""Accounts and their owners. An account is the wall that users, roles, policies and providers live behind."""

import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import BigInteger, bindparam, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from gateway.arn import root_arn
from gateway.directory.names import check_text, is_storable
from gateway.directory.passwords import check_password_policy, hash_password, verify_password
from gateway.directory.unique import insert_unique, unique_change
from gateway.errors import AlreadyExists, CredentialError, InputError, NotFound, Reason
from gateway.ids import new_account_id
from gateway.secret import Secret
from gateway.store.base import Base
from gateway.store.direct import Source, Statement

_ALIAS = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_SHORTEST_ALIAS = 3
_LONGEST_ALIAS = 63  # ASSUMPTION: the documents say 63 and 64
_UID = re.compile(r"[0-9]{16}")
_LOGIN = re.compile(r"[A-Za-z0-9._@+-]{1,128}")
_LONGEST_DISPLAY_NAME = 128
_DEFAULT_SESSION_H = 6
_LONGEST_SESSION_H = 24


class Account(Base):
    __tablename__ = "accounts"

    id: Mapped[str] = mapped_column(primary_key=True)  # 16 digits
    alias: Mapped[str] = mapped_column(unique=True)  # the id itself until one is chosen
    display_name: Mapped[str]
    owner_login: Mapped[str] = mapped_column(unique=True)  # lower case
    owner_password_hash: Mapped[str]
    auxiliary_domain: Mapped[str | None]
    login_session_duration_h: Mapped[int]
    policy_stamp: Mapped[int] = mapped_column(BigInteger)
    created_at: Mapped[datetime]

    @property
    def arn(self) -> str:
        return root_arn(self.id)


def create_account(
    session: Session, *, alias: str | None, display_name: str, owner_login: str, owner_password: Secret, now: datetime
) -> Account:
    """Make an account and its owner.

    Raises: InputError for a malformed alias, login, display name or password; AlreadyExists, subject
    "AccountAlias" or "OwnerLogin".
    """
    if alias is not None:
        _check_alias(alias)
    check_text("DisplayName", display_name, _LONGEST_DISPLAY_NAME)
    if not _LOGIN.fullmatch(owner_login):
        raise InputError(Reason.PARAMETER_INVALID, "the owner's login name is malformed", subject="OwnerLogin")
    check_password_policy(owner_password)
    password_hash = hash_password(owner_password)  # before anything is asked: it takes tens of milliseconds
    login = owner_login.lower()
    if session.scalar(select(Account.id).where(Account.owner_login == login)) is not None:
        raise AlreadyExists(Reason.ALREADY_EXISTS, "an account of this owner exists", subject="OwnerLogin")
    account_id = new_account_id()
    account = Account(
        id=account_id,
        alias=alias or account_id,
        display_name=display_name,
        owner_login=login,
        owner_password_hash=password_hash,
        login_session_duration_h=_DEFAULT_SESSION_H,
        policy_stamp=_new_stamp(),
        created_at=now,
    )
    insert_unique(session, account, "AccountAlias")
    return account


def get_account(session: Session, account_id: str) -> Account:
    """Raises: NotFound, subject "Account"."""
    account = session.get(Account, account_id) if _UID.fullmatch(account_id) else None
    if account is None:
        raise _no_account()
    return account


@dataclass(frozen=True, slots=True)
class LoginAccount:
    """What a login to a role asks of the role's account."""

    id: str
    alias: str
    login_session_duration_h: int


_FIND_FOR_LOGIN = Statement(
    lambda _dialect: select(Account.id, Account.alias, Account.login_session_duration_h).where(
        Account.id == bindparam("account_id")
    ),
    "account_id",
)


def get_login_account(source: Source, account_id: str) -> LoginAccount:
    """One query below the ORM. Raises: NotFound, subject "Account"."""
    found = _FIND_FOR_LOGIN.first(source, account_id)
    if found is None:
        raise _no_account()
    return LoginAccount(*found)


def list_accounts(session: Session) -> Sequence[Account]:
    return session.scalars(select(Account).order_by(Account.created_at, Account.id)).all()


def lock_account(session: Session, account_id: str) -> Account:
    """The account, locked against other administrative changes until the transaction ends.

    INVARIANT: every change of an account's users, groups, roles, policies or providers takes this lock first, so
    that quotas and "is anything still attached" are exact. Logins do not take it and do not wait for it.
    Raises: NotFound, subject "Account".
    """
    query = (
        select(Account)
        .where(Account.id == account_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    account = session.scalar(query) if _UID.fullmatch(account_id) else None
    if account is None:
        raise _no_account()
    return account


def change_policies(session: Session, account_id: str) -> Account:
    """Lock the account and give it a new policy stamp: what every worker has compiled is void at the commit.

    The stamp is random, not a counter: a stamp that was seen inside a transaction which then rolled back must
    never come again with other policies behind it.
    """
    account = lock_account(session, account_id)
    account.policy_stamp = _new_stamp()
    return account


def set_alias(session: Session, account_id: str, alias: str | None) -> None:
    """Choose the account's alias; None goes back to the account id.

    Raises: InputError(PARAMETER_INVALID), AlreadyExists, subject "AccountAlias" in both.
    """
    if alias is not None:
        _check_alias(alias)
    account = lock_account(session, account_id)
    with unique_change(session, "AccountAlias"):
        account.alias = alias or account.id


def set_login_session_duration(session: Session, account_id: str, hours: int) -> None:
    """How long a browser session may last, 1 to 24 hours. Rule: ram-limits §7.

    Raises: InputError(PARAMETER_INVALID).
    """
    if not 1 <= hours <= _LONGEST_SESSION_H:
        message = "a login session lasts 1 to 24 hours"
        raise InputError(Reason.PARAMETER_INVALID, message, subject="LoginSessionDuration")
    lock_account(session, account_id).login_session_duration_h = hours


def set_owner_password(session: Session, account_id: str, password: Secret) -> None:
    """Give the owner another password: the way back in when the old one is lost. To be the first call of its
    transaction: the hash is made before that takes the write lock.

    ASSUMPTION: the account's password policy is for RAM users. The owner's password has the default rule, the length.
    Raises: InputError(PASSWORD_TOO_WEAK); NotFound, subject "Account".
    """
    check_password_policy(password)
    password_hash = hash_password(password)  # before the lock: it takes tens of milliseconds
    lock_account(session, account_id).owner_password_hash = password_hash


def check_owner_password(session: Session, login: str, password: Secret) -> Account:
    """The account whose owner this is. The same effort and the same refusal whether or not there is such an owner.

    Hashing takes tens of milliseconds: call it in `Store.reading()`, not while holding a write lock.
    Raises: CredentialError(LOGIN_FAILED).
    """
    query = select(Account).where(Account.owner_login == login.lower())
    account = session.scalar(query) if is_storable(login) else None
    matches = verify_password(account.owner_password_hash if account else None, password)
    if account is None or not matches:
        why = f"owner {account.owner_login}: wrong password" if account else "no such owner"
        raise CredentialError(Reason.LOGIN_FAILED, "the login name or the password is wrong", why)
    return account


def _check_alias(alias: str) -> None:
    """Letters, digits, single hyphens inside. An alias of 16 digits could pass for another account's id."""
    if not _SHORTEST_ALIAS <= len(alias) <= _LONGEST_ALIAS or not _ALIAS.fullmatch(alias) or _UID.fullmatch(alias):
        message = "an alias has 3 to 63 lower-case letters, digits and single hyphens, and is not 16 digits"
        raise InputError(Reason.PARAMETER_INVALID, message, subject="AccountAlias")


def _new_stamp() -> int:
    return secrets.randbits(62)


def _no_account() -> NotFound:
    return NotFound(Reason.NOT_FOUND, "the account does not exist", subject="Account")
