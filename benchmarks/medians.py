"""How long each of several ways takes, measured in turns in one process."""

import statistics
import time
from collections.abc import Callable


def measure(runs: dict[str, Callable[[], object]], rounds: int, block: int) -> dict[str, float]:
    """Microseconds, the median of `rounds` runs of each.

    `block` runs of one way are made in a row, so that each measures itself and not the caches that another one left.
    """
    times: dict[str, list[int]] = {name: [] for name in runs}
    for _ in range(rounds // block):
        for name, run in runs.items():
            run()
            for _ in range(block):
                started = time.perf_counter_ns()
                run()
                times[name].append(time.perf_counter_ns() - started)
    return {name: statistics.median(taken) / 1000 for name, taken in times.items()}
