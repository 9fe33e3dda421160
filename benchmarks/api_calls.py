"""How many calls a second: GetCallerIdentity, signed, its nonce stored, against a hello-world on the same front.

    python -m benchmarks.api_calls [seconds]

The ratio counts; absolute numbers are those of the machine. Requests are signed beforehand.
"""

import secrets
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.live_gateway import LiveGateway, live_gateway
from tests.wire.seed import seed
from tests.wire.signed import SignedCall, send

CLIENTS = 4
HELLO = """
from flask import Flask
from gateway.audit.log import set_up_log
from gateway.server import serve_application
from gateway.settings import load_settings

app = Flask("hello")
app.add_url_rule("/", "hello", lambda: "hello", methods=["POST"])
set_up_log("WARNING")
serve_application(app, load_settings())
"""


def rate(gateway: LiveGateway, requests: list[bytes], seconds: float) -> float:
    """Answers per second, over kept connections; every request is sent once."""
    share = len(requests) // CLIENTS
    started = time.monotonic()

    def client(index: int) -> int:
        answered = 0
        with gateway.connect() as connection:
            for request in requests[index * share : (index + 1) * share]:
                assert send(connection, request).status == 200
                answered += 1
                if time.monotonic() - started > seconds:
                    break
        return answered

    with ThreadPoolExecutor(CLIENTS) as pool:
        answered = sum(pool.map(client, range(CLIENTS)))
    return answered / (time.monotonic() - started)


def main(seconds: float) -> None:
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        (directory / "hello").mkdir()
        with live_gateway(directory / "hello", program=HELLO) as gateway:
            plain = b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n"
            hello = rate(gateway, [plain] * 100_000, seconds)
        with live_gateway(directory) as gateway:
            services = gateway.services()
            company = seed(gateway, services)
            call = SignedCall(company.user_key)
            requests = [call.but(nonce=secrets.token_hex(8)).request() for _ in range(int(hello * seconds) + CLIENTS)]
            identity = rate(gateway, requests, seconds)
            services.store.dispose()
    print(f"hello-world {hello:.0f}/s, GetCallerIdentity {identity:.0f}/s, ratio {identity / hello:.2f}")


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 5.0)
