"""Uniqueness is the database's word: a clash becomes AlreadyExists, and the transaction stays usable."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from gateway.errors import AlreadyExists, Reason
from gateway.store.base import Base


@contextmanager
def unique_change(session: Session, subject: str) -> Iterator[None]:
    """Flush what the block changes; a clash with a unique name undoes the block alone.

    Raises: AlreadyExists with this subject.
    """
    session.flush()  # what was changed before is not this block's clash
    try:
        with session.begin_nested():
            yield
    except IntegrityError as exc:
        raise AlreadyExists(Reason.ALREADY_EXISTS, f"the {subject} exists already", subject=subject) from exc


def insert_unique(session: Session, row: Base, subject: str) -> None:
    """Raises: AlreadyExists with this subject."""
    with unique_change(session, subject):
        session.add(row)
