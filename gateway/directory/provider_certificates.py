"""The certificates that an identity provider signs with, a row each, so that a login finds them by one index.

A certificate belongs to a SAML provider (role SSO) or to an account's user SSO setting, never to both: what is
trusted for the one is not trusted for the other. A row says what the certificate is trusted for: messages of one
entity ID, and only while its state is one of `TRUSTED`.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol, cast

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ColumnElement,
    ForeignKey,
    Table,
    Update,
    bindparam,
    case,
    func,
    literal,
    select,
    update,
)
from sqlalchemy.orm import Mapped, Session, mapped_column

from gateway.directory.provider_keys import saml_provider_key, user_sso_key
from gateway.errors import InputError, Reason
from gateway.saml.certificates import TrustedCertificate
from gateway.store.base import Base, RowNumber, UtcDateTime
from gateway.store.direct import Source, Statement

SIGN_ALGORITHMS = ("rsa-sha256", "rsa-sha1")
USE_WINDOW = timedelta(minutes=10)


class CertificateState(StrEnum):
    ACTIVE = "active"  # of the document in force
    STAGED = "staged"  # of the document beside it: verifies logins, too
    RETIRING = "retiring"  # of the document that was in force before: kept for a way back, verifies nothing
    LAPSED = "lapsed"  # of a document in force whose validUntil and grace are over: verifies nothing


TRUSTED = (CertificateState.ACTIVE, CertificateState.STAGED)


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
    not_after: Mapped[datetime] = mapped_column(index=True)
    state: Mapped[str] = mapped_column(default=CertificateState.ACTIVE.value)
    promotes: Mapped[bool] = mapped_column(default=False)  # a login that it verifies puts the staged document in force
    use_count: Mapped[int] = mapped_column(BigInteger, default=0)  # logins and exchanges that it verified
    last_used_at: Mapped[datetime | None]
    window_began_at: Mapped[datetime | None]  # the ten minutes that `window_count` counts uses in
    window_count: Mapped[int] = mapped_column(default=0)

    @property
    def provider_key(self) -> str:
        """See `directory.provider_keys`."""
        if self.provider_id is not None:
            return saml_provider_key(self.provider_id)
        return user_sso_key(self.sso_account_id or "")

    def as_trusted(self) -> TrustedCertificate:
        return TrustedCertificate(
            fingerprint=self.fingerprint,
            der=self.der,
            subject=self.subject,
            not_before=self.not_before,
            not_after=self.not_after,
        )


class Signer(Protocol):
    """What a login asks of a certificate's row."""

    @property
    def id(self) -> int: ...
    @property
    def fingerprint(self) -> str: ...
    @property
    def promotes(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class TrustedSigner:
    """A `Signer` that messages of its entity ID may be signed by now."""

    id: int
    entity_id: str
    fingerprint: str
    promotes: bool


@dataclass(frozen=True, slots=True)
class CertificateUse:
    """Which row verified a login, and by which a staged document is put in force, if one of those that did waits for
    that.
    """

    row_id: int
    promoting_row_id: int | None


@dataclass(frozen=True, slots=True)
class KeptCertificate:
    """A certificate that an owner is to have, and as what."""

    certificate: TrustedCertificate
    entity_id: str
    state: CertificateState
    promotes: bool = False


def settle_certificates(session: Session, provider_key: str, wanted: Iterable[KeptCertificate]) -> None:
    """From now on exactly these are the owner's rows; what stays keeps its counts. Of two for the same entity ID and
    certificate the first counts. `provider_key`: see `directory.provider_keys`.
    """
    keep: dict[tuple[str, str], KeptCertificate] = {}
    for kept in wanted:
        keep.setdefault((kept.entity_id, kept.certificate.fingerprint), kept)
    for row in session.scalars(select(ProviderCertificate).where(_owned_by(provider_key))).all():
        found = keep.pop((row.entity_id, row.fingerprint), None)
        if found is None:
            session.delete(row)
        else:
            row.state, row.promotes = found.state.value, found.promotes
    for kept in keep.values():
        session.add(_row(provider_key, kept))
    session.flush()


def certificate_rows(
    session: Session, provider_key: str, states: Collection[CertificateState] = tuple(CertificateState)
) -> Sequence[ProviderCertificate]:
    """In the order in which they came. One indexed query."""
    query = (
        select(ProviderCertificate)
        .where(_owned_by(provider_key), ProviderCertificate.state.in_([state.value for state in states]))
        .order_by(ProviderCertificate.id)
    )
    return session.scalars(query).all()


def trusted_signers(source: Source, provider_id: int) -> list[TrustedSigner]:
    """Of a SAML provider, in the order in which they came. One indexed query below the ORM."""
    return [TrustedSigner(*row) for row in _FIND_SIGNERS.all(source, provider_id)]


def certificates_of_issuer(source: Source, entity_id: str) -> tuple[TrustedCertificate, ...]:
    """The trusted certificates of all SAML providers with this entity ID, each once. One indexed query."""
    return distinct(TrustedCertificate(*row) for row in _FIND_OF_ISSUER.all(source, entity_id))


def use_of(rows: Iterable[Signer], fingerprints: Sequence[str]) -> tuple[str, CertificateUse] | None:
    """Which of the owner's rows verified a message: the fingerprint that counts for the owner, and its use.

    `fingerprints`: the certificate that verified the message, then those of the very same key. A staged certificate
    around a key that is trusted already is met by that key as well.
    """
    own = {row.fingerprint: row for row in rows}
    met = [own[fingerprint] for fingerprint in fingerprints if fingerprint in own]
    if not met:
        return None
    return met[0].fingerprint, CertificateUse(met[0].id, next((row.id for row in met if row.promotes), None))


def count_use(session: Session, use: CertificateUse, now: datetime) -> None:
    """Count one login. The last statement of a login, if possible: others through the same certificate wait for it."""
    _COUNT_USE.run(session, use.row_id, now, now - USE_WINDOW)


def still_promotes(session: Session, row_id: int) -> bool:
    """Asked under the account's lock: the document may have been discarded or put in force since the row was read."""
    query = select(ProviderCertificate.promotes).where(ProviderCertificate.id == row_id)
    return bool(session.scalar(query))


def retiring_rows(session: Session, entity_id: str, at_most: int) -> Sequence[ProviderCertificate]:
    """Of whatever owners: certificates of previous documents for this entity ID. One indexed query."""
    query = (
        select(ProviderCertificate)
        .where(
            ProviderCertificate.entity_id == entity_id,
            ProviderCertificate.state == CertificateState.RETIRING.value,
        )
        .order_by(ProviderCertificate.id)
        .limit(at_most)
    )
    return session.scalars(query).all()


def has_lapsed(session: Session, entity_id: str) -> bool:
    """Whether a document for this entity ID was given up because its validity is over. For refusals that say so."""
    query = select(ProviderCertificate.id).where(
        ProviderCertificate.entity_id == entity_id, ProviderCertificate.state == CertificateState.LAPSED.value
    )
    return session.scalar(query.limit(1)) is not None


def recent_uses(session: Session, provider_key: str, now: datetime) -> int:
    """How many logins the certificates of the document in force verified in the last ten minutes, or a part of them."""
    query = select(func.coalesce(func.sum(ProviderCertificate.window_count), 0)).where(
        _owned_by(provider_key),
        ProviderCertificate.state == CertificateState.ACTIVE.value,
        ProviderCertificate.window_began_at > now - USE_WINDOW,
    )
    return int(session.scalar(query) or 0)


def distinct(certificates: Iterable[TrustedCertificate]) -> tuple[TrustedCertificate, ...]:
    """Each certificate once, in the order given."""
    return tuple({certificate.fingerprint: certificate for certificate in certificates}.values())


def check_sign_algorithm(name: str) -> None:
    """Raises: InputError(PARAMETER_INVALID), subject "AuthnSignAlgo"."""
    if name not in SIGN_ALGORITHMS:
        message = "`AuthnSignAlgo` must be rsa-sha256 or rsa-sha1"
        raise InputError(Reason.PARAMETER_INVALID, message, subject="AuthnSignAlgo")


def _owned_by(provider_key: str) -> ColumnElement[bool]:
    kind, _, rest = provider_key.partition(":")
    if kind == "saml":
        return ProviderCertificate.provider_id == int(rest)
    return ProviderCertificate.sso_account_id == rest


def _row(provider_key: str, kept: KeptCertificate) -> ProviderCertificate:
    kind, _, rest = provider_key.partition(":")
    certificate = kept.certificate
    return ProviderCertificate(
        provider_id=int(rest) if kind == "saml" else None,
        sso_account_id=None if kind == "saml" else rest,
        entity_id=kept.entity_id,
        fingerprint=certificate.fingerprint,
        der=certificate.der,
        subject=certificate.subject,
        not_before=certificate.not_before,
        not_after=certificate.not_after,
        state=kept.state.value,
        promotes=kept.promotes,
    )


def _count_use_update() -> Update:
    now = bindparam("now", type_=UtcDateTime())
    running = ProviderCertificate.window_began_at > bindparam("window_begins", type_=UtcDateTime())
    return (
        update(cast("Table", ProviderCertificate.__table__))
        .where(ProviderCertificate.id == bindparam("row_id"))
        .values(
            use_count=ProviderCertificate.use_count + 1,
            last_used_at=now,
            window_count=case((running, ProviderCertificate.window_count + 1), else_=1),
            window_began_at=case((running, ProviderCertificate.window_began_at), else_=now),
        )
    )


_IS_TRUSTED = ProviderCertificate.state.in_([literal(state.value) for state in TRUSTED])
_FIND_SIGNERS = Statement(
    lambda _dialect: (
        select(
            ProviderCertificate.id,
            ProviderCertificate.entity_id,
            ProviderCertificate.fingerprint,
            ProviderCertificate.promotes,
        )
        .where(ProviderCertificate.provider_id == bindparam("provider"), _IS_TRUSTED)
        .order_by(ProviderCertificate.id)
    ),
    "provider",
)
_FIND_OF_ISSUER = Statement(
    lambda _dialect: (
        select(
            ProviderCertificate.fingerprint,
            ProviderCertificate.der,
            ProviderCertificate.subject,
            ProviderCertificate.not_before,
            ProviderCertificate.not_after,
        )
        .where(
            ProviderCertificate.entity_id == bindparam("issuer"),
            ProviderCertificate.provider_id.is_not(None),
            _IS_TRUSTED,
        )
        .order_by(ProviderCertificate.id)
    ),
    "issuer",
)
_COUNT_USE = Statement(lambda _dialect: _count_use_update(), "row_id", "now", "window_begins")
