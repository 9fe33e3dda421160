"""The certificates that an identity provider signs with, a row each, so that a login finds them by one index.

A certificate belongs to a SAML provider (role SSO) or to an account's user SSO setting, never to both: what is
trusted for the one is not trusted for the other.
"""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, delete
from sqlalchemy.orm import Mapped, Session, mapped_column

from gateway.errors import InputError, Reason
from gateway.saml.certificates import TrustedCertificate
from gateway.store.base import Base, RowNumber

SIGN_ALGORITHMS = ("rsa-sha256", "rsa-sha1")


class ProviderCertificate(Base):
    __tablename__ = "provider_certificates"
    __table_args__ = (CheckConstraint("(provider_id IS NULL) <> (sso_account_id IS NULL)", name="one_owner"),)

    id: Mapped[int] = mapped_column(RowNumber, primary_key=True)
    provider_id: Mapped[int | None] = mapped_column(RowNumber, ForeignKey("saml_providers.id"), index=True)
    sso_account_id: Mapped[str | None] = mapped_column(ForeignKey("user_sso_settings.account_id"), index=True)
    entity_id: Mapped[str] = mapped_column(index=True)
    fingerprint: Mapped[str] = mapped_column(index=True)  # SHA-256 of `der`, lower hex
    der: Mapped[bytes]
    subject: Mapped[str]
    not_before: Mapped[datetime]
    not_after: Mapped[datetime]

    def as_trusted(self) -> TrustedCertificate:
        return TrustedCertificate(
            fingerprint=self.fingerprint,
            der=self.der,
            subject=self.subject,
            not_before=self.not_before,
            not_after=self.not_after,
        )


def replace_certificates(
    session: Session,
    certificates: Iterable[TrustedCertificate],
    *,
    entity_id: str,
    provider_id: int | None = None,
    sso_account_id: str | None = None,
) -> None:
    """From now on exactly these are the owner's certificates."""
    owner = (
        ProviderCertificate.provider_id == provider_id
        if provider_id is not None
        else ProviderCertificate.sso_account_id == sso_account_id
    )
    session.execute(delete(ProviderCertificate).where(owner))
    for certificate in distinct(certificates):
        row = ProviderCertificate(
            provider_id=provider_id,
            sso_account_id=sso_account_id,
            entity_id=entity_id,
            fingerprint=certificate.fingerprint,
            der=certificate.der,
            subject=certificate.subject,
            not_before=certificate.not_before,
            not_after=certificate.not_after,
        )
        session.add(row)
    session.flush()


def distinct(certificates: Iterable[TrustedCertificate]) -> tuple[TrustedCertificate, ...]:
    """Each certificate once, in the order given."""
    return tuple({certificate.fingerprint: certificate for certificate in certificates}.values())


def check_sign_algorithm(name: str) -> None:
    """Raises: InputError(PARAMETER_INVALID), subject "AuthnSignAlgo"."""
    if name not in SIGN_ALGORITHMS:
        message = "`AuthnSignAlgo` must be rsa-sha256 or rsa-sha1"
        raise InputError(Reason.PARAMETER_INVALID, message, subject="AuthnSignAlgo")
