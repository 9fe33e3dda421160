"""Where the time of a signed call goes: the real application on a real SQLite file, in process, without HTTP.

    python -m benchmarks.call_budget [--calls 3000] [--phases] [--profile] [--only Authorize]

Prints microseconds a call; with `--phases` how long each part of it takes, and with `--profile` the functions that take
them. One thread: a commit has nobody to share its wait for the disk with, so `AssumeRole` shows more of it here than
under load.
"""

import argparse
import cProfile
import io
import os
import pstats
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

from benchmarks import authorize as questions
from benchmarks.api_calls import make_callers, signed
from benchmarks.phase_times import PhaseTimes
from gateway.api import front as front_of_wire
from gateway.api.action import AnyAction
from gateway.api.actions.table import find_action
from gateway.api.front import WireFront
from gateway.api.pipeline import run
from gateway.app import build_services
from gateway.audit.log import set_up_log
from gateway.clock import SystemClock
from gateway.settings import load_settings

_SHOWN = 45
_OPERATIONS = ("GetCallerIdentity", "AssumeRole", "Authorize", "VerifyRequest")
_PHASES: Mapping[str, tuple[str, ...]] = {
    "read call": ("gateway.api.pipeline.read_call",),
    "read signature": ("gateway.api.pipeline.read_proof",),
    "look up key": ("gateway.guard.proof.find_access_key",),
    "check signature": ("gateway.guard.signature_v3.verify_signature",),
    "network, idleness": ("gateway.api.pipeline.verify_proof",),
    "nonce and last use": ("gateway.api.pipeline.claim_nonce",),
    "own permission": ("gateway.api.pipeline.authorize",),
    "whom it is about": (
        "gateway.api.actions.authorize.reach_of",
        "gateway.api.actions.authorize.check_reach",
        "gateway.api.actions.authorize.find_subject",
        "gateway.guard.verifying.read_forwarded",
        "gateway.guard.verifying.verify_proof",
        "gateway.guard.verifying.check_reach",
    ),
    "decision": ("gateway.api.actions.authorize.rule", "gateway.guard.verifying.rule"),
    "explanation": (
        "gateway.api.actions.authorize.ruling_fields",
        "gateway.api.actions.verify_request.ruling_fields",
    ),
    "journal": ("gateway.api.remembering.record_decision",),
    "what the journal keeps": (
        "gateway.api.actions.authorize.remember_ruling",
        "gateway.api.actions.verify_request.remember_ruling",
        "gateway.api.pipeline.remember",
    ),
    "log line": ("gateway.api.pipeline.log_event",),
    "render": ("gateway.api.pipeline.render_json",),
}

Make = Callable[[int], list[bytes]]  # so many requests


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


def measure(front: WireFront, action: str, make: Make, calls: int, *, profile: bool) -> None:
    environs = [environ_of(request) for request in make(calls)]
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


def measure_phases(front: WireFront, make: Make, calls: int) -> None:
    """Where the time goes; looking at the clock takes some of it."""
    times = PhaseTimes()

    def find(version: str, name: str) -> AnyAction:
        action = find_action(version, name)
        parse, perform = times.timed("parse", action.parse), times.timed("perform, the rest", action.perform)
        return replace(action, parse=parse, perform=perform)

    environs = [environ_of(request) for request in make(calls)]
    call = times.timed("HTTP, snapshot, the rest", front)
    with times.watching(_PHASES), patch.object(front_of_wire, "run", partial(run, find=find)):
        for environ in environs:
            b"".join(call(environ, lambda *_rest: len))
    for phase, taken in times.taken.items():
        print(f"    {phase:26} {taken / calls / 1000:6.1f}")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--calls", type=int, default=3000)
    parser.add_argument("--phases", action="store_true")
    parser.add_argument("--profile", action="store_true")
    parser.add_argument("--only", choices=_OPERATIONS)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        settings = load_settings({"RAMGATE_VAR_DIR": str(place / "var"), "RAMGATE_CERTS_DIR": str(place / "certs")})
        sys.stderr = Path(os.devnull).open("w")  # noqa: SIM115 - each call writes its line, and nobody reads it
        set_up_log("INFO")
        services = build_services(settings, SystemClock())
        front = WireFront(lambda *_: (), services)
        callers = make_callers(services)
        service = questions.make_service(services, callers[0].role_arn.split(":")[3])
        for action in (options.only,) if options.only else _OPERATIONS:
            asks = action in {"Authorize", "VerifyRequest"}
            make = partial(questions.signed, service, action, callers) if asks else partial(signed, callers, action)
            answer_all(front, [environ_of(request) for request in make(2 * len(callers))])
            measure(front, action, make, options.calls, profile=options.profile)
            if options.phases:
                measure_phases(front, make, options.calls)
        services.store.dispose()


if __name__ == "__main__":
    main()
