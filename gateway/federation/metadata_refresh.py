"""Fetching metadata again from where it came: who is due, the fetch itself, and what becomes of the document.

Three transactions at most, and none while fetching: one takes the turn, which no other process then has; one takes the
document, or notes why there is none. Killed in between, the source is due again after five minutes.
"""

import logging
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO

from sqlalchemy.orm import Session

from gateway.audit.receipts import Receipt, record
from gateway.clock import Clock
from gateway.directory.metadata_life import end_ways_back, lapse_documents
from gateway.directory.metadata_offers import (
    Fresh,
    Offered,
    Origin,
    OriginKind,
    Outcome,
    offer_document,
    read_fetched,
)
from gateway.directory.metadata_owners import lock_owner, owner_arn
from gateway.directory.metadata_sources import (
    MetadataSource,
    SourceKind,
    due_sources,
    find_source,
    lock_source,
    next_interval,
    take_refresh,
)
from gateway.errors import GatewayError, NotFound, Reason, UpstreamError
from gateway.federation.metadata_use import record_turn
from gateway.fetch import Fetcher, Limits
from gateway.ids import new_request_id
from gateway.store.engine import Store

STAGED = "MetadataStaged"
WAITING = "MetadataWaiting"
LAPSED = "MetadataLapsed"
_ACCEPT = "application/samlmetadata+xml, application/xml;q=0.9, text/xml;q=0.8"
_LIMITS = Limits(total_s=15.0, body_bytes=1024 * 1024)
_AT_MOST = 200  # in one turn
_NOT_MODIFIED = 304
_OK = 200
_LONGEST_TEXT = 500
_LONGEST_ETAG = 256
_WORDS = {
    Outcome.UNCHANGED: "The document says what is in force already.",
    Outcome.STAGED: "The document is staged: the next sign-in that it verifies puts it in force.",
    Outcome.WAITING: "The document waits for an administrator.",
    Outcome.KNOWN: "The document is staged or waits already, or was discarded by an administrator.",
}


@dataclass(frozen=True, slots=True)
class Refreshed:
    """How one attempt ended: an outcome or the reason of a refusal, and a sentence for people."""

    outcome: str
    text: str
    offered: Offered | None = None


@dataclass(frozen=True, slots=True)
class _Task:
    """What to fetch, as it stood when the turn was taken."""

    provider_key: str
    account_id: str
    url: str
    anchors_pem: str
    trust_tls: bool
    etag: str

    def still_holds(self, source: MetadataSource) -> bool:
        """Whoever changed the source meanwhile did not ask for what was fetched."""
        held = (source.kind, source.url, source.anchors_pem, source.trust_tls)
        return held == (SourceKind.URL.value, self.url, self.anchors_pem, self.trust_tls)


def refresh_due(store: Store, fetcher: Fetcher, clock: Clock, may_go_on: Callable[[], bool]) -> int:
    """Refresh what is due, one after the other, while `may_go_on`; how many there were.

    The rest is left to the next turn, or to another process, which may work on it at the same time.
    """
    with store.reading() as session:
        keys = due_sources(session, clock.now(), _AT_MOST)
    done = 0
    for key in keys:
        if not may_go_on():
            break
        done += refresh_source(store, fetcher, clock, key) is not None
    return done


def refresh_source(
    store: Store, fetcher: Fetcher, clock: Clock, provider_key: str, *, only_due: bool = True
) -> Refreshed | None:
    """Fetch one provider's metadata; None if another process does, if nothing is due, or if it has no URL.

    Raises nothing that comes of the source: that is noted, and tried again later.
    """
    task = _take(store, clock, provider_key, only_due=only_due)
    if task is None:
        return None
    try:
        etag, fresh = _fetch(fetcher, task, clock.now())
        return _keep(store, clock, task, etag, fresh)
    except NotFound:
        return None  # the provider was deleted meanwhile
    except GatewayError as error:
        logging.getLogger("ramgate").warning("metadata of %s: %s (%s)", provider_key, error, error.detail)
        return _note_failure(store, clock, task, error)


def fetch_first(fetcher: Fetcher, url: str, anchors_pem: str, now: datetime) -> bytes:
    """The document at a URL that somebody is about to register, checked as later ones will be.

    Raises: UpstreamError(FETCH_*); SamlError(METADATA_*), METADATA_SIGNATURE among them.
    """
    task = _Task("", "", url, anchors_pem, trust_tls=False, etag="")
    _, fresh = _fetch(fetcher, task, now)
    if fresh is None:
        raise UpstreamError(Reason.FETCH_PROTOCOL, "the server of the metadata does not give it", url)
    return fresh.xml


def keep_house(store: Store, clock: Clock) -> None:
    """What time alone does: documents lapse, and ways back end."""
    now, request_id = clock.now(), new_request_id()
    with store.transaction() as session:
        end_ways_back(session, now)
        for turn in lapse_documents(session, now):
            record_turn(session, LAPSED, turn, request_id=request_id, now=now)


def record_offer(
    session: Session,
    offered: Offered,
    provider_key: str,
    *,
    by: str,
    request_id: str,
    now: datetime,
    principal_arn: str | None = None,
) -> None:
    """The receipt of a document that was staged or waits; the others change nothing."""
    kinds = {Outcome.STAGED: STAGED, Outcome.WAITING: WAITING}
    if offered.outcome not in kinds:
        return
    owner = lock_owner(session, provider_key)
    details = {
        "provider_arn": owner_arn(owner),
        "brought_by": by,
        "why": offered.why,
        "differences": [f"{each.risk}: {each.sentence}" for each in offered.differences],
    }
    kind = kinds[offered.outcome]
    record(session, Receipt(now, request_id, owner.account_id, kind, principal_arn, "Allow", details=details))


def _take(store: Store, clock: Clock, provider_key: str, *, only_due: bool) -> _Task | None:
    with store.transaction() as session:
        session.connection()  # wait for the write lock before the clock is read
        if not take_refresh(session, provider_key, clock.now(), only_due=only_due):
            return None
        source = find_source(session, provider_key)
        if source is None:
            return None
        return _Task(provider_key, source.account_id, source.url, source.anchors_pem, source.trust_tls, source.etag)


def _fetch(fetcher: Fetcher, task: _Task, now: datetime) -> tuple[str, Fresh | None]:
    """The document, None if it has not changed, and its ETag.

    Raises: UpstreamError(FETCH_*); SamlError(METADATA_*), METADATA_SIGNATURE among them.
    """
    body = BytesIO()
    fetched = fetcher.download(task.url, body, accept=_ACCEPT, known_tag=task.etag, limits=_LIMITS)
    if fetched.status == _NOT_MODIFIED and task.etag:
        return task.etag, None
    if fetched.status != _OK:
        raise UpstreamError(
            Reason.FETCH_PROTOCOL, "the server of the metadata does not give it", f"{task.url}: status {fetched.status}"
        )
    etag = fetched.headers.get("etag", "")
    usable = etag if len(etag) <= _LONGEST_ETAG and etag.isascii() and etag.isprintable() else ""
    return usable, read_fetched(body.getvalue(), task.anchors_pem, now)


def _keep(store: Store, clock: Clock, task: _Task, etag: str, fresh: Fresh | None) -> Refreshed:
    """Raises: SamlError(METADATA_*); NotFound, subject "SAMLProvider"."""
    with store.transaction() as session:
        session.connection()
        now = clock.now()
        source = _lock(session, task, now)
        if not task.still_holds(source):
            return Refreshed(Outcome.UNCHANGED, "The source was changed while this was fetched; it is fetched anew.")
        offered = None
        if fresh is not None:
            origin = Origin(OriginKind.FETCHED, task.url, verified=fresh.verified, trust_tls=task.trust_tls)
            offered = offer_document(session, task.provider_key, fresh.xml, origin, now)
            record_offer(session, offered, task.provider_key, by=task.url, request_id=new_request_id(), now=now)
            source.cache_duration_s = fresh.cache_duration_s
        outcome = offered.outcome if offered else Outcome.UNCHANGED
        source.etag, source.failures = etag, 0
        source.tried_at = source.refreshed_at = now
        source.outcome, source.outcome_text = outcome.value, _WORDS[outcome]
        _schedule(source, now)
        return Refreshed(source.outcome, source.outcome_text, offered)


def _note_failure(store: Store, clock: Clock, task: _Task, error: GatewayError) -> Refreshed | None:
    with store.transaction() as session:
        session.connection()
        now = clock.now()
        try:
            source = _lock(session, task, now)
        except NotFound:
            return None
        if not task.still_holds(source):
            return None
        source.failures += 1
        source.tried_at = now
        source.outcome, source.outcome_text = error.reason.value, error.public[:_LONGEST_TEXT]
        _schedule(source, now)
        return Refreshed(source.outcome, source.outcome_text)


def _lock(session: Session, task: _Task, now: datetime) -> MetadataSource:
    """Account first, as everybody does. Raises: NotFound."""
    owner = lock_owner(session, task.provider_key)
    return lock_source(session, task.provider_key, owner.account_id, now)


def _schedule(source: MetadataSource, now: datetime) -> None:
    source.next_refresh_at = now + next_interval(
        cache_duration=source.cache_duration,
        valid_for=None if source.valid_until is None else source.valid_until - now,
        failures=source.failures,
        chance=random.random(),  # noqa: S311 - nothing secret
    )
