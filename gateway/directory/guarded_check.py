"""Checking a password, with the brake on: bounded, counted, and never while others wait to write."""

from collections.abc import Callable
from typing import TypeVar

from sqlalchemy.orm import Session

from gateway.clock import Clock
from gateway.directory.login_attempts import Attempt, check_not_blocked, count_failure
from gateway.directory.passwords import HashingLimit
from gateway.errors import CredentialError, Reason
from gateway.store.engine import Store

Found = TypeVar("Found")


def guarded_check(
    store: Store, hashing: HashingLimit, clock: Clock, attempt: Attempt, check: Callable[[Session], Found]
) -> Found:
    """What `check` finds, unless too many attempts failed before. A wrong password (LOGIN_FAILED) counts as a failure.

    The slow check is made in a hashing turn, while reading, so that others can write meanwhile. Whoever accepts what it
    found calls `login_attempts.clear_failures` in the transaction that acts on it: the failures are looked at again
    there, so that guesses sent at once are worth no more than one by one. So are the refusals that only a right
    password gets.
    Raises: CredentialError, Throttled among them.
    """
    with hashing.turn(), store.reading() as session:
        check_not_blocked(session, attempt, clock.now())
        try:
            return check(session)
        except CredentialError as error:
            refused = error
    if refused.reason is Reason.LOGIN_FAILED:
        with store.transaction() as session:
            count_failure(session, attempt, clock.now())
    else:
        with store.reading() as session:
            check_not_blocked(session, attempt, clock.now())
    raise refused
