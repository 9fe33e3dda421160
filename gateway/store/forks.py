"""Connections and forks: no database allows a connection to be used on both sides."""

import os
import weakref
from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import Engine

Owner = TypeVar("Owner")


def call_in_child(owner: Owner, renew: Callable[[Owner], None]) -> None:
    """Make anew, in the child of each fork, what may not be shared with the parent: a lock may be held by a thread
    that the child does not have.
    """
    reference = weakref.ref(owner)

    def in_child() -> None:
        if (alive := reference()) is not None:
            renew(alive)

    os.register_at_fork(after_in_child=in_child)


def call_before_fork(owner: Owner, release: Callable[[Owner], None]) -> None:
    """Release, before each fork, what must not be open on both sides of it."""
    reference = weakref.ref(owner)

    def before() -> None:
        if (alive := reference()) is not None:
            release(alive)

    os.register_at_fork(before=before)


def forget_connections_on_fork(engine: Engine) -> None:
    """Idle connections are closed before the fork; those that another thread has out at that moment are left to the
    parent, and the child starts with an empty pool.
    """
    reference = weakref.ref(engine)

    def before() -> None:
        if (alive := reference()) is not None:
            alive.dispose()

    def in_child() -> None:
        if (alive := reference()) is not None:
            alive.dispose(close=False)

    os.register_at_fork(before=before, after_in_child=in_child)
