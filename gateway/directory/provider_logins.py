"""What a login through an identity provider becomes: kept per provider, whatever its protocol.

A provider without a row here has the defaults of its protocol: SAML providers lead to roles named by the Role
attribute, OpenID Providers are for token exchange only. Rule: sso-contract §1, §2, §3.
"""

import json
from collections.abc import Collection
from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, bindparam, delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from gateway.directory.accounts import lock_account
from gateway.directory.names import GROUP_NAME, check_name
from gateway.errors import InputError, Reason
from gateway.store.base import Base
from gateway.store.direct import Statement
from gateway.store.once import insert_or_lock

_LONGEST_KEY = 256
_MOST_VALUES = 50
_LONGEST_VALUE = 256
_MOST_DAYS = 3650
# What says no more than that a password was typed can't stand for a second factor, whoever configures it.
_ONLY_A_PASSWORD = frozenset(
    {
        "pwd",
        "urn:oasis:names:tc:SAML:2.0:ac:classes:Password",
        "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport",
        "urn:oasis:names:tc:SAML:2.0:ac:classes:unspecified",
    }
)


class Use(StrEnum):
    """What the browser login of a provider is for."""

    EXCHANGE_ONLY = "none"
    USER = "user"
    ROLE = "role"
    BOTH = "both"  # a RAM user if the person is one, and otherwise roles


@dataclass(frozen=True, slots=True)
class LoginSettings:
    """How an identity becomes a user, and roles.

    Condition keys name what is read of it: `oidc:claim/email`, `oidc:sub`, `saml:attribute/groups`, `saml:sub`.
    """

    use: Use = Use.EXCHANGE_ONLY
    logon_name_key: str = ""  # whose value is the logon name of the user
    login_with_domain: bool = True  # the logon name ends in a domain of the account; else it is a bare user name
    roles_key: str = ""  # whose values are role ARNs, or names of roles of the account; empty: rules alone
    groups_key: str = ""  # whose values are names of groups of the account
    session_name: str = ""  # template for roles named by `roles_key`
    creates_users: bool = False  # a person without a user gets one at the first login
    new_user_group: str = ""  # the group that such users are put into
    new_user_days: int = 30  # how long such a membership lasts after the last login
    second_factors: tuple[str, ...] = ()  # values of acr, amr or AuthnContextClassRef that mean a second factor


class ProviderLogin(Base):
    __tablename__ = "provider_logins"

    provider_key: Mapped[str] = mapped_column(primary_key=True)
    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"))
    use: Mapped[str]
    logon_name_key: Mapped[str]
    login_with_domain: Mapped[bool]
    roles_key: Mapped[str]
    groups_key: Mapped[str]
    session_name: Mapped[str]
    creates_users: Mapped[bool]
    new_user_group: Mapped[str]
    new_user_days: Mapped[int]
    second_factor_text: Mapped[str]  # a JSON list
    updated_at: Mapped[datetime]


_FIELDS = tuple(field.name for field in fields(LoginSettings))
# In the order of `LoginSettings`.
_FIND = Statement(
    lambda _dialect: select(
        ProviderLogin.use,
        ProviderLogin.logon_name_key,
        ProviderLogin.login_with_domain,
        ProviderLogin.roles_key,
        ProviderLogin.groups_key,
        ProviderLogin.session_name,
        ProviderLogin.creates_users,
        ProviderLogin.new_user_group,
        ProviderLogin.new_user_days,
        ProviderLogin.second_factor_text,
    ).where(ProviderLogin.provider_key == bindparam("provider_key")),
    "provider_key",
)


def get_login_settings(session: Session, provider_key: str, default: LoginSettings) -> LoginSettings:
    """The settings of a provider; `default` where nobody has set any."""
    session.flush()
    row = _FIND.first(session, provider_key)
    if row is None:
        return default
    settings: dict[str, Any] = dict(zip(_FIELDS, row, strict=True))
    settings |= {"use": Use(row[0]), "second_factors": tuple(json.loads(row[-1]))}
    return LoginSettings(**settings)


def keys_for_browsers(session: Session, provider_keys: Collection[str]) -> frozenset[str]:
    """Those of the keys whose providers were set up for people in a browser. One query."""
    query = select(ProviderLogin.provider_key).where(
        ProviderLogin.provider_key.in_(provider_keys), ProviderLogin.use != Use.EXCHANGE_ONLY.value
    )
    return frozenset(session.scalars(query)) if provider_keys else frozenset()


def keys_without_browsers(session: Session, provider_keys: Collection[str]) -> frozenset[str]:
    """Those of the keys whose providers were set up for the exchange of tokens or assertions only. One query."""
    query = select(ProviderLogin.provider_key).where(
        ProviderLogin.provider_key.in_(provider_keys), ProviderLogin.use == Use.EXCHANGE_ONLY.value
    )
    return frozenset(session.scalars(query)) if provider_keys else frozenset()


def set_login_settings(
    session: Session, account_id: str, provider_key: str, settings: LoginSettings, *, now: datetime
) -> None:
    """Replace the settings of a provider of this account.

    Refused: a use for users without a logon name key, keys that no login has, a value that means a password as a
    second factor, and what is too long or too much. That `session_name` can become a session name is checked by
    `federation.rules.check_session_name_template`.
    Raises: InputError(PARAMETER_INVALID), InputError(NAME_LENGTH), InputError(NAME_INVALID_CHARS).
    """
    _check(settings)
    lock_account(session, account_id)
    values = {
        "use": settings.use.value,
        "logon_name_key": settings.logon_name_key,
        "login_with_domain": settings.login_with_domain,
        "roles_key": settings.roles_key,
        "groups_key": settings.groups_key,
        "session_name": settings.session_name,
        "creates_users": settings.creates_users,
        "new_user_group": settings.new_user_group,
        "new_user_days": settings.new_user_days,
        "second_factor_text": json.dumps(settings.second_factors),
        "updated_at": now,
    }
    key = {"provider_key": provider_key, "account_id": account_id}
    row = insert_or_lock(session, ProviderLogin, {**key, **values})
    for column, value in values.items():
        setattr(row, column, value)
    session.flush()


def delete_login_settings_of(session: Session, provider_key: str) -> None:
    """With a provider go its settings."""
    session.execute(delete(ProviderLogin).where(ProviderLogin.provider_key == provider_key))


def _check(settings: LoginSettings) -> None:
    for name, key in (
        ("LogonNameKey", settings.logon_name_key),
        ("RolesKey", settings.roles_key),
        ("GroupsKey", settings.groups_key),
    ):
        if key and (len(key) > _LONGEST_KEY or not key.startswith(("saml:", "oidc:")) or not key.isprintable()):
            raise _invalid(name, "must be a condition key such as oidc:claim/email")
    if settings.use in {Use.USER, Use.BOTH} and not settings.logon_name_key:
        raise _invalid("LogonNameKey", "is needed where people sign in as users")
    if settings.new_user_group:
        check_name(GROUP_NAME.renamed("NewUserGroup"), settings.new_user_group)
    if not 1 <= settings.new_user_days <= _MOST_DAYS:
        raise _invalid("NewUserDays", f"must be 1 to {_MOST_DAYS}")
    if len(settings.second_factors) > _MOST_VALUES:
        raise _invalid("SecondFactors", f"has more than {_MOST_VALUES} values")
    for value in settings.second_factors:
        if not value or len(value) > _LONGEST_VALUE or not value.isprintable():
            raise _invalid("SecondFactors", f"has a value that is empty or longer than {_LONGEST_VALUE} characters")
        if value in _ONLY_A_PASSWORD:
            raise _invalid("SecondFactors", f"names {value}, which means a password and nothing else")


def _invalid(subject: str, why: str) -> InputError:
    return InputError(Reason.PARAMETER_INVALID, f"{subject} {why}", subject=subject)
