"""AccessKeys of users and account owners. The secret is shown once and kept sealed. Rule: ram-limits §1, §3."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, cast

from sqlalchemy import ForeignKey, Index, Select, Table, bindparam, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from gateway.directory import quotas
from gateway.directory.accounts import Account, lock_account
from gateway.directory.network_policies import NetworkPolicyRow
from gateway.directory.policy_stamps import note_stamp
from gateway.directory.security_preference import SecurityPreference, SecurityPreferenceRow
from gateway.directory.users import User, get_user_by_id
from gateway.errors import InputError, LimitExceeded, NotFound, Reason
from gateway.ids import new_access_key_id, new_access_key_secret
from gateway.keyring import KeyRing
from gateway.secret import Secret
from gateway.store.base import Base
from gateway.store.direct import Source, Statement
from gateway.store.fleeting import LastUse

_PURPOSE = "access-key-secret"
_KEY_ID = re.compile(r"[A-Za-z0-9]{1,64}")
_SPARED_FOR = timedelta(days=7)


class AccessKeyStatus(StrEnum):
    ACTIVE = "Active"
    INACTIVE = "Inactive"


_ACTIVE = AccessKeyStatus.ACTIVE.value


class AccessKeyRow(Base):
    __tablename__ = "access_keys"
    __table_args__ = (Index(None, "account_id", "status", "created_at"), Index(None, "status", "created_at"))

    id: Mapped[str] = mapped_column(primary_key=True)
    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"), index=True)
    user_id: Mapped[str | None] = mapped_column(ForeignKey("users.id"), index=True)  # none: the account owner's
    sealed_secret: Mapped[bytes]
    status: Mapped[str]  # an AccessKeyStatus
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


def _find_key_query() -> Select[Any]:
    """In the order of what `find_access_key` takes apart. Every signed call asks."""
    keys, users, accounts, preferences, policies = (
        cast("Table", row.__table__) for row in (AccessKeyRow, User, Account, SecurityPreferenceRow, NetworkPolicyRow)
    )
    own, account_wide = policies.alias("own"), policies.alias("account_wide")
    return (
        select(
            keys.c.account_id,
            keys.c.user_id,
            keys.c.sealed_secret,
            keys.c.status,
            keys.c.created_at,
            keys.c.updated_at,
            users.c.name.label("user_name"),
            accounts.c.owner_login,
            preferences.c.max_idle_days_for_access_keys.label("max_idle_days"),
            own.c.document.label("own_policy"),
            account_wide.c.document.label("account_policy"),
            accounts.c.policy_stamp,
        )
        .select_from(keys)
        .join(accounts, accounts.c.id == keys.c.account_id)
        .outerjoin(users, users.c.id == keys.c.user_id)
        .outerjoin(preferences, preferences.c.account_id == keys.c.account_id)
        .outerjoin(own, own.c.holder_id == keys.c.id)
        .outerjoin(account_wide, account_wide.c.holder_id == keys.c.account_id)
        .where(keys.c.id == bindparam("access_key_id"))
    )


_FIND_KEY = Statement(lambda _dialect: _find_key_query(), "access_key_id")
_IDLE_DAYS = SecurityPreference().max_idle_days_for_access_keys  # of accounts that never chose


@dataclass(frozen=True, slots=True)
class NewAccessKey:
    access_key_id: str
    secret: Secret


@dataclass(frozen=True, slots=True)
class AccessKey:
    """A key and whose it is: the user's, or without a user the account owner's."""

    access_key_id: str
    secret: Secret
    account_id: str
    user_id: str | None
    user_name: str | None
    owner_login: str
    active: bool  # as it was set; see `idle`
    created_at: datetime
    changed_at: datetime
    max_idle_days: int
    own_policy: str | None  # documents: see `network_policies.check_network`
    account_policy: str | None

    def idle(self, last_use: LastUse | None, now: datetime) -> bool:
        """Whether it is as good as switched off: see `is_idle`."""
        return is_idle(self.created_at, self.changed_at, last_use, self.max_idle_days, now)


def is_idle(
    created_at: datetime, changed_at: datetime, last_use: LastUse | None, max_idle_days: int, now: datetime
) -> bool:
    """Whether a key has gone unused for so long that it is as good as switched off. None: it was never used.

    Nothing is written when that day comes: a key is idle when it is looked at. Switching it on again counts as a
    change and spares it for seven days, in which a call makes it a used key.
    Rule: ram-limits §3 (MaxIdleDaysForAccessKeys; what was changed within the last 7 days is spared).
    """
    if now - changed_at <= _SPARED_FOR:
        return False
    return now - (created_at if last_use is None else last_use.at) > timedelta(days=max_idle_days)


def create_access_key(
    session: Session, ring: KeyRing, *, account_id: str, user_id: str | None, now: datetime
) -> NewAccessKey:
    """Make a key for a user, or with None for the account owner. The secret can't be read back by an API.

    Raises: NotFound, subject "User"; LimitExceeded, subject "User.AccessKey".
    """
    lock_account(session, account_id)
    if user_id is not None:
        get_user_by_id(session, account_id, user_id)
    check_room_for_key(session, account_id, user_id)
    key_id, secret = new_access_key_id(), new_access_key_secret()
    row = AccessKeyRow(
        id=key_id,
        account_id=account_id,
        user_id=user_id,
        sealed_secret=ring.seal(_PURPOSE, secret.encode(), bound_to=key_id.encode()),
        status=AccessKeyStatus.ACTIVE,
        created_at=now,
        updated_at=now,
    )
    session.add(row)
    session.flush()
    return NewAccessKey(key_id, Secret(secret))


def check_room_for_key(session: Session, account_id: str, user_id: str | None) -> None:
    """Refuse one more key of a user, or with None of the account owner. The account must be locked.

    Raises: LimitExceeded, subject "User.AccessKey".
    """
    most = quotas.ACCESS_KEYS_PER_OWNER if user_id is None else quotas.ACCESS_KEYS_PER_USER
    count = (
        select(func.count())
        .select_from(AccessKeyRow)
        .where(AccessKeyRow.account_id == account_id, AccessKeyRow.user_id == user_id)
    )
    if session.scalars(count).one() >= most:
        message = f"there may be {most} access keys at most"
        raise LimitExceeded(Reason.LIMIT_EXCEEDED, message, subject="User.AccessKey")


def find_access_key(source: Source, ring: KeyRing, access_key_id: str) -> AccessKey | None:
    """A key by its id, active or not, with its secret and whose it is. One query.

    Raises: CredentialError(TOKEN_MALFORMED) if the secret was sealed under a key that the ring no longer has.
    """
    if not _KEY_ID.fullmatch(access_key_id):
        return None
    found = _FIND_KEY.first(source, access_key_id)
    if found is None:
        return None
    account_id, user_id, sealed, status, created, updated, user_name, owner_login, *policies, stamp = found
    idle_days, own, account_wide = policies
    note_stamp(source, account_id, stamp)
    secret = ring.open(_PURPOSE, sealed, bound_to=access_key_id.encode())
    return AccessKey(
        access_key_id=access_key_id,
        secret=Secret(secret.decode()),
        account_id=account_id,
        user_id=user_id,
        user_name=user_name,
        owner_login=owner_login,
        active=status == _ACTIVE,
        created_at=created,
        changed_at=updated,
        max_idle_days=idle_days or _IDLE_DAYS,
        own_policy=own,
        account_policy=account_wide,
    )


def find_user_of_key(session: Session, account_id: str, access_key_id: str) -> User | None:
    """The user of this account whose key this is, active or not."""
    query = (
        select(User)
        .join(AccessKeyRow, AccessKeyRow.user_id == User.id)
        .where(AccessKeyRow.id == access_key_id, AccessKeyRow.account_id == account_id)
    )
    return session.scalar(query) if _KEY_ID.fullmatch(access_key_id) else None


def list_access_keys(session: Session, account_id: str, user_id: str | None) -> Sequence[AccessKeyRow]:
    """Oldest first; None lists the account owner's keys."""
    query = (
        select(AccessKeyRow)
        .where(AccessKeyRow.account_id == account_id, AccessKeyRow.user_id == user_id)
        .order_by(AccessKeyRow.created_at, AccessKeyRow.id)
    )
    return session.scalars(query).all()


def set_status(
    session: Session, *, account_id: str, user_id: str | None, access_key_id: str, status: str, now: datetime
) -> None:
    """Switch a key on or off, from the next call on.

    Raises: InputError(PARAMETER_INVALID), subject "Status"; NotFound, subject "User.AccessKey".
    """
    if status not in set(AccessKeyStatus):
        raise InputError(Reason.PARAMETER_INVALID, "`Status` must be Active or Inactive", subject="Status")
    row = lock_access_key(session, account_id, user_id, access_key_id)
    row.status = status
    row.updated_at = now
    session.flush()


def get_access_key(session: Session, account_id: str, user_id: str | None, access_key_id: str) -> AccessKeyRow:
    """A key of this user, or with None of the account owner.

    Raises: NotFound, subject "User.AccessKey", for a key of somebody else too.
    """
    # Asked anew: the key that signs a call was read before the call came to wait for the lock.
    known = _KEY_ID.fullmatch(access_key_id)
    row = session.get(AccessKeyRow, access_key_id, populate_existing=True) if known else None
    if row is None or row.account_id != account_id or row.user_id != user_id:
        raise NotFound(Reason.NOT_FOUND, "the access key does not exist", subject="User.AccessKey")
    return row


def lock_access_key(session: Session, account_id: str, user_id: str | None, access_key_id: str) -> AccessKeyRow:
    """A key of this user, or with None of the account owner, locked with its account for a change.

    Raises: NotFound, subject "User.AccessKey", for a key of somebody else too.
    """
    lock_account(session, account_id)
    return get_access_key(session, account_id, user_id, access_key_id)
