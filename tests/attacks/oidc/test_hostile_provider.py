"""Providers that mean harm: what a registered issuer can make the gateway do is fetch, briefly, from public places."""

import gzip
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from gateway.errors import GatewayError, Reason
from gateway.fetch import Fetcher
from gateway.oidc.key_cache import ProviderCache
from gateway.outbound import OutboundRules
from tests.fake_clock import FakeClock
from tests.local_servers import LocalServer, ok
from tests.oidc_factory import key_set_json, private_key, public_jwk
from tests.oidc_provider import discovery_json

ENDPOINTS = (
    "authorization_endpoint", "token_endpoint", "userinfo_endpoint", "pushed_authorization_request_endpoint",
    "end_session_endpoint",
)  # fmt: skip
KEYS = key_set_json(public_jwk(private_key(), kid="k1"))


class Provider:
    """A provider on loopback: `document` and `keys` make its answers of its issuer, or act on the connection."""

    def __init__(self, document: Callable[[str], bytes], keys: Callable[[str], bytes] = lambda _: ok(KEYS)) -> None:
        self._answers = document, keys
        self.server = LocalServer(self._answer)
        self.issuer = f"http://127.0.0.1:{self.server.port}"

    def _answer(self, connection: socket.socket) -> None:
        document, keys = self._answers
        wants_document = b" /.well-known/" in self.server.heard[-1]
        connection.sendall((document if wants_document else keys)(self.issuer))


def document(**changes: Any) -> Callable[[str], bytes]:
    def make(issuer: str) -> bytes:
        members = {**dict.fromkeys(ENDPOINTS), "issuer": issuer, "jwks_uri": f"{issuer}/jwks", **changes}
        return ok(discovery_json(**members))

    return make


def cache(clock: FakeClock | None = None) -> ProviderCache:
    return ProviderCache(Fetcher(OutboundRules(development=True)), clock or FakeClock(), development=True)


def refusal(provider: Provider) -> Reason:
    with provider.server, pytest.raises(GatewayError) as caught:
        cache().get(provider.issuer)
    assert caught.value.subject == provider.issuer
    return caught.value.reason


def test_honest__as_a_baseline__is_known() -> None:
    provider = Provider(document())
    with provider.server:
        assert cache().get(provider.issuer).keys.keys


HOSTILE: dict[str, tuple[Callable[[str], bytes], Reason]] = {
    "keys at the metadata service": (document(jwks_uri="https://169.254.169.254/latest/"), Reason.FETCH_ADDRESS),
    "keys at the metadata service of this cloud": (document(jwks_uri="https://100.100.100.200/"), Reason.FETCH_ADDRESS),
    "keys inside": (document(jwks_uri="https://10.0.0.1/keys"), Reason.FETCH_ADDRESS),
    "keys at a mapped address": (document(jwks_uri="https://[::ffff:169.254.169.254]/"), Reason.FETCH_ADDRESS),
    "keys at a number": (document(jwks_uri="https://2852039166/"), Reason.FETCH_ADDRESS),
    "keys without tls": (document(jwks_uri="http://example.com/jwks"), Reason.OIDC_DISCOVERY_ENDPOINT),
    "keys in a file": (document(jwks_uri="file:///etc/passwd"), Reason.OIDC_DISCOVERY_ENDPOINT),
    "keys in a place with a name and password": (document(jwks_uri="https://a:b@x/"), Reason.OIDC_DISCOVERY_ENDPOINT),
    "another issuer": (document(issuer="https://accounts.example.com"), Reason.OIDC_DISCOVERY_ISSUER),
    "redirect to the metadata service": (
        lambda _: b"HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0\r\n\r\n",
        Reason.FETCH_REDIRECT,
    ),
    "redirects without end": (
        lambda _: b"HTTP/1.1 302 Found\r\nLocation: /.well-known/again\r\nContent-Length: 0\r\n\r\n",
        Reason.FETCH_REDIRECT,
    ),
    "huge": (lambda _: ok(b"{" + b" " * 300_000 + b"}"), Reason.FETCH_TOO_LARGE),
    "huge when unpacked": (
        lambda _: ok(gzip.compress(b" " * 50_000_000), extra="Content-Encoding: gzip\r\n"),
        Reason.FETCH_TOO_LARGE,
    ),
    "deep": (lambda _: ok(b'{"a":' * 40_000), Reason.OIDC_TOO_DEEP),
    "a page": (lambda _: ok(b"<html>", "text/html"), Reason.OIDC_UNAVAILABLE),
    "json by name only": (lambda _: ok(b"<html>"), Reason.OIDC_JSON),
    "an error": (lambda _: b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n", Reason.OIDC_UNAVAILABLE),
    "garbage": (lambda _: b"\0" * 100, Reason.FETCH_PROTOCOL),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_document__hostile__refused(name: str) -> None:
    make, reason = HOSTILE[name]
    assert refusal(Provider(make)) is reason


@pytest.mark.parametrize(
    ("keys", "reason"),
    [
        (lambda _: ok(b'{"keys": []}'), Reason.OIDC_KEY_SET),
        (lambda _: ok(key_set_json({"kty": "oct", "k": "c2VjcmV0"})), Reason.OIDC_KEY_SET),
        (lambda _: ok(b'{"keys": [' + b"{}," * 60_000 + b"{}]}"), Reason.OIDC_KEY_SET),
        (lambda _: ok(key_set_json(*({"kty": "RSA"} for _ in range(5000)))), Reason.OIDC_KEY_SET),
        (lambda _: ok(b"x" * 300_000), Reason.FETCH_TOO_LARGE),
        (lambda _: b"HTTP/1.1 302 Found\r\nLocation: https://evil.example/\r\n\r\n", Reason.FETCH_REDIRECT),
    ],
)
def test_keys__hostile__refused(keys: Callable[[str], bytes], reason: Reason) -> None:
    assert refusal(Provider(document(), keys)) is reason


def test_document__that_never_comes__does_not_hold_up_others() -> None:
    honest = Provider(document())
    asked = threading.Event()
    over = threading.Event()

    def never(_issuer: str) -> bytes:
        asked.set()
        over.wait(10)
        return b""

    slow = Provider(never)
    shared = cache()
    with slow.server, honest.server:
        waiting = threading.Thread(target=_swallow, args=(shared, slow.issuer))
        waiting.start()
        assert asked.wait(5)
        begun = time.monotonic()
        assert shared.get(honest.issuer).keys.keys
        assert time.monotonic() - begun < 1
        over.set()
        waiting.join(10)


def _swallow(shared: ProviderCache, issuer: str) -> None:
    with pytest.raises(GatewayError):
        shared.get(issuer)


def test_name__that_moves_between_document_and_keys__is_checked_each_time() -> None:
    """The document comes from a public address, the keys would come from inside."""
    answers: Iterator[list[str]] = iter([["127.0.0.1"], ["169.254.169.254"]])
    provider = Provider(document(jwks_uri="https://idp.example.com/keys"))
    fetcher = Fetcher(OutboundRules(development=True), resolve=lambda *_: next(answers))
    with provider.server, pytest.raises(GatewayError) as caught:
        ProviderCache(fetcher, FakeClock(), development=True).get(provider.issuer)
    assert caught.value.reason is Reason.FETCH_ADDRESS
