"""One read-only snapshot of the database, for statements that the driver runs and, if need be, for a Session."""

from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.orm import Session

from gateway.store.direct import Direct
from gateway.store.forks import call_before_fork


class Reading(Direct):
    """Not shared by threads. On SQLite everything in it sees one snapshot, from the first statement on; on PostgreSQL
    every statement sees its own, as in any transaction there.
    """

    __slots__ = ("_begun", "_connection", "_session")

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        self._connection = connection
        self._session: Session | None = None
        self._begun = self.dialect.name != "sqlite"  # psycopg begins by itself

    @property
    def session(self) -> Session:
        """For whatever is asked by the ORM. Made when it is first asked for: most calls can do without."""
        if self._session is None:
            self._session = Session(self._connection, autoflush=False, expire_on_commit=False)
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
    """Connections of a SQLite database that stay open between readings, outside the pool: to take one out of the pool
    and to put it back costs more than most statements. There are as many as there were ever readings at a time.

    Safe under threads. None is left in the child of a fork.
    """

    def __init__(self, connect: Callable[[], Connection]) -> None:
        self._connect = connect
        self._idle: deque[Connection] = deque()
        call_before_fork(self, IdleConnections.close)

    def take(self) -> Connection:
        try:
            return self._idle.pop()
        except IndexError:
            connection = self._connect()
            connection.detach()
            return connection

    def give_back(self, connection: Connection) -> None:
        self._idle.append(connection)

    def close(self) -> None:
        """Close those that nobody works with."""
        with suppress(IndexError):
            while True:
                self._idle.pop().close()
