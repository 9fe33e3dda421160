"""One read-only snapshot of the database, for statements that the driver runs and, if need be, for a Session."""

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from sqlalchemy import Connection, Engine
from sqlalchemy.orm import Session

from gateway.errors import GatewayError
from gateway.store.direct import Direct
from gateway.store.forks import call_before_fork
from gateway.store.stamps import STAMPS, Stamps


class Reading(Direct):
    """Not shared by threads. With `one_snapshot` on SQLite everything in it sees one, from the first statement on; else
    every statement sees its own, as in any transaction on PostgreSQL.
    """

    __slots__ = ("_begun", "_connection", "_session", "stamps_read")

    def __init__(self, connection: Connection, stamps: Stamps, *, one_snapshot: bool) -> None:
        super().__init__(connection, stamps)
        self._connection = connection
        self._session: Session | None = None
        self.stamps_read: dict[str, int] = {}  # see `directory.policy_stamps`
        # A single SELECT is a snapshot without a BEGIN, and psycopg begins by itself.
        self._begun = not one_snapshot or self.dialect.name != "sqlite"

    @property
    def session(self) -> Session:
        """For whatever is asked by the ORM. Made when it is first asked for: most calls can do without."""
        if self._session is None:
            self._session = Session(
                self._connection, autoflush=False, expire_on_commit=False, info={STAMPS: self.stamps}
            )
        return self._session

    def run(self, sql: str, values: Any) -> Any:
        if not self._begun:
            self.driver.execute("BEGIN")
            self._begun = True
        return self.driver.execute(sql, values)

    def end(self) -> None:
        """Give the snapshot back; whatever was tried to write is undone."""
        if self._session is not None:
            self._session.close()
        self.driver.rollback()


class IdleConnections:
    """Connections of a SQLite database that stay open between calls, outside the pool: to take one out of the pool and
    to put it back costs more than most statements. There are as many as were ever in use at a time.

    Safe under threads. None is left in the child of a fork.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._idle: deque[Connection] = deque()
        call_before_fork(self, IdleConnections.close)

    @contextmanager
    def borrow(self) -> Iterator[Connection]:
        """One to work with, with no transaction begun and none to be left; thrown away after a fault."""
        connection = self.take()
        sound = False
        try:
            yield connection
            sound = True
        except GatewayError:
            sound = True
            raise
        finally:
            self.give_back(connection, sound=sound)

    def take(self) -> Connection:
        """To be given back, whatever happens."""
        try:
            return self._idle.pop()
        except IndexError:
            return self._connect()

    def give_back(self, connection: Connection, *, sound: bool) -> None:
        if sound:
            self._idle.append(connection)
        else:
            connection.close()

    def close(self) -> None:
        """Close those that nobody works with."""
        with suppress(IndexError):
            while True:
                self._idle.pop().close()

    def _connect(self) -> Connection:
        connection = self._engine.connect()
        connection.begin().rollback()  # the first transaction tells a connection whether it may write
        connection.detach()
        return connection


class Looking:
    """A reading for the length of a `with`. Not a generator: those are slower, and every call opens one."""

    __slots__ = ("_connection", "_one_snapshot", "_readers", "_reading", "_stamps")

    def __init__(self, readers: IdleConnections, stamps: Stamps, *, one_snapshot: bool) -> None:
        self._readers = readers
        self._stamps = stamps
        self._one_snapshot = one_snapshot

    def __enter__(self) -> Reading:
        self._connection = self._readers.take()
        self._reading = Reading(self._connection, self._stamps, one_snapshot=self._one_snapshot)
        return self._reading

    def __exit__(self, kind: type[BaseException] | None, *_rest: object) -> None:
        sound = False
        try:
            self._reading.end()
            sound = kind is None or issubclass(kind, GatewayError)
        finally:
            self._readers.give_back(self._connection, sound=sound)
