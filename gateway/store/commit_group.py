"""Small writes of one process, committed together: while one commit waits for the disk, the next ones gather.

Each caller returns once what it wrote is on the disk, as with a transaction of its own; the disk is waited for once for
all of them. Rule: decision 0013.
"""

from collections import deque
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from threading import Lock

from gateway.errors import GatewayError
from gateway.store.direct import Direct

Write = Callable[[Direct], None]


@dataclass(slots=True)
class _Job:
    write: Write
    done: bool = False
    error: BaseException | None = None


class CommitGroup:
    """Safe under threads. Made anew in the child after a fork, by whoever made it."""

    def __init__(self, transaction: Callable[[], AbstractContextManager[Direct]]) -> None:
        self._transaction = transaction
        self._turn = Lock()
        self._waiting: deque[_Job] = deque()

    def commit(self, write: Write) -> None:
        """Write and commit, in one transaction with whatever else is waiting.

        INVARIANT: a `write` refuses (GatewayError, raised here) before it has written anything: what others wrote in
        the same transaction is committed all the same. Any other error undoes, and is raised to, all of them.
        """
        mine = _Job(write)
        self._waiting.append(mine)
        with self._turn:
            if not mine.done:
                self._commit_waiting()
        if mine.error is not None:
            raise mine.error

    def _commit_waiting(self) -> None:
        jobs = [self._waiting.popleft() for _ in range(len(self._waiting))]
        try:
            with self._transaction() as direct:
                for job in jobs:
                    try:
                        job.write(direct)
                    except GatewayError as refusal:
                        job.error = refusal
        except BaseException as failure:  # noqa: BLE001 - each of the callers raises it
            for job in jobs:
                job.error = failure
        for job in jobs:
            job.done = True
