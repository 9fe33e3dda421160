"""How long decisions are kept, and what is written about those that are not any more.

Receipts stay. Decisions go after thirty days, from the beginning of each lane on, so that what is left still hangs
together; a receipt says up to where each lane was pruned and which link comes next, so that a check goes on from there.
Once an hour a receipt notes where every lane ends: whoever wants to cut something off has to cut off that one as well.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from gateway.audit.batches import DecisionBatch, DecisionRequest
from gateway.audit.chain import ChainHead, link_of
from gateway.audit.receipts import CHAIN_CHECKPOINT, CHAIN_PRUNED, Detail, Receipt, record
from gateway.clock import Clock
from gateway.store.engine import Store

DECISIONS_KEPT = timedelta(days=30)
_AT_A_TIME = 500  # batches of a lane in one transaction


def prune_decisions(store: Store, clock: Clock) -> int:
    """Delete batches that are too old; how many. In short transactions, each with its receipt."""
    pruned = 0
    while True:
        with store.transaction() as session:
            session.connection()
            some = _prune_some(session, clock.now())
        pruned += some
        if some == 0:
            return pruned


def note_heads(store: Store, clock: Clock) -> None:
    """A checkpoint: a receipt with the end of every lane that has any entry."""
    with store.transaction() as session:
        session.connection()
        heads = session.execute(
            select(ChainHead.lane, ChainHead.sequence, ChainHead.link)
            .where(ChainHead.sequence > 0)
            .order_by(ChainHead.lane)
        ).all()
        told = [f"{lane} {sequence} {link.hex()}" for lane, sequence, link in heads]
        record(session, Receipt(clock.now(), "", None, CHAIN_CHECKPOINT, None, "Noted", details={"heads": told}))


def _prune_some(session: Session, now: datetime) -> int:
    oldest = session.execute(
        select(DecisionBatch.lane)
        .where(DecisionBatch.last_at < now - DECISIONS_KEPT)
        .order_by(DecisionBatch.last_at)
        .limit(1)
    ).scalar()
    if oldest is None:
        return 0
    rows = session.execute(
        select(
            DecisionBatch.id,
            DecisionBatch.sequence,
            DecisionBatch.last_at,
            DecisionBatch.hash,
            DecisionBatch.signature,
        )
        .where(DecisionBatch.lane == oldest)
        .order_by(DecisionBatch.sequence)
        .limit(_AT_A_TIME)
    ).all()
    # From the beginning up to the last old one: a clock may have gone back in between.
    old = [row.sequence for row in rows if row.last_at < now - DECISIONS_KEPT]
    gone = [row for row in rows if not old or row.sequence <= old[-1]]
    last = gone[-1]
    ids = [row.id for row in gone]
    session.execute(delete(DecisionRequest).where(DecisionRequest.batch_id.in_(ids)))
    session.execute(delete(DecisionBatch).where(DecisionBatch.id.in_(ids)))
    told = f"{oldest} {last.sequence} {link_of(last.hash, last.signature).hex()}"
    details: Mapping[str, Detail] = {"pruned": [told], "entries": len(gone)}
    record(session, Receipt(now, "", None, CHAIN_PRUNED, None, "Noted", details=details))
    return len(gone)
