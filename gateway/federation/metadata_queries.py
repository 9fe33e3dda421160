"""Asking a metadata query service for one entity: to adopt it, and again by schedule.

Rule: Metadata Query Protocol (draft-young-md-query) §3.1, §3.2.
"""

import logging
import random
from collections.abc import Callable
from datetime import timedelta

from sqlalchemy.orm import Session

from gateway.clock import Clock
from gateway.directory import adoptions
from gateway.directory.federation_answers import Answer, query_address, read_answer
from gateway.directory.federations import Federation, get_federation_by_id
from gateway.directory.metadata_sources import next_interval
from gateway.directory.saml_providers import SamlProvider
from gateway.errors import GatewayError, NotFound, Reason, UpstreamError
from gateway.federation.federation_refresh import tell_of_entity
from gateway.fetch import Fetcher, Limits
from gateway.store.engine import Store

_ACCEPT = "application/samlmetadata+xml"
_LIMITS = Limits(total_s=15.0, body_bytes=1024 * 1024)
_AT_MOST = 200  # in one turn
_LEASE = timedelta(minutes=5)
_OK = 200
_NOT_FOUND = 404


def fetch_answer(fetcher: Fetcher, federation: Federation, entity_id: str, clock: Clock) -> Answer | None:
    """One entity of a query service, verified under the federation's anchors; None if it has no such entity.

    Raises: InputError, subject "EntityId"; UpstreamError(FETCH_*); SamlError(METADATA_*).
    """
    fetched = fetcher.get(query_address(federation.url, entity_id), accept=_ACCEPT, limits=_LIMITS)
    if fetched.status == _NOT_FOUND:
        return None
    if fetched.status != _OK:
        raise UpstreamError(
            Reason.FETCH_PROTOCOL, "the metadata query service does not answer", f"status {fetched.status}"
        )
    return read_answer(fetched.body, federation.anchors_pem, entity_id, clock.now())


def get_answer(fetcher: Fetcher, federation: Federation, entity_id: str, clock: Clock) -> Answer:
    """The same for whoever is about to adopt it. Raises also: NotFound, subject "Federation.Entity"."""
    answer = fetch_answer(fetcher, federation, entity_id, clock)
    if answer is None:
        message = "the metadata query service has no entity of this ID"
        raise NotFound(Reason.NOT_FOUND, message, subject="Federation.Entity")
    return answer


def adopt(
    session: Session, federation: Federation, entity_id: str, name: str, answer: Answer | None, *, by: str, clock: Clock
) -> SamlProvider:
    """Register an entity as the provider `name`. `answer`: what `get_answer` gave before the transaction, where the
    federation is a query service; None where it is an aggregate.

    Raises: as `adoptions.adopt_entity`.
    """
    now = clock.now()
    return adoptions.adopt_entity(
        session,
        federation,
        entity_id,
        name,
        answer=answer.document if answer else None,
        next_query_at=now + _interval(answer, 0) if answer else None,
        by=by,
        now=now,
    )


def ask_again(store: Store, fetcher: Fetcher, clock: Clock, may_go_on: Callable[[], bool]) -> int:
    """Ask for the adopted entities that are due, one after the other, while `may_go_on`; how many there were."""
    with store.reading() as session:
        keys = adoptions.due_queries(session, clock.now(), _AT_MOST)
    done = 0
    for key in keys:
        if not may_go_on():
            break
        done += ask_for(store, fetcher, clock, key)
    return done


def ask_for(store: Store, fetcher: Fetcher, clock: Clock, provider_key: str) -> bool:
    """Ask for one adopted entity, if it is due and no other process does. Raises nothing that comes of the answer."""
    with store.transaction() as session:
        session.connection()
        adoption = adoptions.take_query(session, provider_key, clock.now(), _LEASE)
        if adoption is None:
            return False
        federation, entity_id = get_federation_by_id(session, adoption.federation_id), adoption.entity_id
    answer: Answer | None = None
    failure: GatewayError | None = None
    try:
        answer = fetch_answer(fetcher, federation, entity_id, clock)
    except GatewayError as error:
        logging.getLogger("ramgate").warning("entity %s: %s (%s)", entity_id, error, error.detail)
        failure = error
    with store.transaction() as session:
        session.connection()
        adoption = adoptions.find_adoption(session, provider_key)
        if adoption is None or not adoptions.follows(session, adoption):
            return True  # the provider was deleted meanwhile, or has another source now
        if failure is None:
            tell_of_entity(session, adoption, federation, answer.document if answer else None, clock)
            adoption.failures = 0
        else:
            adoptions.refuse_entity(session, adoption, failure.reason, failure.public, clock.now())
            adoption.failures += 1
        adoption.next_query_at = clock.now() + _interval(answer, adoption.failures)
    return True


def _interval(answer: Answer | None, failures: int) -> timedelta:
    return next_interval(
        cache_duration=answer.cache_duration if answer else None,
        valid_for=answer.valid_for if answer else None,
        failures=failures,
        chance=random.random(),  # noqa: S311 - nothing secret
    )
