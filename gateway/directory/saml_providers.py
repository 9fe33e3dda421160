"""SAML identity providers of role SSO. Rule: sso-contract §2.1; ram-limits §1, §2."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import ForeignKey, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from gateway.arn import saml_provider_arn
from gateway.directory import quotas
from gateway.directory.accounts import lock_account
from gateway.directory.names import SAML_PROVIDER_NAME, check_name, check_text, is_storable, name_key
from gateway.directory.provider_certificates import (
    ProviderCertificate,
    check_sign_algorithm,
    distinct,
    replace_certificates,
)
from gateway.directory.provider_endpoints import replace_endpoints
from gateway.directory.provider_keys import saml_provider_key
from gateway.directory.provider_leftovers import forget_provider
from gateway.directory.revocations import revoke
from gateway.directory.unique import insert_unique
from gateway.errors import NotFound, Reason, SamlError
from gateway.saml.certificates import TrustedCertificate
from gateway.store.base import Base, RowNumber
from gateway.store.paging import Page, Slice, read_slice

if TYPE_CHECKING:
    from gateway.saml.metadata import IdpMetadata

_LONGEST_DESCRIPTION = 256
_LONGEST_ENTITY_ID_BYTES = 2048  # an index of PostgreSQL takes no more than 2704


class SamlProvider(Base):
    __tablename__ = "saml_providers"
    __table_args__ = (UniqueConstraint("account_id", "name_key"),)

    id: Mapped[int] = mapped_column(RowNumber, primary_key=True)
    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"))
    name: Mapped[str]
    name_key: Mapped[str]
    description: Mapped[str]
    entity_id: Mapped[str] = mapped_column(index=True)
    metadata_xml: Mapped[bytes]
    authn_sign_algo: Mapped[str]
    sso_redirect_url: Mapped[str | None]
    sso_post_url: Mapped[str | None]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]

    @property
    def arn(self) -> str:
        return saml_provider_arn(self.account_id, self.name)


def create_saml_provider(
    session: Session,
    account_id: str,
    name: str,
    metadata_xml: bytes,
    *,
    description: str = "",
    authn_sign_algo: str = "rsa-sha256",
    now: datetime,
) -> SamlProvider:
    """Register an identity provider by its metadata; from the next login on its certificates are trusted.

    Raises: InputError; SamlError(METADATA_*); AlreadyExists and LimitExceeded, subject "SAMLProvider".
    """
    check_name(SAML_PROVIDER_NAME, name)
    check_text("Description", description, _LONGEST_DESCRIPTION)
    check_sign_algorithm(authn_sign_algo)
    metadata = read_metadata(metadata_xml, now)
    lock_account(session, account_id)
    most = quotas.SAML_PROVIDERS_PER_ACCOUNT
    quotas.check_room(session, SamlProvider.account_id, account_id, most, "SAMLProvider")
    provider = SamlProvider(
        account_id=account_id,
        name=name,
        name_key=name_key(name),
        description=description,
        entity_id=metadata.entity_id,
        metadata_xml=metadata_xml,
        authn_sign_algo=authn_sign_algo,
        sso_redirect_url=metadata.sso_redirect_url,
        sso_post_url=metadata.sso_post_url,
        created_at=now,
        updated_at=now,
    )
    insert_unique(session, provider, "SAMLProvider")
    replace_certificates(session, metadata.certificates, entity_id=metadata.entity_id, provider_id=provider.id)
    replace_endpoints(session, saml_provider_key(provider.id), metadata.services)
    return provider


def find_saml_provider(session: Session, account_id: str, name: str) -> SamlProvider | None:
    """By name, in any case."""
    query = select(SamlProvider).where(SamlProvider.account_id == account_id, SamlProvider.name_key == name_key(name))
    return session.scalar(query)


def get_saml_provider(session: Session, account_id: str, name: str) -> SamlProvider:
    """Raises: NotFound, subject "SAMLProvider"."""
    provider = find_saml_provider(session, account_id, name)
    if provider is None:
        raise NotFound(Reason.NOT_FOUND, "the SAML provider does not exist", subject="SAMLProvider")
    return provider


def list_saml_providers(session: Session, account_id: str) -> Sequence[SamlProvider]:
    query = select(SamlProvider).where(SamlProvider.account_id == account_id).order_by(SamlProvider.name_key)
    return session.scalars(query).all()


def page_saml_providers(session: Session, account_id: str, page: Page) -> Slice[SamlProvider]:
    """By name."""
    query = select(SamlProvider).where(SamlProvider.account_id == account_id)
    return read_slice(session, query, SamlProvider.name_key, page, lambda row: row.name_key)


def update_saml_provider(
    session: Session,
    account_id: str,
    name: str,
    *,
    metadata_xml: bytes | None = None,
    description: str | None = None,
    authn_sign_algo: str | None = None,
    now: datetime,
) -> SamlProvider:
    """Change what is given; None leaves a thing as it is. New metadata replaces every certificate.

    Raises: InputError; SamlError(METADATA_*); NotFound, subject "SAMLProvider".
    """
    if description is not None:
        check_text("NewDescription", description, _LONGEST_DESCRIPTION)
    if authn_sign_algo is not None:
        check_sign_algorithm(authn_sign_algo)
    metadata = None if metadata_xml is None else read_metadata(metadata_xml, now)
    lock_account(session, account_id)
    provider = get_saml_provider(session, account_id, name)
    if metadata is not None and metadata_xml is not None:
        provider.metadata_xml = metadata_xml
        provider.entity_id = metadata.entity_id
        provider.sso_redirect_url = metadata.sso_redirect_url
        provider.sso_post_url = metadata.sso_post_url
        replace_certificates(session, metadata.certificates, entity_id=metadata.entity_id, provider_id=provider.id)
        replace_endpoints(session, saml_provider_key(provider.id), metadata.services)
    provider.description = provider.description if description is None else description
    provider.authn_sign_algo = authn_sign_algo or provider.authn_sign_algo
    provider.updated_at = now
    session.flush()
    return provider


def delete_saml_provider(session: Session, account_id: str, name: str, now: datetime) -> None:
    """Delete a provider with all that is kept for it; the sessions and tokens that came from it end. Trust policies
    that name it stay.

    Raises: NotFound, subject "SAMLProvider".
    """
    lock_account(session, account_id)
    provider = get_saml_provider(session, account_id, name)
    forget_provider(session, account_id, saml_provider_key(provider.id))
    replace_certificates(session, (), entity_id=provider.entity_id, provider_id=provider.id)
    revoke(session, "provider", provider.arn, now)
    session.delete(provider)
    session.flush()


def trusted_certificates(session: Session, entity_id: str) -> tuple[TrustedCertificate, ...]:
    """The certificates of all SAML providers with that entity ID, in whatever account, each once. One query.

    They only say that the message is genuine for one of these providers; that it is the provider which a role
    names is still to be checked (`provider_certificates`).
    """
    if not is_storable(entity_id):
        return ()
    query = (
        select(ProviderCertificate)
        .where(ProviderCertificate.entity_id == entity_id, ProviderCertificate.provider_id.is_not(None))
        .order_by(ProviderCertificate.id)
    )
    return distinct(row.as_trusted() for row in session.scalars(query))


def provider_certificates(session: Session, provider: SamlProvider) -> tuple[TrustedCertificate, ...]:
    query = (
        select(ProviderCertificate)
        .where(ProviderCertificate.provider_id == provider.id)
        .order_by(ProviderCertificate.id)
    )
    return tuple(row.as_trusted() for row in session.scalars(query))


def read_metadata(metadata_xml: bytes, now: datetime) -> "IdpMetadata":
    """Raises: SamlError(METADATA_*)."""
    # Imported here: the SAML library takes half a second to load, and only an administrator needs it.
    from gateway.saml.metadata import parse_idp_metadata  # noqa: PLC0415

    metadata = parse_idp_metadata(metadata_xml, now)
    if len(metadata.entity_id.encode()) > _LONGEST_ENTITY_ID_BYTES:
        raise SamlError(Reason.METADATA_MALFORMED, "the entity ID is too long")
    return metadata
