"""Runs a page of docs/scenarios as it stands: its shell and Python blocks, in order, against a live gateway.

`ramgate` on the page's path is run in this process, since starting Python for each command takes a second; what is for an
instance (`ramgate instance enrol`, `agent`) is run in a process of its own, without the gateway's settings.
"""

import json
import os
import re
import socketserver
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from click.testing import CliRunner

from gateway.cli import main
from tests.wire.seed import Seed

REPOSITORY = Path(__file__).resolve().parents[2]
_BLOCK = re.compile(r"^```(sh|python)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_SHIM = """\
#!{python} -IS
import json, os, socket, sys
if sys.argv[1:3] in (["instance", "enrol"], ["instance", "agent"]):
    bare = {{k: v for k, v in os.environ.items() if not k.startswith("RAMGATE_") and not k.lower().endswith("_proxy")}}
    program = "import sys; sys.path.insert(0, {repository!r}); from gateway.cli import main; main()"
    os.execve({python!r}, [{python!r}, "-c", program, *sys.argv[1:]], bare)
piped = "-" in sys.argv[1:] or any(word.endswith("-stdin") for word in sys.argv)
with socket.create_connection(("127.0.0.1", int(os.environ["PAGE_PORT"]))) as there, there.makefile("rwb") as stream:
    asked = {{"words": sys.argv[1:], "here": os.getcwd(), "stdin": sys.stdin.read() if piped else ""}}
    stream.write(json.dumps(asked).encode() + b"\\n")
    stream.flush()
    told = json.loads(stream.readline())
sys.stdout.write(told["out"])
sys.stderr.write(told["err"])
sys.exit(told["code"])
"""


def run_page(name: str, company: Seed, folder: Path, **environ: str) -> str:
    """What the page's blocks print. Fails where one of them does."""
    text = (REPOSITORY / "docs" / "scenarios" / name).read_text()
    script = ["set -euo pipefail"]
    for number, (language, block) in enumerate(_BLOCK.findall(text)):
        if language == "sh":
            script.append(block)
        else:
            (folder / f"block{number}.py").write_text(block)
            script.append(f"python block{number}.py\n")
    with _commands(company, folder) as path:
        outcome = subprocess.run(
            ["bash", "-c", "\n".join(script)],
            cwd=folder,
            env=_environ(company, path) | environ,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
    assert outcome.returncode == 0, f"{outcome.stdout}\n{outcome.stderr}"
    return outcome.stdout


def printed_on(name: str) -> list[str]:
    """The lines that the page says are printed, in its blocks without a language."""
    text = (REPOSITORY / "docs" / "scenarios" / name).read_text()
    blocks = re.findall(r"^```([a-z]*)\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    return [line for language, block in blocks if not language for line in block.splitlines()]


def _environ(company: Seed, path: Mapping[str, str]) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith("RAMGATE_") and not k.lower().endswith("_proxy")}
    return {
        **kept,
        **path,
        "PYTHONPATH": str(REPOSITORY),
        "RAMGATE_ENDPOINT": company.gateway.endpoint,
        "RAMGATE_PROTOCOL": company.protocol,
        "RAMGATE_URL": company.gateway.base_url,
        "ACCOUNT": company.account_id,
        "ALIBABA_CLOUD_ACCESS_KEY_ID": company.owner_key.access_key_id,
        "ALIBABA_CLOUD_ACCESS_KEY_SECRET": company.owner_key.secret.reveal(),
    }


@contextmanager
def _commands(company: Seed, folder: Path) -> Iterator[Mapping[str, str]]:
    """`ramgate` and `python` for the page."""
    programs = folder / "bin"
    programs.mkdir()
    (programs / "ramgate").write_text(_SHIM.format(python=sys.executable, repository=str(REPOSITORY)))
    (programs / "ramgate").chmod(0o700)
    (programs / "python").write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    (programs / "python").chmod(0o700)
    settings = company.gateway.settings
    environ = {
        "RAMGATE_VAR_DIR": str(settings.var_dir),
        "RAMGATE_CERTS_DIR": str(settings.certs_dir),
        "RAMGATE_BASE_URL": settings.base_url,
    }

    class Desk(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            asked = json.loads(self.rfile.readline())
            words = [_found(word, asked["here"]) for word in asked["words"]]
            if "--account" not in words:  # the page's company is not the only one here
                words = ["--account", company.account_id, *words]
            result = CliRunner().invoke(main, words, input=asked["stdin"], env=environ)
            told = {"code": result.exit_code, "out": result.stdout, "err": result.stderr}
            self.wfile.write(json.dumps(told).encode() + b"\n")

    with socketserver.TCPServer(("127.0.0.1", 0), Desk) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            path = f"{programs}:{os.environ['PATH']}"
            yield {"PATH": path, "PAGE_PORT": str(server.server_address[1])}
        finally:
            server.shutdown()
            thread.join()


def _found(word: str, here: str) -> str:
    """A file that the page made is found from where the page is."""
    made = Path(here, word)
    return str(made) if word.endswith(".json") and made.is_file() else word
