"""SAML identity providers of role SSO. Rule: sso-contract §2.1; ram-limits §1, §2."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ForeignKey, UniqueConstraint, bindparam, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from gateway.arn import saml_provider_arn
from gateway.directory import quotas
from gateway.directory.accounts import lock_account
from gateway.directory.metadata_in_force import read_metadata, replace_at_once
from gateway.directory.names import SAML_PROVIDER_NAME, check_name, check_text, is_storable, name_key
from gateway.directory.provider_certificates import (
    TRUSTED,
    certificate_rows,
    certificates_of_issuer,
    check_sign_algorithm,
)
from gateway.directory.provider_keys import saml_provider_key
from gateway.directory.provider_leftovers import forget_provider
from gateway.directory.revocations import let_anew, revoke_for_ever
from gateway.directory.unique import insert_unique
from gateway.errors import NotFound, Reason
from gateway.saml.certificates import TrustedCertificate
from gateway.store.base import Base, RowNumber
from gateway.store.direct import Source, Statement
from gateway.store.paging import Page, Slice, read_slice

_LONGEST_DESCRIPTION = 256


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


@dataclass(frozen=True, slots=True)
class KnownProvider:
    """What a login asks of a provider: no more than that, since a metadata document may be large."""

    id: int
    account_id: str
    name: str
    entity_id: str

    @property
    def arn(self) -> str:
        return saml_provider_arn(self.account_id, self.name)


_FIND_KNOWN = Statement(
    lambda _dialect: select(SamlProvider.id, SamlProvider.account_id, SamlProvider.name, SamlProvider.entity_id).where(
        SamlProvider.account_id == bindparam("account_id"), SamlProvider.name_key == bindparam("name_key")
    ),
    "account_id",
    "name_key",
)


def create_saml_provider(
    session: Session,
    account_id: str,
    name: str,
    metadata_xml: bytes,
    *,
    description: str = "",
    authn_sign_algo: str = "rsa-sha256",
    by: str = "",
    now: datetime,
) -> SamlProvider:
    """Register an identity provider by its metadata; from the next login on its certificates are trusted.

    `by`: who or what brings the document, for whoever looks at it later.

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
    let_anew(session, "provider", provider.arn, now)
    replace_at_once(session, provider, saml_provider_key(provider.id), metadata_xml, by=by, now=now)
    return provider


def find_saml_provider(session: Session, account_id: str, name: str) -> SamlProvider | None:
    """By name, in any case."""
    query = select(SamlProvider).where(SamlProvider.account_id == account_id, SamlProvider.name_key == name_key(name))
    return session.scalar(query)


def find_known_provider(source: Source, account_id: str, name: str) -> KnownProvider | None:
    """By name, in any case. One query below the ORM."""
    found = _FIND_KNOWN.first(source, account_id, name_key(name))
    return None if found is None else KnownProvider(*found)


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
    by: str = "",
    now: datetime,
) -> SamlProvider:
    """Change what is given; None leaves a thing as it is. New metadata replaces every certificate, at once and without
    a way back; `metadata_offers.offer_document` puts it beside the old.

    Raises: InputError; SamlError(METADATA_*); NotFound, subject "SAMLProvider".
    """
    if description is not None:
        check_text("NewDescription", description, _LONGEST_DESCRIPTION)
    if authn_sign_algo is not None:
        check_sign_algorithm(authn_sign_algo)
    if metadata_xml is not None:
        read_metadata(metadata_xml, now)  # refused before anything is locked
    lock_account(session, account_id)
    provider = get_saml_provider(session, account_id, name)
    if metadata_xml is not None:
        replace_at_once(session, provider, saml_provider_key(provider.id), metadata_xml, by=by, now=now)
    provider.description = provider.description if description is None else description
    provider.authn_sign_algo = authn_sign_algo or provider.authn_sign_algo
    provider.updated_at = now
    session.flush()
    return provider


def delete_saml_provider(session: Session, account_id: str, name: str) -> None:
    """Delete a provider with all that is kept for it; the sessions and tokens that came from it end. Trust policies
    that name it stay.

    Raises: NotFound, subject "SAMLProvider".
    """
    lock_account(session, account_id)
    provider = get_saml_provider(session, account_id, name)
    forget_provider(session, account_id, saml_provider_key(provider.id))
    revoke_for_ever(session, "provider", provider.arn)
    session.delete(provider)
    session.flush()


def trusted_certificates(source: Source, entity_id: str) -> tuple[TrustedCertificate, ...]:
    """The trusted certificates of all SAML providers with that entity ID, in whatever account, each once. One query.
    Those of a staged document are among them, as they are of a document in force.

    They only say that the message is genuine for one of these providers; that it is the provider which a role
    names is still to be checked (`provider_certificates`).
    """
    return certificates_of_issuer(source, entity_id) if is_storable(entity_id) else ()


def provider_certificates(session: Session, provider: SamlProvider) -> tuple[TrustedCertificate, ...]:
    """Its own certificates that are trusted now, for messages of the entity ID in force. One query."""
    rows = certificate_rows(session, saml_provider_key(provider.id), TRUSTED)
    return tuple(row.as_trusted() for row in rows if row.entity_id == provider.entity_id)
