"""One target with bytes changed at random. Called by `fuzz.run` where there is no atheris."""

import random
import resource
import sys
import time
import traceback

from fuzz.run import MAX_BYTES, MEMORY_MB, ONE_INPUT_S, keep
from fuzz.targets import TARGETS, seeds_of

_PIECES = (
    b"<",
    b">",
    b"&",
    b'"',
    b"'",
    b"\x00",
    b"<!--",
    b"<!DOCTYPE x>",
    b"<?x?>",
    b"]]>",
    b"{",
    b"[",
    b"%00",
    b"\xff",
)


def changed(draw: random.Random, data: bytes, limit: int) -> bytes:
    """One to eight cuts, copies, pieces and bytes."""
    for _ in range(draw.randint(1, 8)):
        start, end = sorted((draw.randint(0, len(data)), draw.randint(0, len(data))))
        put = draw.choice((b"", draw.choice(_PIECES), draw.randbytes(draw.randint(1, 4)), data[start:end] * 2))
        end = draw.choice((start, min(start + draw.randint(0, 8), len(data)), end))
        data = (data[:start] + put + data[end:])[:limit]
    return data


def main() -> int:
    name, seconds, _ = sys.argv[1:]
    seeds = seeds_of(name)
    draw, ends, runs = random.Random(name), time.monotonic() + int(seconds), 0
    while time.monotonic() < ends:
        data = changed(draw, draw.choice(seeds), MAX_BYTES.get(name, 40_000))
        started = time.monotonic()
        try:
            TARGETS[name](data)
            too_much = time.monotonic() - started > ONE_INPUT_S or _memory_mb() > MEMORY_MB
        except Exception:  # noqa: BLE001 - that is what is being looked for
            traceback.print_exc()
            too_much = True
        runs += 1
        if too_much:
            keep(name, data)
            return 1
    print(f"stat::number_of_executed_units: {runs}")
    return 0


def _memory_mb() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return used / 1024 / (1024 if sys.platform == "darwin" else 1)


if __name__ == "__main__":
    sys.exit(main())
