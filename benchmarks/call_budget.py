"""Where the time of a signed call goes: the real application on a real SQLite file, in process, without HTTP.

    python -m benchmarks.call_budget [--calls 3000] [--profile]

Prints microseconds a call, and with `--profile` the functions that take them. One thread: a commit has nobody to share
its wait for the disk with, so `AssumeRole` shows more of it here than under load.
"""

import argparse
import cProfile
import io
import os
import pstats
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.api_calls import Caller, make_callers, signed
from gateway.api.front import WireFront
from gateway.app import build_services
from gateway.audit.log import set_up_log
from gateway.clock import SystemClock
from gateway.settings import load_settings

_SHOWN = 45


def environ_of(request: bytes) -> dict[str, Any]:
    """What a server would make of the request."""
    head, _, body = request.partition(b"\r\n\r\n")
    line, *headers = head.decode("latin-1").split("\r\n")
    method, target, _ = line.split(" ")
    environ: dict[str, Any] = {
        "REQUEST_METHOD": method,
        "PATH_INFO": "/",
        "QUERY_STRING": target.partition("?")[2],
        "REMOTE_ADDR": "127.0.0.1",
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
    }
    for name, value in (header.split(": ", 1) for header in headers):
        key = name.upper().replace("-", "_")
        environ[key if key in {"CONTENT_TYPE", "CONTENT_LENGTH"} else f"HTTP_{key}"] = value
    return environ


def answer_all(front: WireFront, environs: list[dict[str, Any]]) -> None:
    def start(status: str, *_rest: Any) -> Callable[[bytes], object]:
        assert status == "200 OK", status
        return len

    for environ in environs:
        b"".join(front(environ, start))


def measure(front: WireFront, callers: list[Caller], action: str, calls: int, *, profile: bool) -> None:
    answer_all(front, [environ_of(request) for request in signed(callers, action, len(callers))])
    environs = [environ_of(request) for request in signed(callers, action, calls)]
    profiler = cProfile.Profile() if profile else None
    started, used = time.perf_counter(), time.thread_time()
    if profiler is None:
        answer_all(front, environs)
    else:
        profiler.runcall(answer_all, front, environs)
    elapsed, busy = time.perf_counter() - started, time.thread_time() - used
    print(f"{action}: {elapsed / calls * 1e6:.0f} us a call, {busy / calls * 1e6:.0f} us of them on the processor")
    if profiler is not None:
        pstats.Stats(profiler).sort_stats("tottime").print_stats(_SHOWN)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--calls", type=int, default=3000)
    parser.add_argument("--profile", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        settings = load_settings({"RAMGATE_VAR_DIR": str(place / "var"), "RAMGATE_CERTS_DIR": str(place / "certs")})
        sys.stderr = Path(os.devnull).open("w")  # noqa: SIM115 - each call writes its line, and nobody reads it
        set_up_log("INFO")
        services = build_services(settings, SystemClock())
        front = WireFront(lambda *_: (), services)
        callers = make_callers(services)
        for action in ("GetCallerIdentity", "AssumeRole"):
            measure(front, callers, action, options.calls, profile=options.profile)
        services.store.dispose()


if __name__ == "__main__":
    main()
