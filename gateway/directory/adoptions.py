"""SAML providers that were adopted from a federation: which entity each is, and what the federation says of it since.

What the federation says of an adopted entity is offered to its provider like any other fetched document, under the
federation's signature. An entity that the federation no longer has goes on for a stated time, and is no longer trusted
then.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import CursorResult, ForeignKey, Index, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from gateway.directory.accounts import lock_account
from gateway.directory.federation_entities import document_of, find_entity
from gateway.directory.federations import Federation, FederationKind, set_removed
from gateway.directory.metadata_in_force import settle
from gateway.directory.metadata_life import Turn, turn_of
from gateway.directory.metadata_offers import Offered, Origin, OriginKind, offer_document
from gateway.directory.metadata_owners import lock_owner
from gateway.directory.metadata_sources import MetadataSource, SourceKind, find_source, lock_source
from gateway.directory.provider_keys import saml_provider_key
from gateway.directory.saml_providers import SamlProvider, create_saml_provider
from gateway.errors import AlreadyExists, Conflict, InputError, NotFound, Reason
from gateway.store.base import Base, RowNumber

GONE_GRACE = timedelta(days=3)  # an entity that left its federation is trusted so long
_BATCH = 100
_DESCRIPTION_MAX = 256


class FederationAdoption(Base):
    __tablename__ = "federation_adoptions"
    __table_args__ = (Index(None, "federation_id", "entity_id"),)

    provider_key: Mapped[str] = mapped_column(primary_key=True)
    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"))
    federation_id: Mapped[int] = mapped_column(RowNumber, ForeignKey("federations.id"))
    entity_id: Mapped[str]
    adopted_at: Mapped[datetime]
    next_query_at: Mapped[datetime | None] = mapped_column(index=True)  # where the federation is a query service
    failures: Mapped[int]  # of queries, in a row
    lapses_at: Mapped[datetime | None] = mapped_column(index=True)  # when it is no longer trusted, having left


def adopt_entity(
    session: Session,
    federation: Federation,
    entity_id: str,
    provider_name: str,
    *,
    answer: bytes | None = None,
    next_query_at: datetime | None = None,
    by: str,
    now: datetime,
) -> SamlProvider:
    """Register an entity of a federation as a SAML provider of its account.

    `answer`: of a query service, verified and limited; else the row of the aggregate is taken, as long as it is valid.
    Raises: InputError; SamlError(METADATA_*), of the entity itself; NotFound, subject "Federation.Entity";
    AlreadyExists, subject "SAMLProvider", also for an entity that the account has adopted already; LimitExceeded.
    """
    lock_account(session, federation.account_id)
    query = select(FederationAdoption.provider_key).where(
        FederationAdoption.federation_id == federation.id, FederationAdoption.entity_id == entity_id
    )
    if session.scalar(query.limit(1)) is not None:
        message = "this entity of the federation is adopted already"
        raise AlreadyExists(Reason.ALREADY_EXISTS, message, subject="SAMLProvider")
    document = entity_document(session, federation, entity_id) if answer is None else answer
    origin = f"federation {federation.name}"
    provider = create_saml_provider(
        session,
        federation.account_id,
        provider_name,
        document,
        description=f"From the {origin}"[:_DESCRIPTION_MAX],
        by=f"{origin}, adopted by {by}",
        now=now,
    )
    key = saml_provider_key(provider.id)
    source = lock_source(session, key, federation.account_id, now)
    source.kind, source.refreshed_at, source.tried_at = SourceKind.FEDERATION.value, now, now
    adoption = FederationAdoption(
        provider_key=key,
        account_id=federation.account_id,
        federation_id=federation.id,
        entity_id=entity_id,
        adopted_at=now,
        next_query_at=next_query_at,
        failures=0,
        lapses_at=None,
    )
    session.add(adoption)
    session.flush()
    return provider


def entity_document(session: Session, federation: Federation, entity_id: str) -> bytes:
    """What the aggregate says of an identity provider, holding no longer than the aggregate.

    Raises: NotFound, subject "Federation.Entity"; InputError(PARAMETER_INVALID) for one that can't be used.
    """
    from gateway.saml.federation_entity import limited_document  # noqa: PLC0415 - see read_metadata

    entity = find_entity(session, federation.id, entity_id)
    if entity is None or federation.valid_until is None:
        message = "the federation has no entity of this ID; search it by name"
        raise NotFound(Reason.NOT_FOUND, message, subject="Federation.Entity")
    if entity.problem:
        message = f"the entity can't be used: {entity.problem}"
        raise InputError(Reason.PARAMETER_INVALID, message, subject="EntityId")
    return limited_document(document_of(session, entity), federation.valid_until)


def adoptions_of(session: Session, federation_id: int) -> Sequence[FederationAdoption]:
    query = select(FederationAdoption).where(FederationAdoption.federation_id == federation_id)
    return session.scalars(query.order_by(FederationAdoption.entity_id)).all()


def find_adoption(session: Session, provider_key: str) -> FederationAdoption | None:
    return session.get(FederationAdoption, provider_key)


def due_queries(session: Session, now: datetime, at_most: int) -> Sequence[str]:
    """The providers that a query service is to be asked for again, the longest due first."""
    query = (
        select(FederationAdoption.provider_key)
        .where(FederationAdoption.next_query_at <= now)
        .order_by(FederationAdoption.next_query_at)
        .limit(at_most)
    )
    return session.scalars(query).all()


def follows(session: Session, adoption: FederationAdoption) -> bool:
    """Whether the provider still takes its metadata from the federation. An administrator who gave it another source
    has ended the adoption.
    """
    source = find_source(session, adoption.provider_key)
    if source is not None and source.kind == SourceKind.FEDERATION.value:
        return True
    session.delete(adoption)
    session.flush()
    return False


def take_query(session: Session, provider_key: str, now: datetime, lease: timedelta) -> FederationAdoption | None:
    """The adoption, for whoever is to ask for it now: of all processes one, which has `lease` for it."""
    takes = (
        update(FederationAdoption)
        .where(FederationAdoption.provider_key == provider_key, FederationAdoption.next_query_at <= now)
        .values(next_query_at=now + lease)
        .execution_options(synchronize_session=False)
    )
    taken = session.execute(takes)
    assert isinstance(taken, CursorResult)
    return find_adoption(session, provider_key) if taken.rowcount == 1 else None


def offer_entity(
    session: Session, adoption: FederationAdoption, federation: Federation, document: bytes, now: datetime
) -> Offered:
    """The federation still has the entity, and says this of it: a verified document with its limits.

    Raises: SamlError(METADATA_*).
    """
    origin = Origin(OriginKind.FETCHED, f"federation {federation.name}", verified=True)
    offered = offer_document(session, adoption.provider_key, document, origin, now)
    source = _source(session, adoption, now)
    source.gone_since, adoption.lapses_at = None, None
    source.tried_at = source.refreshed_at = now
    source.outcome, source.failures = offered.outcome.value, 0
    source.outcome_text = "The federation has the entity."
    return offered


def refuse_entity(session: Session, adoption: FederationAdoption, reason: Reason, text: str, now: datetime) -> None:
    """What the federation says of the entity can't be used: everything stays, and it is shown."""
    source = _source(session, adoption, now)
    source.tried_at, source.outcome, source.outcome_text = now, reason.value, text[:500]
    source.failures += 1


def mark_gone(session: Session, adoption: FederationAdoption, now: datetime) -> bool:
    """The federation no longer has the entity. Whether that is news."""
    source = _source(session, adoption, now)
    source.tried_at = now
    if source.gone_since is not None:
        return False
    source.gone_since, adoption.lapses_at = now, now + GONE_GRACE
    source.outcome = "Gone"
    source.outcome_text = (
        f"The federation no longer has this entity. It is trusted until {adoption.lapses_at:%Y-%m-%d %H:%M} UTC; "
        "delete the provider, or ask its operators."
    )
    return True


def lapse_gone(session: Session, now: datetime) -> tuple[Turn, ...]:
    """Stop trusting what left its federation over three days ago; up to 100."""
    query = select(FederationAdoption).where(FederationAdoption.lapses_at <= now).limit(_BATCH)
    turns = []
    for adoption in session.scalars(query).all():
        if not follows(session, adoption):
            continue
        owner = lock_owner(session, adoption.provider_key)
        source = _source(session, adoption, now)
        adoption.lapses_at, source.lapsed = None, True
        settle(session, owner, source)
        turns.append(turn_of(owner, "it left its federation three days ago"))
    return tuple(turns)


def remove_federation(session: Session, federation: Federation, now: datetime) -> None:
    """Raises: Conflict(DELETE_CONFLICT), subject "Federation.Provider", while providers are adopted from it."""
    lock_account(session, federation.account_id)
    if [adoption for adoption in adoptions_of(session, federation.id) if follows(session, adoption)]:
        message = "providers follow this federation; delete them, or give them another source, first"
        raise Conflict(Reason.DELETE_CONFLICT, message, subject="Federation.Provider")
    set_removed(federation, now)


def is_queried(federation: Federation) -> bool:
    return federation.kind == FederationKind.MDQ.value


def _source(session: Session, adoption: FederationAdoption, now: datetime) -> MetadataSource:
    return lock_source(session, adoption.provider_key, adoption.account_id, now)
