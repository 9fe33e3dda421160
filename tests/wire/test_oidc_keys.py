"""How long an issuer's keys are kept, and what becomes of workloads while it is down. The gateway's clock is moved."""

import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.live_issuer import DISCOVERY, JWKS, IssuerServer, LiveIssuer, issuer_server, publish
from tests.local_servers import Authority
from tests.oidc_factory import private_key
from tests.wire.clocked import ClockedCompany, clocked_company
from tests.wire.refusal import refusal
from tests.wire.workload import Workload, new_workload

UNKNOWN_KEY = ("AuthenticationFail.OIDCToken.Invalid", "OidcKeyUnknown")
HOUR = 3600


@pytest.fixture(scope="module")
def clocked(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClockedCompany]:
    with clocked_company(tmp_path_factory.mktemp("clocked"), authority) as company:
        yield company


@pytest.fixture(scope="module")
def issuers(authority: Authority) -> Iterator[IssuerServer]:
    with issuer_server(authority.server_context("127.0.0.1")) as server:
        yield server


class Pod:
    """A workload whose tokens are always fresh by the gateway's clock."""

    def __init__(self, clocked: ClockedCompany, issuer: LiveIssuer) -> None:
        self.clocked, self.issuer = clocked, issuer
        self.workload: Workload = new_workload(clocked.seed, issuer)

    def token(self, **more: Any) -> str:
        now = int(time.time() + self.clocked.ahead_s)
        return self.issuer.token(**{"iat": now, "exp": now + 300, **more})

    def passes(self, **more: Any) -> None:
        self.workload.exchange(OIDCToken=self.token(**more))

    def refused(self, **more: Any) -> tuple[str, str]:
        error = refusal(self.workload.exchange, OIDCToken=self.token(**more))
        return error.code, error.data["Reason"]

    @property
    def fetches(self) -> int:
        return self.issuer.heard.count(DISCOVERY)

    def goes_down(self) -> None:
        self.issuer.pages = {DISCOVERY: publish(b"{}", 503), JWKS: publish(b"{}", 503)}

    def comes_back(self) -> None:
        self.issuer.pages = {}


@pytest.fixture
def pod(clocked: ClockedCompany, issuers: IssuerServer) -> Pod:
    return Pod(clocked, issuers.new_issuer())


def test_many_calls__one_fetch(pod: Pod) -> None:
    for _ in range(10):
        pod.passes()
    assert pod.issuer.heard == [DISCOVERY, JWKS]


def test_lifetime__said_by_the_issuer__counts(pod: Pod, clocked: ClockedCompany) -> None:
    pod.issuer.headers = {"Cache-Control": "public, max-age=600"}
    pod.passes()
    clocked.advance(590)
    pod.passes()
    assert pod.fetches == 1
    clocked.advance(20)
    pod.passes()
    assert pod.fetches == 2


def test_rotation__key_unknown_so_far__fetched_once_it_is_met(pod: Pod, clocked: ClockedCompany) -> None:
    pod.passes()
    pod.issuer.rotate("k2")
    clocked.advance(20)
    pod.passes(kid="k2")
    assert pod.fetches == 2
    clocked.advance(20)
    assert pod.refused(kid="k1", key=private_key()) == UNKNOWN_KEY  # the old key is not believed any more


def test_unknown_kids__however_many__hardly_ask_the_issuer(pod: Pod) -> None:
    pod.passes()
    for number in range(10):
        assert pod.refused(kid=f"invented-{number}", key=private_key()) == UNKNOWN_KEY
    assert pod.fetches == 1  # within 15 seconds of the last one there is no other
    pod.passes()


def test_down__with_keys__serves_on_for_six_hours(pod: Pod, clocked: ClockedCompany) -> None:
    pod.passes()
    pod.goes_down()
    clocked.advance(HOUR + 1)
    pod.passes()
    clocked.advance(5 * HOUR)
    pod.passes()
    clocked.advance(HOUR)
    code, reason = pod.refused()
    assert (code, reason) == ("AuthenticationFail.OIDCToken.IssuerConfigurationBroken", "OidcUnavailable")
    pod.comes_back()
    clocked.advance(61)
    pod.passes()


def test_down__from_the_start__asked_less_and_less(pod: Pod, clocked: ClockedCompany) -> None:
    pod.goes_down()
    for _ in range(5):
        assert pod.refused()[1] == "OidcUnavailable"
    assert pod.fetches == 1
    clocked.advance(5)
    assert pod.refused()[1] == "OidcUnavailable"
    assert pod.fetches == 2
    clocked.advance(5)
    assert pod.refused()[1] == "OidcUnavailable"
    assert pod.fetches == 2  # ten seconds are wanted now
    pod.comes_back()
    clocked.advance(5)
    pod.passes()


def test_key_set__that_grows_without_end__old_keys_serve_on(pod: Pod, clocked: ClockedCompany) -> None:
    pod.passes()
    pod.issuer.pages[JWKS] = publish(b'{"keys": [' + b'{"kty": "RSA"},' * 20_000 + b"{}]}")
    clocked.advance(HOUR + 1)
    pod.passes()
    assert pod.fetches == 2
    clocked.advance(6 * HOUR)
    assert pod.refused() == ("AuthenticationFail.OIDCToken.IssuerConfigurationBroken", "FetchTooLarge")


def test_token__whose_time_is_over__expired(pod: Pod, clocked: ClockedCompany) -> None:
    token = pod.token()
    clocked.advance(300 + 119)
    pod.workload.exchange(OIDCToken=token)  # within the tolerated difference of clocks
    clocked.advance(2)
    error = refusal(pod.workload.exchange, OIDCToken=token)
    assert (error.code, error.data["Reason"]) == ("AuthenticationFail.OIDCToken.Expired", "OidcExpired")
