"""User SSO: an account's one identity provider for signing in as a RAM user. Rule: sso-contract §1.2, §1.4."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ForeignKey, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from gateway.directory.accounts import lock_account
from gateway.directory.metadata_in_force import read_metadata, replace_at_once
from gateway.directory.names import is_storable
from gateway.directory.provider_certificates import (
    TRUSTED,
    CertificateState,
    ProviderCertificate,
    certificate_rows,
    check_sign_algorithm,
)
from gateway.directory.provider_keys import user_sso_key
from gateway.errors import InputError, Reason
from gateway.saml.certificates import TrustedCertificate
from gateway.store.base import Base


class UserSsoSettings(Base):
    __tablename__ = "user_sso_settings"

    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"), primary_key=True)
    enabled: Mapped[bool]
    metadata_xml: Mapped[bytes | None]
    entity_id: Mapped[str | None] = mapped_column(index=True)
    sso_redirect_url: Mapped[str | None]
    sso_post_url: Mapped[str | None]
    login_with_domain: Mapped[bool]
    authn_sign_algo: Mapped[str]
    idp_initiated: Mapped[bool]
    updated_at: Mapped[datetime]


def set_user_sso(
    session: Session,
    account_id: str,
    *,
    enabled: bool | None = None,
    metadata_xml: bytes | None = None,
    login_with_domain: bool | None = None,
    authn_sign_algo: str | None = None,
    idp_initiated: bool | None = None,
    by: str = "",
    now: datetime,
) -> UserSsoSettings:
    """Change what is given; None leaves a thing as it is, or at first at its default.

    New metadata replaces the old at once, `by` says who brings it; `metadata_offers.offer_document` puts it beside.
    Enabling turns the password logon of the account's users off, disabling turns it on again at once.
    Raises: SamlError(METADATA_*); InputError(PARAMETER_MISSING), subject "MetadataDocument", for enabling without
    metadata; InputError(PARAMETER_INVALID), subject "AuthnSignAlgo"; NotFound, subject "Account".
    """
    if authn_sign_algo is not None:
        check_sign_algorithm(authn_sign_algo)
    if metadata_xml is not None:
        read_metadata(metadata_xml, now)  # refused before anything is locked
    lock_account(session, account_id)
    settings = find_user_sso(session, account_id)
    if enabled and metadata_xml is None and (settings is None or settings.metadata_xml is None):
        message = "user SSO can't be enabled without the metadata of the identity provider"
        raise InputError(Reason.PARAMETER_MISSING, message, subject="MetadataDocument")
    if settings is None:
        settings = default_user_sso(account_id, now)
        session.add(settings)
        session.flush()
    settings.login_with_domain = settings.login_with_domain if login_with_domain is None else login_with_domain
    settings.authn_sign_algo = authn_sign_algo or settings.authn_sign_algo
    settings.idp_initiated = settings.idp_initiated if idp_initiated is None else idp_initiated
    if metadata_xml is not None:
        replace_at_once(session, settings, user_sso_key(account_id), metadata_xml, by=by, now=now)
    settings.enabled = settings.enabled if enabled is None else enabled
    settings.updated_at = now
    session.flush()
    return settings


def find_user_sso(session: Session, account_id: str) -> UserSsoSettings | None:
    return session.get(UserSsoSettings, account_id) if is_storable(account_id) else None


def passwords_are_off(session: Session, account_id: str) -> bool:
    """Whether the company signs the account's users in, so that none of their passwords does."""
    settings = find_user_sso(session, account_id)
    return settings is not None and settings.enabled


def default_user_sso(account_id: str, now: datetime) -> UserSsoSettings:
    """What holds for an account that never chose anything: a row that is not in the database.

    ASSUMPTION: the platform signs its requests with rsa-sha1 unless told; SHA-1 is for those who ask for it.
    """
    return UserSsoSettings(
        account_id=account_id,
        enabled=False,
        login_with_domain=True,
        authn_sign_algo="rsa-sha256",
        idp_initiated=False,
        updated_at=now,
    )


def user_sso_candidates(session: Session, entity_id: str) -> Sequence[UserSsoSettings]:
    """The settings of the accounts whose users this identity provider may sign in. Several accounts may share it."""
    if not is_storable(entity_id):
        return []
    # By the certificates: those of a staged document may be for another entity ID than the one in force.
    owners = select(ProviderCertificate.sso_account_id).where(
        ProviderCertificate.entity_id == entity_id,
        ProviderCertificate.sso_account_id.is_not(None),
        ProviderCertificate.state != CertificateState.RETIRING.value,
    )
    query = (
        select(UserSsoSettings)
        .where(UserSsoSettings.account_id.in_(owners), UserSsoSettings.enabled)
        .order_by(UserSsoSettings.account_id)
    )
    return session.scalars(query).all()


def user_sso_certificates(session: Session, account_id: str) -> tuple[TrustedCertificate, ...]:
    """The certificates of the account's own setting, and of no other account with the same entity ID."""
    if not is_storable(account_id):
        return ()
    rows = certificate_rows(session, user_sso_key(account_id), TRUSTED)
    settings = find_user_sso(session, account_id)
    return tuple(row.as_trusted() for row in rows if settings is not None and row.entity_id == settings.entity_id)
