"""One-time claims, among processes too."""

import subprocess
import sys
from datetime import timedelta

import pytest

from gateway.store.claims import claim_once, sweep_claims
from gateway.store.engine import Store
from tests.fake_clock import NOON

CLAIMING_PROCESS = """
import sys
from datetime import UTC, datetime
from gateway.store.claims import claim_once
from gateway.store.engine import Store

store = Store(sys.argv[1])
with store.reading() as session:
    session.connection()
print("ready", flush=True)
sys.stdin.readline()
NOW, END = datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)
wins = 0
for number in range(50):
    with store.transaction() as session:
        wins += claim_once(session, "race", str(number), END, now=NOW)
print(wins, flush=True)
"""


def test_claim_once__second_time__refused(store: Store) -> None:
    with store.transaction() as session:
        assert claim_once(session, "kind", "key", NOON, now=NOON)
        assert not claim_once(session, "kind", "key", NOON, now=NOON)
    with store.transaction() as session:
        assert not claim_once(session, "kind", "key", NOON + timedelta(days=1), now=NOON)
        assert claim_once(session, "kind", "another key", NOON, now=NOON), "the session stays usable"
        assert claim_once(session, "another kind", "key", NOON, now=NOON)


def test_claim_once__transaction_rolled_back__is_given_back(store: Store) -> None:
    def fail() -> None:
        with store.transaction() as session:
            assert claim_once(session, "kind", "key", NOON, now=NOON)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    with store.transaction() as session:
        assert claim_once(session, "kind", "key", NOON, now=NOON)


@pytest.mark.parametrize("key", ["", "\0", "a\0b", "\ud800", "x" * 300_000, "Straße"], ids=lambda key: ascii(key[:9]))
def test_claim_once__any_text__is_a_key(store: Store, key: str) -> None:
    with store.transaction() as session:
        assert claim_once(session, "kind", key, NOON, now=NOON)
        assert not claim_once(session, "kind", key, NOON, now=NOON)


def test_claim_once__two_processes__each_key_is_won_once(database_url: str) -> None:
    command = [sys.executable, "-c", CLAIMING_PROCESS, database_url]
    rivals = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    for rival in rivals:
        assert rival.stdout is not None
        assert rival.stdout.readline() == "ready\n"
    for rival in rivals:
        assert rival.stdin is not None
        rival.stdin.write("\n")
        rival.stdin.flush()
    wins = [int(rival.communicate(timeout=60)[0]) for rival in rivals]
    assert sum(wins) == 50


def test_sweep_claims__expired_ones__are_deleted_and_counted(store: Store) -> None:
    with store.transaction() as session:
        claim_once(session, "kind", "past", NOON - timedelta(seconds=1), now=NOON)
        claim_once(session, "kind", "now", NOON, now=NOON)
        claim_once(session, "kind", "future", NOON + timedelta(seconds=1), now=NOON)
        assert sweep_claims(session, NOON) == 1
        assert claim_once(session, "kind", "past", NOON, now=NOON)
        assert not claim_once(session, "kind", "now", NOON, now=NOON)


def test_claim_once__many_expired__are_swept_in_passing(store: Store) -> None:
    later = NOON + timedelta(hours=1)
    with store.transaction() as session:
        for number in range(100):
            claim_once(session, "kind", f"old {number}", NOON, now=NOON)
        for number in range(100):
            claim_once(session, "kind", f"new {number}", later + timedelta(hours=1), now=later)
        assert sweep_claims(session, later) == 0, "nothing is left to sweep"
        assert claim_once(session, "kind", "old 1", later, now=later)
        assert not claim_once(session, "kind", "new 1", later, now=later)


def test_sweep_claims__same_key_of_another_kind__is_spared(store: Store) -> None:
    with store.transaction() as session:
        claim_once(session, "short", "key", NOON - timedelta(seconds=1), now=NOON)
        claim_once(session, "long", "key", NOON + timedelta(hours=1), now=NOON)
        assert sweep_claims(session, NOON) == 1
        assert not claim_once(session, "long", "key", NOON, now=NOON)
