"""Insert a row unless its key is taken: the statements that the two databases spell apart."""

from collections.abc import Mapping
from functools import lru_cache
from typing import TypeVar, cast

from sqlalchemy import Executable, Table, bindparam, inspect, literal
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from gateway.store.base import Base

Row = TypeVar("Row", bound=Base)


def insert_once(session: Session, table: type[Base], values: Mapping[str, object]) -> bool:
    """Insert one row; False, and no error, if a row with the same key exists.

    PostgreSQL waits for a rival that has not committed yet; SQLite never has one, since writers queue.
    """
    session.flush()
    connection = session.connection()
    insert = insert_once_statement(connection.dialect.name, table, tuple(values))
    return connection.execute(insert, values).scalar() is not None


@lru_cache(maxsize=256)
def insert_once_statement(dialect: str, table: type[Base], columns: tuple[str, ...]) -> Executable:
    """What `insert_once` runs: it gives a row where it inserted one.

    Pure in its arguments; memoised because building a statement costs more than running it.
    """
    rows = cast("Table", table.__table__)
    insert = (postgresql.insert if dialect == "postgresql" else sqlite.insert)(rows)
    named = insert.values({column: bindparam(column) for column in columns})
    # RETURNING tells on both databases whether there is a new row; the row count of an insert does not.
    return named.on_conflict_do_nothing().returning(literal(1))


def insert_or_lock(session: Session, table: type[Row], values: Mapping[str, object]) -> Row:
    """The row with the primary key in `values`, as it is, inserted from `values` if there is none.

    Either way nobody else changes it until the transaction ends: rivals wait, and see what was made of it.
    """
    insert = _insert(session, table).values(**values)
    keys = list(inspect(table).primary_key)
    touched = insert.on_conflict_do_update(
        index_elements=keys, set_={key.name: insert.excluded[key.name] for key in keys}
    )
    return session.scalars(touched.returning(table), execution_options={"populate_existing": True}).one()


def _insert(session: Session, table: type[Base]) -> postgresql.Insert | sqlite.Insert:
    if session.get_bind().dialect.name == "postgresql":
        return postgresql.insert(table)
    return sqlite.insert(table)
