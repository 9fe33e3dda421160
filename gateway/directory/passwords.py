"""Passwords: argon2id at the library's defaults, equal effort for everybody, and what a password must look like.

Rule: RFC 9106; ram-limits §6. Texts are compared in Unicode's composed form (NFC): the same key presses give the same
password on every system.
"""

import base64
import binascii
import hmac
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from threading import BoundedSemaphore

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError, VerifyMismatchError

from gateway.directory.names import is_storable
from gateway.errors import InputError, Reason, Throttled
from gateway.secret import Secret

SHORTEST = 8
LONGEST = 32
# Composing takes time that grows with the square of the length in the worst case. Composed, no password that fits the
# rule is longer than this when it is decomposed (four characters for each of its own).
_LONGEST_TYPED = 4 * LONGEST

_HASHER = PasswordHasher()
_SPARED_THREADS = 2
_LONG_PLACES = 2  # one sets a password, one waits


class HashingLimit:
    """A bound on passwords checked at once, each of which takes 64 MiB. One per process, shared by its threads.

    Whatever strangers can make the gateway hash is hashed in a `turn`; the command line hashes without. Setting a
    password, which may have to look at many old ones, is a `long_turn`, beside the others and one at a time: whoever
    changes a password over and over keeps nobody from signing in.
    Who waits for a turn holds a thread meanwhile. So few may wait that some of the `threads` of the process are always
    left for calls that hash nothing; the rest is refused at once.
    """

    def __init__(self, at_once: int = 4, wait_s: float = 2.0, *, threads: int = 8) -> None:
        self._turns = BoundedSemaphore(at_once)
        self._long_turns = BoundedSemaphore(1)
        self._places = BoundedSemaphore(max(1, threads - _SPARED_THREADS))
        self._long_places = BoundedSemaphore(_LONG_PLACES)
        self._wait_s = wait_s

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait for a turn, and hold it for the block.

        Raises: Throttled(LOGIN_THROTTLED) when the others take too long, or too many wait already.
        """
        doing = "signing in"
        with _held(self._places, 0, doing), _held(self._turns, self._wait_s, doing):
            yield

    @contextmanager
    def long_turn(self) -> Iterator[None]:
        """The same for setting a password, with more patience."""
        doing = "changing a password"
        with (
            _held(self._long_places, 0, doing),
            _held(self._places, 0, doing),
            _held(self._long_turns, 5 * self._wait_s, doing),
        ):
            yield


@contextmanager
def _held(turns: BoundedSemaphore, wait_s: float, doing: str) -> Iterator[None]:
    if not turns.acquire(timeout=wait_s):
        message = f"too many people are {doing} at this moment: wait 1 second, then try again"
        raise Throttled(Reason.LOGIN_THROTTLED, message, "no turn to hash a password", retry_after_s=1)
    try:
        yield
    finally:
        turns.release()


@dataclass(frozen=True, slots=True)
class PasswordPolicy:
    """The rules of one account; the defaults are those of an account that never set any.

    Those about what a password looks like bind whoever sets one from then on. A password that was set under weaker
    rules goes on working: nobody can tell from its hash, and the platform does not ask for it either. Those about its
    age and about failed sign-ins bind at once, whenever it was set.
    """

    minimum_length: int = SHORTEST  # 8 to 32 characters
    require_lowercase: bool = False
    require_uppercase: bool = False
    require_numbers: bool = False
    require_symbols: bool = False
    minimum_different_characters: int = 0  # 0 to 8
    not_contain_user_name: bool = False
    max_age_days: int = 0  # 0 to 1095; 0: never too old
    hard_expire: bool = False  # a password that is too old lets nobody in, not even to change it
    reuse_prevention: int = 0  # 0 to 24 of the last passwords, the present one among them, can't be set again
    # 0 to 32 failures within an hour lock the name for an hour; 0: off. Whoever knows a name can lock it out, again
    # and again: that is what the rule asks for, and why it is off until somebody chooses it. The owner is never locked.
    max_login_attempts: int = 0
    initial_age_days: int = 14  # 0 to 90: within so many days the first password must be used; 0: whenever
    intercept_risk_on_api: bool = False  # the wire refuses passwords that everybody tries first


def check_password_policy(password: Secret, policy: PasswordPolicy | None = None, user_name: str = "") -> None:
    """Refuse a password that the account's rules (by default: the length alone) do not allow, or that is no text.

    ASSUMPTION: letters and numbers are those of any script; a symbol is whatever is neither, nor white space; the user
    name is looked for in any case.
    Raises: InputError(PASSWORD_TOO_WEAK), subject "Password"; the message says which rule.
    """
    broken = _broken_rule(password.reveal(), policy or PasswordPolicy(), user_name)
    if broken:
        raise InputError(Reason.PASSWORD_TOO_WEAK, f"a password {broken}", subject="Password")


def hash_password(password: Secret, like: str | None = None) -> str:
    """Takes tens of milliseconds and 64 MiB. The password must have been checked.

    With the salt of `like`, a hash made before, if it can be had: then equal passwords give equal hashes. All
    passwords that one user ever had share a salt, so that a new one is compared with 24 old ones at the price of one
    hash. Nobody else's has it; and a guess, for whoever has the database, is worth more only against old passwords.
    """
    return _HASHER.hash(_composed(password.reveal()), salt=None if like is None else _salt_of(like))


def is_same_password(old: str, password_hash: str, password: Secret) -> bool:
    """Whether `old` is a hash of this password, of which `password_hash` is one. Slow only if their salts differ."""
    if old.rpartition("$")[0] == password_hash.rpartition("$")[0]:
        return hmac.compare_digest(old, password_hash)
    return verify_password(old, password)


def verify_password(password_hash: str | None, password: Secret) -> bool:
    """Whether the password fits. Never raises, whatever the hash or the password looks like.

    Without a hash (no such user, no login profile) a hash that nobody's password fits is checked instead, so that
    the time taken does not tell who exists.
    """
    nobody = _hash_of_nobody()
    text = password.reveal()
    # What has no UTF-8 form, or is too long, was never hashed.
    text = _composed(text) if len(text) <= _LONGEST_TYPED and is_storable(text) else ""
    if password_hash is not None:
        try:
            return _HASHER.verify(password_hash, text)
        except VerifyMismatchError:
            return False
        except (InvalidHashError, VerificationError, UnicodeEncodeError):
            pass  # a damaged row: refuse, at the usual effort
    _refuse(nobody, text)
    return False


def _broken_rule(text: str, policy: PasswordPolicy, user_name: str) -> str | None:
    typed = text if len(text) <= _LONGEST_TYPED and is_storable(text) else ""
    text = _composed(typed)
    if not policy.minimum_length <= len(text) <= LONGEST:
        return f"has {policy.minimum_length} to {LONGEST} characters"
    for required, present, what in (
        (policy.require_lowercase, any(map(str.islower, text)), "a lower-case letter"),
        (policy.require_uppercase, any(map(str.isupper, text)), "an upper-case letter"),
        (policy.require_numbers, any(map(str.isdecimal, text)), "a number"),
        (policy.require_symbols, any(not (each.isalnum() or each.isspace()) for each in text), "a symbol"),
    ):
        if required and not present:
            return f"must contain {what}"
    if len(set(text)) < policy.minimum_different_characters:
        return f"must have {policy.minimum_different_characters} different characters"
    if policy.not_contain_user_name and user_name and user_name.casefold() in text.casefold():
        return "must not contain the user name"
    return None


def _salt_of(password_hash: str) -> bytes | None:
    """None where the hash is damaged, or was made at settings of another day."""
    try:
        if _HASHER.check_needs_rehash(password_hash):
            return None
        salt = password_hash.split("$")[4]
        return base64.b64decode(salt + "=" * (-len(salt) % 4), validate=True)
    except (InvalidHashError, IndexError, binascii.Error):
        return None


def _composed(text: str) -> str:
    return unicodedata.normalize("NFC", text)


@cache
def _hash_of_nobody() -> str:
    """Made at the first check of any password, so that the first stranger costs no more than the first user."""
    return _HASHER.hash("nobody has this password: it is longer than passwords may be")


def _refuse(nobody: str, text: str) -> None:
    try:
        _HASHER.verify(nobody, text)
    except VerificationError:
        return
