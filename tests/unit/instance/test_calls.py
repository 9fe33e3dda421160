"""An instance and a gateway in one process: credentials before the old ones end, and what is believed of an answer."""

import json
from typing import Any
from urllib.parse import parse_qsl

import pytest

from gateway.api.pipeline import run
from gateway.directory.instances import deregister_instance
from gateway.errors import Reason, UpstreamError
from gateway.fetch import Fetched, Fetcher
from gateway.instance.calls import RefusedByGateway, check_gateway, enrol, fetch_credentials
from gateway.instance.holding import Holder
from gateway.instance.identity import InstanceIdentity, new_identity
from gateway.outbound import OutboundRules
from gateway.secret import Secret
from gateway.store.engine import Store
from gateway.sts.token import open_token
from tests.fake_clock import FakeClock
from tests.in_process import posted_form
from tests.instances import ACCOUNT, ORIGIN, InstancePlace


class WayToGateway(Fetcher):
    """Brings what is posted to the gateway of this process, without a network."""

    def __init__(self, place: InstancePlace) -> None:
        super().__init__(OutboundRules())
        self._place = place

    def post(self, url: str, body: bytes, **_more: Any) -> Fetched:
        assert url == f"{ORIGIN}/"
        reply = run(posted_form(dict(parse_qsl(body.decode(), keep_blank_values=True))), self._place.services)
        return Fetched(url, reply.status, {}, reply.body)


class Answering(Fetcher):
    """Answers with this, whatever is posted."""

    def __init__(self, status: int, body: bytes) -> None:
        super().__init__(OutboundRules())
        self._answer = status, body

    def post(self, url: str, body: bytes, **_more: Any) -> Fetched:
        status, answer = self._answer
        return Fetched(url, status, {}, answer)


@pytest.fixture
def place(sqlite_store: Store, clock: FakeClock) -> InstancePlace:
    return InstancePlace(sqlite_store, clock)


def test_refreshed__before_expiry__there_are_always_some_that_live(place: InstancePlace, clock: FakeClock) -> None:
    way = WayToGateway(place)
    identity = enrol(way, new_identity(ORIGIN), Secret(place.token))
    assert (identity.role_name, identity.arn.split(":")[3]) == ("app", ACCOUNT)
    holder = Holder(lambda: fetch_credentials(way, identity, clock), clock)
    seen = []
    for _ in range(3 * 60):  # three hours, by the minute
        holder.refresh()
        held = holder.current()
        token = open_token(place.ring, held.security_token)
        assert token.expires_at > clock.now()
        assert (held.expires_at - clock.now()).total_seconds() >= 20 * 60
        if token.session_id not in seen:
            seen.append(token.session_id)
        clock.advance(60)
    assert len(seen) == 5  # at 0, 40, 80, 120 and 160 minutes
    with place.store.transaction() as session:
        deregister_instance(session, ACCOUNT, "web-1")
    clock.advance(40 * 60)
    holder.refresh()
    with pytest.raises(RefusedByGateway):
        holder.current()


def test_enrol__token_used_already__refused_in_the_gateways_words(place: InstancePlace) -> None:
    way = WayToGateway(place)
    enrol(way, new_identity(ORIGIN), Secret(place.token))
    with pytest.raises(RefusedByGateway) as caught:
        enrol(way, new_identity(ORIGIN), Secret(place.token))
    assert caught.value.said == "NotFound"


GIVEN = {"AccessKeyId": "STS.a", "AccessKeySecret": "b", "SecurityToken": "CAIS", "Expiration": "2026-03-04T13:00:00Z"}


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, b""),
        (200, b"<html>"),
        (200, b"[]"),
        (200, b"[" * 100_000),
        (200, b"{}"),
        (200, json.dumps({"RoleName": "app", "Credentials": None}).encode()),
        (200, json.dumps({"RoleName": "app", "Credentials": GIVEN | {"AccessKeyId": 1}}).encode()),
        (200, json.dumps({"RoleName": "a\nb", "Credentials": GIVEN}).encode()),
        (200, json.dumps({"RoleName": "app", "Credentials": GIVEN | {"Expiration": "soon"}}).encode()),
        (200, json.dumps({"RoleName": "app", "Credentials": GIVEN | {"Expiration": "2020-01-01T00:00:00Z"}}).encode()),
        (200, json.dumps({"RoleName": "app", "Credentials": GIVEN | {"Expiration": "2036-01-01T00:00:00Z"}}).encode()),
        (403, b'{"Code": "x"}'),
        (502, b'{"Reason": "SignatureMismatch", "Message": "x"}'),
        (302, b"{}"),
    ],
)
def test_fetch_credentials__answer_of_no_gateway__refused_and_not_taken_for_a_no(
    clock: FakeClock, status: int, body: bytes
) -> None:
    identity = InstanceIdentity(ORIGIN, f"acs:ram::{ACCOUNT}:instance/i-1", "app", new_identity(ORIGIN).key)
    with pytest.raises(UpstreamError) as caught:
        fetch_credentials(Answering(status, body), identity, clock)
    assert caught.value.reason is Reason.FETCH_PROTOCOL


def test_check_gateway__origin__without_the_slash() -> None:
    fetcher = Fetcher(OutboundRules(development=True))
    assert check_gateway(fetcher, "https://sso.example.com/") == ORIGIN
    assert check_gateway(fetcher, "http://127.0.0.1:8080") == "http://127.0.0.1:8080"
