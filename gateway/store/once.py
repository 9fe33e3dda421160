"""Insert a row unless its key is taken: the one statement that the two databases spell apart."""

from collections.abc import Mapping

from sqlalchemy import literal
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from gateway.store.base import Base


def insert_once(session: Session, table: type[Base], values: Mapping[str, object]) -> bool:
    """Insert one row; False, and no error, if a row with the same key exists.

    PostgreSQL waits for a rival that has not committed yet; SQLite never has one, since writers queue.
    """
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    insert = dialect.insert(table).values(**values).on_conflict_do_nothing()
    # RETURNING tells on both databases whether there is a new row; the row count of an insert does not.
    return session.scalar(insert.returning(literal(1))) is not None
