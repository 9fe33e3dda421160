"""The password policy of an account. One that was never set has the defaults of `PasswordPolicy`, and no row.

Rule: ram-limits §6.
"""

from dataclasses import asdict, dataclass, fields

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, Session, mapped_column

from gateway.directory.accounts import lock_account
from gateway.directory.names import is_storable
from gateway.directory.passwords import LONGEST, SHORTEST, PasswordPolicy
from gateway.errors import InputError, Reason
from gateway.store.base import Base


class PasswordPolicyRow(Base):
    """The columns are the fields of `PasswordPolicy`."""

    __tablename__ = "password_policies"

    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"), primary_key=True)
    minimum_length: Mapped[int]
    require_lowercase: Mapped[bool]
    require_uppercase: Mapped[bool]
    require_numbers: Mapped[bool]
    require_symbols: Mapped[bool]
    minimum_different_characters: Mapped[int]
    not_contain_user_name: Mapped[bool]
    max_age_days: Mapped[int]
    hard_expire: Mapped[bool]
    reuse_prevention: Mapped[int]
    max_login_attempts: Mapped[int]
    initial_age_days: Mapped[int]
    intercept_risk_on_api: Mapped[bool]


@dataclass(frozen=True, slots=True)
class _Range:
    parameter: str  # as the wire calls it
    least: int
    most: int


_RANGES = {
    "minimum_length": _Range("MinimumPasswordLength", SHORTEST, LONGEST),
    "minimum_different_characters": _Range("MinimumPasswordDifferentCharacter", 0, 8),
    "max_age_days": _Range("MaxPasswordAge", 0, 1095),
    "reuse_prevention": _Range("PasswordReusePrevention", 0, 24),
    "max_login_attempts": _Range("MaxLoginAttemps", 0, 32),
    "initial_age_days": _Range("InitialPasswordAge", 0, 90),
}


def get_password_policy(session: Session, account_id: str) -> PasswordPolicy:
    """The policy in force; the default one for an account that is not there."""
    row = session.get(PasswordPolicyRow, account_id, populate_existing=True) if is_storable(account_id) else None
    if row is None:
        return PasswordPolicy()
    return PasswordPolicy(**{field.name: getattr(row, field.name) for field in fields(PasswordPolicy)})


def set_password_policy(session: Session, account_id: str, policy: PasswordPolicy) -> None:
    """Replace the policy. Passwords that exist go on working, see `PasswordPolicy`.

    Raises: InputError(PARAMETER_INVALID), subject the parameter that is out of range; NotFound, subject "Account".
    """
    for name, allowed in _RANGES.items():
        value = getattr(policy, name)
        if not allowed.least <= value <= allowed.most:
            message = f"`{allowed.parameter}` must be {allowed.least} to {allowed.most}"
            raise InputError(Reason.PARAMETER_INVALID, message, str(value), subject=allowed.parameter)
    lock_account(session, account_id)
    row = session.get(PasswordPolicyRow, account_id, populate_existing=True)
    if row is None:
        session.add(PasswordPolicyRow(account_id=account_id, **asdict(policy)))
    else:
        for name, value in asdict(policy).items():
            setattr(row, name, value)
    session.flush()
