"""Federations of an account: thousands of identity providers behind one signature, or a service to ask for one.

A federation vouches by its trust anchor only: without one there is none. Its entities are trusted for nothing before
somebody adopts one (`adoptions`). See docs/decisions/0015-federations.md.
"""

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import CursorResult, ForeignKey, UniqueConstraint, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from gateway.directory import quotas
from gateway.directory.accounts import lock_account
from gateway.directory.metadata_sources import read_anchors
from gateway.directory.names import SAML_PROVIDER_NAME, check_name, name_key
from gateway.directory.unique import insert_unique
from gateway.errors import Conflict, InputError, NotFound, Reason, SamlError
from gateway.saml.certificates import TrustedCertificate
from gateway.store.base import Base, RowNumber

FEDERATION_NAME = SAML_PROVIDER_NAME.renamed("FederationName")
LEASE = timedelta(minutes=15)  # whoever refreshes says so anew with each batch; then another process may
_MAX_URL = 2048


class FederationKind(StrEnum):
    AGGREGATE = "aggregate"  # one signed document with everybody in it
    MDQ = "mdq"  # a service that is asked for one entity
    REMOVED = "removed"  # its rows are still being deleted; nobody sees it


class Federation(Base):
    __tablename__ = "federations"
    __table_args__ = (UniqueConstraint("account_id", "name_key"),)

    id: Mapped[int] = mapped_column(RowNumber, primary_key=True)
    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"))
    name: Mapped[str]
    name_key: Mapped[str]
    kind: Mapped[str]
    url: Mapped[str]  # empty: its document is uploaded
    anchors_pem: Mapped[str]
    generation: Mapped[int]  # which entities are seen: see `federation_entities`; 0 before the first document
    digest: Mapped[str]  # of the document that the generation came from
    providers: Mapped[int]
    entities: Mapped[int]
    broken: Mapped[int]
    valid_until: Mapped[datetime | None]
    published_at: Mapped[datetime | None]
    etag: Mapped[str]
    claim: Mapped[str]  # of whoever refreshes it now; whoever has another one stops
    next_refresh_at: Mapped[datetime | None] = mapped_column(index=True)
    tried_at: Mapped[datetime | None]
    refreshed_at: Mapped[datetime | None]
    outcome: Mapped[str]  # of the last attempt: `Refreshed`, `Unchanged` or the reason of a refusal
    outcome_text: Mapped[str]
    failures: Mapped[int]  # in a row
    created_at: Mapped[datetime]

    @property
    def anchors(self) -> tuple[TrustedCertificate, ...]:
        return read_anchors(self.anchors_pem)


def create_federation(
    session: Session, account_id: str, name: str, *, kind: FederationKind, url: str, anchors_pem: str, now: datetime
) -> Federation:
    """Register a federation; it is fetched at once. An empty `url` is for aggregates that are uploaded.

    Raises: InputError, subject "FederationName", "Url" or "TrustAnchor"; AlreadyExists and LimitExceeded, subject
    "Federation".
    """
    check_name(FEDERATION_NAME, name)
    check_source(kind, url, anchors_pem)
    lock_account(session, account_id)
    most = quotas.FEDERATIONS_PER_ACCOUNT
    quotas.check_room(session, Federation.account_id, account_id, most, "Federation")
    federation = Federation(
        account_id=account_id,
        name=name,
        name_key=name_key(name),
        kind=kind.value,
        url=url,
        anchors_pem=anchors_pem,
        generation=0,
        digest="",
        providers=0,
        entities=0,
        broken=0,
        etag="",
        claim="",
        next_refresh_at=now if url else None,
        outcome="",
        outcome_text="",
        failures=0,
        created_at=now,
    )
    insert_unique(session, federation, "Federation")
    return federation


def change_federation(
    session: Session, federation: Federation, *, url: str | None = None, anchors_pem: str | None = None, now: datetime
) -> None:
    """Change what is given, such as the anchors when a federation gets a new key. A refresh under way stops, and the
    next one is due at once; what is there stays until then.

    Raises: InputError, subject "Url" or "TrustAnchor".
    """
    lock_account(session, federation.account_id)
    url = federation.url if url is None else url
    anchors_pem = federation.anchors_pem if anchors_pem is None else anchors_pem
    check_source(FederationKind(federation.kind), url, anchors_pem)
    federation.url, federation.anchors_pem = url, anchors_pem
    federation.claim, federation.etag, federation.failures = "", "", 0
    federation.next_refresh_at = now if url else None
    session.flush()


def check_source(kind: FederationKind, url: str, anchors_pem: str) -> None:
    """Raises: InputError(PARAMETER_INVALID | PARAMETER_MISSING), subject "Url" or "TrustAnchor"."""
    usable = url.startswith(("https://", "http://")) and url.isascii() and url.isprintable() and len(url) <= _MAX_URL
    if not usable and (url or kind is FederationKind.MDQ):
        raise InputError(Reason.PARAMETER_INVALID, "a federation's address must be an https URL", subject="Url")
    if kind is FederationKind.MDQ and ("?" in url or "#" in url):
        raise InputError(Reason.PARAMETER_INVALID, "the address of a metadata query service is its base", subject="Url")
    try:
        anchors = read_anchors(anchors_pem)
    except SamlError as exc:
        message = f"a trust anchor can't be used: {exc.public}"
        raise InputError(Reason.PARAMETER_INVALID, message, subject="TrustAnchor") from exc
    if not anchors:
        message = "a federation needs the certificate that it signs with: TLS alone does not vouch for thousands"
        raise InputError(Reason.PARAMETER_MISSING, message, subject="TrustAnchor")


def find_federation(session: Session, account_id: str, name: str) -> Federation | None:
    """By name, in any case."""
    query = select(Federation).where(Federation.account_id == account_id, Federation.name_key == name_key(name))
    return session.scalar(query)


def get_federation(session: Session, account_id: str, name: str) -> Federation:
    """Raises: NotFound, subject "Federation"."""
    federation = find_federation(session, account_id, name)
    if federation is None:
        raise _gone()
    return federation


def get_federation_by_id(session: Session, federation_id: int) -> Federation:
    """Raises: NotFound, subject "Federation"."""
    federation = session.get(Federation, federation_id)
    if federation is None or federation.kind == FederationKind.REMOVED.value:
        raise _gone()
    return federation


def list_federations(session: Session, account_id: str) -> Sequence[Federation]:
    query = select(Federation).where(
        Federation.account_id == account_id, Federation.kind != FederationKind.REMOVED.value
    )
    return session.scalars(query.order_by(Federation.name_key)).all()


def set_removed(federation: Federation, now: datetime) -> None:
    """Nobody sees it any more, whoever refreshes it stops, and its name is free; its rows go in batches."""
    federation.kind, federation.claim = FederationKind.REMOVED.value, ""
    federation.name_key = f"!{federation.id}"  # no name looks like this
    federation.generation, federation.next_refresh_at = 0, now


def due_federations(session: Session, now: datetime, at_most: int) -> Sequence[int]:
    query = select(Federation.id).where(Federation.next_refresh_at <= now).order_by(Federation.next_refresh_at)
    return session.scalars(query.limit(at_most)).all()


def take_refresh(session: Session, federation_id: int, now: datetime, *, only_due: bool = True) -> str:
    """A claim to refresh the federation, which nobody else has; empty if it is not due. It lapses after 15 minutes
    without a sign of life. One that is not only for what is due takes over from whoever is at it.
    """
    claim = secrets.token_hex(8)
    takes = (
        update(Federation)
        .where(Federation.id == federation_id, Federation.kind != FederationKind.REMOVED.value)
        .values(claim=claim, next_refresh_at=now + LEASE)
        .execution_options(synchronize_session=False)
    )
    taken = session.execute(takes.where(Federation.next_refresh_at <= now) if only_due else takes)
    assert isinstance(taken, CursorResult)
    return claim if taken.rowcount == 1 else ""


def hold_claim(session: Session, federation_id: int, claim: str, now: datetime) -> Federation:
    """The federation, locked until the transaction ends, for whoever still has the claim; the lease begins anew.

    Raises: Conflict(CHANGED_MEANWHILE) if somebody else refreshes it now; NotFound, subject "Federation".
    """
    query = select(Federation).where(Federation.id == federation_id).with_for_update()
    federation = session.scalar(query.execution_options(populate_existing=True))
    if federation is None or federation.kind == FederationKind.REMOVED.value:
        raise _gone()
    if federation.claim != claim:
        raise Conflict(Reason.CHANGED_MEANWHILE, "the federation is being refreshed by another process")
    federation.next_refresh_at = now + LEASE
    return federation


def _gone() -> NotFound:
    return NotFound(Reason.NOT_FOUND, "the federation does not exist", subject="Federation")
