"""How much a thread may learn from messages that nobody vouched for.

libxml2 keeps each element name, attribute name, namespace and run of blanks that a thread ever parsed, until the
thread ends. Messages of real providers teach a thread nothing after the first few; made-up ones could fill the
memory of a gateway that runs for months. So each thread counts what was new to it, and once that is 4 MB reads
unverified messages in threads of their own, which takes some 0.1 ms more and leaves nothing behind.
Of a message that can't be read to the end the names are not known, so its whole length counts.
"""

import threading
from collections.abc import Callable, Iterable, Sequence

LIMIT = 4 * 1024 * 1024
_OVERHEAD = 64  # of one name, in libxml2's dictionary and in ours


class _Learned(threading.local):
    """Of one thread. It decides where a message is parsed, never how it is judged."""

    def __init__(self) -> None:
        self.spent = 0
        self.names: set[str] = set()
        self.prefixes: set[str] = set()


_learned = _Learned()


def charge(length: int) -> bool:
    """Count a message of so many bytes as if all of it were new; False if this thread must not read it."""
    if _learned.spent + length > LIMIT:
        return False
    _learned.spent += length
    return True


def settle(charged: int, *names: Iterable[str]) -> None:
    """Replace what was charged for a message by what it really taught."""
    for some in names:
        if not _learned.names.issuperset(some):
            new = set(some) - _learned.names
            _learned.names |= new
            _learned.spent += sum(map(len, new)) + _OVERHEAD * len(new)
    _learned.spent -= charged


def new_prefixes(prefixes: Iterable[str]) -> list[str]:
    """Those of some namespace prefixes that this thread was not had to learn yet."""
    return [prefix for prefix in prefixes if prefix not in _learned.prefixes]


def learn_prefixes(prefixes: Sequence[str], learn: Callable[[Sequence[str]], None]) -> bool:
    """Have this thread learn prefixes by `learn`, which reads them; False, and nothing, if it must not learn more."""
    length = sum(map(len, prefixes)) + _OVERHEAD * len(prefixes)
    if not charge(length):
        return False
    learn(prefixes)
    _learned.prefixes.update(prefixes)
    return True


def spent() -> int:
    return _learned.spent
