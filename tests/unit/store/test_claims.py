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
wins = 0
for number in range(50):
    with store.transaction() as session:
        wins += claim_once(session, "race", str(number), datetime(2027, 1, 1, tzinfo=UTC))
print(wins, flush=True)
"""


def test_claim_once__second_time__refused(store: Store) -> None:
    with store.transaction() as session:
        assert claim_once(session, "kind", "key", NOON)
        assert not claim_once(session, "kind", "key", NOON)
    with store.transaction() as session:
        assert not claim_once(session, "kind", "key", NOON + timedelta(days=1))
        assert claim_once(session, "kind", "another key", NOON), "the session stays usable"
        assert claim_once(session, "another kind", "key", NOON)


def test_claim_once__transaction_rolled_back__is_given_back(store: Store) -> None:
    def fail() -> None:
        with store.transaction() as session:
            assert claim_once(session, "kind", "key", NOON)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    with store.transaction() as session:
        assert claim_once(session, "kind", "key", NOON)


@pytest.mark.parametrize("key", ["", "\0", "a\0b", "\ud800", "x" * 300_000, "Straße"], ids=lambda key: ascii(key[:9]))
def test_claim_once__any_text__is_a_key(store: Store, key: str) -> None:
    with store.transaction() as session:
        assert claim_once(session, "kind", key, NOON)
        assert not claim_once(session, "kind", key, NOON)


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
        claim_once(session, "kind", "past", NOON - timedelta(seconds=1))
        claim_once(session, "kind", "now", NOON)
        claim_once(session, "kind", "future", NOON + timedelta(seconds=1))
        assert sweep_claims(session, NOON) == 1
        assert claim_once(session, "kind", "past", NOON)
        assert not claim_once(session, "kind", "now", NOON)
