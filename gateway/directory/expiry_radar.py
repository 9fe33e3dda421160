"""What lapses before long, and what has lapsed: gathered from all sources, in order."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from gateway.directory.expiry import DatedThing, Radar, ThingKind, Urgency, urgency_bounds
from gateway.directory.expiry_notices import TOLD_LATE
from gateway.directory.expiry_sources import AHEAD, OWN_AHEAD, Rows, Stock, own_things, stocks
from gateway.own_keys import OwnKeyState

SHOWN = 200  # of each kind, past due and to come


def read_radar(
    session: Session,
    account_id: str | None,
    own: Sequence[OwnKeyState],
    now: datetime,
    *,
    at_most: int = SHOWN,
    ahead: timedelta = AHEAD,
) -> Radar:
    """What lapses within `ahead`, and what has lapsed, of one account and of the gateway; with None of all accounts.

    Soonest first; past due before that, what lapsed last first. Up to `at_most` things of each kind that are past due,
    and as many that are to come; `counts` counts them all.
    """
    counts: Counter[tuple[ThingKind, Urgency]] = Counter()
    found: list[DatedThing] = []
    for stock in stocks(session, account_id):
        early = ahead if stock.ahead is None else min(ahead, stock.ahead)
        found += _things(session, stock, _between(stock, None, now).order_by(stock.when.desc()).limit(at_most))
        found += _things(session, stock, _between(stock, now, now + early).order_by(stock.when).limit(at_most))
        for kind_and_urgency, number in _counts(session, stock, now, early):
            counts[kind_and_urgency] += number
    for thing in own_things(own):
        if thing.expires_at <= now + max(ahead, OWN_AHEAD):
            found.append(thing)
            counts[thing.kind, thing.urgency(now)] += 1
    things = {(thing.kind, thing.account_id, thing.key): thing for thing in found}.values()
    past = sorted((thing for thing in things if thing.expires_at <= now), key=_in_time, reverse=True)
    to_come = sorted((thing for thing in things if thing.expires_at > now), key=_in_time)
    return Radar((*past, *to_come), dict(counts))


def news_for(session: Session, account_id: str, own: Sequence[OwnKeyState], now: datetime) -> Iterable[DatedThing]:
    """Everything that an account may have to be told of now: all of it, one after the other."""
    for stock in stocks(session, account_id):
        early = AHEAD if stock.ahead is None else min(AHEAD, stock.ahead)
        yield from _things(session, stock, _between(stock, now - TOLD_LATE, now + early).order_by(stock.when))
    yield from own_things(own)


def _things(session: Session, stock: Stock, query: Rows) -> Iterable[DatedThing]:
    for row in session.execute(query.execution_options(yield_per=500)):
        yield stock.make(row)


def _between(stock: Stock, after: datetime | None, until: datetime) -> Rows:
    """What lapses after the one instant, and at the other at the latest."""
    query = stock.query.where(stock.when <= until - stock.lifetime)
    return query if after is None else query.where(stock.when > after - stock.lifetime)


def _counts(
    session: Session, stock: Stock, now: datetime, ahead: timedelta
) -> Iterable[tuple[tuple[ThingKind, Urgency], int]]:
    spans: list[tuple[Urgency, datetime | None, datetime]] = [(Urgency.PAST, None, now)]
    for urgency, later_than, at_the_latest in urgency_bounds():
        if later_than < ahead:
            spans.append((urgency, now + later_than, now + min(at_the_latest, ahead)))
    if ahead > AHEAD:
        spans.append((Urgency.LATER, now + AHEAD, now + ahead))
    for urgency, after, until in spans:
        rows = _between(stock, after, until).order_by(None).subquery()
        number = session.scalar(select(func.count()).select_from(rows)) or 0
        if number:
            yield (stock.kind, urgency), number


def _in_time(thing: DatedThing) -> tuple[datetime, str, str]:
    return thing.expires_at, thing.kind, thing.key
