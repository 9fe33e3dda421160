"""Decisions survive the process that made them, and nobody can change them on their way."""

import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.audit.batches import find_decisions, iterate_decisions, read_decisions
from gateway.audit.decisions import DecisionRecord, record_decision
from gateway.audit.journal import waiting_files
from gateway.audit.packing import pack
from gateway.audit.receipts import CHAIN_DAMAGE, list_receipts
from gateway.audit.why import find_out
from gateway.store.engine import Store
from tests.fake_clock import NOON, FakeClock
from tests.receipt_world import ACCOUNT, DECISION, OTHER, check, write_decisions

_KILLED = """
import os, signal, sys
from pathlib import Path
from gateway.audit.keeping import keep_records
from gateway.store.engine import Store
from tests.databases import RECORDS_RING
from tests.receipt_world import write_decisions
store = Store(sys.argv[1])
keep_records(store, lambda: RECORDS_RING, Path(sys.argv[2]))
for number in range(1000):
    write_decisions(store, 1, first=number)
    os.write(1, b"%d\\n" % number)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_record_decision__packed__reads_back_as_it_was(store: Store) -> None:
    made = write_decisions(store, 30)
    assert pack(store, FakeClock()) == 30
    with store.reading() as session:
        assert list(read_decisions(session, ACCOUNT).records) == made
        assert list(find_decisions(session, made[7].request_id)) == [made[7]]
        assert list(read_decisions(session, OTHER).records) == []
    assert check(store).sound


def test_record_decision__every_kind_of_value__reads_back_as_it_was(store: Store) -> None:
    odd = replace(
        DECISION,
        session_policy='{"Version":"1"}',
        context={"oidc:claim/größe": ("a\0b", "\ud800", "x" * 5000), "acs:SourceIp": ()},
        statement=None,
        nearest=DECISION.statement,
        outcome="ImplicitDeny",
        reason="AccessDenied",
    )
    record_decision(store, odd)
    pack(store, FakeClock())
    with store.reading() as session:
        assert list(read_decisions(session, ACCOUNT).records) == [odd]


def test_read_decisions__equal_contexts__are_one_object(store: Store) -> None:
    write_decisions(store, 2)
    pack(store, FakeClock())
    with store.reading() as session:
        one, two = read_decisions(session, ACCOUNT).records
    assert one.context is two.context


def test_read_decisions__since_until_and_pages__give_each_once(store: Store) -> None:
    made = []
    for first in (1000, 2000, 3000):
        made += write_decisions(store, 10, first=first)
        pack(store, FakeClock())
    with store.reading() as session:
        some = read_decisions(session, ACCOUNT, since=made[5].at, until=made[25].at)
        assert list(some.records) == made[5:25]
        found: list[DecisionRecord] = []
        after = None
        while True:
            page = read_decisions(session, ACCOUNT, after=after, limit=10)
            found += page.records
            after = page.after
            if after is None:
                break
        assert found == made
        assert sum(len(records) for _, records in iterate_decisions(session, ACCOUNT)) == 30


def test_record_decision__not_packed_yet__is_found_by_its_request(store: Store) -> None:
    made = write_decisions(store, 3)
    with store.reading() as session:
        found = find_out(session, made[1].request_id.lower())
    assert list(found.decisions) == [made[1]]


def test_record_decision__process_killed__loses_none_that_was_written(store: Store) -> None:
    url = store.engine.url.render_as_string(hide_password=False)
    var_dir = Path(store.stamps.journal.directory).parent
    command = [sys.executable, "-c", _KILLED, url, str(var_dir)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        output, _ = process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL
    assert len(output.split()) == 1000
    assert pack(store, FakeClock()) == 1000
    assert (check(store).sound, check(store).decisions) == (True, 1000)


def test_pack__living_process__keeps_its_file(store: Store) -> None:
    url = store.engine.url.render_as_string(hide_password=False)
    var_dir = Path(store.stamps.journal.directory).parent
    program = _KILLED.replace("range(1000)", "range(5)").replace(
        "os.kill(os.getpid(), signal.SIGKILL)", "sys.stdin.readline()"
    )
    command = [sys.executable, "-c", program, url, str(var_dir)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        for _ in range(5):
            process.stdout.readline()
        assert pack(store, FakeClock()) == 0
        process.communicate(b"\n", timeout=60)
    assert pack(store, FakeClock()) == 5


def test_pack__killed_between_the_database_and_the_file__packs_nothing_twice(store: Store) -> None:
    write_decisions(store, 3)
    store.stamps.journal.rotate()
    (path,) = waiting_files(store.stamps.journal.directory)
    copy = path.read_bytes()
    assert pack(store, FakeClock()) == 3
    path.write_bytes(copy)
    assert pack(store, FakeClock()) == 0
    assert (check(store).sound, check(store).decisions) == (True, 3)
    assert not path.exists()


def test_pack__last_entry_not_whole__keeps_the_others(store: Store) -> None:
    path = _written(store, 3)
    path.write_bytes(path.read_bytes()[:-5])
    assert pack(store, FakeClock()) == 2
    assert check(store).sound


@pytest.mark.parametrize("place", [100, 300, 600])
def test_pack__byte_changed__keeps_what_is_before_it_and_says_so(store: Store, place: int) -> None:
    path = _written(store, 3)
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(data)
    packed = pack(store, FakeClock())
    assert packed < 3
    assert path.with_suffix(".damaged").exists()
    with store.reading() as session:
        assert [each.kind for each in list_receipts(session, of_chain=True)].count(CHAIN_DAMAGE) == 1
    assert not check(store).sound


def test_pack__entry_taken_out__is_noticed(store: Store) -> None:
    path = _written(store, 3)
    data = path.read_bytes()
    header = data.index(b"\n") + 1
    length = 4 + int.from_bytes(data[header : header + 4], "big")
    path.write_bytes(data[:header] + data[header + length :])
    assert pack(store, FakeClock()) == 0
    assert not check(store).sound


def test_pack__whole_file_taken_away__is_noticed_with_the_next(store: Store) -> None:
    _written(store, 3).unlink()
    write_decisions(store, 2, first=2000)
    assert pack(store, FakeClock()) == 2
    assert not check(store).sound


def test_journal__after_a_fork__writes_a_lane_of_its_own(store: Store) -> None:
    write_decisions(store, 1)
    child = os.fork()
    if child == 0:
        try:
            write_decisions(store, 1, first=2000)
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    write_decisions(store, 1, first=3000)
    assert pack(store, FakeClock()) == 3
    report = check(store)
    assert report.sound
    assert len([lane for lane in report.lanes if lane.lane.startswith("d-")]) == 2


def test_record_decision__folder_can_not_be_written__is_an_error(store: Store, blocked: Path) -> None:
    assert blocked.is_file()
    with pytest.raises(FileExistsError):
        record_decision(store, DECISION)


def test_record_decision__disk_full_in_the_middle_of_several__leaves_none_of_them(store: Store) -> None:
    write_decisions(store, 1)
    (path,) = waiting_files(store.stamps.journal.directory)
    before = path.read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 500, hard))  # room for one of them, and a part of another
    try:
        with pytest.raises(OSError, match="can't be written"):
            record_decision(store, *(replace(DECISION, request_id=f"R{number}") for number in range(3)))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert path.read_bytes() == before
    several = [replace(DECISION, request_id=f"R{number}") for number in range(3)]
    record_decision(store, *several)
    assert pack(store, FakeClock()) == 4
    with store.reading() as session:
        assert list(read_decisions(session, ACCOUNT).records)[1:] == several
    assert check(store).sound


def test_journal__on_the_disk__shows_nothing_of_persons(store: Store) -> None:
    write_decisions(store, 3, at=NOON + timedelta(days=1))
    (path,) = waiting_files(store.stamps.journal.directory)
    data = path.read_bytes()
    assert b"203.0.113.9" not in data
    assert b"alice" not in data
    assert path.stat().st_mode & 0o077 == 0


@pytest.fixture
def blocked(store: Store) -> Iterator[Path]:
    """A file where the journal's folder should be."""
    folder = Path(store.stamps.journal.directory)
    folder.write_text("")
    yield folder
    folder.unlink()


def _written(store: Store, count: int) -> Path:
    write_decisions(store, count)
    store.stamps.journal.rotate()
    (path,) = waiting_files(store.stamps.journal.directory)
    return path
