"""The demo's two server processes: started together, watched, stopped together."""

import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from gateway.errors import ConfigError, Reason

_START_S = 60
_STOP_S = 10
_LOOK_EVERY_S = 0.05
_LOG_TAIL = 20


@dataclass(frozen=True, slots=True)
class Server:
    name: str
    process: subprocess.Popen[bytes]
    log: Path
    health_url: str

    def log_tail(self) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-_LOG_TAIL:])


def check_port_free(host: str, port: int, variable: str) -> None:
    """Refuse a port that something else listens on.

    Raises: ConfigError(CONFIG_INVALID), which names the variable that chooses another one.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as exc:
            hint = f"choose another one, such as: make demo {variable}={port + 1000}"
            raise ConfigError(Reason.CONFIG_INVALID, f"port {port} is in use or not allowed; {hint}") from exc


def start_server(name: str, health_url: str, log: Path, environ: Mapping[str, str]) -> Server:
    """Start `python -m gateway.demo <name>`; what it prints goes to its log."""
    with log.open("wb") as output:
        # A session of its own: Ctrl-C reaches this process alone, which then stops both in order.
        process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            [sys.executable, "-m", "gateway.demo", name],
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    return Server(name=name, process=process, log=log, health_url=health_url)


def wait_until_ready(servers: Sequence[Server]) -> None:
    """Return once all servers answer.

    Raises: ConfigError(CONFIG_INVALID) with the end of its log for one that stops or stays silent.
    """
    deadline = time.monotonic() + _START_S
    for server in servers:
        while not _answers(server.health_url):
            if server.process.poll() is not None or time.monotonic() > deadline:
                problem = "stopped" if server.process.poll() is not None else f"did not answer within {_START_S} s"
                raise ConfigError(Reason.CONFIG_INVALID, f"the {server.name} {problem}:\n{server.log_tail()}")
            time.sleep(_LOOK_EVERY_S)


def stop_servers(servers: Sequence[Server]) -> None:
    """Ask all to stop, then make those stop that don't."""
    for server in servers:
        server.process.terminate()
    deadline = time.monotonic() + _STOP_S
    for server in servers:
        try:
            server.process.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            server.process.kill()
            server.process.wait()


def _answers(url: str) -> bool:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # a proxy can't reach our loopback address
    try:
        with opener.open(url, timeout=2):
            return True
    except urllib.error.HTTPError as exc:
        exc.close()
        return exc.code < 500  # noqa: PLR2004 - it speaks HTTP and is not broken
    except OSError:
        return False
