"""Refreshing federations: fetching an aggregate into rows, asking a query service again, and telling adopted providers.

No transaction is open while anything is fetched or verified, and none holds the write lock for longer than a batch
takes. Killed at any line, the next turn carries on.
"""

import logging
import random
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import BinaryIO

from sqlalchemy.orm import Session

from gateway.audit.receipts import Detail, Receipt, record
from gateway.clock import Clock
from gateway.directory import adoptions
from gateway.directory.adoptions import FederationAdoption
from gateway.directory.federation_intake import Held, Taken, sweep_federation, take_aggregate
from gateway.directory.federations import (
    Federation,
    FederationKind,
    due_federations,
    get_federation_by_id,
    take_refresh,
)
from gateway.directory.metadata_owners import get_owner, owner_arn
from gateway.directory.metadata_sources import next_interval
from gateway.errors import Conflict, GatewayError, NotFound, Reason, UpstreamError
from gateway.federation.metadata_refresh import LAPSED, record_offer
from gateway.federation.metadata_use import record_turn
from gateway.fetch import Fetcher, Limits
from gateway.ids import new_request_id
from gateway.store.engine import Store

REFRESHED = "FederationRefreshed"
ENTITY_GONE = "FederationEntityGone"
_ACCEPT = "application/samlmetadata+xml, application/xml;q=0.9, text/xml;q=0.8"
_LIMITS = Limits(total_s=300.0, connect_s=5.0, body_bytes=256 * 1024 * 1024)
_AT_MOST = 20  # in one turn
_NOT_MODIFIED = 304
_OK = 200
_LONGEST_TEXT = 500
_LONGEST_ETAG = 256


@dataclass(frozen=True, slots=True)
class Refreshed:
    """How one attempt ended: `Refreshed`, `Unchanged` or the reason of a refusal, and a sentence for people."""

    outcome: str
    text: str

    @property
    def failed(self) -> bool:
        return self.outcome not in {"Refreshed", "Unchanged"}


def refresh_due_federations(store: Store, fetcher: Fetcher, clock: Clock, may_go_on: Callable[[], bool]) -> int:
    """Refresh what is due, one after the other, while `may_go_on`; how many there were."""
    with store.reading() as session:
        due = due_federations(session, clock.now(), _AT_MOST)
    done = 0
    for federation_id in due:
        if not may_go_on():
            break
        if not clear_away(store, federation_id):
            done += refresh_federation(store, fetcher, clock, federation_id) is not None
    return done


def refresh_federation(
    store: Store,
    fetcher: Fetcher,
    clock: Clock,
    federation_id: int,
    *,
    only_due: bool = True,
    uploaded: BinaryIO | None = None,
) -> Refreshed | None:
    """Take a federation's aggregate, from its address or as `uploaded`; None if it is not due, or another process is
    at it. A query service has none: its adopted entities are asked for one by one.

    Raises nothing that comes of the document: that is noted, and tried again later.
    """
    with store.transaction() as session:
        session.connection()
        claim = take_refresh(session, federation_id, clock.now(), only_due=only_due)
        if not claim:
            return None
        federation = get_federation_by_id(session, federation_id)
        url, tag, queried = federation.url, federation.etag, adoptions.is_queried(federation)
    held = Held(store, clock, federation_id, claim)
    try:
        if queried:
            return _finish(held, None, tag)
        with tempfile.TemporaryFile() as file:
            if uploaded is None:
                tag = _download(fetcher, url, tag, file)
            source = file if uploaded is None else uploaded
            fresh = uploaded is not None or file.seek(0, 2) > 0
            source.seek(0)
            taken = take_aggregate(held, source) if fresh else None
        _tell_providers(held)
        return _finish(held, taken, tag)
    except (NotFound, Conflict) as error:
        logging.getLogger("ramgate").info("the refresh of federation %s ends: %s", federation_id, error)
        return None  # removed meanwhile, or another process took over
    except GatewayError as error:
        logging.getLogger("ramgate").warning("federation %s: %s (%s)", federation_id, error, error.detail)
        return _fail(held, error)


def lapse_entities(store: Store, clock: Clock) -> None:
    """What left its federation is no longer trusted once its grace is over."""
    with store.transaction() as session:
        session.connection()
        now = clock.now()
        for turn in adoptions.lapse_gone(session, now):
            record_turn(session, LAPSED, turn, request_id=new_request_id(), now=now)


def clear_away(store: Store, federation_id: int) -> bool:
    """Delete the rows of a federation that was removed, in batches. Whether it was."""
    with store.reading() as session:
        federation = session.get(Federation, federation_id)
        if federation is None or federation.kind != FederationKind.REMOVED.value:
            return False
    sweep_federation(store, federation_id, None)
    with store.transaction() as session:
        found = session.get(Federation, federation_id)
        if found is not None:
            session.delete(found)
    return True


def tell_of_entity(
    session: Session, adoption: FederationAdoption, federation: Federation, document: bytes | None, clock: Clock
) -> None:
    """What a federation says of an adopted entity now: a verified document with its limits, or that it left."""
    now = clock.now()
    if document is None:
        if adoptions.mark_gone(session, adoption, now):
            _record_gone(session, adoption, federation, clock)
        return
    try:
        with session.begin_nested():
            offered = adoptions.offer_entity(session, adoption, federation, document, now)
            by = f"federation {federation.name}"
            record_offer(session, offered, adoption.provider_key, by=by, request_id=new_request_id(), now=now)
    except GatewayError as error:
        adoptions.refuse_entity(session, adoption, error.reason, error.public, now)


def usable_tag(etag: str) -> str:
    return etag if len(etag) <= _LONGEST_ETAG and etag.isascii() and etag.isprintable() else ""


def _download(fetcher: Fetcher, url: str, tag: str, file: BinaryIO) -> str:
    """Leaves the file empty if there is nothing new. Raises: UpstreamError(FETCH_*)."""
    if not url:
        raise UpstreamError(Reason.FETCH_URL, "the aggregate of this federation is uploaded: it has no address")
    fetched = fetcher.download(url, file, accept=_ACCEPT, known_tag=tag, limits=_LIMITS)
    if fetched.status == _NOT_MODIFIED and tag:
        return tag
    if fetched.status != _OK or file.tell() == 0:
        raise UpstreamError(
            Reason.FETCH_PROTOCOL, "the server does not give the federation's metadata", f"status {fetched.status}"
        )
    return usable_tag(fetched.headers.get("etag", ""))


def _tell_providers(held: Held) -> None:
    """Offer what the aggregate says to the providers that were adopted from it, each in a transaction of its own."""
    with held.store.reading() as session:
        keys = [adoption.provider_key for adoption in adoptions.adoptions_of(session, held.federation_id)]
    for key in keys:
        with held.changing() as (session, federation):
            adoption = adoptions.find_adoption(session, key)
            if adoption is None or not adoptions.follows(session, adoption):
                continue
            document: bytes | None = None
            try:
                document = adoptions.entity_document(session, federation, adoption.entity_id)
            except NotFound:
                pass
            except GatewayError as error:
                adoptions.refuse_entity(session, adoption, error.reason, error.public, held.clock.now())
                continue
            tell_of_entity(session, adoption, federation, document, held.clock)


def _finish(held: Held, taken: Taken | None, tag: str) -> Refreshed:
    """`taken`: None if there was nothing new to take."""
    with held.changing() as (session, federation):
        now = held.clock.now()
        changed = taken is not None and taken.changed
        outcome = Refreshed("Refreshed" if changed else "Unchanged", _sentence(taken))
        federation.tried_at = federation.refreshed_at = now
        federation.outcome, federation.outcome_text, federation.failures = outcome.outcome, outcome.text, 0
        federation.etag = tag
        _schedule(federation, held.clock, taken.cache_duration if taken else None)
        if taken is not None and taken.changed:
            details: dict[str, Detail] = {
                "federation": federation.name,
                "digest": federation.digest,
                "entities": taken.entities,
                "broken": taken.broken,
                "rows_written": taken.rows_written,
            }
            receipt = Receipt(now, new_request_id(), federation.account_id, REFRESHED, None, "Allow", details=details)
            record(session, receipt)
        return outcome


def _fail(held: Held, error: GatewayError) -> Refreshed | None:
    try:
        with held.changing() as (_, federation):
            federation.tried_at = held.clock.now()
            federation.outcome, federation.outcome_text = error.reason.value, error.public[:_LONGEST_TEXT]
            federation.failures += 1
            _schedule(federation, held.clock, None)
            return Refreshed(federation.outcome, federation.outcome_text)
    except (NotFound, Conflict):
        return None


def _schedule(federation: Federation, clock: Clock, cache_duration: timedelta | None) -> None:
    """Never for what is uploaded, or asked for entity by entity."""
    now = clock.now()
    federation.claim = ""
    if not federation.url or adoptions.is_queried(federation):
        federation.next_refresh_at = None
        return
    federation.next_refresh_at = now + next_interval(
        cache_duration=cache_duration,
        valid_for=None if federation.valid_until is None else federation.valid_until - now,
        failures=federation.failures,
        chance=random.random(),  # noqa: S311 - nothing secret
    )


def _sentence(taken: Taken | None) -> str:
    if taken is None:
        return "Nothing has changed since the last time."
    broken = f", {taken.broken} of them broken" if taken.broken else ""
    found = f"{taken.entities} entities{broken}, {taken.providers} identity providers"
    return f"{found}; {taken.rows_written} rows were written." if taken.changed else f"{found}, as before."


def _record_gone(session: Session, adoption: FederationAdoption, federation: Federation, clock: Clock) -> None:
    owner = get_owner(session, adoption.provider_key)
    details: dict[str, Detail] = {
        "federation": federation.name,
        "entity_id": adoption.entity_id,
        "provider_arn": owner_arn(owner),
        "trusted_until": adoption.lapses_at.isoformat() if adoption.lapses_at else None,
    }
    receipt = Receipt(clock.now(), new_request_id(), adoption.account_id, ENTITY_GONE, None, "Allow", details=details)
    record(session, receipt)
