"""Statements of the hot path, run by the driver itself: every signed call asks them, and the layers between cost
several times what the database needs for the answer.

A statement is written with SQLAlchemy's tables and compiled once for each kind of database, with its conversions of
types. It goes to the driver from a Session, too, in the session's transaction. What the session has not flushed it does
not see.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import Connection, Dialect, Executable
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

Convert = Callable[[Any], Any]
Row = tuple[Any, ...]


class Direct:
    """The driver's connection under a SQLAlchemy connection. Its transaction is somebody else's affair."""

    __slots__ = ("dialect", "driver", "stamps")

    def __init__(self, connection: Connection, stamps: object = None) -> None:
        self.dialect = connection.dialect
        self.stamps = stamps  # see `store.stamps`
        self.driver: Any = connection.connection.dbapi_connection

    def run(self, sql: str, values: Any) -> Any:
        """The driver's cursor, after the statement."""
        return self.driver.execute(sql, values)


class _OfSession(Direct):
    """The same in the transaction of a Session, with errors as a Session has them."""

    __slots__ = ()

    def run(self, sql: str, values: Any) -> Any:
        try:
            return self.driver.execute(sql, values)
        except self.dialect.loaded_dbapi.Error as error:
            raise DBAPIError.instance(
                sql, None, error, self.dialect.loaded_dbapi.Error, hide_parameters=True, dialect=self.dialect
            ) from error


Source = Session | Direct


def _driver_of(source: Source) -> Direct:
    """What a statement runs on. The transaction of a Session is begun by it."""
    return _OfSession(source.connection()) if isinstance(source, Session) else source


@dataclass(frozen=True, slots=True)
class _Compiled:
    sql: str
    names: tuple[str, ...] | None  # for drivers that want values by name
    given: tuple[tuple[int | None, Any], ...]  # for each place: which of the values, or None and a constant
    converts: tuple[tuple[int, Convert], ...]  # places whose value the driver can't take as it is
    plain: bool  # the values are just what the driver wants
    results: tuple[tuple[int, Convert], ...]  # columns that the driver does not give as they are meant

    def arguments(self, values: Sequence[Any]) -> Any:
        if self.plain:
            return values
        found = [constant if place is None else values[place] for place, constant in self.given]
        for place, convert in self.converts:
            found[place] = convert(found[place])
        return found if self.names is None else dict(zip(self.names, found, strict=True))

    def row(self, found: Row) -> Row:
        if not self.results:
            return found
        columns = list(found)
        for column, convert in self.results:
            columns[column] = convert(columns[column])
        return tuple(columns)


class Statement:
    """`build` makes it for a dialect (`sqlite`, `postgresql`); `names` are its bound parameters, in the order in which
    values are given.
    """

    def __init__(self, build: Callable[[str], Executable], *names: str) -> None:
        self._build = build
        self._names = names
        self._built: dict[str, _Compiled] = {}

    def first(self, source: Source, *values: Any) -> Row | None:
        """The first row; None if there is none."""
        direct = _driver_of(source)
        compiled = self._for(direct.dialect)
        found = direct.run(compiled.sql, compiled.arguments(values)).fetchone()
        return None if found is None else compiled.row(found)

    def all(self, source: Source, *values: Any) -> list[Row]:
        direct = _driver_of(source)
        compiled = self._for(direct.dialect)
        return [compiled.row(found) for found in direct.run(compiled.sql, compiled.arguments(values)).fetchall()]

    def run(self, source: Source, *values: Any) -> int:
        """For a statement that has no rows to give: how many it concerned."""
        direct = _driver_of(source)
        compiled = self._for(direct.dialect)
        return int(direct.run(compiled.sql, compiled.arguments(values)).rowcount)

    def _for(self, dialect: Dialect) -> _Compiled:
        built = self._built.get(dialect.name)
        if built is None:
            # Two threads may both come here, and make the same.
            built = self._built[dialect.name] = _compile(self._build(dialect.name), self._names, dialect)
        return built


def _compile(statement: Executable, names: tuple[str, ...], dialect: Dialect) -> _Compiled:
    # An INSERT has exactly the columns that have a parameter.
    compiled = cast("Any", statement).compile(dialect=dialect, column_keys=list(names))
    by_name: dict[str, Any] = {compiled.bind_names[bind]: bind for bind in compiled.bind_names}
    places = tuple(compiled.positiontup) if compiled.positional else tuple(by_name)
    given = tuple(
        (names.index(name), None) if name in names else (None, by_name[name].effective_value) for name in places
    )
    found = (by_name[name].type.dialect_impl(dialect).bind_processor(dialect) for name in places)
    converts = tuple((place, convert) for place, convert in enumerate(found) if convert is not None)
    columns = (column.type.dialect_impl(dialect) for column in cast("Any", statement).exported_columns)
    processors = (type_.result_processor(dialect, None) for type_ in columns)
    return _Compiled(
        sql=str(compiled),
        names=None if compiled.positional else places,
        given=given,
        converts=converts,
        plain=compiled.positional and not converts and given == tuple((place, None) for place in range(len(names))),
        results=tuple((column, convert) for column, convert in enumerate(processors) if convert is not None),
    )
