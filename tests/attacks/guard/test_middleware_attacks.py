"""Getting past the middleware: forged environ keys, other hosts, other paths, other bodies, used nonces."""

import io
from collections.abc import Callable
from typing import Any

import pytest

from gateway.errors import Reason
from gateway.guard.middleware import CALLER
from gateway.keyring import KeyRing, new_master_key
from gateway.store.engine import Store
from tests.fake_clock import FakeClock
from tests.guarded_service import Service

Change = Callable[[Service, dict[str, Any]], dict[str, Any]]


@pytest.fixture
def service(sqlite_store: Store, clock: FakeClock) -> Service:
    return Service(sqlite_store, KeyRing((new_master_key(),)), clock)


def but(**changes: Any) -> Change:
    return lambda _service, environ: environ | changes


ATTACKS: dict[str, Change] = {
    "another path": but(RAW_URI="/notes/b", PATH_INFO="/notes/b"),
    "another path shown than told": but(PATH_INFO="/admin"),
    "another query shown than told": but(QUERY_STRING="x=1"),
    "a query on top": but(RAW_URI="/notes/a?x=1", QUERY_STRING="x=1"),
    "a server that tells no address": but(RAW_URI=""),
    "mounted somewhere else": but(SCRIPT_NAME="/admin"),
    "another method": but(REQUEST_METHOD="PUT"),
    "a small method": but(REQUEST_METHOD="get"),
    "asks for another method": but(HTTP_X_HTTP_METHOD_OVERRIDE="DELETE"),
    "another host": but(HTTP_HOST="other.example.com"),
    "a body on top": but(CONTENT_LENGTH="2", CONTENT_TYPE="text/plain", **{"wsgi.input": io.BytesIO(b"hi")}),
    "another action": but(HTTP_X_ACS_ACTION="Other"),
    "a token on top": but(HTTP_X_ACS_SECURITY_TOKEN="CAISx"),
    "another key": but(HTTP_X_ACS_ACCESSKEY_ID="LTAIother"),
    "an identity on top": but(HTTP_X_RAMGATE_IDENTITY="e.e.e"),
    "another signature": lambda _service, environ: (
        environ | {"HTTP_AUTHORIZATION": environ["HTTP_AUTHORIZATION"][:-4] + "0000"}
    ),
    "no signature": lambda _service, environ: {
        key: value for key, value in environ.items() if key != "HTTP_AUTHORIZATION"
    },
    "only a caller of one's own making": lambda service, _environ: service.environ("/notes/a") | {CALLER: "root"},
    "an encoded slash": lambda service, _environ: service.signed("/notes%2fa"),
    "dots": lambda service, _environ: service.signed("/notes/../admin"),
    "encoded dots": lambda service, _environ: service.signed("/notes/%2e%2e/admin"),
    "a doubled slash": lambda service, _environ: service.signed("//notes/a"),
    "path parameters": lambda service, _environ: service.signed("/notes/a;b"),
    "capitals": lambda service, _environ: service.signed("/Notes/a"),
    "absolute form": lambda service, _environ: service.signed("https://notes.example.com/notes/a"),
    "a doubled parameter": lambda service, environ: (
        service.signed("/notes/a", x="1") | {"RAW_URI": "/notes/a?x=1&x=1", "QUERY_STRING": "x=1&x=1"}
    ),
}


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)
def test_request__forged__never_reaches_the_application(service: Service, attack: Change) -> None:
    answer = service.send(attack(service, service.signed("/notes/a")))
    assert answer.status in {400, 401, 403}
    assert {"Reason", "Message"} == answer.body.keys()
    assert service.reached == []


def test_request__signed_for_another_host__refused(service: Service) -> None:
    other = service.signed("/notes/a", host="other.example.com")
    assert service.send(other).body["Reason"] == Reason.SIGNATURE_MISMATCH


def test_request__again__refused(service: Service) -> None:
    environ = service.signed("/notes/a")
    assert service.send(environ).status == 200
    assert service.send(environ).body["Reason"] == Reason.SIGNATURE_NONCE_USED
    later = service.signed("/notes/a")
    service.clock.advance(16 * 60)
    assert service.send(later).body["Reason"] == Reason.TIMESTAMP_EXPIRED


def test_request__own_keys_of_ours__never_survive(service: Service) -> None:
    forged = {CALLER: "root", "ramgate.decision": "Allow", "HTTP_X_RAMGATE_PROXY": "x", "HTTP_X_RAMGATE_USER": "root"}
    assert service.send(service.signed("/notes/a") | forged).status == 200
    (reached,) = service.reached
    assert [key for key in reached if key.startswith(("ramgate.", "HTTP_X_RAMGATE"))] == [CALLER]
    assert reached[CALLER].arn.endswith(":user/alice")


def test_v1__without_what_it_must_say__refused(service: Service) -> None:
    for changes in (
        {"SignatureNonce": ""},
        {"Timestamp": ""},
        {"SignatureMethod": "HMAC-MD5"},
        {"SignatureType": "BEARERTOKEN"},
    ):
        assert service.send(service.signed_v1(**changes)).status in {400, 401}
    assert service.reached == []
