"""Going through a great many values that hold no cycles, without the collector of cycles looking at each of them."""

import gc
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")

_LOOK_AFTER = 250_000  # values


def without_collector(batches: Iterable[tuple[int, Sequence[T]]]) -> Iterator[tuple[int, Sequence[T]]]:
    """The same batches. The collector rests while they are read and worked on, and looks once in a while; it takes
    longer than reading otherwise. What threads beside this one leave is looked at a little later, no more.
    """
    resting, seen = gc.isenabled(), 0
    gc.disable()
    try:
        for number, values in batches:
            yield number, values
            seen += len(values) + 1
            if seen >= _LOOK_AFTER:
                seen = 0
                gc.collect()
    finally:
        if resting:
            gc.enable()
