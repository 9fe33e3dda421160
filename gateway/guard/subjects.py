"""Whom a resource service asks about, where the service itself knows who it is.

A user or an owner is named by ARN. A role session is named by its security token and by nothing else: its rights are
its role's, narrowed by a session policy that stands in the token only, and it can have ended.
"""

from datetime import datetime

from sqlalchemy import bindparam, select

from gateway.directory.accounts import Account
from gateway.directory.names import name_key
from gateway.directory.policy_stamps import note_stamp
from gateway.directory.users import User
from gateway.errors import InputError, NotFound, Reason
from gateway.guard.proof import Caller, caller_of_token
from gateway.keyring import KeyRing
from gateway.policy.trusted import RamKind, RamPrincipal, find_ram_principal
from gateway.principal import AccountOwner, RamUser
from gateway.store.direct import Source, Statement
from gateway.sts.revocation import check_live
from gateway.sts.token import open_token

LONGEST_ARN = 256

_FIND_USER = Statement(
    lambda _dialect: (
        select(User.id, User.name, Account.policy_stamp)
        .join(Account, Account.id == User.account_id)
        .where(User.account_id == bindparam("account_id"), User.name_key == bindparam("name_key"))
    ),
    "account_id",
    "name_key",
)
_FIND_OWNER = Statement(
    lambda _dialect: select(Account.owner_login, Account.policy_stamp).where(Account.id == bindparam("account_id")),
    "account_id",
)


def read_subject(arn: str) -> RamPrincipal:
    """Raises: InputError(ARN_MALFORMED), subject "PrincipalArn", for a role and a role session, too."""
    named = find_ram_principal(arn) if len(arn) <= LONGEST_ARN else None
    if named is None or named.kind is RamKind.ROLE:
        message = "name a user or an owner by ARN, a role session by its SecurityToken"
        raise InputError(Reason.ARN_MALFORMED, message, arn[:LONGEST_ARN], subject="PrincipalArn")
    return named


def find_subject(source: Source, named: RamPrincipal) -> Caller:
    """One query below the ORM. Raises: NotFound, subject "User" or "Account"."""
    if named.kind is RamKind.ROOT:
        owner = _FIND_OWNER.first(source, named.account_id)
        if owner is None:
            raise NotFound(Reason.NOT_FOUND, "the account does not exist", subject="Account")
        note_stamp(source, named.account_id, owner[1])
        return Caller(AccountOwner(account_id=named.account_id, login=owner[0]))
    user = _FIND_USER.first(source, named.account_id, name_key(named.name))
    if user is None:
        raise NotFound(Reason.NOT_FOUND, "the user does not exist", subject="User")
    note_stamp(source, named.account_id, user[2])
    return Caller(RamUser(account_id=named.account_id, user_id=user[0], name=user[1]))


def open_subject(source: Source, ring: KeyRing, token_text: str, now: datetime) -> Caller:
    """The role session of a security token, if it is live.

    Raises: CredentialError(TOKEN_MALFORMED), (TOKEN_EXPIRED), (TOKEN_REVOKED).
    """
    token = open_token(ring, token_text)
    check_live(source, token, now)
    return caller_of_token(token)
