"""Passwords: argon2id at the library's defaults, equal effort for everybody, and the length rule.

Rule: RFC 9106; ram-limits §6.
"""

from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError, VerifyMismatchError

from gateway.directory.names import is_storable
from gateway.errors import InputError, Reason
from gateway.secret import Secret

SHORTEST = 8
LONGEST = 32

_HASHER = PasswordHasher()


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
