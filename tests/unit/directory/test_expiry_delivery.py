"""Messages about things that lapse, sent to a real receiver over TLS: each once, signed, and never a stale one."""

import hashlib
import hmac
import ipaddress
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from gateway.directory.expiry import ThingKind
from gateway.directory.expiry_delivery import Delivery, Teller, plan_all, send_due, send_test, send_to
from gateway.directory.expiry_notices import ExpiryNotice, NoticeState
from gateway.directory.expiry_settings import (
    ExpirySettingsRow,
    Webhook,
    drop_webhook,
    get_expiry_settings,
    set_webhook,
)
from gateway.directory.oidc_providers import create_oidc_provider
from gateway.directory.oidc_sign_in import OidcSignInRow, SignInWish, set_oidc_sign_in
from gateway.errors import NotFound
from gateway.fetch import Fetcher
from gateway.keyring import KeyRing, new_master_key
from gateway.oidc.client_authentication import ClientMethod
from gateway.outbound import OutboundRules
from gateway.secret import Secret
from gateway.store.engine import Store
from tests.fake_clock import NOON, FakeClock
from tests.in_process import bare_account
from tests.local_servers import Authority, LocalServer

RING = KeyRing((new_master_key(),))
ONE, OTHER = "1000000000000001", "1000000000000002"
DAY = timedelta(days=1)
BASE = "https://sso.example.com"
TAKEN = b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n"


def answering(status: str) -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n".encode()


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture
def teller(store: Store, clock: FakeClock, authority: Authority) -> Teller:
    rules = OutboundRules((ipaddress.ip_network("127.0.0.0/8"),))
    fetcher = Fetcher(rules, authority.ca_file, resolve=lambda _host, _port, _wait_s: ["127.0.0.1"])
    with store.transaction() as session:
        session.add_all([bare_account(ONE, "one"), bare_account(OTHER, "other")])
    return Teller(store, RING, fetcher, clock, BASE, lambda _now: ())


@contextmanager
def receiver(
    teller: Teller, authority: Authority, answer: bytes = TAKEN, account_id: str = ONE
) -> Iterator[tuple[LocalServer, Secret]]:
    """A receiver, and an account that has it as its webhook."""
    with LocalServer(answer, authority.server_context("hooks.example.com")) as server:
        yield server, webhook(teller, f"https://hooks.example.com:{server.port}/ramgate?x=1", account_id)


def webhook(teller: Teller, url: str, account_id: str = ONE) -> Secret:
    with teller.store.transaction() as session:
        return set_webhook(session, RING, account_id, url, teller.clock.now())


def secret_until(teller: Teller, days: float, name: str = "login", account_id: str = ONE) -> None:
    """A client secret that lapses in so many days."""
    with teller.store.transaction() as session:
        provider = create_oidc_provider(session, account_id, name, f"https://{name}.example.com", now=NOON)
        set_oidc_sign_in(
            session,
            RING,
            provider,
            client_id="ramgate",
            method=ClientMethod.BASIC,
            client_secret=Secret("hush"),
            wish=SignInWish(),
            secret_expires_at=teller.clock.now() + timedelta(days=days),
            now=NOON,
        )


def renew(teller: Teller, days: float) -> None:
    with teller.store.transaction() as session:
        row = session.query(OidcSignInRow).one()
        row.secret_expires_at = teller.clock.now() + timedelta(days=days)


def turn(teller: Teller) -> int:
    plan_all(teller)
    return send_due(teller)


def bodies(server: LocalServer) -> list[dict[str, Any]]:
    return [json.loads(request.partition(b"\r\n\r\n")[2]) for request in server.heard]


def told(server: LocalServer) -> list[tuple[str, int, int]]:
    return [
        (thing["name"], thing["threshold_days"], thing["days_left"])
        for body in bodies(server)
        for thing in body["things"]
    ]


def kept(teller: Teller, account_id: str = ONE) -> Webhook:
    with teller.store.reading() as session:
        found = get_expiry_settings(session, account_id).webhook
    assert found is not None
    return found


def states(teller: Teller) -> list[tuple[int, str]]:
    with teller.store.reading() as session:
        rows = session.query(ExpiryNotice).order_by(ExpiryNotice.threshold_days.desc())
        return [(row.threshold_days, row.state) for row in rows]


def pass_days(clock: FakeClock, days: float) -> None:
    clock.advance(days * 86400)


def test_turn__at_each_number_of_days__is_told_once(teller: Teller, authority: Authority, clock: FakeClock) -> None:
    secret_until(teller, 92)
    with receiver(teller, authority) as (server, _):
        for _ in range(100):
            turn(teller)
            turn(teller)
            pass_days(clock, 1)
    assert told(server) == [("login", 90, 90), ("login", 30, 30), ("login", 7, 7), ("login", 1, 1)]
    assert len({thing["event_id"] for body in bodies(server) for thing in body["things"]}) == 4


def test_turn__message__is_json_signed_with_the_secret(teller: Teller, authority: Authority, clock: FakeClock) -> None:
    secret_until(teller, 6.5, name="login")
    with receiver(teller, authority) as (server, secret):
        assert turn(teller) == 1
    head, _, body = server.heard[0].partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    assert lines[0] == "POST /ramgate?x=1 HTTP/1.1"
    headers = dict(line.split(": ", 1) for line in lines[1:])
    assert headers["Content-Type"] == "application/json"
    at = int(NOON.timestamp())
    mac = hmac.new(secret.reveal().encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    assert headers["X-Ramgate-Signature"] == f"t={at},v1={mac}"
    content = json.loads(body)
    (thing,) = content.pop("things")
    assert content == {
        "type": "expiry",
        "account_id": ONE,
        "sent_at": "2026-03-04T12:00:00Z",
        "page": f"{BASE}/admin/expiry",
    }
    assert len(thing.pop("event_id")) == 64
    assert thing.pop("stops").startswith("The provider refuses our client")
    assert thing.pop("what_to_do").startswith("Make a new secret there")
    assert thing == {
        "kind": ThingKind.CLIENT_SECRET,
        "name": "login",
        "what": "Client secret at the OpenID Provider login",
        "expires_at": "2026-03-11T00:00:00Z",
        "days_left": 6,
        "threshold_days": 7,
        "link": f"{BASE}/admin/oidc/login",
    }


@pytest.mark.parametrize("answer", ["500 Internal Server Error", "404 Not Found", "302 Found", "410 Gone"])
def test_turn__not_taken__comes_again_after_longer_and_longer_waits(
    teller: Teller, authority: Authority, clock: FakeClock, answer: str
) -> None:
    secret_until(teller, 29)
    waits = []
    with receiver(teller, authority, answering(answer)) as (server, _):
        for _ in range(11):
            assert turn(teller) == 0
            found = kept(teller)
            assert found.not_before is not None
            assert turn(teller) == 0, "not before its time"
            waits.append(found.not_before - clock.now())
            clock.advance(waits[-1].total_seconds())
    assert len(server.heard) == 11
    assert [wait // timedelta(minutes=1) for wait in waits] == [1, 2, 4, 8, 16, 32, 64, 128, 256, 360, 360]
    assert (kept(teller).failures, kept(teller).told_at) == (11, None)
    url = kept(teller).url
    with LocalServer(TAKEN, authority.server_context("hooks.example.com")) as server:
        with teller.store.transaction() as session:
            row = session.get_one(ExpirySettingsRow, ONE)
            row.webhook_url = url.replace(url.split(":")[2].split("/")[0], str(server.port))
        assert turn(teller) == 1
    assert told(server) == [("login", 30, 28)]
    assert (kept(teller).failures, kept(teller).outcome) == (0, "Delivered: the receiver answered 204.")
    assert states(teller) == [(30, NoticeState.TOLD)]


def test_turn__renewed_before_it_could_be_told__is_not_told(
    teller: Teller, authority: Authority, clock: FakeClock
) -> None:
    secret_until(teller, 20)
    with receiver(teller, authority) as (server, _):
        plan_all(teller)
        renew(teller, 300)
        assert send_due(teller) == 0
        assert turn(teller) == 0
        pass_days(clock, 215)
        assert turn(teller) == 1
    assert told(server) == [("login", 90, 85)]
    assert states(teller) == [(90, NoticeState.TOLD)], "what was about the old date is forgotten by then"


def test_turn__receiver_away_until_fewer_days_are_left__only_the_lower_number_is_told(
    teller: Teller, authority: Authority, clock: FakeClock
) -> None:
    secret_until(teller, 20)
    with receiver(teller, authority) as (server, _):
        plan_all(teller)
        pass_days(clock, 15)
        assert turn(teller) == 1
        assert turn(teller) == 0
    assert told(server) == [("login", 7, 5)]
    assert states(teller) == [(30, NoticeState.VOID), (7, NoticeState.TOLD)]


def test_turn__lapsed_while_nobody_was_there__is_told_late_within_a_week_only(
    teller: Teller, authority: Authority
) -> None:
    secret_until(teller, -6, name="lately")
    secret_until(teller, -7, name="long-ago")
    with receiver(teller, authority) as (server, _):
        assert turn(teller) == 1
    assert told(server) == [("lately", 1, -6)]


def test_turn__several_accounts__each_hears_of_its_own_things_only(teller: Teller, authority: Authority) -> None:
    secret_until(teller, 5, name="mine")
    secret_until(teller, 5, name="theirs", account_id=OTHER)
    with receiver(teller, authority) as (mine, _), receiver(teller, authority, account_id=OTHER) as (theirs, _):
        assert turn(teller) == 2
    assert [name for name, _, _ in told(mine)] == ["mine"]
    assert [name for name, _, _ in told(theirs)] == ["theirs"]
    assert [body["account_id"] for body in bodies(mine) + bodies(theirs)] == [ONE, OTHER]


def test_turn__more_than_fits_into_a_message__comes_in_several(teller: Teller, authority: Authority) -> None:
    for number in range(53):
        secret_until(teller, 5, name=f"login{number}")
    with receiver(teller, authority) as (server, _):
        assert [turn(teller), turn(teller), turn(teller)] == [1, 1, 0]
    assert [len(body["things"]) for body in bodies(server)] == [50, 3]
    assert len({name for name, _, _ in told(server)}) == 53


def test_send_to__another_process_is_sending__waits_for_it(
    teller: Teller, authority: Authority, clock: FakeClock
) -> None:
    """The receiver itself looks: while its answer is awaited, no other process sends, and no transaction is open."""
    secret_until(teller, 5)
    rivals: list[Delivery | None] = []

    def answer(connection: Any) -> None:
        rivals.append(send_to(teller, ONE))
        with teller.store.transaction() as session:
            session.get_one(ExpirySettingsRow, ONE, with_for_update=True)
        connection.sendall(TAKEN)

    with LocalServer(answer, authority.server_context("hooks.example.com")) as server:
        webhook(teller, f"https://hooks.example.com:{server.port}/")
        assert turn(teller) == 1
        assert rivals == [None]
        clock.advance(3600)
        assert turn(teller) == 0
    assert len(server.heard) == 1


def test_send_to__killed_while_sending__comes_again_when_its_hold_is_over(
    teller: Teller, authority: Authority, clock: FakeClock
) -> None:
    secret_until(teller, 5)

    class Killed(BaseException):
        pass

    class Dying(Fetcher):
        def post(self, *_args: Any, **_kwargs: Any) -> Any:
            raise Killed

    with receiver(teller, authority) as (server, _):
        plan_all(teller)
        with pytest.raises(Killed):
            send_to(replace(teller, fetcher=Dying(OutboundRules())), ONE)
        assert turn(teller) == 0
        clock.advance(120)
        assert turn(teller) == 1
    assert len(told(server)) == 1


def test_set_webhook__another_address_while_a_message_is_on_its_way__is_told_all_the_same(
    teller: Teller, authority: Authority
) -> None:
    secret_until(teller, 5)
    with LocalServer(TAKEN, authority.server_context("hooks.example.com")) as new:

        def answer(connection: Any) -> None:
            webhook(teller, f"https://hooks.example.com:{new.port}/new")
            plan_all(teller)
            connection.sendall(TAKEN)

        with LocalServer(answer, authority.server_context("hooks.example.com")) as old:
            webhook(teller, f"https://hooks.example.com:{old.port}/old")
            turn(teller)
            assert kept(teller).told_at is None
            assert turn(teller) == 1
    assert len(old.heard) == len(new.heard) == 1


def test_set_webhook__another_address__is_told_everything_anew_and_the_same_one_nothing_twice(
    teller: Teller, authority: Authority
) -> None:
    secret_until(teller, 5)
    with receiver(teller, authority) as (first, _):
        assert turn(teller) == 1
        webhook(teller, kept(teller).url)
        assert turn(teller) == 0
    with receiver(teller, authority) as (second, _):
        assert turn(teller) == 1
    assert told(first) == told(second) == [("login", 7, 5)]


def test_drop_webhook__news_waiting__is_forgotten(teller: Teller, authority: Authority) -> None:
    secret_until(teller, 5)
    with receiver(teller, authority) as (server, _):
        plan_all(teller)
        with teller.store.transaction() as session:
            drop_webhook(session, ONE, NOON)
        assert turn(teller) == 0
    assert server.heard == []
    assert states(teller) == []


def test_send_test__receiver_there_or_not__says_how_it_went(teller: Teller, authority: Authority) -> None:
    with pytest.raises(NotFound):
        send_test(teller, ONE)
    with receiver(teller, authority) as (server, _):
        assert send_test(teller, ONE) == Delivery(taken=True, outcome="Delivered: the receiver answered 204.")
    assert [(body["type"], body["things"]) for body in bodies(server)] == [("test", [])]
    assert send_test(teller, ONE).outcome == "Not delivered: the server can't be reached (FetchConnect)."


def test_turn__secret_sealed_under_a_lost_key__says_so_and_keeps_the_news(teller: Teller, authority: Authority) -> None:
    secret_until(teller, 5)
    with receiver(teller, authority) as (server, _):
        lost = replace(teller, ring=KeyRing((new_master_key(),)))
        assert turn(lost) == 0
        assert "set the webhook up again" in kept(teller).outcome.lower()
    assert server.heard == []
    assert states(teller) == [(7, NoticeState.WAITING)]
