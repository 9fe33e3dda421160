"""Receipts hang together: whatever happens to the transactions that write them, and on whatever database."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import text

from gateway.audit.findings import Flaw
from gateway.audit.keeping import keep_records
from gateway.audit.receipts import CHAIN_BEGINS, list_receipts, open_chain, record
from gateway.keyring import KeyRing, new_master_key
from gateway.store.engine import Store
from tests.databases import RECORDS_RING
from tests.fake_clock import NOON
from tests.receipt_world import ACCOUNT, RECEIPT, check, fill, run_sql, write_receipts

_WRITE = """
import sys
from pathlib import Path
from gateway.audit.keeping import keep_records
from gateway.store.engine import Store
from tests.databases import RECORDS_RING
from tests.receipt_world import write_receipts
store = Store(sys.argv[1])
keep_records(store, lambda: RECORDS_RING, Path(sys.argv[2]))
sys.stdin.readline()
for number in range(20):
    write_receipts(store, 1, first=int(sys.argv[3]) + number)
"""


def test_record__several__are_in_a_chain_that_is_sound(store: Store) -> None:
    fill(store)
    report = check(store)
    assert (report.sound, report.receipts, report.decisions) == (True, 5, 6)


def test_record__nothing_written_yet__is_sound(store: Store) -> None:
    assert check(store).sound


def test_record__transaction_rolled_back__leaves_the_lane_as_it_was(store: Store) -> None:
    def fail() -> None:
        with store.transaction() as session:
            record(session, RECEIPT)
            raise RuntimeError

    write_receipts(store, 2)
    with pytest.raises(RuntimeError):
        fail()
    write_receipts(store, 1, first=200)
    report = check(store)
    assert (report.sound, report.receipts) == (True, 3)


def test_record__savepoint_rolled_back__leaves_the_lane_as_it_was(store: Store) -> None:
    def fail() -> None:
        with session.begin_nested():
            record(session, RECEIPT)
            raise RuntimeError

    with store.transaction() as session:
        record(session, RECEIPT)
        with pytest.raises(RuntimeError):
            fail()
        record(session, RECEIPT)
    report = check(store)
    assert (report.sound, report.receipts) == (True, 2)


def test_record__several_in_one_commit__are_chained_within(store: Store) -> None:
    with ThreadPoolExecutor(8) as pool:
        for _ in pool.map(lambda _: store.commit_with_others(lambda direct: record(direct, RECEIPT)), range(40)):
            pass
    report = check(store)
    assert (report.sound, report.receipts) == (True, 40)


def test_record__many_threads__do_not_break_or_wait_for_each_other(store: Store) -> None:
    with ThreadPoolExecutor(8) as pool:
        for _ in pool.map(lambda number: write_receipts(store, 3, first=number * 10), range(16)):
            pass
    report = check(store)
    assert (report.sound, report.receipts) == (True, 48)


def test_record__two_transactions_open_at_once__need_not_wait_on_postgresql(store: Store) -> None:
    write_receipts(store, 1)
    if store.engine.dialect.name == "sqlite":
        with store.transaction() as session:  # one writer: there is one lane
            record(session, RECEIPT)
        assert [lane.lane for lane in check(store).lanes] == ["00"]
        return
    with store.transaction() as first, store.transaction() as second:
        record(first, RECEIPT)
        record(second, RECEIPT)
        record(first, RECEIPT)
    report = check(store)
    assert (report.sound, report.receipts) == (True, 4)
    assert [lane.entries for lane in report.lanes if lane.entries] == [4, 1]  # with the one that begins the chain


def test_record__two_processes__write_one_sound_chain(store: Store, tmp_path_factory: pytest.TempPathFactory) -> None:
    url = store.engine.url.render_as_string(hide_password=False)
    folder = str(tmp_path_factory.mktemp("var"))
    writers = [
        subprocess.Popen([sys.executable, "-c", _WRITE, url, folder, first], stdin=subprocess.PIPE, text=True)
        for first in ("1000", "2000")
    ]
    for writer in writers:
        writer.communicate("\n", timeout=60)
    assert [writer.returncode for writer in writers] == [0, 0]
    report = check(store)
    assert (report.sound, report.receipts) == (True, 40)


def test_record__nobody_signs__writes_nothing(store: Store) -> None:
    store.stamps.notary = None
    with pytest.raises(LookupError):
        write_receipts(store, 1)
    with store.reading() as session:
        assert list_receipts(session, of_chain=True) == []


def test_open_chain__receipts_from_before__are_sealed_by_the_first_entry(store: Store) -> None:
    _write_old(store)
    open_chain(store, store.stamps.notary, NOON)
    with store.reading() as session:
        (begins,) = [each for each in list_receipts(session, of_chain=True) if each.kind == CHAIN_BEGINS]
    assert begins.details["old_rows"] == 2
    report = check(store)
    assert (report.sound, report.old_rows) == (True, 2)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE receipts SET outcome = 'Denied' WHERE lane IS NULL AND request_id = 'R-1'",
        "DELETE FROM receipts WHERE lane IS NULL AND request_id = 'R-2'",
        "UPDATE receipts SET details = '[]' WHERE lane IS NULL AND request_id = 'R-2'",
    ],
)
def test_verify__receipt_from_before_changed__is_found(store: Store, change: str) -> None:
    _write_old(store)
    open_chain(store, store.stamps.notary, NOON)
    run_sql(store, change)
    assert [each.flaw for each in check(store).breaks] == [Flaw.OLD_ROWS]


def test_keep_keys__key_left_the_ring__its_receipts_are_proven_by_the_one_that_vouched(store: Store) -> None:
    write_receipts(store, 3)
    newer = KeyRing((new_master_key(), *RECORDS_RING.keys))
    open_chain(store, keep_records(store, lambda: newer, _folder(store)), NOON)
    write_receipts(store, 2, first=200)
    newest_only = KeyRing(newer.keys[:1])
    keep_records(store, lambda: newest_only, _folder(store))
    report = check(store)
    assert (report.sound, report.receipts) == (True, 5)


def test_verify__key_that_nobody_vouches_for__is_unknown(store: Store) -> None:
    write_receipts(store, 3)
    stranger = KeyRing((new_master_key(),))
    keep_records(store, lambda: stranger, _folder(store))
    breaks = check(store).breaks
    assert (breaks[0].lane, breaks[0].sequence, breaks[0].flaw) == ("00", 1, Flaw.KEY)


def test_list_receipts__without_keys__shows_nothing_of_persons(store: Store) -> None:
    write_receipts(store, 1)
    with store.reading() as session:
        stored = session.execute(text("SELECT details, personal FROM receipts WHERE account_id IS NOT NULL")).one()
    assert "203.0.113.9" not in str(stored)
    store.stamps.notary = None
    with store.reading() as session:
        (receipt,) = list_receipts(session, account_id=ACCOUNT)
    assert receipt.details == {"targets": ["acs:ram::1:user/bob"], "session_id": "S-1"}


def test_list_receipts__personal_part_of_another_row__is_not_shown(store: Store) -> None:
    write_receipts(store, 2)
    run_sql(
        store,
        "UPDATE receipts SET personal = (SELECT personal FROM receipts WHERE request_id = :one) WHERE request_id = :two",
        one=RECEIPT.request_id[:-3] + "100",
        two=RECEIPT.request_id[:-3] + "101",
    )
    with store.reading() as session:
        second, first = list_receipts(session, account_id=ACCOUNT)
    assert "client" in first.details
    assert "client" not in second.details
    assert check(store).breaks[0].flaw is Flaw.ALTERED


def _write_old(store: Store) -> None:
    """As they were before there was a chain."""
    insert = (
        "INSERT INTO receipts (at, request_id, account_id, kind, principal_arn, outcome, reason, details)"
        " VALUES (:at, :request, :account, 'CreateUser', NULL, 'Allow', NULL, '{}')"
    )
    at = NOON if store.engine.dialect.name == "postgresql" else NOON.strftime("%Y-%m-%d %H:%M:%S.%f")
    for name in ("R-1", "R-2"):
        run_sql(store, insert, at=at, request=name, account=ACCOUNT)


def _folder(store: Store) -> Path:
    return Path(store.stamps.journal.directory).parent
