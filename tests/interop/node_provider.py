"""`oidc-provider` (npm) as a server: an OpenID Provider that we did not write, in a process of its own."""

import json
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from queue import Queue
from typing import Any

from playwright.sync_api import Page

FOLDER = Path(__file__).with_name("javascript")
_WAIT_S = 30


@dataclass
class NodeProvider:
    issuer: str
    process: subprocess.Popen[str]
    events: "Queue[dict[str, str]]" = field(default_factory=Queue)
    seen: list[dict[str, str]] = field(default_factory=list)

    def say(self, people: Mapping[str, Mapping[str, Any]]) -> None:
        """What is said of people from now on: claims by login."""
        self._send(people)
        self.wait_for("known")

    def wait_for(self, event: str) -> dict[str, str]:
        while True:
            found = self.events.get(timeout=_WAIT_S)
            self.seen.append(found)
            if found["event"] == event:
                return found

    def sign_in(self, page: Page, login: str) -> None:
        """The package's own pages: any password will do; consent is asked for once."""
        page.locator("input[name=login]").fill(login)
        page.locator("input[name=password]").fill("x")
        page.get_by_role("button", name="Sign-in").click()
        page.get_by_role("button", name="Continue").click()

    def sign_out(self, page: Page) -> None:
        page.get_by_role("button", name="Yes, sign me out").click()

    def _send(self, message: object) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(message) + "\n")
        self.process.stdin.flush()

    def read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.startswith('{"event"'):
                self.events.put(json.loads(line))


@contextmanager
def node_provider(port: int, clients: Sequence[Mapping[str, Any]]) -> Iterator[NodeProvider]:
    """Fails where Node or the package is missing: `.ci/node` installs both."""
    program = shutil.which("node") or shutil.which("nodejs")
    assert program is not None, "Node.js is not installed; run .ci/node"
    assert (FOLDER / "node_modules" / "oidc-provider").is_dir(), "oidc-provider is not installed; run .ci/node"
    quiet = {name: value for name, value in os.environ.items() if not name.startswith("NODE_")}
    issuer = f"http://localhost:{port}"  # another site than the gateway's, to a browser
    with subprocess.Popen(
        [program, str(FOLDER / "provider.mjs")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**quiet, "NODE_ENV": "test"},
    ) as process:
        provider = NodeProvider(issuer, process)
        reader = threading.Thread(target=provider.read, daemon=True)
        reader.start()
        provider._send({"port": port, "issuer": issuer, "clients": list(clients)})
        provider.wait_for("ready")
        yield provider
        assert process.stdin is not None
        process.stdin.close()
        process.wait(_WAIT_S)
        reader.join(_WAIT_S)
