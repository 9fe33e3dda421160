"""The example's object service, in a thread of the test, guarded by a live gateway; and the official client for it."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alibabacloud_tea_openapi.models import Config
from oss2 import Bucket, Service

from examples.object_service.actions import Actions
from examples.object_service.gatekeeper import Gatekeeper
from examples.object_service.server import ObjectServer
from examples.object_service.server import Service as Served
from examples.object_service.storage import Storage

REGION = "cn-hangzhou"
MOST_BYTES = 4 * 1024 * 1024
GUARD_POLICY = json.dumps(
    {
        "Version": "1",
        "Statement": [{"Effect": "Allow", "Action": "ram:VerifyRequest", "Resource": "acs:ram:*:*:service/oss"}],
    }
)


@dataclass(frozen=True)
class ObjectService:
    account_id: str
    port: int
    folder: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def bucket(self, auth: Any, name: str) -> Bucket:
        return Bucket(auth, self.url, name, region=REGION)

    def service(self, auth: Any) -> Service:
        return Service(auth, self.url, region=REGION)

    def files(self) -> str:
        """Everything that it keeps, in one text: what must not be in it is looked for."""
        return "".join(path.read_bytes().decode("latin-1") for path in self.folder.rglob("*") if path.is_file())


@contextmanager
def object_service(config: Config, account_id: str, folder: Path) -> Iterator[ObjectService]:
    """`config` is how the service itself calls the gateway."""
    actions = Actions(Storage(folder), account_id=account_id, region=REGION, most_bytes=MOST_BYTES)
    with ObjectServer(Served(account_id, REGION, Gatekeeper(config), actions), ("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield ObjectService(account_id, server.server_address[1], folder)
        finally:
            server.shutdown()
            thread.join()
