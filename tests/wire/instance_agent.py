"""An agent on an instance, as it is run there: its own process, with a folder of its own; and a plain forward proxy."""

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

RAMGATE = [sys.executable, "-c", "from gateway.cli import main; main()", "instance"]


def enrol(gateway: str, state: Path, token: str) -> None:
    words = [*RAMGATE, "enrol", "--gateway", gateway, "--state", str(state)]
    subprocess.run(words, input=token + "\n", text=True, check=True, capture_output=True, env=_bare())


@contextmanager
def running_agent(state: Path) -> Iterator[int]:
    """The port that it listens on."""
    words = [*RAMGATE, "agent", "--listen", "127.0.0.1:0", "--state", str(state)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=_bare()) as process:
        try:
            assert process.stdout is not None
            found = re.search(r"listening on 127\.0\.0\.1:([0-9]+);", process.stdout.readline())
            assert found is not None
            yield int(found[1])
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(10) == 0


@contextmanager
def forward_proxy(port: int) -> Iterator[str]:
    """A plain HTTP proxy that takes every request to the agent, wherever it is for: stands for the route that leads the
    metadata address to the agent on a real instance. Requests for other hosts than the metadata address fail.
    """

    class Forward(BaseHTTPRequestHandler):
        def pass_on(self) -> None:
            url = urlsplit(self.path)
            assert url.netloc == "100.100.100.200"
            agent = HTTPConnection("127.0.0.1", port, timeout=10)
            kept = {k: v for k, v in self.headers.items() if k.lower() not in {"connection", "proxy-connection"}}
            agent.request(self.command, url.path, headers=kept)
            answer = agent.getresponse()
            body = answer.read()
            self.send_response(answer.status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
            agent.close()

        do_GET = do_PUT = pass_on  # noqa: N815 - names of the base class

        def log_message(self, *_args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Forward) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


def _bare() -> dict[str, str]:
    """Without the gateway's settings and without proxies: an instance has neither its database nor its keys."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("RAMGATE_") and not name.lower().endswith("_proxy")
    }
