"""moto's STS server, the peer, in an environment of its own: `requirements/bench.lock` is no part of ours."""

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from socket import create_connection
from urllib.parse import urlencode

from tests.live_gateway import free_port

SERVER = Path(os.environ.get("MOTO_SERVER", "var/bench-env/bin/moto_server"))
_START_S = 60.0


@contextmanager
def moto_server() -> Iterator[tuple[str, int]]:
    port = free_port()
    process = subprocess.Popen(
        [SERVER, "-H", "127.0.0.1", "-p", str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        deadline = time.monotonic() + _START_S
        while True:
            try:
                create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                if process.poll() is not None or time.monotonic() > deadline:
                    raise
                time.sleep(0.1)
        yield "127.0.0.1", port
    finally:
        process.terminate()
        process.wait()


def moto_request(action: str, **parameters: str) -> bytes:
    """Signed by nobody: moto looks at the name of the service only."""
    body = urlencode({"Action": action, "Version": "2011-06-15", **parameters}).encode()
    scope = "Credential=AKIAEXAMPLE/20260101/us-east-1/sts/aws4_request"
    head = (
        "POST / HTTP/1.1\r\nHost: sts.amazonaws.com\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        f"Authorization: AWS4-HMAC-SHA256 {scope}, SignedHeaders=host, Signature=0\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body
