"""Calls signed the old way by hand: everything in parameters, which may stand in the query, in a form, or in both."""

import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import urlencode

from gateway.clock import wire_time
from gateway.directory.access_keys import NewAccessKey
from gateway.guard.signature_v1 import sign, string_to_sign

FORM = "Content-Type: application/x-www-form-urlencoded\r\n"


def v1_parameters(key: NewAccessKey, method: str, token: str | None = None, **changes: str) -> dict[str, str]:
    """The parameters of a GetCallerIdentity that passes, with some changed before they are signed."""
    parameters = {
        "AccessKeyId": key.access_key_id,
        "Action": "GetCallerIdentity",
        "Version": "2015-04-01",
        "Format": "JSON",
        "SignatureMethod": "HMAC-SHA1",
        "SignatureVersion": "1.0",
        "SignatureNonce": secrets.token_hex(12),
        "SignatureType": "",
        "Timestamp": wire_time(datetime.now(UTC)),
        **({} if token is None else {"SecurityToken": token}),
        **changes,
    }
    return {**parameters, "Signature": sign(key.secret, string_to_sign(method, parameters))}


def http(method: str, query: Mapping[str, str], form: Mapping[str, str] | None = None, headers: str = "") -> bytes:
    body = b"" if form is None else urlencode(form).encode()
    typed = "" if form is None else FORM
    head = f"{method} /?{urlencode(query)} HTTP/1.1\r\nHost: 127.0.0.1\r\n{typed}{headers}"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body
