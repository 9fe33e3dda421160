"""Telling accounts by their webhooks: planning what is to be told, and sending it.

No transaction is open while a message is on its way. A message goes out by one process at a time: it holds the account
until the answer is noted, or for two minutes if it dies. So an event is sent once, and a second time only if the
process was killed between the post and the note of it, or if the answer was lost: `event_id` tells them apart.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import TypeVar

from sqlalchemy import CursorResult, or_, select, update

from gateway.clock import Clock
from gateway.directory.expiry import DatedThing
from gateway.directory.expiry_message import SIGNATURE_HEADER, expiry_message, signature_of
from gateway.directory.expiry_notices import (
    ExpiryNotice,
    NoticeState,
    forget_old_notices,
    known_events,
    plan_notices,
    settle_notices,
    threshold_of,
    waiting_notices,
)
from gateway.directory.expiry_radar import news_for
from gateway.directory.expiry_settings import ExpirySettingsRow, webhook_secret
from gateway.errors import CredentialError, NotFound, Reason, UpstreamError
from gateway.fetch import Fetcher
from gateway.keyring import KeyRing
from gateway.own_keys import OwnKeyState
from gateway.secret import Secret
from gateway.store.engine import Store

EVENTS_PER_MESSAGE = 50
ACCOUNTS_PER_TURN = 10
_HELD_FOR = timedelta(minutes=2)  # far longer than a post can take
_FIRST_WAIT = timedelta(minutes=1)
_LONGEST_WAIT = timedelta(hours=6)
_MOST_DOUBLINGS = 16
_ACCOUNTS_AT_ONCE = 100
_GOOD = range(200, 300)
Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Teller:
    """What telling needs. `own_keys` gives the gateway's own keys at an instant."""

    store: Store
    ring: KeyRing
    fetcher: Fetcher
    clock: Clock
    base_url: str
    own_keys: Callable[[datetime], Sequence[OwnKeyState]]


@dataclass(frozen=True, slots=True)
class Delivery:
    """How an attempt ended, in words."""

    taken: bool
    outcome: str


@dataclass(frozen=True, slots=True)
class _Message:
    """What an account is to get now, and the notices that were overtaken meanwhile."""

    url: str
    secret: Secret
    things: tuple[DatedThing, ...]
    told: tuple[str, ...]
    overtaken: tuple[str, ...]


def plan_all(teller: Teller) -> int:
    """Note for every account with a webhook what it is to be told; how much is new. Can be killed and done again."""
    new, after = 0, ""
    while True:
        with teller.store.reading() as session:
            query = select(ExpirySettingsRow.account_id).where(
                ExpirySettingsRow.webhook_not_before.is_not(None), ExpirySettingsRow.account_id > after
            )
            accounts = session.scalars(query.order_by(ExpirySettingsRow.account_id).limit(_ACCOUNTS_AT_ONCE)).all()
        if not accounts:
            break
        new += sum(plan_account(teller, account_id) for account_id in accounts)
        after = accounts[-1]
    with teller.store.transaction() as session:
        forget_old_notices(session, teller.clock.now())
    return new


def plan_account(teller: Teller, account_id: str) -> int:
    """The same for one account. The write lock is taken only for what is new."""
    now, new = teller.clock.now(), 0
    fresh: list[DatedThing] = []
    with teller.store.reading() as session:
        for some in _in_parts(iter(news_for(session, account_id, teller.own_keys(now), now))):
            events = {thing.event_id(days): thing for thing in some if (days := threshold_of(thing, now)) is not None}
            known = known_events(session, account_id, list(events))
            fresh += [thing for event_id, thing in events.items() if event_id not in known]
    for part in _in_parts(iter(fresh)):
        with teller.store.transaction() as session:
            row = session.get(ExpirySettingsRow, account_id, with_for_update=True)
            if row is not None and row.webhook_url is not None:
                new += plan_notices(session, account_id, part, now)
    return new


def send_due(teller: Teller) -> int:
    """Send a message to each of the accounts that are to be told something, ten at most; how many took it."""
    with teller.store.reading() as session:
        waiting = select(ExpiryNotice.account_id).where(ExpiryNotice.state == NoticeState.WAITING.value)
        query = (
            select(ExpirySettingsRow.account_id)
            .where(ExpirySettingsRow.webhook_not_before <= teller.clock.now())
            .where(ExpirySettingsRow.account_id.in_(waiting))
            .order_by(ExpirySettingsRow.webhook_not_before)
            .limit(ACCOUNTS_PER_TURN)
        )
        accounts = session.scalars(query).all()
    deliveries = [send_to(teller, account_id) for account_id in accounts]
    return sum(1 for each in deliveries if each is not None and each.taken)


def send_to(teller: Teller, account_id: str) -> Delivery | None:
    """Tell an account the most urgent of what it does not know; None if there is nothing, or another process does."""
    until = _hold(teller, account_id)
    if until is None:
        return None
    try:
        message = _next_message(teller, account_id)
    except CredentialError:
        lost = Delivery(
            taken=False, outcome="The secret was sealed under a key that is gone: set the webhook up again."
        )
        _note(teller, account_id, until, None, lost)
        return lost
    delivery = _post(teller, account_id, message.url, message.secret, message.things) if message.things else None
    _note(teller, account_id, until, message, delivery)
    return delivery


def send_test(teller: Teller, account_id: str) -> Delivery:
    """Send a message that tells of nothing, now, and say how it went.

    Raises: NotFound, subject "Webhook"; CredentialError(TOKEN_MALFORMED) if its secret can't be opened any more.
    """
    with teller.store.reading() as session:
        row = session.get(ExpirySettingsRow, account_id)
        if row is None or row.webhook_url is None:
            raise NotFound(Reason.NOT_FOUND, "there is no webhook", subject="Webhook")
        url, secret = row.webhook_url, webhook_secret(teller.ring, row)
    return _post(teller, account_id, url, secret, ())


def _hold(teller: Teller, account_id: str) -> datetime | None:
    """Keep other processes from sending to the account until the instant given; None if one of them holds it."""
    with teller.store.transaction() as session:
        session.connection()  # wait for the write lock before the clock is read
        now = teller.clock.now()
        until = now + _HELD_FOR
        held_until = ExpirySettingsRow.webhook_held_until
        taken = session.execute(
            update(ExpirySettingsRow)
            .where(ExpirySettingsRow.account_id == account_id, ExpirySettingsRow.webhook_not_before <= now)
            .where(or_(held_until.is_(None), held_until <= now))
            .values(webhook_held_until=until)
            .execution_options(synchronize_session=False)
        )
        assert isinstance(taken, CursorResult)
        return until if taken.rowcount == 1 else None


def _next_message(teller: Teller, account_id: str) -> _Message:
    """What waits, compared with how things are now: whatever was renewed, or has come closer, is overtaken.

    Raises: CredentialError(TOKEN_MALFORMED).
    """
    now = teller.clock.now()
    with teller.store.reading() as session:
        row = session.get_one(ExpirySettingsRow, account_id)
        url, secret = row.webhook_url or "", webhook_secret(teller.ring, row)
        waiting = [notice.event_id for notice in waiting_notices(session, account_id, EVENTS_PER_MESSAGE)]
        wanted, present = set(waiting), dict[str, DatedThing]()
        for thing in news_for(session, account_id, teller.own_keys(now), now):
            days = threshold_of(thing, now)
            event_id = thing.event_id(days) if days is not None else ""
            if event_id in wanted:
                present[event_id] = thing
    told = tuple(event_id for event_id in waiting if event_id in present)
    overtaken = tuple(event_id for event_id in waiting if event_id not in present)
    return _Message(url, secret, tuple(present[event_id] for event_id in told), told, overtaken)


def _post(teller: Teller, account_id: str, url: str, secret: Secret, things: Sequence[DatedThing]) -> Delivery:
    now = teller.clock.now()
    body = expiry_message(account_id, teller.base_url, things, now)
    headers = {SIGNATURE_HEADER: signature_of(secret, body, now)}
    try:
        answer = teller.fetcher.post(url, body, content_type="application/json", extra=headers)
    except UpstreamError as exc:
        return Delivery(taken=False, outcome=f"Not delivered: {exc.public} ({exc.reason}).")
    if answer.status in _GOOD:
        return Delivery(taken=True, outcome=f"Delivered: the receiver answered {answer.status}.")
    return Delivery(taken=False, outcome=f"Not delivered: the receiver answered {answer.status}.")


def _note(
    teller: Teller, account_id: str, until: datetime, message: _Message | None, delivery: Delivery | None
) -> None:
    """Write down how it went, and let the account go. Nothing is written if the webhook was changed meanwhile."""
    now = teller.clock.now()
    with teller.store.transaction() as session:
        row = session.get(ExpirySettingsRow, account_id, with_for_update=True)
        if row is None or row.webhook_held_until != until:
            return
        row.webhook_held_until = None
        if message is not None:
            settle_notices(session, account_id, message.overtaken, NoticeState.VOID)
        if delivery is None:
            return
        row.webhook_tried_at, row.webhook_outcome = now, delivery.outcome
        if delivery.taken and message is not None:
            settle_notices(session, account_id, message.told, NoticeState.TOLD)
            row.webhook_told_at, row.webhook_failures, row.webhook_not_before = now, 0, now
        else:
            row.webhook_not_before = now + min(
                _FIRST_WAIT * 2 ** min(row.webhook_failures, _MOST_DOUBLINGS), _LONGEST_WAIT
            )
            row.webhook_failures += 1


def _in_parts(items: Iterator[Item]) -> Iterator[list[Item]]:
    while part := list(islice(items, EVENTS_PER_MESSAGE)):
        yield part
