import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from gateway.errors import GatewayError, OidcError, Reason
from gateway.fetch import Fetcher
from gateway.identity import VerifiedIdentity
from gateway.oidc.id_token import verify_id_token
from gateway.oidc.key_cache import GRACE, KID_INTERVAL, KnownProvider, ProviderCache, check_fingerprints
from gateway.outbound import OutboundRules
from tests.fake_clock import NOON, FakeClock
from tests.local_servers import LocalServer, ok
from tests.oidc_factory import ISSUER, Spec, expectation, key_set_json, private_key, public_jwk
from tests.oidc_provider import THUMBPRINT, Net, answer, discovery_json

HOUR = 3600


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def net() -> Net:
    return Net()


@pytest.fixture
def cache(net: Net, clock: FakeClock) -> ProviderCache:
    return ProviderCache(net, clock, wait_s=5)


def refusal(call: Callable[[], object]) -> Reason:
    with pytest.raises(GatewayError) as caught:
        call()
    assert caught.value.subject == ISSUER
    return caught.value.reason


def verify(kid: str = "k1") -> Callable[[KnownProvider], VerifiedIdentity]:
    token = Spec(header={"kid": kid}).token()
    return lambda provider: verify_id_token(token, expectation(), provider.keys, NOON)


def test_get__first_time__fetches_document_and_keys(cache: ProviderCache, net: Net) -> None:
    provider = cache.get(ISSUER)
    assert net.calls == [f"{ISSUER}/.well-known/openid-configuration", "https://keys.example.com/jwks"]
    assert provider.metadata.issuer == ISSUER
    assert [key.kid for key in provider.keys.keys] == ["k1"]
    assert provider.ca_thumbprints == (THUMBPRINT,)


@pytest.mark.parametrize(
    ("headers", "lifetime_s"),
    [
        ({}, HOUR),
        ({"cache-control": "public, max-age=600"}, 600),
        ({"cache-control": "max-age=600", "age": "100"}, 500),
        ({"cache-control": "max-age=600", "age": "-1"}, 600),
        ({"cache-control": 'Max-Age="600"'}, 600),
        ({"cache-control": "s-maxage=5, max-age=600"}, 600),
        ({"cache-control": "max-age=0"}, 60),
        ({"cache-control": "max-age=-1"}, HOUR),
        ({"cache-control": "max-age=999999999"}, 6 * HOUR),
        ({"cache-control": "max-age=9999999999999"}, HOUR),
        ({"cache-control": "no-store, max-age=600"}, 60),
        ({"cache-control": "no-cache"}, 60),
    ],
)
def test_get__cache_lifetime__is_the_servers_within_bounds(
    cache: ProviderCache, net: Net, clock: FakeClock, headers: dict[str, str], lifetime_s: int
) -> None:
    net.headers = headers
    cache.get(ISSUER)
    clock.advance(lifetime_s - 1)
    cache.get(ISSUER)
    assert len(net.calls) == 2
    clock.advance(1)
    cache.get(ISSUER)
    assert len(net.calls) == 4


def test_use__unknown_kid__fetches_once_more_and_tries_again(cache: ProviderCache, net: Net, clock: FakeClock) -> None:
    cache.get(ISSUER)
    net.kids = ("k1", "k2")
    clock.advance(KID_INTERVAL.total_seconds())
    assert cache.use(ISSUER, verify("k2")).subject
    assert len(net.calls) == 4


def test_use__invented_kids__do_not_make_it_fetch_again_and_again(
    cache: ProviderCache, net: Net, clock: FakeClock
) -> None:
    cache.get(ISSUER)
    for n in range(50):
        with pytest.raises(OidcError) as caught:
            cache.use(ISSUER, verify(f"junk-{n}"))
        assert caught.value.reason is Reason.OIDC_KEY_UNKNOWN
    assert len(net.calls) == 2
    clock.advance(KID_INTERVAL.total_seconds())
    for n in range(50):
        with pytest.raises(OidcError):
            cache.use(ISSUER, verify(f"junk-{n}"))
    assert len(net.calls) == 4


def test_use__another_refusal__does_not_fetch(cache: ProviderCache, net: Net, clock: FakeClock) -> None:
    cache.get(ISSUER)
    clock.advance(KID_INTERVAL.total_seconds())
    token = Spec({"iss": "https://evil.example"}).token()
    with pytest.raises(OidcError) as caught:
        cache.use(ISSUER, lambda provider: verify_id_token(token, expectation(), provider.keys, NOON))
    assert caught.value.reason is Reason.OIDC_ISSUER
    assert len(net.calls) == 2


def test_get__provider_down__old_keys_serve_until_the_grace_ends(
    cache: ProviderCache, net: Net, clock: FakeClock
) -> None:
    cache.get(ISSUER)
    net.down = True
    clock.advance(HOUR)
    assert cache.use(ISSUER, verify()).subject
    clock.advance(GRACE.total_seconds() - 1)
    assert cache.use(ISSUER, verify()).subject
    clock.advance(1)
    assert refusal(lambda: cache.get(ISSUER)) is Reason.FETCH_CONNECT


def test_get__provider_down__is_left_alone_longer_each_time(cache: ProviderCache, net: Net, clock: FakeClock) -> None:
    net.down = True
    asked_at: list[int] = []
    for second in range(300):
        assert refusal(lambda: cache.get(ISSUER)) is Reason.FETCH_CONNECT
        if len(net.calls) > len(asked_at):
            asked_at.append(second)
        clock.advance(1)
    assert asked_at == [0, 5, 15, 35, 75, 135, 195, 255]


def test_get__provider_back__is_used_again(cache: ProviderCache, net: Net, clock: FakeClock) -> None:
    net.down = True
    assert refusal(lambda: cache.get(ISSUER)) is Reason.FETCH_CONNECT
    net.down = False
    clock.advance(5)
    assert cache.get(ISSUER).metadata.issuer == ISSUER


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        (answer("u", b"no", status=404), Reason.OIDC_UNAVAILABLE),
        (answer("u", discovery_json(), {"content-type": "text/html"}), Reason.OIDC_UNAVAILABLE),
        (answer("u", discovery_json(issuer="https://evil.example")), Reason.OIDC_DISCOVERY_ISSUER),
        (answer("u", b"<html>"), Reason.OIDC_JSON),
    ],
)
def test_get__document_that_is_wrong__says_why(
    cache: ProviderCache, net: Net, document: object, reason: Reason
) -> None:
    net.document = lambda: document  # type: ignore[assignment]
    assert refusal(lambda: cache.get(ISSUER)) is reason
    assert refusal(lambda: cache.get(ISSUER)) is reason
    assert len(net.calls) == 1


def test_get__many_at_once__fetch_once(cache: ProviderCache, net: Net) -> None:
    net.gate.clear()
    with ThreadPoolExecutor(5) as pool:
        found = [pool.submit(cache.get, ISSUER) for _ in range(5)]
        assert net.entered.wait(5)
        net.gate.set()
        assert len({id(each.result(5)) for each in found}) == 1
    assert len(net.calls) == 2


def test_get__more_than_may_wait__refused_at_once(cache: ProviderCache, net: Net) -> None:
    net.gate.clear()
    with ThreadPoolExecutor(12) as pool:
        found = [pool.submit(cache.get, ISSUER) for _ in range(12)]
        assert net.entered.wait(5)
        refused = [each for each in found if _is_done(each.exception)]
        net.gate.set()
        assert len(refused) == 7  # one fetches, four wait
        assert {each.exception().reason for each in refused} == {Reason.OIDC_UNAVAILABLE}  # type: ignore[union-attr]


def _is_done(exception: Callable[[float], BaseException | None]) -> bool:
    try:
        return exception(0.3) is not None
    except TimeoutError:
        return False


def test_get__waiting_for_a_slow_provider__is_bounded(net: Net, clock: FakeClock) -> None:
    cache = ProviderCache(net, clock, wait_s=0.05)
    net.gate.clear()
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(cache.get, ISSUER)
        assert net.entered.wait(5)
        assert refusal(lambda: cache.get(ISSUER)) is Reason.OIDC_UNAVAILABLE
        net.gate.set()
        assert first.result(5).metadata.issuer == ISSUER


def test_get__stale_and_being_fetched__others_do_not_wait(cache: ProviderCache, net: Net, clock: FakeClock) -> None:
    old = cache.get(ISSUER)
    clock.advance(HOUR)
    net.gate.clear()
    net.entered.clear()
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(cache.get, ISSUER)
        assert net.entered.wait(5)
        assert cache.get(ISSUER) is old
        net.gate.set()
        assert first.result(5) is not old


def test_get__another_provider_hangs__does_not_matter(clock: FakeClock) -> None:
    hanging, other = Net(), "https://other.example.com"

    class Both:
        def get(self, url: str, **named: object) -> object:
            return (fine if url.startswith(other) or fine.calls else hanging).get(url)

    fine = Net(issuer=other)
    hanging.gate.clear()
    cache = ProviderCache(Both(), clock)  # type: ignore[arg-type]
    hanging.down = True
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(cache.get, ISSUER)
        assert hanging.entered.wait(5)
        begun = time.monotonic()
        assert cache.get(other).metadata.issuer == other
        assert time.monotonic() - begun < 1
        hanging.gate.set()
        assert isinstance(first.exception(5), GatewayError)


def test_get__more_fetches_than_places__refused_at_once(net: Net, clock: FakeClock) -> None:
    cache = ProviderCache(net, clock)
    net.gate.clear()
    with ThreadPoolExecutor(5) as pool:
        found = [pool.submit(cache.get, f"https://{n}.example.com") for n in range(4)]
        while len(net.calls) < 4:
            net.entered.wait(0.01)
        assert refusal(lambda: cache.get(ISSUER)) is Reason.OIDC_UNAVAILABLE
        net.gate.set()
        for each in found:
            assert isinstance(each.exception(5), OidcError)  # the stand-in is another issuer
    assert cache.get(ISSUER).metadata.issuer == ISSUER


def test_get__several_slow_providers_at_once__hold_up_a_few_threads_only(net: Net, clock: FakeClock) -> None:
    cache = ProviderCache(net, clock)
    net.gate.clear()
    with ThreadPoolExecutor(12) as pool:
        found = [pool.submit(cache.get, f"https://{n % 4}.example.com") for n in range(12)]
        assert net.entered.wait(5)
        held_up = [each for each in found if not _is_done(each.exception)]
        net.gate.set()
    assert len(held_up) <= 5
    assert {each.exception().reason for each in found if each not in held_up} == {Reason.OIDC_UNAVAILABLE}  # type: ignore[union-attr]


def test_get__thousands_of_providers__memory_is_bounded(net: Net, clock: FakeClock) -> None:
    cache = ProviderCache(net, clock)
    net.down = True
    for n in range(2000):
        with pytest.raises(GatewayError):
            cache.get(f"https://{n}.example.com")
    assert len(cache._entries) == 512


def test_forget__next_use__fetches(cache: ProviderCache, net: Net) -> None:
    cache.get(ISSUER)
    cache.forget(ISSUER)
    cache.forget("https://unknown.example")
    cache.get(ISSUER)
    assert len(net.calls) == 4


def test_get__something_unforeseen__frees_the_place(net: Net, clock: FakeClock) -> None:
    cache = ProviderCache(net, clock)
    net.document = lambda: 1 / 0  # type: ignore[assignment]
    for n in range(6):
        with pytest.raises(ZeroDivisionError):
            cache.get(f"https://{n}.example.com")
    net.document = None
    assert cache.get(ISSUER).metadata.issuer == ISSUER


@pytest.mark.parametrize("registered", [(), (THUMBPRINT,), ("cd" * 20, ":".join(["AB"] * 20))])
def test_check_fingerprints__none_or_a_matching_one__passes(cache: ProviderCache, registered: tuple[str, ...]) -> None:
    check_fingerprints(cache.get(ISSUER), registered)


def test_check_fingerprints__another_authority__refused(cache: ProviderCache) -> None:
    assert refusal(lambda: check_fingerprints(cache.get(ISSUER), ("cd" * 20,))) is Reason.OIDC_FINGERPRINT


def test_use__real_fetch_from_a_real_server__verifies() -> None:
    """Everything together: the guarded fetch, discovery, keys and a token."""
    issuer = ""

    def respond(connection: object) -> None:
        wanted = server.heard[-1].split(b" ")[1]
        document = discovery_json(issuer=issuer, jwks_uri=f"{issuer}/jwks", **dict.fromkeys(_ENDPOINTS))
        body = document if wanted.startswith(b"/.well-known") else key_set_json(public_jwk(private_key(), kid="k1"))
        connection.sendall(ok(body))  # type: ignore[attr-defined]

    with LocalServer(respond) as server:
        issuer = f"http://127.0.0.1:{server.port}"
        cache = ProviderCache(Fetcher(OutboundRules(development=True)), FakeClock(), development=True)
        token = Spec({"iss": issuer}).token()
        identity = cache.use(issuer, lambda known: verify_id_token(token, expectation(issuer=issuer), known.keys, NOON))
    assert identity.issuer == issuer


_ENDPOINTS = (
    "authorization_endpoint",
    "token_endpoint",
    "userinfo_endpoint",
    "pushed_authorization_request_endpoint",
    "end_session_endpoint",
)
