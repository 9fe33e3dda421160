"""A check names the first break exactly, and lets nothing pass that was not written by us."""

from datetime import timedelta

import pytest

from gateway.audit.export import export_chains, verify_lines
from gateway.audit.findings import Flaw, Report
from gateway.audit.notary import notary_of
from gateway.audit.packing import pack
from gateway.audit.retention import note_heads, prune_decisions
from gateway.audit.stored import our_keys, verify_database
from gateway.store.engine import Store
from tests.fake_clock import NOON, FakeClock
from tests.receipt_world import ACCOUNT, OTHER, check, fill, run_sql, write_decisions, write_receipts


def first(report: Report) -> tuple[int, Flaw]:
    return report.breaks[0].sequence, report.breaks[0].flaw


CHANGES = [
    ("UPDATE receipts SET outcome = 'Denied' WHERE sequence = 3", (3, Flaw.ALTERED)),
    ("UPDATE receipts SET principal_arn = NULL WHERE sequence = 3", (3, Flaw.ALTERED)),
    ("UPDATE receipts SET id = id + 1000 WHERE sequence = 3", (3, Flaw.ALTERED)),
    ("UPDATE receipts SET personal = NULL WHERE sequence = 4", (4, Flaw.ALTERED)),
    ("DELETE FROM receipts WHERE sequence = 4", (4, Flaw.MISSING)),
    ("DELETE FROM receipts WHERE sequence IN (2, 3)", (2, Flaw.MISSING)),
    ("DELETE FROM receipts WHERE sequence > 4", (5, Flaw.TAIL)),
    ("DELETE FROM receipts WHERE sequence = 1", (1, Flaw.MISSING)),
    ("DELETE FROM receipts WHERE lane IS NOT NULL", (1, Flaw.TAIL)),
    ("UPDATE receipts SET signature = hash WHERE sequence = 3", (3, Flaw.SIGNATURE)),
    ("UPDATE receipts SET signature = hash WHERE sequence = 6", (6, Flaw.SIGNATURE)),
    ("UPDATE receipts SET signature = hash WHERE sequence = 7", (7, Flaw.SIGNATURE)),
    ("UPDATE receipts SET hash = previous WHERE sequence = 3", (3, Flaw.ALTERED)),
    ("UPDATE receipts SET lane = NULL WHERE sequence = 3", (1, Flaw.OLD_ROWS)),
    ("UPDATE receipts SET key_id = 'ffffffff' WHERE sequence = 3", (3, Flaw.ALTERED)),
    ("UPDATE chain_heads SET sequence = 4 WHERE lane = '00'", (4, Flaw.HEAD)),
    ("UPDATE chain_heads SET key_id = 'ffffffff' WHERE lane = '00'", (7, Flaw.HEAD)),
    ("DELETE FROM chain_heads WHERE lane = '00'", (0, Flaw.LANE)),
]


@pytest.mark.parametrize(("change", "expected"), CHANGES)
def test_verify__receipts_changed_by_somebody_without_keys__names_the_place(
    store: Store, change: str, expected: tuple[int, Flaw]
) -> None:
    fill(store)
    run_sql(store, change)
    report = check(store)
    assert report.breaks[0].lane == "00"
    assert first(report) == expected


DECISION_CHANGES = [
    ("UPDATE decision_batches SET records = records + 1 WHERE sequence = 2", (2, Flaw.ALTERED)),
    ("UPDATE decision_batches SET account_id = '1' WHERE sequence = 1", (1, Flaw.ALTERED)),
    ("UPDATE decision_batches SET payload = previous WHERE sequence = 2", (2, Flaw.ALTERED)),
    ("DELETE FROM decision_batches WHERE sequence = 1", (1, Flaw.MISSING)),
    ("DELETE FROM decision_batches WHERE sequence = 2", (2, Flaw.TAIL)),
    ("DELETE FROM decision_batches", (1, Flaw.TAIL)),
    ("UPDATE decision_batches SET signature = hash WHERE sequence = 2", (2, Flaw.SIGNATURE)),
]


@pytest.mark.parametrize(("change", "expected"), DECISION_CHANGES)
def test_verify__decisions_changed_by_somebody_without_keys__names_the_place(
    store: Store, change: str, expected: tuple[int, Flaw]
) -> None:
    fill(store)
    run_sql(store, change)
    report = check(store)
    assert report.breaks[0].lane.startswith("d-")
    assert first(report) == expected


def test_verify__whole_lane_of_decisions_taken_away__is_missed(store: Store) -> None:
    fill(store)
    run_sql(store, "DELETE FROM decision_batches")
    run_sql(store, "DELETE FROM chain_heads WHERE lane LIKE 'd-%'")
    assert first(check(store)) == (0, Flaw.LANE)


def test_verify__all_signatures_forged_after_an_entry__names_that_entry(store: Store) -> None:
    write_receipts(store, 30)
    run_sql(store, "UPDATE receipts SET signature = hash WHERE sequence >= 12")
    assert first(check(store)) == (12, Flaw.SIGNATURE)


def test_verify__database_turned_back_as_a_whole__is_found_by_heads_kept_elsewhere(store: Store) -> None:
    write_receipts(store, 3)
    with store.reading() as session:
        earlier = verify_database(session, notary_of(session))
        split = {lane: head.split(":") for lane, head in earlier.heads().items()}
        noted = {lane: (int(sequence), bytes.fromhex(link)) for lane, (sequence, link) in split.items()}
        assert verify_database(session, notary_of(session), noted=noted).sound
        further = noted | {"00": (noted["00"][0] + 1, bytes(32))}
        assert first(verify_database(session, notary_of(session), noted=further)) == (5, Flaw.TAIL)
        other = noted | {"00": (noted["00"][0], bytes(32))}
        assert first(verify_database(session, notary_of(session), noted=other)) == (4, Flaw.TAIL)


def test_verify__since__checks_what_is_young_enough(store: Store) -> None:
    write_receipts(store, 10)  # one a second
    run_sql(store, "UPDATE receipts SET outcome = 'Denied' WHERE sequence = 3")
    with store.reading() as session:
        young = verify_database(session, notary_of(session), since=NOON + timedelta(seconds=105))
        old = verify_database(session, notary_of(session), since=NOON + timedelta(seconds=100))
    assert (young.sound, young.receipts) == (True, 5)
    assert first(old) == (3, Flaw.ALTERED)


def test_prune__old_decisions__the_rest_is_proven_and_the_receipt_says_so(store: Store) -> None:
    clock = FakeClock()
    fill(store)
    late = NOON + timedelta(days=29)
    write_decisions(store, 2, first=3000, at=late)
    clock.advance(29 * 24 * 3600)
    pack(store, clock)
    clock.advance(2 * 24 * 3600)
    assert prune_decisions(store, clock) == 2
    report = check(store)
    assert (report.sound, report.decisions) == (True, 2)
    assert any("pruned" in note for note in report.notes)
    assert prune_decisions(store, clock) == 0


def test_note_heads__checkpoint__is_part_of_the_chain(store: Store) -> None:
    fill(store)
    note_heads(store, FakeClock())
    assert check(store).sound


def test_export__whole__is_proven_by_public_keys_alone(store: Store) -> None:
    fill(store)
    lines, keys = exported(store)
    report = verify_lines(lines, keys)
    assert (report.sound, report.receipts, report.decisions) == (True, 5, 6)


def test_export__of_one_account__shows_nothing_of_others_and_is_proven(store: Store) -> None:
    write_receipts(store, 2)
    write_receipts(store, 2, account_id=OTHER, first=300)
    lines, keys = exported(store, ACCOUNT)
    assert OTHER.encode() not in b"".join(lines)
    assert ACCOUNT.encode() in b"".join(lines)
    assert verify_lines(lines, keys).sound


def test_export__any_line_missing_or_moved__is_found(store: Store) -> None:
    fill(store)
    lines, keys = exported(store)
    for place in range(len(lines)):
        assert not verify_lines(lines[:place] + lines[place + 1 :], keys).sound
        assert not verify_lines([*lines[:place], lines[place], *lines[place:]], keys).sound
    for place in range(len(lines) - 1):
        swapped = [*lines[:place], lines[place + 1], lines[place], *lines[place + 2 :]]
        assert not verify_lines(swapped, keys).sound


NO_LINES = [b"", b"{", b"[]", b"null", b"\xff", b'{"is":"receipt"}', b'{"is":"nothing"}', b'{"is":[]}']


@pytest.mark.parametrize("line", NO_LINES)
def test_export__line_that_is_none__is_a_break_and_no_fault(store: Store, line: bytes) -> None:
    fill(store)
    lines, keys = exported(store)
    assert verify_lines([lines[0], line, *lines[1:]], keys).breaks[0].flaw is Flaw.FORM


def test_export__signed_with_somebody_elses_key__is_found(store: Store) -> None:
    fill(store)
    lines, keys = exported(store)
    strangers = dict.fromkeys(keys, bytes(32))
    assert not verify_lines(lines, strangers).sound
    assert not verify_lines(lines, {}).sound


def exported(store: Store, account_id: str | None = None) -> tuple[list[bytes], dict[str, bytes]]:
    with store.reading() as session:
        notary = notary_of(session)
        lines = [line.encode() + b"\n" for line in export_chains(session, notary, account_id)]
        return lines, dict(our_keys(session, notary))
