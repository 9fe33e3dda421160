"""python -m examples.object_service: settings come from the environment, see README.md."""

import logging
import os
from pathlib import Path

from examples.calling import configured
from examples.object_service.actions import Actions
from examples.object_service.gatekeeper import Gatekeeper
from examples.object_service.server import ObjectServer, Service
from examples.object_service.storage import Storage


def main() -> None:
    given = os.environ
    account_id, region = given["OBJECTS_ACCOUNT"], given.get("OBJECTS_REGION", "cn-hangzhou")
    most = int(given.get("OBJECTS_MOST_BYTES", str(64 * 1024 * 1024)))
    actions = Actions(Storage(Path(given["OBJECTS_DIR"])), account_id=account_id, region=region, most_bytes=most)
    host, _, port = given.get("OBJECTS_LISTEN", "127.0.0.1:9100").rpartition(":")
    logging.basicConfig(level=logging.INFO)
    with ObjectServer(Service(account_id, region, Gatekeeper(configured()), actions), (host, int(port))) as server:
        print(f"listening on {server.server_address[0]!s}:{server.server_address[1]}", flush=True)  # noqa: T201 - says where, if the port was 0
        server.serve_forever(poll_interval=0.2)


if __name__ == "__main__":
    main()
