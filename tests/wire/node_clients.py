"""The official JavaScript clients in a Node process: calls go in and answers come out as lines of JSON."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.wire.seed import Seed

FOLDER = Path(__file__).with_name("javascript")


@dataclass
class NodeRefusal(Exception):  # noqa: N818 - what the gateway said, in the client's words
    """How a client failed. `status` is None where the gateway did not answer."""

    name: str
    code: str | None
    status: int | None
    data: Mapping[str, Any]
    message: str

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"


class NodeClients:
    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def call(
        self, company: Seed, package: str, operation: str, request: Mapping[str, Any] | None = None, **config: Any
    ) -> Any:
        """What `operation` of a client answers, e.g. `call(company, "ram", "createUser", {"userName": "bob"})`.

        The owner's key unless `config` has another. Raises: NodeRefusal.
        """
        order = {
            "package": package,
            "operation": operation,
            "request": request,
            "config": {
                "endpoint": company.gateway.endpoint,
                "protocol": company.protocol,
                "accessKeyId": company.owner_key.access_key_id,
                "accessKeySecret": company.owner_key.secret.reveal(),
                **config,
            },
        }
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        if "refused" in answer:
            raise NodeRefusal(**answer["refused"])
        return answer["body"]


@contextmanager
def node_clients(trusted: Path) -> Iterator[NodeClients]:
    """A Node that trusts one more authority. Fails where Node or the packages are missing: `.ci/node` installs both."""
    program = shutil.which("node") or shutil.which("nodejs")
    assert program is not None, "Node.js is not installed; run .ci/node"
    assert (FOLDER / "node_modules").is_dir(), "the JavaScript clients are not installed; run .ci/node"
    quiet = {name: value for name, value in os.environ.items() if not name.startswith(("ALIBABA_", "NODE_"))}
    with subprocess.Popen(
        [program, str(FOLDER / "clients.js")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**quiet, "NODE_EXTRA_CA_CERTS": str(trusted)},
    ) as process:
        yield NodeClients(process)
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(10) == 0
