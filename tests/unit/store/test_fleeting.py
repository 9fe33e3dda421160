"""Nonces and last uses: once among processes, on both databases, and what a start of the machine changes."""

import os
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from gateway.store.engine import Store
from gateway.store.fleeting import KeyUse, LastUse, Nonce
from gateway.store.fleeting_postgres import PostgresFleeting
from gateway.store.fleeting_sqlite import SqliteFleeting
from tests.databases import PostgresServer, opened
from tests.fake_clock import NOON

USE = KeyUse("LTAIone", "Sts")
CLAIMING_PROCESS = """
import sys
from datetime import UTC, datetime
from gateway.store.engine import Store
from gateway.store.fleeting import KeyUse, Nonce

fleeting = Store(sys.argv[1]).fleeting
NOW, END = datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)
assert fleeting.claim_nonce(Nonce("warm" + sys.argv[2], NOW, END), None, NOW)
print("ready", flush=True)
sys.stdin.readline()
wins = sum(fleeting.claim_nonce(Nonce(str(n), NOW, END), KeyUse("LTAIone", "Sts"), NOW) for n in range(300))
print(wins, flush=True)
"""


def nonce(key: str = "n", *, signed_at: datetime = NOON, lasts: int = 1800) -> Nonce:
    return Nonce(key, signed_at, signed_at + timedelta(seconds=lasts))


def rows(store: Store) -> int:
    fleeting = store.fleeting
    if isinstance(fleeting, PostgresFleeting):
        with fleeting.engine.connect() as connection:
            return connection.scalar(text("SELECT count(*) FROM nonces")) or 0
    assert isinstance(fleeting, SqliteFleeting)
    return int(fleeting._open().execute("SELECT count(*) FROM nonces").fetchone()[0])


def test_claim_nonce__second_time__refused(store: Store) -> None:
    assert store.fleeting.claim_nonce(nonce(), None, NOON)
    assert not store.fleeting.claim_nonce(nonce(), USE, NOON)
    assert not store.fleeting.claim_nonce(nonce(signed_at=NOON + timedelta(minutes=5)), None, NOON)
    assert store.fleeting.claim_nonce(nonce("other"), None, NOON)


@pytest.mark.parametrize("key", ["", "\0", "a\nb", "\ud800", "x" * 300_000, "Straße"], ids=lambda key: ascii(key[:9]))
def test_claim_nonce__any_text__is_a_key(store: Store, key: str) -> None:
    assert store.fleeting.claim_nonce(nonce(key), None, NOON)
    assert not store.fleeting.claim_nonce(nonce(key), None, NOON)


def test_claim_nonce__many_processes__exactly_one_wins(database_url: str) -> None:
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", CLAIMING_PROCESS, database_url, str(number)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(3)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    assert sum(int(process.communicate(timeout=60)[0]) for process in processes) == 300


def test_claim_nonce__after_a_fork__both_sides_share_the_claims(store: Store) -> None:
    assert store.fleeting.claim_nonce(nonce("before"), None, NOON)
    child = os.fork()
    if child == 0:
        fresh = store.fleeting.claim_nonce(nonce("in the child"), None, NOON)
        known = store.fleeting.claim_nonce(nonce("before"), None, NOON)
        os._exit(0 if fresh and not known else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert not store.fleeting.claim_nonce(nonce("in the child"), None, NOON)


def test_claim_nonce__expired_ones__are_swept_in_passing(store: Store) -> None:
    for number in range(100):
        assert store.fleeting.claim_nonce(nonce(str(number), lasts=60), None, NOON)
    later = NOON + timedelta(seconds=61)
    for number in range(200):
        assert store.fleeting.claim_nonce(nonce(f"later {number}", signed_at=later), None, later)
    assert rows(store) == 200


def test_last_use_of__used__newest_instant_and_product(store: Store) -> None:
    fleeting = store.fleeting
    assert fleeting.last_use_of("LTAIone") is None
    fleeting.claim_nonce(nonce("1"), USE, NOON)
    fleeting.claim_nonce(nonce("2"), KeyUse("LTAIone", "Ram"), NOON + timedelta(seconds=5, milliseconds=700))
    fleeting.claim_nonce(nonce("3"), KeyUse("LTAItwo", "Ims"), NOON)
    fleeting.claim_nonce(nonce("4"), USE, NOON)  # a process whose clock is behind
    fleeting.claim_nonce(nonce("2"), KeyUse("LTAItwo", "Sts"), NOON + timedelta(hours=1))  # refused: no use
    newest = LastUse(NOON + timedelta(seconds=5), "Ram")
    assert fleeting.last_use_of("LTAIone") == newest
    uses = fleeting.last_uses_of([f"LTAI{number}" for number in range(1200)] + ["LTAIone", "LTAItwo"])
    assert uses == {"LTAIone": newest, "LTAItwo": LastUse(NOON, "Ims")}
    assert fleeting.last_uses_of([]) == {}


def test_claim_nonce__machine_started_anew__what_was_signed_before_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "fleeting"
    first = SqliteFleeting(path, boot_id="one")
    assert first.claim_nonce(nonce("1"), USE, NOON)
    first.close()
    restart = NOON + timedelta(seconds=30)
    second = SqliteFleeting(path, boot_id="two")
    assert second.last_use_of("LTAIone") == LastUse(NOON, "Sts")
    assert not second.claim_nonce(nonce("2"), None, restart), "signed before the machine was started"
    assert not second.claim_nonce(nonce("2", signed_at=restart), None, restart)
    assert second.claim_nonce(nonce("2", signed_at=restart + timedelta(seconds=1)), None, restart)
    assert not second.claim_nonce(nonce("1", signed_at=restart + timedelta(seconds=1)), None, restart), "it was kept"
    second.close()
    third = SqliteFleeting(path, boot_id="two")
    assert not third.claim_nonce(nonce("3"), None, restart + timedelta(hours=1)), "another process knows it too"
    third.close()


def test_claim_nonce__start_of_the_machine_unknown__waits_for_the_disk(tmp_path: Path) -> None:
    fleeting = SqliteFleeting(tmp_path / "fleeting", boot_id="")
    assert fleeting.claim_nonce(nonce(), None, NOON)
    assert fleeting._open().execute("PRAGMA synchronous").fetchone() == (2,)
    fleeting.close()


def test_sqlite_fleeting__file__is_for_the_owner_only(tmp_path: Path) -> None:
    fleeting = SqliteFleeting(tmp_path / "fleeting")
    fleeting.prepare()
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}
    fleeting.close()


def test_claim_nonce__server_started_anew__what_was_signed_before_is_refused(postgres_server: PostgresServer) -> None:
    with opened(postgres_server.migrated()) as store:
        fleeting = store.fleeting
        assert isinstance(fleeting, PostgresFleeting)
        assert fleeting.claim_nonce(nonce("1"), None, NOON)
        with fleeting.engine.connect() as connection:
            connection.execute(text("UPDATE server_starts SET started_at = started_at - 60"))
        fleeting.close()
        restart = NOON + timedelta(seconds=30)
        assert not fleeting.claim_nonce(nonce("2"), None, restart)
        assert fleeting.claim_nonce(nonce("2", signed_at=restart + timedelta(seconds=1)), None, restart)


def test_note_use__without_a_nonce__is_the_last_use(store: Store) -> None:
    store.fleeting.note_use(USE, NOON)
    store.fleeting.note_use(USE, NOON)
    store.fleeting.note_use(KeyUse("LTAIone", "Oss"), NOON + timedelta(seconds=5))
    store.fleeting.note_use(USE, NOON)  # a process whose clock is behind
    assert store.fleeting.last_use_of("LTAIone") == LastUse(NOON + timedelta(seconds=5), "Oss")
