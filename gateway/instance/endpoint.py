"""What applications on the instance ask: who may, and what they get. From a request to a reply; no sockets.

    PUT /latest/api/token                                    a token, for X-aliyun-ecs-metadata-token-ttl-seconds
    GET /latest/meta-data/ram/security-credentials/          the name of the role
    GET /latest/meta-data/ram/security-credentials/<role>    its credentials, in JSON
    GET /credentials/<handle>                                the same, by an address that can't be guessed

A service of this machine that can be talked into fetching an address (SSRF) must not get credentials by it, nor a page
in a browser: so a token, which takes a PUT and a header of its own, is always needed; whatever came through a proxy or
from a page is refused; and so is every host name but those of this machine, since any other can be made to lead here
(DNS rebinding).
"""

import hmac
import json
import re
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from gateway.clock import Clock, wire_time
from gateway.errors import GatewayError
from gateway.instance.calls import RoleCredentials
from gateway.loopback import is_loopback

METADATA_ADDRESS = "100.100.100.200"  # where the platform's instances find their metadata

_TOKEN_PATH = "/latest/api/token"  # noqa: S105 - a path
_ROLES_PATH = "/latest/meta-data/ram/security-credentials/"
_URI_PATH = "/credentials/"
_TTL, _TOKEN = "x-aliyun-ecs-metadata-token-ttl-seconds", "x-aliyun-ecs-metadata-token"
_LONGEST_TTL_S = 21_600
_HOST = re.compile(r"(?P<name>\[[0-9a-f:]+\]|[a-z0-9.-]+)(?::(?P<port>[0-9]{1,5}))?")
_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]", METADATA_ADDRESS})
_DEFAULT_PORT = "80"
# What proxies and browsers put into requests, and no client of metadata does.
_FOREIGN = frozenset({"x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "forwarded", "via", "x-real-ip"})
_FOREIGN_FAMILIES = ("sec-fetch-", "origin", "referer")
_MAC = re.compile(r"([0-9]{10,12})\.([0-9a-f]{64})")

Headers = Mapping[str, Sequence[str]]  # by lower-case name, each value as it came


@dataclass(frozen=True, slots=True)
class Asked:
    method: str
    target: str
    headers: Headers = field(repr=False)
    peer: str


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    body: str = field(repr=False)
    content_type: str = "text/plain; charset=utf-8"


class Endpoint:
    """`port`: where it listens; `handle`: the secret part of the address for `ALIBABA_CLOUD_CREDENTIALS_URI`."""

    def __init__(self, current: Callable[[], RoleCredentials], clock: Clock, *, port: int, handle: str) -> None:
        self._current = current
        self._clock = clock
        self._port = str(port)
        self._handle = handle
        self._key = secrets.token_bytes(32)  # tokens end with the process

    def answer(self, asked: Asked) -> Reply:
        """Never raises. Refusals tell why, and nothing of what is held."""
        problem = self._stranger(asked)
        if problem:
            return Reply(403, f"{problem}\n")
        if asked.target == _TOKEN_PATH:
            return self._new_token(asked)
        if asked.method != "GET":
            return Reply(405, "this is read by GET\n")
        if asked.target.startswith(_URI_PATH):
            return self._by_handle(asked.target.removeprefix(_URI_PATH))
        return self._metadata(asked)

    def _by_handle(self, handle: str) -> Reply:
        known = hmac.compare_digest(handle.encode("utf-8", "surrogatepass"), self._handle.encode())
        return self._credentials(None) if known else _not_found()

    def _metadata(self, asked: Asked) -> Reply:
        if not f"{asked.target}/".startswith(_ROLES_PATH):
            return _not_found()
        if not self._has_token(asked.headers):
            return Reply(401, f"ask for a token first: PUT {_TOKEN_PATH} with {_TTL}\n")
        wanted = asked.target.removeprefix(_ROLES_PATH.rstrip("/")).removeprefix("/")
        return self._credentials(wanted)

    def _stranger(self, asked: Asked) -> str:
        """Why this is nobody from this machine; empty if it is somebody."""
        if not (is_loopback(asked.peer) or asked.peer == METADATA_ADDRESS):
            return "credentials are for applications on this machine"
        if any(name in _FOREIGN or name.startswith(_FOREIGN_FAMILIES) for name in asked.headers):
            return "a request that a proxy or a browser passed on gets nothing here"
        hosts = asked.headers.get("host", ())
        host = _HOST.fullmatch(hosts[0].lower()) if len(hosts) == 1 else None
        ports = (None, self._port, _DEFAULT_PORT)
        if host is None or host["name"] not in _NAMES or host["port"] not in ports:
            return "this machine is not called so; ask 127.0.0.1"
        if any(length != "0" for length in asked.headers.get("content-length", ())):
            return "a request has no body here"
        return "a request has no body here" if "transfer-encoding" in asked.headers else ""

    def _new_token(self, asked: Asked) -> Reply:
        if asked.method != "PUT":
            return Reply(405, "a token is asked for by PUT\n")
        told = asked.headers.get(_TTL, ())
        seconds = int(told[0]) if len(told) == 1 and re.fullmatch(r"[0-9]{1,5}", told[0]) else 0
        if not 0 < seconds <= _LONGEST_TTL_S:
            return Reply(400, f"{_TTL} is 1 to {_LONGEST_TTL_S}\n")
        until = str(int((self._clock.now() + timedelta(seconds=seconds)).timestamp()))
        return Reply(200, f"{until}.{self._mac(until)}")

    def _has_token(self, headers: Headers) -> bool:
        told = headers.get(_TOKEN, ())
        match = _MAC.fullmatch(told[0]) if len(told) == 1 else None
        if match is None or not hmac.compare_digest(match[2], self._mac(match[1])):
            return False
        return self._clock.now() < datetime.fromtimestamp(int(match[1]), UTC)

    def _mac(self, until: str) -> str:
        return hmac.digest(self._key, until.encode("ascii"), "sha256").hex()

    def _credentials(self, wanted: str | None) -> Reply:
        """Those of the role that is asked for; the name of the role for an empty one."""
        try:
            held = self._current()
        except GatewayError as error:
            return _json(503, {"Code": "Unavailable", "Message": error.public})
        if wanted == "":
            return Reply(200, held.role_name)
        if wanted is not None and wanted != held.role_name:
            return _not_found()
        return _json(
            200,
            {
                "Code": "Success",
                "AccessKeyId": held.access_key_id,
                "AccessKeySecret": held.access_key_secret.reveal(),
                "SecurityToken": held.security_token,
                "Expiration": wire_time(held.expires_at),
                "LastUpdated": wire_time(held.issued_at),
            },
        )


def _json(status: int, fields: Mapping[str, str]) -> Reply:
    return Reply(status, json.dumps(fields), "application/json")


def _not_found() -> Reply:
    return Reply(404, "there is nothing here\n")
