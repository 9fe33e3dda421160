"""From a signed aggregate in a file to rows, in batches: each its own short transaction.

The file is verified whole before the first row is written, so a reader never sees an entity that nobody signed.
"""

import hashlib
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from typing import TYPE_CHECKING, BinaryIO, TypeVar
from urllib.parse import urlsplit

from sqlalchemy.orm import Session

from gateway.clock import Clock
from gateway.directory.federation_entities import (
    BATCH,
    Entry,
    drop_entries,
    end_entries,
    folded,
    stage_entries,
    sweep_entries,
    unlisted,
)
from gateway.directory.federations import Federation, get_federation_by_id, hold_claim
from gateway.errors import Reason, SamlError
from gateway.store.engine import Store

if TYPE_CHECKING:
    from gateway.saml.aggregate import Aggregate, AggregateEntity, BrokenEntity

Item = TypeVar("Item")
_SORTED_BY = 80  # characters of a name


@dataclass(frozen=True, slots=True)
class Held:
    """A refresh under way: a federation, and the claim to refresh it."""

    store: Store
    clock: Clock
    federation_id: int
    claim: str

    @contextmanager
    def changing(self) -> Iterator[tuple[Session, Federation]]:
        """One short transaction. Raises: Conflict(CHANGED_MEANWHILE) if another process took over; NotFound."""
        with self.store.transaction() as session:
            session.connection()  # wait for the write lock before the clock is read
            yield session, hold_claim(session, self.federation_id, self.claim, self.clock.now())


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of an aggregate."""

    changed: bool
    rows_written: int  # new and ended ones
    providers: int
    entities: int
    broken: int
    cache_duration: timedelta | None


def take_aggregate(held: Held, source: BinaryIO) -> Taken:
    """Verify the aggregate in `source` under the federation's anchors, and make it what is seen.

    Refused, besides what `verify_aggregate` refuses: one that was published before the one that is seen.
    Raises: SamlError(METADATA_*); Conflict(CHANGED_MEANWHILE) if another process took over; NotFound.
    """
    # Imported here: reading XML takes a while to load, and few commands need it.
    from gateway.saml.aggregate import verify_aggregate  # noqa: PLC0415

    with held.store.reading() as session:
        anchors = get_federation_by_id(session, held.federation_id).anchors
    with tempfile.TemporaryFile() as canonical:
        aggregate = verify_aggregate(source, anchors, canonical, held.clock.now())
        with held.changing() as (_, federation):
            _check_newer(federation, aggregate)
            if federation.digest == aggregate.digest and federation.generation:
                federation.valid_until = aggregate.valid_until
                counts = (federation.providers, federation.entities, federation.broken)
                return Taken(False, 0, *counts, aggregate.cache_duration)
            generation = federation.generation
        sweep_federation(held.store, held.federation_id, generation)
        taken = _stage(held, aggregate)
        _switch(held, aggregate, taken)
    sweep_federation(held.store, held.federation_id, generation + 1)
    return taken


def _check_newer(federation: Federation, aggregate: "Aggregate") -> None:
    """Somebody who keeps old copies must not bring back an entity that was removed. Where the publisher does not say
    when it published, the end of validity stands for it.
    """
    if federation.published_at is not None and aggregate.published_at is not None:
        older = aggregate.published_at < federation.published_at
    else:
        # What is too far away was cut to so many days from when it was read, which is not the publisher's word.
        older = federation.valid_until is not None and aggregate.valid_until < federation.valid_until
    if older:
        raise SamlError(
            Reason.METADATA_EXPIRED,
            "The aggregate is older than the one that is there: its source gives out an old copy. It is tried again.",
        )


def _stage(held: Held, aggregate: "Aggregate") -> Taken:
    listed: set[str] = set()
    written = providers = broken = 0
    for entries in _batches(_entries(aggregate), BATCH):
        with held.changing() as (session, federation):
            written += stage_entries(session, federation, entries)
        listed.update(entry.entity_id for entry in entries)
        providers += sum(entry.is_provider for entry in entries)
        broken += sum(bool(entry.problem) for entry in entries)
    with held.store.reading() as session:
        gone, superfluous = unlisted(session, get_federation_by_id(session, held.federation_id), listed)
    for rows in _batches(gone, BATCH):
        with held.changing() as (session, federation):
            end_entries(session, federation, rows)
    for rows in _batches(superfluous, BATCH):
        with held.changing() as (session, _):
            drop_entries(session, rows)
    return Taken(True, written + len(gone), providers, len(listed), broken, aggregate.cache_duration)


def _switch(held: Held, aggregate: "Aggregate", taken: Taken) -> None:
    """INVARIANT: the one moment at which readers go from one aggregate to the next."""
    with held.changing() as (_, federation):
        federation.generation += 1
        federation.digest = aggregate.digest
        federation.valid_until, federation.published_at = aggregate.valid_until, aggregate.published_at
        federation.providers, federation.entities, federation.broken = taken.providers, taken.entities, taken.broken


def sweep_federation(store: Store, federation_id: int, generation: int | None) -> None:
    """Delete, in batches, the rows that nobody sees; of a federation that is removed (None) all of them."""
    swept = 1
    while swept:
        with store.transaction() as session:
            swept = sweep_entries(session, federation_id, generation)


def _entries(aggregate: "Aggregate") -> Iterator[Entry]:
    from gateway.saml.aggregate import AggregateEntity  # noqa: PLC0415 - see above

    for number, entity in enumerate(aggregate.entities(), 1):
        yield _entry(entity) if isinstance(entity, AggregateEntity) else _broken_entry(entity, number)


def _entry(entity: "AggregateEntity") -> Entry:
    names = dict(reversed(entity.display_names))  # of each language the first
    name = names.get("en") or next((each for _, each in entity.display_names), "") or _host(entity.entity_id)
    searched = " ".join([*dict.fromkeys(names.values()), entity.entity_id, entity.registration_authority])
    return Entry(
        entity_id=entity.entity_id,
        digest=entity.digest,
        document=entity.document,
        display_name=name,
        search_text=folded(searched),
        sort_key=_sort_key(name, entity.entity_id),
        registrar=entity.registration_authority,
        is_provider=entity.is_identity_provider,
        problem="",
    )


def _broken_entry(entity: "BrokenEntity", number: int) -> Entry:
    name = f"{entity.entity_id} (number {number})".strip()
    return Entry(
        entity_id=name,
        digest=hashlib.sha256(entity.problem.encode()).hexdigest(),
        document=b"",
        display_name=name,
        search_text=folded(name),
        sort_key=_sort_key(name, name),
        registrar="",
        is_provider=False,
        problem=entity.problem,
    )


def _sort_key(name: str, entity_id: str) -> str:
    """By name; unique among the entities of an aggregate."""
    return f"{folded(name)[:_SORTED_BY]} {hashlib.sha256(entity_id.encode()).hexdigest()[:24]}"


def _host(entity_id: str) -> str:
    try:
        return urlsplit(entity_id).hostname or entity_id
    except ValueError:
        return entity_id


def _batches(items: Iterable[Item], size: int) -> Iterator[Sequence[Item]]:
    rest = iter(items)
    while batch := list(islice(rest, size)):
        yield batch
