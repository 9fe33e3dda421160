"""Notes statements, those too that go to the driver below SQLAlchemy, where its events don't see them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.orm import Session

from gateway.store.direct import Direct, _OfSession

Run = Callable[[Direct, str, Any], Any]


@contextmanager
def noted_statements() -> Iterator[list[tuple[str, Any]]]:
    """SQL and values of every statement of `gateway.store.direct`, as the driver gets them."""
    noted: list[tuple[str, Any]] = []
    with _watching(lambda sql, values: noted.append((sql, values))):
        yield noted


@contextmanager
def counted_queries(session: Session) -> Iterator[list[str]]:
    """Every statement of the session's database, on whatever layer, in its order."""
    statements: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        statements.append(statement)

    engine = session.connection().engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        with _watching(lambda sql, _values: statements.append(sql)):
            yield statements
    finally:
        event.remove(engine, "before_cursor_execute", note)


@contextmanager
def _watching(note: Callable[[str, Any], None]) -> Iterator[None]:
    def noting(run: Run) -> Run:
        def run_noted(direct: Direct, sql: str, values: Any) -> Any:
            note(sql, values)
            return run(direct, sql, values)

        return run_noted

    with pytest.MonkeyPatch.context() as patch:
        for kind in (Direct, _OfSession):
            patch.setattr(kind, "run", noting(kind.run))
        yield
