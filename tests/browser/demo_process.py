"""The demo as anybody starts it, on free ports and in a folder of its own."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_START_S = 90
_STOP_S = 20


@dataclass(frozen=True, slots=True)
class DemoRun:
    process: subprocess.Popen[str]
    folder: Path
    output: list[str]
    state: dict[str, Any]

    @property
    def base_url(self) -> str:
        return str(self.state["base_url"])

    @property
    def idp_url(self) -> str:
        return str(self.state["idp_url"])

    def password(self, login: str) -> str:
        return next(str(user["idp_password"]) for user in self.state["users"] if user["idp_login"] == login)

    def roles(self, login: str) -> list[str]:
        return next(list(user["roles"]) for user in self.state["users"] if user["idp_login"] == login)

    def stop(self) -> int:
        """Stop it as `kill` does; the exit code."""
        self.process.send_signal(signal.SIGTERM)
        with self.process:  # closes our end of its output
            return self.process.wait(_STOP_S)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start_demo(folder: Path, **variables: str) -> DemoRun:
    """Start `python -m gateway.demo` and wait until it has said who can sign in."""
    # To a browser 127.0.0.1 and localhost are two sites, as a company's IdP and the gateway are: SameSite counts.
    ports = {"PORT": str(free_port()), "IDP_PORT": str(free_port()), "IDP_HOST": "localhost"}
    folders = {f"RAMGATE_{name.upper()}_DIR": str(folder / name) for name in ("var", "certs", "metadata")}
    kept = {name: value for name, value in os.environ.items() if not name.startswith("RAMGATE_") and name != "RESET"}
    process = subprocess.Popen(
        [sys.executable, "-m", "gateway.demo"],
        env={**kept, **ports, **folders, **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    watchdog = threading.Timer(_START_S, process.kill)
    watchdog.start()
    output: list[str] = []
    try:
        assert process.stdout is not None
        for line in process.stdout:
            output.append(line)
            if "demo.json" in line:
                break
        else:
            with process:
                process.wait()
            raise AssertionError("the demo did not start:\n" + "".join(output))
    finally:
        watchdog.cancel()
    state = json.loads((folder / "var" / "demo.json").read_text())
    return DemoRun(process=process, folder=folder, output=output, state=state)
