"""The example's object service before a live gateway, with a bucket and somebody who may do everything with it."""

import re
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import oss2
import pytest
from oss2.http import Request

from tests.live_gateway import live_gateway
from tests.object_service import REGION, ObjectService, object_service
from tests.wire.own_policy import give
from tests.wire.seed import Caller, Seed, seed

BUCKET = "pictures"


@dataclass(frozen=True)
class Target:
    company: Seed
    objects: ObjectService
    alice: Caller

    def bucket(self, auth: Any = oss2.Auth) -> oss2.Bucket:
        return self.objects.bucket(auth(*self.alice.key), BUCKET)

    def signed(
        self,
        method: str,
        key: str,
        auth: Any = oss2.Auth,
        params: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
    ) -> dict[str, str]:
        """The headers of a request, as the official client signs them."""
        request = Request(method, "http://x/", params=params, headers=headers, region=REGION, product="oss")
        auth(*self.alice.key)._sign_request(request, BUCKET if key != "/" else "", "" if key == "/" else key)
        return {name: value for name, value in request.headers.items() if value is not None}

    def send(self, line: str, headers: dict[str, str] | list[tuple[str, str]], body: bytes = b"") -> tuple[int, str]:
        """Exactly these bytes; status and body of the answer."""
        pairs = list(headers.items()) if isinstance(headers, dict) else headers
        head = "".join(f"{name}: {value}\r\n" for name, value in [("Host", "127.0.0.1"), *pairs])
        with socket.create_connection(("127.0.0.1", self.objects.port), timeout=10) as connection:
            connection.sendall(f"{line} HTTP/1.1\r\n{head}\r\n".encode("utf-8", "surrogateescape") + body)
            connection.shutdown(socket.SHUT_WR)
            answer = b"".join(iter(lambda: connection.recv(65536), b"")).decode("latin-1")
        found = re.match(r"HTTP/1\.0 (\d{3})", answer)
        assert found is not None, answer
        return int(found[1]), answer.partition("\r\n\r\n")[2]

    def content(self, key: str) -> bytes | None:
        try:
            found: bytes = self.bucket().get_object(key).read()
        except oss2.exceptions.NoSuchKey:
            return None
        return found


@pytest.fixture(scope="session")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    folder = tmp_path_factory.mktemp("objects")
    with live_gateway(tmp_path_factory.mktemp("gateway")) as gateway:
        services = gateway.services()
        company = seed(gateway, services)
        guard, alice = company.new_user(), company.new_user("AliyunOSSFullAccess")
        give(company, guard, {"Effect": "Allow", "Action": "ram:VerifyRequest", "Resource": "acs:ram:*:*:service/oss"})
        with object_service(company.config(*guard.key), company.account_id, folder) as objects:
            found = Target(company, objects, alice)
            found.bucket().create_bucket()
            yield found
        services.store.dispose()
