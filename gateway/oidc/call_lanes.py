"""How many of a process's threads may talk to OpenID Providers on behalf of browsers that wait.

A provider that answers slowly keeps only a few of them; whoever comes beyond that waits a moment, and is then refused
without anything having been used up, so that trying again is all it takes. Every call has a time limit of its own.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from gateway.errors import Reason, UpstreamError

_UNDER_WAY = 3  # for one provider
_OF_ONE = 4  # those that wait for their turn among them
_OF_ALL = 6  # a worker process has more threads than that
_WAIT_S = 3.0


class CallLanes:
    """One per process, shared by its threads."""

    def __init__(self, *, wait_s: float = _WAIT_S) -> None:
        self._wait_s = wait_s
        self._changed = threading.Condition()
        self._under_way: dict[str, int] = {}
        self._present: dict[str, int] = {}

    @contextmanager
    def enter(self, issuer: str) -> Iterator[None]:
        """Talk to a provider within the block.

        Raises: UpstreamError(OIDC_UNAVAILABLE), subject the issuer, if too many do or wait.
        """
        with self._changed:
            self._come(issuer)
        try:
            yield
        finally:
            with self._changed:
                _less(self._under_way, issuer)
                _less(self._present, issuer)
                self._changed.notify_all()

    def _come(self, issuer: str) -> None:
        if self._present.get(issuer, 0) >= _OF_ONE or sum(self._present.values()) >= _OF_ALL:
            raise _busy(issuer)
        self._present[issuer] = self._present.get(issuer, 0) + 1
        deadline = time.monotonic() + self._wait_s
        while self._under_way.get(issuer, 0) >= _UNDER_WAY:
            left_s = deadline - time.monotonic()
            if left_s <= 0:
                _less(self._present, issuer)
                raise _busy(issuer)
            self._changed.wait(left_s)
        self._under_way[issuer] = self._under_way.get(issuer, 0) + 1


def _less(counts: dict[str, int], issuer: str) -> None:
    counts[issuer] -= 1
    if not counts[issuer]:
        del counts[issuer]


def _busy(issuer: str) -> UpstreamError:
    message = "Your company's sign-in answers slowly, and others are waiting for it already. Open this page again."
    return UpstreamError(Reason.OIDC_UNAVAILABLE, message, "too many calls at once", subject=issuer)
