"""How long the parts of a call take: functions of the gateway are replaced by ones that look at the clock."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch


class PhaseTimes:
    """Nanoseconds on the processor by phase, each without those that began and ended within it. One thread."""

    def __init__(self) -> None:
        self.taken: dict[str, int] = {}
        self._inner: list[int] = []

    def timed(self, phase: str, function: Callable[..., Any]) -> Callable[..., Any]:
        self.taken.setdefault(phase, 0)

        def run(*arguments: Any, **named: Any) -> Any:
            self._inner.append(0)
            started = time.thread_time_ns()
            try:
                return function(*arguments, **named)
            finally:
                whole = time.thread_time_ns() - started
                self.taken[phase] += whole - self._inner.pop()
                if self._inner:
                    self._inner[-1] += whole

        return run

    @contextmanager
    def watching(self, phases: Mapping[str, tuple[str, ...]]) -> Iterator[None]:
        """`phases` names functions by module and name, as `unittest.mock.patch` finds them."""
        with ExitStack() as stack:
            for phase, names in phases.items():
                for name in names:
                    patcher = patch(name)
                    original, _ = patcher.get_original()
                    stack.enter_context(patch(name, self.timed(phase, original)))
            yield
