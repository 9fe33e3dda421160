"""The brake on guessing passwords, among processes too."""

import subprocess
import sys
from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, select

from gateway.directory import login_attempts
from gateway.directory.login_attempts import (
    Attempt,
    LoginAttempts,
    check_not_blocked,
    clear_failures,
    count_failure,
    owner_attempt,
    user_attempt,
)
from gateway.errors import Reason, Throttled
from gateway.store.engine import Store
from tests.fake_clock import NOON, FakeClock
from tests.unit.directory.world import ACCOUNT, OTHER_ACCOUNT

KEY = owner_attempt("owner@example.com")

GUESSING_PROCESS = """
import sys
from datetime import UTC, datetime
from gateway.directory.login_attempts import count_failure, owner_attempt
from gateway.errors import Throttled
from gateway.store.engine import Store

store = Store(sys.argv[1])
with store.reading() as session:
    session.connection()
print("ready", flush=True)
sys.stdin.readline()
counted = 0
for _ in range(20):
    try:
        with store.transaction() as session:
            count_failure(session, owner_attempt("owner@example.com"), datetime(2026, 1, 1, tzinfo=UTC))
    except Throttled:
        continue
    counted += 1
print(counted, flush=True)
"""


def fail(store: Store, now: datetime, times: int = 1, key: Attempt = KEY) -> None:
    for _ in range(times):
        with store.transaction() as session:
            count_failure(session, key, now)


def wait(store: Store, now: datetime, key: Attempt = KEY) -> int:
    """Seconds that an attempt must wait."""
    try:
        with store.reading() as session:
            check_not_blocked(session, key, now)
    except Throttled as refused:
        return refused.retry_after_s
    return 0


def rows(store: Store) -> int:
    with store.reading() as session:
        return session.scalar(select(func.count()).select_from(LoginAttempts)) or 0


def test_count_failure__in_a_row__waits_double_up_to_a_minute(store: Store, clock: FakeClock) -> None:
    waits = []
    for _ in range(14):
        fail(store, clock.now())
        waits.append(wait(store, clock.now()))
        clock.advance(waits[-1])
        assert wait(store, clock.now()) == 0
    assert waits == [0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 60, 60, 60, 60]


def test_check_not_blocked__part_of_the_wait_is_over__tells_the_rest_in_whole_seconds(store: Store) -> None:
    fail(store, NOON, times=5)
    fail(store, NOON + timedelta(seconds=1))
    assert wait(store, NOON + timedelta(seconds=1.5)) == 2
    assert wait(store, NOON + timedelta(seconds=2.999)) == 1
    assert wait(store, NOON + timedelta(seconds=3)) == 0


def test_count_failure__while_blocked__is_refused_and_changes_nothing(store: Store) -> None:
    fail(store, NOON, times=5)
    for _ in range(3):
        with pytest.raises(Throttled) as refused:
            fail(store, NOON + timedelta(seconds=0.5))
        assert refused.value.reason is Reason.LOGIN_THROTTLED
    assert wait(store, NOON + timedelta(seconds=1)) == 0
    fail(store, NOON + timedelta(seconds=1))
    assert wait(store, NOON + timedelta(seconds=1)) == 2


def test_clear_failures__after_some__begins_anew(store: Store) -> None:
    fail(store, NOON, times=5)
    later = NOON + timedelta(seconds=1)
    with store.transaction() as session:
        clear_failures(session, KEY, later)
    assert rows(store) == 0
    fail(store, later, times=4)
    assert wait(store, later) == 0


def test_clear_failures__nothing_counted__does_nothing(store: Store) -> None:
    with store.transaction() as session:
        clear_failures(session, KEY, NOON)
    assert rows(store) == 0


def test_clear_failures__while_blocked__is_refused_and_forgets_nothing(store: Store) -> None:
    fail(store, NOON, times=5)
    with pytest.raises(Throttled) as refused, store.transaction() as session:
        clear_failures(session, KEY, NOON)
    assert refused.value.reason is Reason.LOGIN_THROTTLED
    assert wait(store, NOON) == 1


def test_count_failure__long_after_the_last__begins_anew(store: Store) -> None:
    fail(store, NOON, times=5)
    later = NOON + timedelta(minutes=15)
    fail(store, later, times=4)
    assert wait(store, later) == 0
    fail(store, later)
    assert wait(store, later) == 1


def test_check_not_blocked__clock_was_set_back__is_never_longer_than_a_minute(store: Store) -> None:
    fail(store, NOON + timedelta(days=365), times=5)
    assert wait(store, NOON) == 0


def test_count_failure__other_names__are_counted_apart(store: Store) -> None:
    fail(store, NOON, times=5)
    others = [owner_attempt("other@example.com"), user_attempt(ACCOUNT, "alice"), user_attempt(OTHER_ACCOUNT, "alice")]
    for key in others:
        assert wait(store, NOON, key) == 0
    fail(store, NOON, times=5, key=others[1])
    assert [wait(store, NOON, key) for key in others] == [0, 1, 0]


@pytest.mark.parametrize("text", ["", "\0", "\ud800", "x" * 300_000, "a b"], ids=lambda text: ascii(text[:9]))
def test_count_failure__any_text__is_counted(store: Store, text: str) -> None:
    for key in (owner_attempt(text), user_attempt(ACCOUNT, text)):
        fail(store, NOON, times=5, key=key)
        assert wait(store, NOON, key) == 1


def test_attempt_keys__letter_case__makes_no_other_name() -> None:
    assert owner_attempt("OWNER@example.com") == KEY
    assert user_attempt(ACCOUNT, "Alice") == user_attempt(ACCOUNT, "alice")
    assert owner_attempt(f"{ACCOUNT}\0alice") != user_attempt(ACCOUNT, "alice")


def test_count_failure__expired_rows__are_swept_in_passing(store: Store) -> None:
    for number in range(20):
        fail(store, NOON, key=owner_attempt(str(number)))
    fail(store, NOON + timedelta(minutes=16))
    assert rows(store) == 1


def test_count_failure__flood_of_names__drops_the_oldest_and_stays_bounded(
    store: Store, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(login_attempts, "MOST_ROWS", 20)
    monkeypatch.setattr(login_attempts, "_EVICTED_AT_ONCE", 5)
    for number in range(60):
        fail(store, clock.now(), key=owner_attempt(str(number)))
        clock.advance(0.1)
        assert rows(store) <= 20
    fail(store, clock.now(), times=4, key=owner_attempt("59"))
    assert wait(store, clock.now(), owner_attempt("59")) == 1, "the newest are still there"


def test_count_failure__two_processes__count_together(database_url: str) -> None:
    command = [sys.executable, "-c", GUESSING_PROCESS, database_url]
    rivals = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    for rival in rivals:
        assert rival.stdout is not None
        assert rival.stdout.readline() == "ready\n"
    for rival in rivals:
        assert rival.stdin is not None
        rival.stdin.write("\n")
        rival.stdin.flush()
    counted = [int(rival.communicate(timeout=60)[0]) for rival in rivals]
    assert sum(counted) == 5
