"""The store: one engine, its connection pool, and the two ways to use it - writing and reading.

SQLite: the driver's own transaction handling is switched off, since it starts transactions late and never an
immediate one. A write transaction takes the write lock at its first statement (BEGIN IMMEDIATE), so that two
writers queue instead of failing half way; a reader sees one snapshot. WAL with synchronous=FULL: what was
committed survives a power cut.
PostgreSQL: psycopg 3, read committed for writing, a read-only transaction for reading.
Errors of the database go to the log: they do not repeat the values of a statement, hashes and seeds among them.
"""

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from threading import Lock
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.orm import Session, sessionmaker

from gateway.errors import ConfigError, Reason
from gateway.store.commit_group import CommitGroup, Write
from gateway.store.direct import Direct
from gateway.store.fleeting import Fleeting
from gateway.store.fleeting_postgres import PostgresFleeting
from gateway.store.fleeting_sqlite import SqliteFleeting
from gateway.store.forks import call_in_child, forget_connections_on_fork
from gateway.store.reading import IdleConnections, Looking, Reading
from gateway.store.stamps import STAMPS, Stamps

_BUSY_TIMEOUT_MS = 15_000
_POSTGRES_NAMES = {"postgresql", "postgres", "postgresql+psycopg"}
_WRITES = "ramgate_writes"
_MAY_WRITE = "ramgate_may_write"  # what a connection was last told


class Store:
    """One database. Safe under threads, and in the child after a fork."""

    engine: Engine
    fleeting: Fleeting  # nonces and last uses: see there
    stamps: Stamps  # who signs receipts and takes decisions

    def __init__(self, database_url: str) -> None:
        """Open `sqlite:///<path>` or `postgresql://...`; connections are made when first needed.

        Refused: other databases and drivers, SQLite in memory (each connection would see a database of its own).
        Raises: ConfigError(CONFIG_INVALID), which never repeats the URL: it may hold a password.
        """
        url = _parse_url(database_url)
        if url.get_backend_name() == "sqlite":
            self.engine = _sqlite_engine(url)
            self.fleeting = SqliteFleeting(Path(f"{url.database}-fleeting"))
        else:
            self.engine = _postgres_engine(url)
            self.fleeting = PostgresFleeting(url)
        self.stamps = Stamps()
        known = {STAMPS: self.stamps}
        self._writing_engine = self.engine.execution_options(**{_WRITES: True})
        self._write_session = sessionmaker(self._writing_engine, expire_on_commit=False, info=known)
        self._reading_engine = _reading_engine(self.engine)
        self._read_session = sessionmaker(self._reading_engine, expire_on_commit=False, autoflush=False, info=known)
        held = url.get_backend_name() == "sqlite"
        self._readers = IdleConnections(self._reading_engine) if held else None
        self._committers = IdleConnections(self._writing_engine) if held else None
        self._make_queues()
        forget_connections_on_fork(self.engine)
        call_in_child(self, Store._make_queues)

    def _make_queues(self) -> None:
        self._writers = Lock() if self.engine.dialect.name == "sqlite" else None
        self._group = CommitGroup(self.writing)

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """One write transaction: committed at the end of the block, rolled back by any exception."""
        with self._in_turn(), self._write_session.begin() as session:
            yield session

    @contextmanager
    def writing(self) -> Iterator[Direct]:
        """As `transaction`, for statements below the ORM."""
        with self._in_turn():
            if self._committers is None:
                with self._writing_engine.begin() as connection:
                    yield Direct(connection, self.stamps)
                return
            with self._committers.borrow() as connection:
                direct = Direct(connection, self.stamps)
                direct.driver.execute("BEGIN IMMEDIATE")
                try:
                    yield direct
                    direct.driver.commit()
                finally:
                    direct.driver.rollback()  # does nothing after a commit

    @contextmanager
    def _in_turn(self) -> Iterator[None]:
        """SQLite has one writer at a time. Threads of ours queue: its own way to wait is to sleep and to look again.
        Whoever has waited too long lets the database say so.
        """
        queue = self._writers
        in_turn = queue is not None and queue.acquire(timeout=_BUSY_TIMEOUT_MS / 1000)
        try:
            yield
        finally:
            if queue is not None and in_turn:
                queue.release()

    def commit_with_others(self, write: Write) -> None:
        """A small write that does not read, in one transaction with those of other threads: see `CommitGroup`.

        Returns once it is on the disk. Raises whatever `write` raises.
        """
        self._group.commit(write)

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """One read-only transaction; never commits. The database refuses a write made in it."""
        with self._read_session() as session:
            yield session

    def looking(self, *, one_snapshot: bool = True) -> AbstractContextManager[Reading]:
        """One read-only transaction for statements below the ORM; never commits. The database refuses a write in it.

        Without `one_snapshot` each statement may see a state of its own: enough where there is only one.
        """
        if self._readers is not None:
            return Looking(self._readers, self.stamps, one_snapshot=one_snapshot)
        return self._looking_from_pool(one_snapshot=one_snapshot)

    @contextmanager
    def _looking_from_pool(self, *, one_snapshot: bool) -> Iterator[Reading]:
        # PostgreSQL's connections come from the pool, which pings them: its server may have been restarted.
        with self._reading_engine.connect() as connection:
            yield Reading(connection, self.stamps, one_snapshot=one_snapshot)

    @contextmanager
    def write_connection(self) -> Iterator[Connection]:
        """A write transaction below the ORM, for migrations."""
        with self._writing_engine.begin() as connection:
            yield connection

    def dispose(self) -> None:
        """Close every idle connection. The store stays usable."""
        for held in (self._readers, self._committers):
            if held is not None:
                held.close()
        self.engine.dispose()
        self.fleeting.close()
        if self.stamps.journal is not None:
            self.stamps.journal.close()


def _parse_url(text: str) -> URL:
    try:
        url = make_url(text)
    except ArgumentError:
        raise ConfigError(Reason.CONFIG_INVALID, "the database URL can't be read", subject="database_url") from None
    if url.drivername in _POSTGRES_NAMES:
        return url.set(drivername="postgresql+psycopg")
    if url.drivername != "sqlite":
        message = "the database URL must start with sqlite:/// or postgresql://"
        raise ConfigError(Reason.CONFIG_INVALID, message, subject="database_url")
    if not url.database or ":memory:" in url.database or url.database.startswith("file:"):
        raise ConfigError(Reason.CONFIG_INVALID, "SQLite needs the path of a file", subject="database_url")
    return url


def _postgres_engine(url: URL) -> Engine:
    # The ping costs one round trip and spares logins an error page after the database was restarted.
    return create_engine(
        url,
        pool_size=10,
        max_overflow=20,
        pool_pre_ping=True,
        hide_parameters=True,
        connect_args={"application_name": "ramgate"},
    )


def _reading_engine(engine: Engine) -> Engine:
    if engine.dialect.name == "sqlite":
        return engine
    return engine.execution_options(postgresql_readonly=True)


def _sqlite_engine(url: URL) -> Engine:
    path = Path(url.database or "")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Password hashes live here: nobody but the owner reads the file. SQLite gives its side files the same mode.
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as exc:
        message = f"the database file `{path}` can't be opened: {exc.strerror}"
        raise ConfigError(Reason.CONFIG_INVALID, message, subject="database_url") from exc
    engine = create_engine(url, pool_size=10, max_overflow=20, hide_parameters=True)

    @event.listens_for(engine, "connect")
    def set_up(dbapi_connection: Any, _record: object) -> None:
        dbapi_connection.isolation_level = None  # SQLAlchemy's recipe: only we say BEGIN
        cursor = dbapi_connection.cursor()
        for pragma in (
            f"busy_timeout = {_BUSY_TIMEOUT_MS}",
            "journal_mode = WAL",
            "synchronous = FULL",
            "foreign_keys = ON",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        writes = bool(connection.get_execution_options().get(_WRITES, False))
        execute = connection.connection.dbapi_connection.execute  # type: ignore[union-attr]
        if connection.info.get(_MAY_WRITE) is not writes:
            execute(f"PRAGMA query_only = {'OFF' if writes else 'ON'}")
            connection.info[_MAY_WRITE] = writes
        if writes or not connection.connection.dbapi_connection.in_transaction:  # type: ignore[union-attr]
            execute("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine
