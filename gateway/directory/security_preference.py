"""What an account lets its users do by themselves, and how they may sign in. Rule: ram-limits §7.

An account that never chose anything has the defaults of `SecurityPreference`, and no row.
"""

from collections.abc import Collection
from dataclasses import dataclass, fields
from enum import StrEnum

from sqlalchemy import ForeignKey, bindparam, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from gateway.directory.accounts import Account, lock_account, set_login_session_duration
from gateway.directory.login_network import parse_login_networks
from gateway.errors import InputError, NotFound, Reason
from gateway.store.base import Base
from gateway.store.direct import Source, Statement

_IDLE_DAYS = (90, 180, 365, 730)
_VERIFICATION_TYPES = ("email", "sms")


class MfaOperation(StrEnum):
    """Who must prove a second factor at a browser sign-in."""

    MANDATORY = "mandatory"  # every user; who has no device yet must bind one
    INDEPENDENT = "independent"  # whoever has one, and whose login profile says MFABindRequired
    ADAPTIVE = "adaptive"  # who signs in in an unusual way


class RiskOperation(StrEnum):
    AUTONOMOUS = "autonomous"
    ENFORCE_VERIFY = "enforceVerify"


@dataclass(frozen=True, slots=True)
class SecurityPreference:
    """The settings of one account; the defaults are those of an account that never chose.

    ASSUMPTION: the sources differ on `mfa_operation_for_login` and `max_idle_days_for_users`; the defaults here are
    those of the operation's text and of the settings page. Those on public keys and service credentials are not
    published.
    """

    allow_user_to_change_password: bool = True
    allow_user_to_manage_access_keys: bool = False
    allow_user_to_manage_mfa_devices: bool = True
    allow_user_to_manage_public_keys: bool = False
    allow_user_to_manage_service_credentials: bool = False
    allow_user_to_manage_personal_dingtalk: bool = True
    allow_user_to_login_with_passkey: bool = True
    enable_save_mfa_ticket: bool = False  # a proven second factor is remembered by the browser for seven days
    login_session_duration_h: int = 6  # caps password, company and role sessions in the browser
    login_network_masks: tuple[str, ...] = ()  # addresses and networks; see `login_network.check_login_network`
    mfa_operation_for_login: MfaOperation = MfaOperation.INDEPENDENT
    operation_for_risk_login: RiskOperation = RiskOperation.AUTONOMOUS
    verification_types: tuple[str, ...] = ()  # of "sms", "email"
    max_idle_days_for_users: int = 730  # who does not sign in for so long, can't any more
    max_idle_days_for_access_keys: int = 730


@dataclass(frozen=True, slots=True)
class SecurityChange:
    """What to change; None leaves a setting as it is. `login_network_masks` as typed; "" allows every address."""

    allow_user_to_change_password: bool | None = None
    allow_user_to_manage_access_keys: bool | None = None
    allow_user_to_manage_mfa_devices: bool | None = None
    allow_user_to_manage_public_keys: bool | None = None
    allow_user_to_manage_service_credentials: bool | None = None
    allow_user_to_manage_personal_dingtalk: bool | None = None
    allow_user_to_login_with_passkey: bool | None = None
    enable_save_mfa_ticket: bool | None = None
    login_session_duration_h: int | None = None
    login_network_masks: str | None = None
    mfa_operation_for_login: MfaOperation | None = None
    operation_for_risk_login: RiskOperation | None = None
    verification_types: tuple[str, ...] | None = None
    max_idle_days_for_users: int | None = None
    max_idle_days_for_access_keys: int | None = None


class SecurityPreferenceRow(Base):
    """All settings but `login_session_duration_h`, which every sign-in reads with the account it stands at."""

    __tablename__ = "security_preferences"

    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"), primary_key=True)
    allow_user_to_change_password: Mapped[bool]
    allow_user_to_manage_access_keys: Mapped[bool]
    allow_user_to_manage_mfa_devices: Mapped[bool]
    allow_user_to_manage_public_keys: Mapped[bool]
    allow_user_to_manage_service_credentials: Mapped[bool]
    allow_user_to_manage_personal_dingtalk: Mapped[bool]
    allow_user_to_login_with_passkey: Mapped[bool]
    enable_save_mfa_ticket: Mapped[bool]
    login_network_masks: Mapped[str]  # joined by `;`
    mfa_operation_for_login: Mapped[str]
    operation_for_risk_login: Mapped[str]
    verification_types: Mapped[str]  # joined by `;`
    max_idle_days_for_users: Mapped[int]
    max_idle_days_for_access_keys: Mapped[int]


_PLAIN = tuple(
    field.name for field in fields(SecurityPreference) if field.type is bool or field.name.startswith("max_idle_days")
)


def get_security_preference(session: Session, account_id: str) -> SecurityPreference:
    """The settings in force. One query. Raises: NotFound, subject "Account"."""
    query = (
        select(Account.login_session_duration_h, SecurityPreferenceRow)
        .outerjoin(SecurityPreferenceRow, SecurityPreferenceRow.account_id == Account.id)
        .where(Account.id == account_id)
    )
    found = session.execute(query).one_or_none()
    if found is None:
        raise NotFound(Reason.NOT_FOUND, "the account does not exist", subject="Account")
    hours: int = found[0]
    row: SecurityPreferenceRow | None = found[1]
    if row is None:
        return SecurityPreference(login_session_duration_h=hours)
    return SecurityPreference(
        **{name: getattr(row, name) for name in _PLAIN},
        login_session_duration_h=hours,
        login_network_masks=_split(row.login_network_masks),
        mfa_operation_for_login=MfaOperation(row.mfa_operation_for_login),
        operation_for_risk_login=RiskOperation(row.operation_for_risk_login),
        verification_types=_split(row.verification_types),
    )


_FIND_MASKS = Statement(
    lambda _dialect: select(SecurityPreferenceRow.login_network_masks).where(
        SecurityPreferenceRow.account_id == bindparam("account_id")
    ),
    "account_id",
)


def login_network_masks(source: Source, account_id: str) -> tuple[str, ...]:
    """Of the settings in force only where people may sign in from. One query below the ORM."""
    found = _FIND_MASKS.first(source, account_id)
    return () if found is None else _split(found[0])


def set_security_preference(session: Session, account_id: str, change: SecurityChange) -> SecurityPreference:
    """Change what is given; the settings that are in force then. They bind whoever acts or signs in from now on.

    Raises: InputError(PARAMETER_INVALID), subject the parameter, for a value out of range; NotFound, subject
    "Account". Nothing is changed by a refused call.
    """
    if change.verification_types is not None:
        _check_among(change.verification_types, _VERIFICATION_TYPES, "VerificationTypes")
    for days, parameter in (
        (change.max_idle_days_for_users, "MaxIdleDaysForUsers"),
        (change.max_idle_days_for_access_keys, "MaxIdleDaysForAccessKeys"),
    ):
        if days is not None:
            _check_among((days,), _IDLE_DAYS, parameter)
    masks = None if change.login_network_masks is None else parse_login_networks(change.login_network_masks)
    lock_account(session, account_id)
    if change.login_session_duration_h is not None:
        set_login_session_duration(session, account_id, change.login_session_duration_h)
    row = session.get(SecurityPreferenceRow, account_id, populate_existing=True)
    if row is None:
        row = _row_of_defaults(account_id)
        session.add(row)
    for name in (*_PLAIN, "mfa_operation_for_login", "operation_for_risk_login"):
        wanted = getattr(change, name)
        if wanted is not None:
            setattr(row, name, wanted)
    if masks is not None:
        row.login_network_masks = ";".join(masks)
    if change.verification_types is not None:
        row.verification_types = ";".join(sorted(set(change.verification_types)))
    session.flush()
    return get_security_preference(session, account_id)


def _row_of_defaults(account_id: str) -> SecurityPreferenceRow:
    defaults = SecurityPreference()
    return SecurityPreferenceRow(
        account_id=account_id,
        **{name: getattr(defaults, name) for name in _PLAIN},
        login_network_masks="",
        mfa_operation_for_login=defaults.mfa_operation_for_login,
        operation_for_risk_login=defaults.operation_for_risk_login,
        verification_types="",
    )


def _split(text: str) -> tuple[str, ...]:
    return tuple(text.split(";")) if text else ()


def _check_among(wanted: Collection[object], allowed: Collection[object], parameter: str) -> None:
    if not set(wanted) <= set(allowed):
        choices = ", ".join(str(choice) for choice in allowed)
        raise InputError(Reason.PARAMETER_INVALID, f"`{parameter}` is one of {choices}", subject=parameter)
