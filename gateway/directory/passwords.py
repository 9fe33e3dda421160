"""Passwords: argon2id at the library's defaults, equal effort for everybody, and the length rule.

Rule: RFC 9106; ram-limits §6.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from threading import BoundedSemaphore

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError, VerifyMismatchError

from gateway.directory.names import is_storable
from gateway.errors import InputError, Reason, Throttled
from gateway.secret import Secret

SHORTEST = 8
LONGEST = 32

_HASHER = PasswordHasher()


class HashingLimit:
    """A bound on passwords checked at once, each of which takes 64 MiB. One per process, shared by its threads.

    Whatever strangers can make the gateway hash is hashed in a `turn`; the command line hashes without.
    """

    def __init__(self, at_once: int = 4, wait_s: float = 2.0) -> None:
        self._turns = BoundedSemaphore(at_once)
        self._wait_s = wait_s

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait for a turn, and hold it for the block.

        Raises: Throttled(LOGIN_THROTTLED) when the others take too long.
        """
        if not self._turns.acquire(timeout=self._wait_s):
            message = "too many people are signing in at this moment: wait 1 second, then try again"
            raise Throttled(Reason.LOGIN_THROTTLED, message, "no turn to hash a password", retry_after_s=1)
        try:
            yield
        finally:
            self._turns.release()


def hash_password(password: Secret) -> str:
    return _HASHER.hash(password.reveal())


def verify_password(password_hash: str | None, password: Secret) -> bool:
    """Whether the password fits. Never raises, whatever the hash or the password looks like.

    Without a hash (no such user, no login profile) a hash that nobody's password fits is checked instead, so that
    the time taken does not tell who exists.
    """
    nobody = _hash_of_nobody()
    text = password.reveal()
    if not is_storable(text):  # has no UTF-8 form, so nothing was ever hashed from it
        text = ""
    if password_hash is not None:
        try:
            return _HASHER.verify(password_hash, text)
        except VerifyMismatchError:
            return False
        except (InvalidHashError, VerificationError, UnicodeEncodeError):
            pass  # a damaged row: refuse, at the usual effort
    _refuse(nobody, text)
    return False


def check_password_policy(password: Secret) -> None:
    """Refuse a password that is too short, too long, or not a text.

    Raises: InputError(PASSWORD_TOO_WEAK), subject "Password".
    """
    text = password.reveal()
    if not SHORTEST <= len(text) <= LONGEST or not is_storable(text):
        message = f"a password has {SHORTEST} to {LONGEST} characters"
        raise InputError(Reason.PASSWORD_TOO_WEAK, message, subject="Password")


@cache
def _hash_of_nobody() -> str:
    """Made at the first check of any password, so that the first stranger costs no more than the first user."""
    return _HASHER.hash("nobody has this password: it is longer than passwords may be")


def _refuse(nobody: str, text: str) -> None:
    try:
        _HASHER.verify(nobody, text)
    except VerificationError:
        return
