"""A real gateway for wire and browser tests: its own process, a free loopback port, a database and keys of its own.

with live_gateway(tmp_path) as gateway:
    services = gateway.services()      # the same database and keys, to seed with directory functions
    requests.get(gateway.base_url + "/healthz")
"""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from gateway.app import build_services
from gateway.clock import SystemClock
from gateway.services import Services
from gateway.settings import Settings, load_settings
from tests.local_servers import Authority

SERVE = "from gateway.server import serve; from gateway.settings import load_settings; serve(load_settings())"
SERVE_TLS = """\
import sys
from pathlib import Path
from gateway.server import serve
from gateway.settings import load_settings
serve(load_settings(), certfile=Path(sys.argv[1]), keyfile=Path(sys.argv[1]))
"""
_START_S = 30.0
_STOP_S = 20.0


@dataclass(frozen=True, slots=True)
class LiveGateway:
    settings: Settings
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def base_url(self) -> str:
        return self.settings.base_url

    @property
    def endpoint(self) -> str:
        """`host:port`, as the official clients want it."""
        return f"{self.settings.host}:{self.settings.port}"

    def services(self) -> Services:
        """The gateway's database and keys, opened once more in this process. Dispose of `.store` when done."""
        return build_services(self.settings, SystemClock())

    def log_text(self) -> str:
        return self.log.read_text()

    def connect(self) -> socket.socket:
        return socket.create_connection((self.settings.host, self.settings.port), timeout=10)


@contextmanager
def live_gateway(
    directory: Path,
    *,
    program: str = SERVE,
    environ: Mapping[str, str] | None = None,
    authority: Authority | None = None,
) -> Iterator[LiveGateway]:
    """Start a gateway with everything it keeps in `directory`; `environ` adds settings. Stopped at the end.

    With an authority it speaks TLS, by the certificate that this authority gave to 127.0.0.1.
    """
    port = free_port()
    command = [program] if authority is None else [SERVE_TLS, str(authority.server_file("127.0.0.1"))]
    own = {
        "RAMGATE_PORT": str(port),
        "RAMGATE_BASE_URL": f"{'http' if authority is None else 'https'}://127.0.0.1:{port}",
        "RAMGATE_VAR_DIR": str(directory / "var"),
        "RAMGATE_CERTS_DIR": str(directory / "certs"),
        **(environ or {}),
    }
    log = directory / "gateway.log"
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("RAMGATE_")}
    for name in ("PORT", "DATABASE_URL", "WEB_CONCURRENCY"):
        inherited.pop(name, None)
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [sys.executable, "-c", *command], env=inherited | own, stdout=stream, stderr=subprocess.STDOUT
        )
    try:
        _wait_until_it_listens(process, port, log)
        yield LiveGateway(load_settings(own), process, log)
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        try:
            process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


def _wait_until_it_listens(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + _START_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"the gateway did not start:\n{log.read_text()}")
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.02)
        else:
            return
    raise RuntimeError(f"the gateway does not listen:\n{log.read_text()}")
