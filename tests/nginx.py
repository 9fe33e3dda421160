"""A real nginx in front of a small application that tells what it was sent; configured as docs/proxies.md says."""

import http.client
import json
import re
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.live_gateway import free_port

DOCUMENT = Path(__file__).resolve().parents[1] / "docs" / "proxies.md"
SECRET = "a-secret-of-the-proxy-for-tests-0123456789"
_MAIN = """\
daemon off;
master_process off;
worker_processes 1;
error_log {folder}/error.log info;
pid {folder}/nginx.pid;
events {{ worker_connections 64; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    {server}
}}
"""


@dataclass(frozen=True)
class Reply:
    status: int
    headers: dict[str, str]
    cookies: dict[str, str]
    body: bytes

    @property
    def seen(self) -> dict[str, Any]:
        """What the application was sent."""
        found: dict[str, Any] = json.loads(self.body)
        return found


@dataclass
class Nginx:
    port: int
    upstream: "Upstream"

    def send(self, raw: bytes) -> Reply:
        """Bytes as they are, over a connection of their own."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as connection:
            connection.sendall(raw)
            return read_reply(connection)

    def get(self, target: str, cookies: dict[str, str] | None = None, *lines: str, method: str = "GET") -> Reply:
        head = [f"{method} {target} HTTP/1.1", f"Host: localhost:{self.port}", "Connection: close", *lines]
        if cookies:
            head.append("Cookie: " + "; ".join(f"{name}={value}" for name, value in cookies.items()))
        return self.send("\r\n".join([*head, "", ""]).encode("latin-1"))


@dataclass
class Upstream:
    port: int
    requests: list[dict[str, Any]] = field(default_factory=list)


def read_reply(connection: socket.socket) -> Reply:
    answer = http.client.HTTPResponse(connection)
    answer.begin()
    body = answer.read()
    cookies = {}
    for line in answer.headers.get_all("Set-Cookie") or ():
        name, _, rest = line.partition("=")
        cookies[name] = rest.partition(";")[0]
    return Reply(answer.status, {name.lower(): value for name, value in answer.getheaders()}, cookies, body)


@contextmanager
def echo_upstream() -> Iterator[Upstream]:
    upstream = Upstream(0)

    class Echo(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _echo(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            seen = {
                "method": self.command,
                "path": self.path,
                "headers": [(name.lower(), value) for name, value in self.headers.items()],
                "body": body.decode("latin-1"),
            }
            upstream.requests.append(seen)
            data = json.dumps(seen).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def __getattr__(self, name: str) -> Any:
            if name.startswith("do_"):
                return self._echo
            raise AttributeError(name)

        def log_message(self, *_args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    server.daemon_threads = True
    upstream.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield upstream
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def documented(mark: str) -> str:
    """The block of the document that follows this mark."""
    found = re.search(rf"<!-- {re.escape(mark)} -->\n```[a-z]+\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    assert found, mark
    return found[1]


@contextmanager
def nginx(folder: Path, port: int, gateway_port: int, upstream: Upstream) -> Iterator[Nginx]:
    """The document's own configuration, with the names and ports of the test put in."""
    headers = documented("nginx: headers").replace("the proxy secret", SECRET)
    headers = headers.replace("wiki.example.com", f"localhost:{port}").replace("sso.example.com", "127.0.0.1")
    (folder / "ramgate.conf").write_text(headers)
    server = documented("nginx: server").replace("/etc/nginx/ramgate.conf", str(folder / "ramgate.conf"))
    server = re.sub(r" +ssl_certificate.*\n", "", server).replace("listen 443 ssl", f"listen 127.0.0.1:{port}")
    server = server.replace("wiki.example.com", "localhost").replace("127.0.0.1:8080", f"127.0.0.1:{gateway_port}")
    server = server.replace("127.0.0.1:9000", f"127.0.0.1:{upstream.port}")
    # Besides, the answer that tells where to sign in must name this port: nginx leaves it out otherwise.
    (folder / "nginx.conf").write_text(_MAIN.format(folder=folder, server=server))
    program = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin:/bin:/opt/homebrew/bin")
    assert program, "there is no nginx: see .ci/nginx"
    command = [program, "-e", str(folder / "error.log"), "-p", str(folder), "-c", str(folder / "nginx.conf")]
    with (folder / "stderr.log").open("wb") as stream:
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=stream)
    try:
        _wait_until_it_listens(process, port, folder)
        yield Nginx(port, upstream)
    finally:
        process.terminate()
        process.wait(10)


def _wait_until_it_listens(process: "subprocess.Popen[bytes]", port: int, folder: Path) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError((folder / "stderr.log").read_text() + (folder / "error.log").read_text())
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.02)
        else:
            return
    raise RuntimeError("nginx does not listen")


__all__ = ["SECRET", "Nginx", "Reply", "Upstream", "documented", "echo_upstream", "free_port", "nginx", "read_reply"]
