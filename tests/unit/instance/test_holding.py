"""Credentials are fetched ahead of their end, and handed out until it, whatever becomes of the gateway."""

from datetime import timedelta

import pytest

from gateway.errors import GatewayError, Reason, UpstreamError
from gateway.instance.calls import NOT_KNOWN, RefusedByGateway, RoleCredentials
from gateway.instance.holding import Holder
from gateway.secret import Secret
from tests.fake_clock import FakeClock


class Gateway:
    """Gives credentials for an hour, or raises what it is told to."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock, self.asked = clock, 0
        self.error: GatewayError | None = None

    def __call__(self) -> RoleCredentials:
        self.asked += 1
        if self.error is not None:
            raise self.error
        now = self.clock.now()
        return RoleCredentials("app", f"STS.{self.asked}", Secret("s"), "CAIS", now, now + timedelta(hours=1))


DOWN = UpstreamError(Reason.FETCH_CONNECT, "the server can't be reached")


@pytest.fixture
def gateway(clock: FakeClock) -> Gateway:
    return Gateway(clock)


@pytest.fixture
def holder(gateway: Gateway, clock: FakeClock) -> Holder:
    return Holder(gateway, clock)


def test_current__asked_often__fetches_once(holder: Holder, gateway: Gateway) -> None:
    assert {holder.current().access_key_id for _ in range(5)} == {"STS.1"}
    assert gateway.asked == 1


def test_refresh__at_two_thirds_of_the_life__and_not_before(holder: Holder, clock: FakeClock) -> None:
    holder.refresh()
    clock.advance(2400 - 1)
    holder.refresh()
    assert holder.current().access_key_id == "STS.1"
    clock.advance(1)
    holder.refresh()
    held = holder.current()
    assert held.access_key_id == "STS.2"
    assert held.expires_at - clock.now() == timedelta(hours=1)


def test_gateway_down__old_ones_until_their_end__with_back_off(
    holder: Holder, gateway: Gateway, clock: FakeClock
) -> None:
    holder.refresh()
    gateway.error = DOWN
    clock.advance(2400)
    tries = []
    for second in range(1200):
        before = gateway.asked
        holder.refresh()
        if gateway.asked > before:
            tries.append(second)
        assert holder.current().access_key_id == "STS.1"
        clock.advance(1)
    assert tries[:8] == [0, 1, 3, 7, 15, 31, 63, 123]
    with pytest.raises(UpstreamError) as caught:
        holder.current()
    assert caught.value.reason == Reason.FETCH_CONNECT
    gateway.error = None
    clock.advance(60)
    assert holder.current().access_key_id == f"STS.{gateway.asked}"


def test_nothing_yet__applications_that_ask__do_not_hammer_the_gateway(holder: Holder, gateway: Gateway) -> None:
    gateway.error = DOWN
    for _ in range(10):
        with pytest.raises(UpstreamError):
            holder.current()
    assert gateway.asked == 1


def test_not_known_any_more__what_is_held_is_forgotten(holder: Holder, gateway: Gateway, clock: FakeClock) -> None:
    holder.refresh()
    gateway.error = RefusedByGateway(NOT_KNOWN, "the gateway refused")
    clock.advance(2400)
    holder.refresh()
    with pytest.raises(RefusedByGateway):
        holder.current()


def test_trust_taken_back__old_ones_until_their_end(holder: Holder, gateway: Gateway, clock: FakeClock) -> None:
    holder.refresh()
    gateway.error = RefusedByGateway("TrustPolicyDenied", "the gateway refused")
    clock.advance(2400)
    holder.refresh()
    assert holder.current().access_key_id == "STS.1"
    clock.advance(1200)
    with pytest.raises(RefusedByGateway):
        holder.current()


def test_idle_s__until_it_is_time__and_never_long(holder: Holder, gateway: Gateway, clock: FakeClock) -> None:
    assert holder.idle_s() == 0
    holder.refresh()
    assert holder.idle_s() == 30
    clock.advance(2390)
    assert holder.idle_s() == 10
    clock.advance(100)
    assert holder.idle_s() == 0
