import threading
from contextlib import ExitStack

import pytest

from gateway.errors import Reason, UpstreamError
from gateway.oidc.call_lanes import CallLanes

ONE, TWO, THREE = "https://one.example.com", "https://two.example.com", "https://three.example.com"


def refusal(lanes: CallLanes, issuer: str) -> Reason:
    with pytest.raises(UpstreamError) as refused, lanes.enter(issuer):
        pass
    assert refused.value.subject == issuer
    return refused.value.reason


def test_enter__fourth_at_one_provider__waits_and_is_refused_and_nobody_else_is() -> None:
    lanes = CallLanes(wait_s=0.01)
    with ExitStack() as inside:
        for _ in range(3):
            inside.enter_context(lanes.enter(ONE))
        assert refusal(lanes, ONE) is Reason.OIDC_UNAVAILABLE
        with lanes.enter(TWO):
            pass
    with lanes.enter(ONE):
        pass


def test_enter__all_lanes_taken__is_refused_at_once() -> None:
    lanes = CallLanes(wait_s=60)
    with ExitStack() as inside:
        for issuer in (ONE, ONE, ONE, TWO, TWO, TWO):
            inside.enter_context(lanes.enter(issuer))
        assert refusal(lanes, THREE) is Reason.OIDC_UNAVAILABLE
    with lanes.enter(THREE):
        pass


def test_enter__a_lane_becomes_free__the_next_goes_on() -> None:
    lanes, arrived = CallLanes(wait_s=30), threading.Event()

    def follow() -> None:
        with lanes.enter(ONE):
            arrived.set()

    follower = threading.Thread(target=follow)
    with ExitStack() as inside:
        for _ in range(2):
            inside.enter_context(lanes.enter(ONE))
        with lanes.enter(ONE):
            follower.start()
        assert arrived.wait(10)
    follower.join()


def test_enter__something_is_raised_within__the_lane_is_free_again() -> None:
    lanes = CallLanes(wait_s=0.01)
    for _ in range(10):
        with pytest.raises(KeyError), lanes.enter(ONE):
            raise KeyError
