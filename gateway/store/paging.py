"""Lists in pages, by the last key seen: a page costs the same however many come before it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sqlalchemy import Select
from sqlalchemy.orm import InstrumentedAttribute, Session

Row = TypeVar("Row")
To = TypeVar("To")


@dataclass(frozen=True, slots=True)
class Page:
    """Which part of a list: up to `size` rows whose key comes after `after`; an empty `after` starts the list."""

    size: int
    after: str = ""


@dataclass(frozen=True, slots=True)
class Slice(Generic[Row]):
    """One page of a list. `next_after` is the `after` of the next page; None at the end of the list."""

    rows: Sequence[Row]
    next_after: str | None = None

    def map(self, change: Callable[[Row], To]) -> "Slice[To]":
        return Slice([change(row) for row in self.rows], self.next_after)


def read_slice(
    session: Session,
    query: Select[Row],
    key: InstrumentedAttribute[str],
    page: Page,
    key_of: Callable[[Row], str],
) -> Slice[Row]:
    """Read one page of an ORM query, ordered by `key`, which must be unique among its rows.

    `key_of` gives the key of a row; it is what `Page.after` of the next page is compared with.
    """
    rows = session.scalars(_page_of(query, key, page)).all()
    return cut(rows, page, key_of)


def read_row_slice(
    session: Session,
    query: Select[*tuple[Any, ...]],
    key: InstrumentedAttribute[str],
    page: Page,
    key_of: Callable[[Any], str],
) -> Slice[Any]:
    """The same for a query of several columns or entities."""
    return cut(session.execute(_page_of(query, key, page)).all(), page, key_of)


def cut(rows: Sequence[Row], page: Page, key_of: Callable[[Row], str]) -> Slice[Row]:
    """One page out of up to `page.size + 1` rows: the row too many only tells that there is more."""
    if len(rows) <= page.size:
        return Slice(rows)
    return Slice(rows[: page.size], key_of(rows[page.size - 1]))


def _page_of(query: Select[*tuple[Any, ...]], key: InstrumentedAttribute[str], page: Page) -> Select[*tuple[Any, ...]]:
    bounded = query.where(key > page.after) if page.after else query
    return bounded.order_by(key).limit(page.size + 1)
