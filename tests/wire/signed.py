"""Signed calls made by hand, so that one thing at a time can be wrong with them. Raw sockets, no HTTP library."""

import hashlib
import json
import secrets
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from gateway.clock import wire_time
from gateway.directory.access_keys import NewAccessKey
from gateway.guard.signature_v3 import SignedRequest, canonical_request, sign, string_to_sign


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        return str(self.json["Code"])


@dataclass(frozen=True)
class SignedCall:
    """A GetCallerIdentity that passes. `unsigned` is sent beside it."""

    key: NewAccessKey
    method: str = "POST"
    query: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    host: str = "127.0.0.1"
    date: str = ""
    nonce: str = ""
    more: Mapping[str, str] = field(default_factory=dict)
    unsigned: tuple[tuple[str, str], ...] = ()

    def request(self) -> bytes:
        """The bytes to send. Signing twice gives two nonces, unless one is set."""
        headers = {
            "host": self.host,
            "x-acs-action": "GetCallerIdentity",
            "x-acs-content-sha256": hashlib.sha256(self.body).hexdigest(),
            "x-acs-date": self.date or wire_time(datetime.now(UTC)),
            "x-acs-signature-nonce": self.nonce or secrets.token_hex(16),
            "x-acs-version": "2015-04-01",
            **self.more,
        }
        signed = tuple(sorted(headers))
        canonical = canonical_request(SignedRequest(self.method, self.query, headers, self.body), signed)
        signature = sign(self.key.secret, string_to_sign(canonical))
        value = f"Credential={self.key.access_key_id},SignedHeaders={';'.join(signed)},Signature={signature}"
        lines = [f"{self.method} /?{urlencode(self.query)} HTTP/1.1"]
        lines += [f"{name}: {text}" for name, text in headers.items()]
        lines += [f"{name}: {text}" for name, text in self.unsigned]
        lines += [f"Authorization: ACS3-HMAC-SHA256 {value}", f"Content-Length: {len(self.body)}"]
        return "\r\n".join([*lines, "", ""]).encode() + self.body

    def but(self, **changes: Any) -> "SignedCall":
        return replace(self, **changes)


def send(connection: socket.socket, data: bytes) -> Answer:
    """Send a request and read its one answer."""
    connection.sendall(data)
    return receive(connection)


def receive(connection: socket.socket) -> Answer:
    received = b""
    while b"\r\n\r\n" not in received:
        received += _more(connection)
    head, _, body = received.partition(b"\r\n\r\n")
    status_line, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    while len(body) < int(headers.get("content-length", "0")):
        body += _more(connection)
    return Answer(int(status_line.split(" ")[1]), headers, body)


def _more(connection: socket.socket) -> bytes:
    data = connection.recv(65536)
    if not data:
        raise EOFError("the server closed the connection before its answer was whole")
    return data
