"""Packing: from the files of the journal into the database, also of processes that are gone."""

import logging
import random
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from threading import Event, Thread

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from gateway.audit.batches import DecisionBatch, add_batch, by_account
from gateway.audit.chain import NOTHING_BEFORE, ChainHead, Head
from gateway.audit.journal import Journal, JournalFile, held, read_file, waiting_files
from gateway.audit.lanes import open_lane
from gateway.audit.log import log_event
from gateway.audit.notary import Notary
from gateway.audit.receipts import CHAIN_DAMAGE, CHAIN_LANE, Detail, Receipt, record
from gateway.audit.tally import Tally
from gateway.clock import Clock
from gateway.store.engine import Store

_PACK_EVERY_S = 1.0


def start_packing(store: Store, clock: Clock, stop: Event) -> None:
    """Pack about once a second, in a thread, until `stop` is set or the process ends."""
    Thread(target=_pack_again_and_again, args=(store, clock, stop), name="packing", daemon=True).start()


def pack(store: Store, clock: Clock) -> int:
    """Pack what this process has written so far, and what dead ones have left; how many decisions there were. Tells of
    refusals that were counted, too.
    """
    tally: Tally = store.stamps.tally
    tally.tell_rest(clock.now())
    journal: Journal = store.stamps.journal
    journal.rotate()
    packed = 0
    for path in waiting_files(journal.directory):
        with held(path) as mine:
            if mine:
                packed += _pack_file(store, journal.notary, path, clock)
    return packed


def _pack_again_and_again(store: Store, clock: Clock, stop: Event) -> None:
    while not stop.wait(_PACK_EVERY_S * random.uniform(0.7, 1.3)):  # noqa: S311 - nothing secret
        try:
            pack(store, clock)
        except Exception:  # the database may be away for a moment; the files stay until they are packed
            logging.getLogger("ramgate").exception("decisions can't be packed")


def _pack_file(store: Store, notary: Notary, path: Path, clock: Clock) -> int:
    file = read_file(path, notary.ring)
    if file.entries or file.damage:
        with store.transaction() as session:
            session.connection()
            packed = _add(session, notary, file, clock)
    else:
        packed = 0
    if file.tail:
        log_event("audit.unfinished_entry", request_id="", file=path.name, bytes=file.tail)
    if file.damage:
        path.rename(path.with_suffix(".damaged"))  # kept for whoever looks into it
    else:
        with suppress(FileNotFoundError):
            path.unlink()
    return packed


def _add(session: Session, notary: Notary, file: JournalFile, clock: Clock) -> int:
    """In one transaction all of a file, or nothing because it was packed before."""
    if file.lane:
        head, known = _lock_lane(session, notary, file.lane, clock)
        if known >= file.number:
            return 0
        if known + 1 != file.number:
            _record_damage(session, file, f"files {known + 1} to {file.number - 1} of the lane are missing", clock)
        for entries in by_account(file.entries):
            head = add_batch(session, notary, head, file.number, entries)
    if file.damage:
        _record_damage(session, file, file.damage, clock)
        log_event("audit.damaged_journal", request_id="", level=logging.ERROR, file=file.path.name, damage=file.damage)
    return len(file.entries)


def _lock_lane(session: Session, notary: Notary, lane: str, clock: Clock) -> tuple[Head, int]:
    """The lane's head, and the last of its files that is packed. A new lane is written down in the chain of receipts,
    so that nobody can take away a whole one.
    """
    if open_lane(session, notary, lane):
        record(session, Receipt(clock.now(), "", None, CHAIN_LANE, None, "Noted", details={"lane": lane}))
        return Head(lane, 0, NOTHING_BEFORE), 0
    row = session.scalars(select(ChainHead).where(ChainHead.lane == lane).with_for_update()).one()
    last = session.scalar(select(func.max(DecisionBatch.file)).where(DecisionBatch.lane == lane))
    return Head(lane, row.sequence, row.link), last or 0


def _record_damage(session: Session, file: JournalFile, damage: str, clock: Clock) -> None:
    details: Mapping[str, Detail] = {
        "lane": file.lane or file.path.name,
        "damage": damage,
        "entries": len(file.entries),
    }
    record(session, Receipt(clock.now(), "", None, CHAIN_DAMAGE, None, "Noted", details=details))
