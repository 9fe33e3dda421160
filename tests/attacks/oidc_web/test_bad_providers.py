"""Providers that are down, slow, huge or wrong: refused with a reason, and nobody else has to wait."""

import threading
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from typing import Any

import pytest

from gateway.app import create_app
from gateway.directory.oidc_sign_in import SignInWish
from gateway.directory.provider_logins import LoginSettings, Use
from gateway.errors import Reason
from gateway.fetch import Limits
from gateway.settings import Settings
from gateway.web import oidc_redeem
from tests.attacks.oidc_web.stored import everything, logins_under_way
from tests.unit.web.oidc_site import BY_EMAIL, DEVELOPMENT, LocalBrowser, OidcSite
from tests.unit.web.site import reason_of

R = Reason
Bad = tuple[Reason, Callable[[], tuple[int, Any]]]
DISCOVERY = "/.well-known/openid-configuration"

ANSWERS: dict[str, Bad] = {
    "error": (R.OIDC_REFUSED, lambda: (400, {"error": "invalid_grant"})),
    "error in markup": (R.OIDC_REFUSED, lambda: (400, {"error": "<b>"})),
    "page": (R.OIDC_ANSWER, lambda: (500, b"<html>")),
    "no JSON": (R.OIDC_JSON, lambda: (200, b"{")),
    "list": (R.OIDC_JSON, lambda: (200, [])),
    "member twice": (R.OIDC_DUPLICATE_MEMBER, lambda: (200, b'{"id_token":"a","id_token":"b"}')),
    "deep": (R.OIDC_TOO_DEEP, lambda: (200, b'{"a":' * 90 + b"1" + b"}" * 90)),
    "another type": (R.OIDC_ANSWER, lambda: (200, {"token_type": "mac", "access_token": "a", "id_token": "b"})),
    "no ID token": (R.OIDC_ANSWER, lambda: (200, {"token_type": "Bearer", "access_token": "a"})),
    "no access token": (R.OIDC_ANSWER, lambda: (200, {"token_type": "Bearer", "id_token": "b"})),
    "no token": (R.OIDC_SHAPE, lambda: (200, {"token_type": "Bearer", "access_token": "a", "id_token": "b"})),
    "huge": (R.FETCH_TOO_LARGE, lambda: (200, b" " * 300_000)),
}


@pytest.mark.parametrize(("reason", "answer"), ANSWERS.values(), ids=ANSWERS)
def test_callback__bad_token_answer__is_refused_and_nothing_stored(
    oidc: OidcSite, reason: Reason, answer: Callable[[], tuple[int, Any]]
) -> None:
    oidc.register()
    browser = oidc.browser()
    url = oidc.op.authorize(oidc.begin(browser))
    oidc.op.answers = {"/token": answer}
    before = everything(oidc.site.services.store)
    page = oidc.come_back(browser, url)
    assert reason_of(page) == reason
    assert page.status_code in {400, 403, 413, 502}
    assert everything(oidc.site.services.store) == before
    assert not browser.session()


USER_INFO: dict[str, Bad] = {
    "somebody else": (R.OIDC_USERINFO_SUBJECT, lambda: (200, {"sub": "somebody-else"})),
    "nobody": (R.OIDC_USERINFO_SUBJECT, lambda: (200, {})),
    "refused": (R.OIDC_ANSWER, lambda: (401, {})),
    "no JSON": (R.OIDC_JSON, lambda: (200, b"{")),
    "huge": (R.FETCH_TOO_LARGE, lambda: (200, b" " * 300_000)),
}


@pytest.mark.parametrize(("reason", "answer"), USER_INFO.values(), ids=USER_INFO)
def test_callback__bad_user_information__is_refused(
    oidc: OidcSite, reason: Reason, answer: Callable[[], tuple[int, Any]]
) -> None:
    oidc.register(wish=SignInWish(reads_user_info=True))
    oidc.op.answers = {"/userinfo": answer}
    browser = oidc.browser()
    assert reason_of(oidc.sign_in(browser)) == reason
    assert not browser.session()


def test_callback__no_user_information_offered__is_refused(oidc: OidcSite) -> None:
    oidc.register(wish=SignInWish(reads_user_info=True))
    oidc.op.document = {"userinfo_endpoint": None}
    assert reason_of(oidc.sign_in(oidc.browser())) == R.OIDC_UNSUPPORTED


STARTS: dict[str, tuple[Reason, dict[str, Any], dict[str, Callable[[], tuple[int, Any]]]]] = {
    "down": (R.OIDC_UNAVAILABLE, {}, {DISCOVERY: lambda: (503, {})}),
    "huge": (R.FETCH_TOO_LARGE, {}, {DISCOVERY: lambda: (200, b" " * 300_000)}),
    "no JSON": (R.OIDC_JSON, {}, {DISCOVERY: lambda: (200, b"<")}),
    "another issuer": (R.OIDC_DISCOVERY_ISSUER, {"issuer": "https://evil.example"}, {}),
    "endpoint in the clear": (R.OIDC_DISCOVERY_ENDPOINT, {"token_endpoint": "http://evil.example/token"}, {}),
    "endpoint that is a script": (R.OIDC_DISCOVERY_ENDPOINT, {"authorization_endpoint": "javascript:alert(1)"}, {}),
    "no sign-in": (R.OIDC_UNSUPPORTED, {"authorization_endpoint": None}, {}),
    "PKCE of another kind": (R.OIDC_UNSUPPORTED, {"code_challenge_methods_supported": ["plain"]}, {}),
    "no way to prove us": (R.OIDC_UNSUPPORTED, {"token_endpoint_auth_methods_supported": ["none"]}, {}),
    "pushed requests and no place": (R.OIDC_UNSUPPORTED, {"require_pushed_authorization_requests": True}, {}),
    "private address": (R.FETCH_ADDRESS, {"jwks_uri": "https://169.254.169.254/latest"}, {}),
}


@pytest.mark.parametrize(("reason", "document", "answers"), STARTS.values(), ids=STARTS)
def test_start__bad_provider__is_refused_and_nothing_stored(
    oidc: OidcSite,
    reason: Reason,
    document: dict[str, Any],
    answers: dict[str, Callable[[], tuple[int, Any]]],
) -> None:
    oidc.register()
    oidc.op.document, oidc.op.answers = document, answers
    before = everything(oidc.site.services.store)
    assert reason_of(oidc.browser().get("/oidc/start/acme/corp")) == reason
    assert everything(oidc.site.services.store) == before
    assert logins_under_way(oidc.site.services.store) == 0


@pytest.mark.parametrize(
    ("reason", "answer"),
    [
        (R.OIDC_REFUSED, (401, {"error": "invalid_client"})),
        (R.OIDC_ANSWER, (201, {})),
        (R.OIDC_ANSWER, (201, {"request_uri": "ü"})),
        (R.OIDC_ANSWER, (302, b"")),
    ],
)
def test_start__bad_answer_to_a_pushed_request__is_refused(
    oidc: OidcSite, reason: Reason, answer: tuple[int, Any]
) -> None:
    oidc.register()
    oidc.op.document = {"pushed_authorization_request_endpoint": f"{oidc.op.issuer}/par"}
    oidc.op.answers = {"/par": lambda: answer}
    found = reason_of(oidc.browser().get("/oidc/start/acme/corp"))
    assert found in {reason, R.FETCH_REDIRECT}
    assert logins_under_way(oidc.site.services.store) == 0


def test_callback__provider_that_does_not_answer__gives_up_in_time(
    oidc: OidcSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    oidc.register()
    browser = oidc.browser()
    url = oidc.op.authorize(oidc.begin(browser))
    monkeypatch.setattr(oidc_redeem, "CALL_LIMITS", Limits(total_s=0.2, connect_s=0.2))
    oidc.op.gate.clear()
    assert reason_of(oidc.come_back(browser, url)) == R.FETCH_TIMEOUT
    oidc.op.gate.set()
    assert reason_of(oidc.come_back(browser, url)) == R.LOGIN_NOT_PENDING


def test_callback__provider_that_went_down__leaves_the_login_for_another_try(oidc: OidcSite) -> None:
    """What can't be had here is its document; the code was not shown to anybody yet."""
    oidc.register()
    browser = oidc.browser()
    url = oidc.op.authorize(oidc.begin(browser))
    oidc.site.services.oidc_providers.forget(oidc.op.issuer)
    oidc.op.answers = {DISCOVERY: lambda: (503, {})}
    assert reason_of(oidc.come_back(browser, url)) == R.OIDC_UNAVAILABLE
    assert logins_under_way(oidc.site.services.store) == 1
    oidc.op.answers = {}
    oidc.site.clock.advance(60)
    assert oidc.come_back(browser, url).status_code == 303


def test_callback__twice_at_once__one_wins(oidc: OidcSite) -> None:
    oidc.register()
    browser = oidc.browser()
    url = oidc.op.authorize(oidc.begin(browser))
    oidc.op.gate.clear()
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(oidc.come_back, browser, url)
        assert oidc.op.entered.acquire(timeout=10)
        assert reason_of(oidc.come_back(browser, url)) == R.LOGIN_NOT_PENDING
        oidc.op.gate.set()
        assert first.result(10).status_code == 303
    assert oidc.op.paths().count("/token") == 1


def test_callback__more_than_may_wait_for_one_provider__are_refused_at_once_and_can_try_again(oidc: OidcSite) -> None:
    other = oidc.other()
    roles = LoginSettings(use=Use.ROLE, roles_key="oidc:claim/roles")
    oidc.register(roles)
    oidc.register(BY_EMAIL, name="other", op=other)
    oidc.roles("reader")
    oidc.op.claims = {"roles": "reader"}
    browsers = [oidc.browser() for _ in range(5)]
    urls = [oidc.op.authorize(oidc.begin(browser)) for browser in browsers]
    elsewhere = oidc.browser()
    there = other.authorize(oidc.begin(elsewhere, name="other"))
    oidc.op.gate.clear()
    with ThreadPoolExecutor(5) as pool:
        answers = [pool.submit(oidc.come_back, browsers[i], urls[i]) for i in range(3)]
        for _ in answers:
            assert oidc.op.entered.acquire(timeout=10)
        assert oidc.come_back(elsewhere, there).status_code == 303
        # One more waits for its turn, and the one after it is refused.
        answers += [pool.submit(oidc.come_back, browsers[i], urls[i]) for i in (3, 4)]
        done, _ = wait(answers[3:], timeout=10, return_when=FIRST_COMPLETED)
        oidc.op.gate.set()
        refused = answers.index(done.pop())
        assert reason_of(answers[refused].result()) == R.OIDC_UNAVAILABLE
        assert [each.result(10).status_code for each in answers].count(303) == 4
    assert oidc.come_back(browsers[refused], urls[refused]).status_code == 303


def test_callback__begun_at_another_worker__is_redeemed(oidc: OidcSite) -> None:
    oidc.register()
    engine = oidc.site.services.store.engine
    settings = Settings(
        base_url=DEVELOPMENT,
        database_url=engine.url.render_as_string(hide_password=False),
        certs_dir=oidc.site.certs_dir,
    )
    worker = create_app(settings, clock=oidc.site.clock)
    begun = oidc.browser()
    url = oidc.op.authorize(oidc.begin(begun))
    there = LocalBrowser(worker)
    cookie = begun.get_cookie("ramgate_flow", domain="127.0.0.1")
    assert cookie is not None
    there.set_cookie("ramgate_flow", cookie.value, domain="127.0.0.1")
    assert oidc.come_back(there, url).status_code == 303
    assert reason_of(oidc.come_back(begun, url)) == R.LOGIN_NOT_PENDING
    worker.extensions["ramgate"].store.dispose()


def test_callback__while_the_provider_is_asked__others_can_write(oidc: OidcSite) -> None:
    oidc.register()
    browser = oidc.browser()
    url = oidc.op.authorize(oidc.begin(browser))
    done = threading.Event()
    oidc.op.gate.clear()
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(oidc.come_back, browser, url)
        assert oidc.op.entered.acquire(timeout=10)
        assert oidc.site.services.store.engine.pool.checkedout() == 0  # type: ignore[attr-defined]
        with oidc.site.services.store.transaction() as session:
            assert session is not None
            done.set()
        oidc.op.gate.set()
        assert waiting.result(10).status_code == 303
    assert done.is_set()


@pytest.mark.parametrize("path", [DISCOVERY, "/jwks", "/par", "/userinfo"])
def test_login__at_each_question_to_the_provider__no_connection_to_the_database_is_held(
    oidc: OidcSite, path: str
) -> None:
    oidc.register(wish=SignInWish(reads_user_info=True))
    oidc.op.document = {"pushed_authorization_request_endpoint": f"{oidc.op.issuer}/par"}
    held: list[int] = []
    rightly: dict[str, Callable[[], tuple[int, Any]]] = {
        DISCOVERY: oidc.op.discovery,
        "/jwks": oidc.op.jwks,
        "/par": lambda: oidc.op.par(*oidc.op.last),
        "/userinfo": lambda: (200, {"sub": oidc.op.person["sub"]}),
    }

    def watched() -> tuple[int, Any]:
        held.append(oidc.site.services.store.engine.pool.checkedout())  # type: ignore[attr-defined]
        return rightly[path]()

    oidc.op.answers = {path: watched}
    assert oidc.sign_in(oidc.browser()).status_code == 303
    assert held == [0]
