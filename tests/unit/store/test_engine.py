"""The store itself, on both databases."""

import os
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from threading import Thread

import pytest
from sqlalchemy import bindparam, func, select, text
from sqlalchemy.exc import DBAPIError

from gateway.errors import ConfigError, Reason
from gateway.store.claims import OneTimeClaim, claim_once
from gateway.store.direct import Statement
from gateway.store.engine import Store
from tests.fake_clock import NOON


def claims_in(store: Store) -> int:
    with store.reading() as session:
        return session.scalars(select(func.count()).select_from(OneTimeClaim)).one()


def test_transaction__block_ends__is_committed(store: Store) -> None:
    with store.transaction() as session:
        claim_once(session, "kind", "key", NOON, now=NOON)
    assert claims_in(store) == 1


def test_transaction__exception__is_rolled_back(store: Store) -> None:
    def fail() -> None:
        with store.transaction() as session:
            claim_once(session, "kind", "key", NOON, now=NOON)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert claims_in(store) == 0


def test_reading__write_in_it__refused_by_the_database(store: Store) -> None:
    with pytest.raises(DBAPIError), store.reading() as session:
        claim_once(session, "kind", "key", NOON, now=NOON)
    assert claims_in(store) == 0


def test_transaction__after_a_reading_on_the_same_connection__may_write(store: Store) -> None:
    assert claims_in(store) == 0
    with store.transaction() as session:
        claim_once(session, "kind", "key", NOON, now=NOON)
    assert claims_in(store) == 1


def test_transaction__database_refuses__the_error_does_not_repeat_what_was_written(store: Store) -> None:
    """Errors go to the log with their text: hashes, sealed seeds and codes do not."""
    with pytest.raises(DBAPIError) as caught, store.transaction() as session:
        session.execute(text("INSERT INTO no_such_table VALUES (:secret)"), {"secret": "hush-hush"})
    assert "hush-hush" not in str(caught.value)


def test_utc_date_time__other_zone__comes_back_as_the_same_instant_in_utc(store: Store) -> None:
    instant = datetime(2026, 3, 4, 20, 0, 0, 123456, tzinfo=timezone(timedelta(hours=8)))
    with store.transaction() as session:
        claim_once(session, "kind", "key", instant, now=NOON)
    with store.reading() as session:
        stored = session.scalars(select(OneTimeClaim.expires_at)).one()
    assert stored == instant
    assert stored.tzinfo is UTC


def test_utc_date_time__naive__refused(store: Store) -> None:
    naive = datetime(2026, 3, 4)  # noqa: DTZ001 - the point of the test
    with pytest.raises(ValueError, match="time zone"), store.transaction() as session:
        claim_once(session, "kind", "key", naive, now=NOON)


def test_transaction__many_threads__all_are_committed(store: Store) -> None:
    def work(name: str) -> None:
        for number in range(5):
            with store.transaction() as session:
                session.scalars(select(func.count()).select_from(OneTimeClaim)).one()
                claim_once(session, "kind", f"{name}{number}", NOON, now=NOON)

    threads = [Thread(target=work, args=(f"thread{number}-",)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert claims_in(store) == 40


def test_store__used_on_both_sides_of_a_fork__works_on_both(store: Store) -> None:
    assert claims_in(store) == 0  # a connection is in the pool now
    child = os.fork()
    if child == 0:  # pragma: no cover - another process
        status = 1
        try:
            with store.transaction() as session:
                claim_once(session, "kind", "child", NOON, now=NOON)
            status = 0
        finally:
            os._exit(status)
    _, status = os.waitpid(child, 0)
    assert status == 0
    with store.transaction() as session:
        claim_once(session, "kind", "parent", NOON, now=NOON)
    assert claims_in(store) == 2


def test_store__sqlite__is_durable_strict_and_private(sqlite_store: Store) -> None:
    path = Path(str(sqlite_store.engine.url.database))
    with sqlite_store.reading() as session:
        pragmas = {
            name: session.execute(text(f"PRAGMA {name}")).scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    assert pragmas == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 15000}
    assert path.with_name(path.name + "-wal").stat().st_mode & 0o077 == path.stat().st_mode & 0o077


def test_store__new_sqlite_file__only_its_owner_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "made" / "on-the-way" / "new.sqlite3"
    Store(f"sqlite:///{path}").dispose()
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("", id="nothing"),
        pytest.param("not a url", id="no URL"),
        pytest.param("sqlite://", id="in memory"),
        pytest.param("sqlite:///:memory:", id="in memory by name"),
        pytest.param("sqlite:///file:x?mode=memory&uri=true", id="in memory by URI"),
        pytest.param("mysql://user:hunter2@host/database", id="another database"),
        pytest.param("postgresql+psycopg2://user:hunter2@host/database", id="another driver"),
    ],
)
def test_store__unusable_url__refused_without_repeating_it(url: str) -> None:
    with pytest.raises(ConfigError) as refused:
        Store(url)
    assert refused.value.reason is Reason.CONFIG_INVALID
    assert "hunter2" not in f"{refused.value}{refused.value.detail}"


def test_store__path_below_a_file__refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError) as refused:
        Store(f"sqlite:///{tmp_path}/file/database.sqlite3")
    assert refused.value.reason is Reason.CONFIG_INVALID


def test_store__postgres_url_forms__all_use_psycopg() -> None:
    for scheme in ("postgres", "postgresql", "postgresql+psycopg"):
        assert Store(f"{scheme}://user@nowhere/database").engine.url.drivername == "postgresql+psycopg"


def test_looking__driver_and_session__see_one_snapshot(store: Store) -> None:
    count = Statement(lambda _dialect: select(func.count()).select_from(OneTimeClaim))
    with store.looking() as reading:
        assert count.first(reading) == (0,)
        with store.transaction() as session:
            claim_once(session, "kind", "key", NOON, now=NOON)
        seen = count.first(reading)
        assert reading.session.scalars(select(func.count()).select_from(OneTimeClaim)).one() == (seen or (None,))[0]
    assert claims_in(store) == 1
    with store.looking(one_snapshot=False) as reading:
        assert count.first(reading) == (1,)


def test_looking__write_in_it__refused_by_the_database(store: Store) -> None:
    for one_snapshot in (True, False):
        with pytest.raises(Exception, match=r"read-?only"), store.looking(one_snapshot=one_snapshot) as reading:
            claim_once(reading, "kind", "key", NOON, now=NOON)
    with store.looking() as reading:
        assert reading.session.scalars(select(OneTimeClaim.key_hash)).all() == []


def test_looking__refused_in_the_middle__the_next_reading_is_a_new_one(store: Store) -> None:
    count = Statement(lambda _dialect: select(func.count()).select_from(OneTimeClaim))

    def refuse() -> None:
        with store.looking() as reading:
            assert count.first(reading) == (0,)
            raise ConfigError(Reason.CONFIG_INVALID, "no")

    with pytest.raises(ConfigError):
        refuse()
    with store.transaction() as session:
        claim_once(session, "kind", "key", NOON, now=NOON)
    with store.looking() as reading:
        assert count.first(reading) == (1,)


def test_writing__fault__is_rolled_back_and_the_next_one_commits(store: Store) -> None:
    def fail() -> None:
        with store.writing() as direct:
            claim_once(direct, "kind", "half", NOON, now=NOON)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    with store.writing() as direct:
        assert claim_once(direct, "kind", "half", NOON, now=NOON)
        assert not claim_once(direct, "kind", "half", NOON, now=NOON)
    assert claims_in(store) == 1


def test_looking__both_sides_of_a_fork__work(store: Store) -> None:
    count = Statement(lambda _dialect: select(func.count()).select_from(OneTimeClaim))
    with store.looking() as reading:
        assert count.first(reading) == (0,)
    child = os.fork()
    if child == 0:  # pragma: no cover - another process
        status = 1
        try:
            with store.writing() as direct:
                claim_once(direct, "kind", "child", NOON, now=NOON)
            status = 0
        finally:
            os._exit(status)
    _, status = os.waitpid(child, 0)
    assert status == 0
    with store.looking() as reading:
        assert count.first(reading) == (1,)


def test_statement__on_a_session_and_on_the_driver__gives_the_same_rows(store: Store) -> None:
    with store.transaction() as session:
        claim_once(session, "kind", "key", NOON, now=NOON)
    found = Statement(
        lambda _dialect: select(OneTimeClaim.kind, OneTimeClaim.expires_at).where(
            OneTimeClaim.expires_at < bindparam("before"), OneTimeClaim.kind == "kind", OneTimeClaim.kind != "other"
        ),
        "before",
    )
    later = NOON + timedelta(seconds=1)
    with store.reading() as session, store.looking() as reading:
        assert found.all(session, later) == found.all(reading, later) == [("kind", NOON)]
        assert found.all(session, NOON) == found.all(reading, NOON) == []
