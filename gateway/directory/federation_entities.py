"""The entities of a federation's aggregate, a row each, and how one aggregate follows another.

A row is seen from generation `since` on, until before generation `until`. A refresh prepares the next generation: it
writes rows for what is new or changed, and says of the others when they end. Until the federation's own row says the
next number, in one statement, every reader sees the old aggregate whole; from then on the new one. A refresh that was
killed is begun anew, finds what it had prepared, and goes on.
"""

import unicodedata
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Index, LargeBinary, Select, UniqueConstraint, and_, delete, or_, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from gateway.directory.federations import Federation
from gateway.directory.names import is_storable
from gateway.store.base import Base, RowNumber
from gateway.store.paging import Page, Slice, read_slice

BATCH = 200
_LONGEST_SEARCH = 2000
_LONGEST_WORDS = 8
_LONGEST_QUERY = 200


class FederationEntity(Base):
    __tablename__ = "federation_entities"
    __table_args__ = (
        UniqueConstraint("federation_id", "entity_id", "since"),
        UniqueConstraint("federation_id", "sort_key", "since"),
        Index(None, "federation_id", "until"),
    )

    id: Mapped[int] = mapped_column(RowNumber, primary_key=True)
    federation_id: Mapped[int] = mapped_column(RowNumber)
    entity_id: Mapped[str]
    since: Mapped[int]
    until: Mapped[int | None]
    digest: Mapped[str]  # SHA-256 of the document
    display_name: Mapped[str]
    search_text: Mapped[str]  # names in every language, entity ID and registrar, as `folded` writes them
    sort_key: Mapped[str]
    registrar: Mapped[str]
    is_provider: Mapped[bool]
    problem: Mapped[str]  # empty unless it can't be used


class FederationDocument(Base):
    """Apart from the entities, so that a search does not read through the documents."""

    __tablename__ = "federation_documents"

    entity_row: Mapped[int] = mapped_column(RowNumber, primary_key=True, autoincrement=False)
    document: Mapped[bytes] = mapped_column(LargeBinary)


@dataclass(frozen=True, slots=True)
class Entry:
    """What is to be seen of an entity. `entity_id` is unique within an aggregate."""

    entity_id: str
    digest: str
    document: bytes
    display_name: str
    search_text: str
    sort_key: str
    registrar: str
    is_provider: bool
    problem: str


def stage_entries(session: Session, federation: Federation, entries: Sequence[Entry]) -> int:
    """Make some entities of the next generation what they are to be; how many rows that wrote. For up to `BATCH`."""
    following = federation.generation + 1
    query = select(FederationEntity.id, FederationEntity.entity_id, FederationEntity.since, FederationEntity.until)
    query = query.add_columns(FederationEntity.digest).where(
        FederationEntity.federation_id == federation.id,
        FederationEntity.entity_id.in_([entry.entity_id for entry in entries]),
        or_(FederationEntity.until.is_(None), FederationEntity.until == following),
    )
    current: dict[str, Any] = {}
    staged: dict[str, Any] = {}
    for row in session.execute(query):
        (staged if row.since == following else current)[row.entity_id] = row
    revived: list[int] = []
    ended: list[int] = []
    dropped: list[int] = []
    fresh: list[Entry] = []
    for entry in entries:
        old, new = current.get(entry.entity_id), staged.get(entry.entity_id)
        same = old is not None and old.digest == entry.digest
        if new is not None and (same or new.digest != entry.digest):
            dropped.append(new.id)
        if not same and (new is None or new.digest != entry.digest):
            fresh.append(entry)
        if old is not None and same is not (old.until is None):
            (revived if same else ended).append(old.id)
    _end(session, ended, following)
    _end(session, revived, None)
    _drop(session, dropped)
    _add(session, federation, fresh)
    return len(revived) + len(ended) + len(dropped) + len(fresh)


def unlisted(session: Session, federation: Federation, listed: Collection[str]) -> tuple[list[int], list[int]]:
    """The rows of entities that are not in the next aggregate: those that are seen now, and those that a refresh
    before this one had prepared.
    """
    query = select(FederationEntity.id, FederationEntity.entity_id, FederationEntity.since).where(
        FederationEntity.federation_id == federation.id, FederationEntity.until.is_(None)
    )
    rows = [row for row in session.execute(query) if row.entity_id not in listed]
    current = [row.id for row in rows if row.since <= federation.generation]
    return current, [row.id for row in rows if row.since > federation.generation]


def end_entries(session: Session, federation: Federation, rows: Sequence[int]) -> None:
    _end(session, rows, federation.generation + 1)


def drop_entries(session: Session, rows: Sequence[int]) -> None:
    _drop(session, rows)


def sweep_entries(session: Session, federation_id: int, generation: int | None, at_most: int = 1000) -> int:
    """Delete rows that no reader sees any more; of a federation that is removed (`generation` None) any rows."""
    query = select(FederationEntity.id).where(FederationEntity.federation_id == federation_id)
    if generation is not None:
        query = query.where(FederationEntity.until <= generation)
    rows = session.scalars(query.limit(at_most)).all()
    _drop(session, rows)
    return len(rows)


def find_entity(session: Session, federation_id: int, entity_id: str) -> FederationEntity | None:
    """As it is seen now. One indexed query."""
    if not is_storable(entity_id):
        return None
    query = _seen(federation_id).where(FederationEntity.entity_id == entity_id)
    return session.scalar(query)


def document_of(session: Session, entity: FederationEntity) -> bytes:
    row = session.get(FederationDocument, entity.id)
    return b"" if row is None else row.document


def search_entities(
    session: Session, federation_id: int, text: str, page: Page, *, broken: bool = False
) -> Slice[FederationEntity]:
    """Identity providers in whose names, entity ID or registrar every word occurs, by name; or the broken entities.

    Reads the short rows of one federation, never a document.
    """
    query = _seen(federation_id)
    query = query.where(FederationEntity.problem != "") if broken else query.where(FederationEntity.is_provider)
    for word in folded(text[:_LONGEST_QUERY]).split()[:_LONGEST_WORDS]:
        query = query.where(FederationEntity.search_text.contains(word, autoescape=True))
    return read_slice(session, query, FederationEntity.sort_key, page, lambda row: row.sort_key)


def folded(text: str) -> str:
    """Without case and accents, for searching: `Université` is found by `universite`."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    kept = "".join(each for each in plain if not unicodedata.combining(each))
    return " ".join(kept.split())[:_LONGEST_SEARCH] if is_storable(kept) else ""


def _seen(federation_id: int) -> Select[FederationEntity]:
    now = Federation.generation
    return (
        select(FederationEntity)
        .join(Federation, Federation.id == FederationEntity.federation_id)
        .where(
            FederationEntity.federation_id == federation_id,
            and_(FederationEntity.since <= now, or_(FederationEntity.until.is_(None), FederationEntity.until > now)),
        )
    )


def _end(session: Session, rows: Sequence[int], until: int | None) -> None:
    if rows:
        statement = update(FederationEntity).where(FederationEntity.id.in_(rows)).values(until=until)
        session.execute(statement.execution_options(synchronize_session=False))


def _drop(session: Session, rows: Sequence[int]) -> None:
    if rows:
        for statement in (
            delete(FederationDocument).where(FederationDocument.entity_row.in_(rows)),
            delete(FederationEntity).where(FederationEntity.id.in_(rows)),
        ):
            session.execute(statement.execution_options(synchronize_session=False))


def _add(session: Session, federation: Federation, entries: Sequence[Entry]) -> None:
    rows = [
        FederationEntity(
            federation_id=federation.id,
            entity_id=entry.entity_id,
            since=federation.generation + 1,
            digest=entry.digest,
            display_name=entry.display_name,
            search_text=entry.search_text,
            sort_key=entry.sort_key,
            registrar=entry.registrar,
            is_provider=entry.is_provider,
            problem=entry.problem,
        )
        for entry in entries
    ]
    session.add_all(rows)
    session.flush()
    documents = [
        FederationDocument(entity_row=row.id, document=entry.document)
        for row, entry in zip(rows, entries, strict=True)
        if entry.document
    ]
    session.add_all(documents)
    session.flush()
    for row in (*rows, *documents):
        session.expunge(row)
