"""Runs the fuzz targets one after the other, each in a process of its own, the time divided among them.

Run: make fuzz SECONDS=60 [TARGET=response]. What was found lies in var/fuzz; to try it again:
.venv/bin/python -m fuzz.once response var/fuzz/crash-response-...

Where atheris is not to be had (it comes for Linux on x86-64) the same targets get bytes that were changed at random,
without looking at coverage, and the first line of the output says so.
"""

import argparse
import hashlib
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOUND = Path("var/fuzz")
TARGETS = ("response", "assertion", "decryption", "metadata", "redirect", "oidc", "claims", "call")
ONE_INPUT_S = 20  # of the clock on the wall, and machines are busy; an input takes milliseconds
MEMORY_MB = 1024
MAX_BYTES = {"oidc": 21_000, "claims": 15_000, "call": 20_000}
START_S = 120
SHOWN = ("stat::number_of", "stat::slowest", "stat::peak")


def keep(name: str, data: bytes) -> None:
    """Write down an input that is a finding."""
    found = FOUND / f"crash-{name}-{hashlib.sha256(data).hexdigest()[:16]}"
    found.write_bytes(data)
    print(f"kept: {found}", flush=True)


def engine(atheris_folder: str) -> tuple[str, str]:
    """The module that runs a target, and what to say of it."""
    if (Path(atheris_folder) / "atheris").is_dir():
        return "fuzz.guided", "atheris, guided by coverage"
    return "fuzz.unguided", "random changes without coverage: atheris is not to be had for this machine"


def run_target(module: str, name: str, seconds: int, environ: dict[str, str]) -> bool:
    """Whether nothing was found."""
    corpus = FOUND / name
    corpus.mkdir(parents=True, exist_ok=True)
    print(f"== {name}, {seconds} s", flush=True)
    command = [sys.executable, "-m", module, name, str(seconds), str(corpus)]
    log = FOUND / f"{name}.log"
    try:
        with log.open("wb") as stream:
            code = subprocess.run(
                command, env=environ, stdout=stream, stderr=stream, check=False, timeout=seconds + START_S
            ).returncode
    except subprocess.TimeoutExpired:
        print(f"   it did not end by itself: something hangs; see {log}", flush=True)
        return False
    lines = log.read_text(errors="replace").splitlines()
    if code:
        print("\n".join([*lines[-60:], f"   a finding; the input lies in {FOUND}, the whole log is {log}"]), flush=True)
    else:
        print("\n".join(f"   {line.removeprefix('stat::')}" for line in lines if line.startswith(SHOWN)), flush=True)
    return code == 0


def main() -> int:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--seconds", type=int, default=60)
    arguments.add_argument("--target", choices=TARGETS)
    arguments.add_argument("--atheris", default="var/fuzz-env")
    chosen = arguments.parse_args()
    os.chdir(ROOT)
    names = [chosen.target] if chosen.target else list(TARGETS)
    module, words = engine(chosen.atheris)
    print(f"fuzz: {words}", flush=True)
    environ = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), chosen.atheris])}
    each = max(2, chosen.seconds // len(names))
    failed = [name for name in names if not run_target(module, name, each, environ)]
    print(f"fuzz: {len(names) - len(failed)} of {len(names)} targets without a finding", flush=True)
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
