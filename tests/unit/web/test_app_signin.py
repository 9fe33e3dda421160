"""The way of a sign-in to an application: states and tickets, and what they can't be used for."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from gateway.errors import Reason
from tests.databases import SqliteFiles
from tests.unit.web.proxied_site import Proxy, make_proxied_site
from tests.unit.web.site import Site


@pytest.fixture(scope="module")
def behind(sqlite_files: SqliteFiles, certs_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One for all tests here: each signs in by itself."""
    made = make_proxied_site(sqlite_files, certs_dir, tmp_path_factory.mktemp("routes"))
    yield made
    made.services.store.dispose()


def begun(proxy: Proxy, rd: str = "/pages/a") -> str:
    """The state of a sign-in that was begun in this browser."""
    started = proxy._kept(proxy.page("/start?" + urlencode({"rd": rd})))
    return parse_qs(urlsplit(started.headers["Location"]).query)["state"][0]


def ticket_for(site: Site, state: str) -> str:
    entered = site.signed_in(site.alice).get("/apps/enter", query_string={"state": state})
    return parse_qs(urlsplit(entered.headers["Location"]).query)["ticket"][0]


def redeem(proxy: Proxy, ticket: str, state: str, **more: str) -> str:
    """Where it leads to, or why not."""
    answer = proxy.page("/callback?" + urlencode({"ticket": ticket, "state": state}), **more)
    if answer.status_code == 303:
        return answer.headers["Location"]
    assert answer.status_code in {400, 401, 403}
    assert not [line for line in answer.headers.getlist("Set-Cookie") if line.startswith("__Host-ramgate_app=")]
    return next(reason for reason in Reason if f"<code>{reason}</code>" in answer.text)


def test_enter__not_signed_in__signs_in_and_comes_back(behind: Site) -> None:
    state = begun(Proxy(behind, "nginx"))
    answer = behind.browser().get("/apps/enter", query_string={"state": state})
    assert answer.status_code == 303
    there = urlsplit(answer.headers["Location"])
    assert (there.path, parse_qs(there.query)["callback"]) == ("/login.htm", [f"/apps/enter?state={state}"])


def test_login_page__may_lead_to_the_application(behind: Site) -> None:
    policy = behind.browser().get("/acme/login.htm").headers["Content-Security-Policy"]
    assert "https://wiki.example.com" in policy.partition("form-action")[2]


@pytest.mark.parametrize(
    ("rd", "target"),
    [
        ("/pages/a?x=1", "/pages/a?x=1"),
        ("//evil.example", "/"),
        ("https://evil.example", "/"),
        ("/\\evil.example", "/"),
        ("/a\r\nX: y", "/"),
        ("/.ramgate/start", "/"),
        ("", "/"),
        ("/" + "a" * 1100, "/"),
    ],
)
def test_callback__where_it_leads__is_a_path_of_the_application(behind: Site, rd: str, target: str) -> None:
    proxy = Proxy(behind, "nginx")
    state = begun(proxy, rd)
    assert redeem(proxy, ticket_for(behind, state), state) == target


def test_callback__anything_else__refused(behind: Site) -> None:
    proxy, other = Proxy(behind, "nginx"), Proxy(behind, "nginx")
    state, others = begun(proxy), begun(other)
    ticket = ticket_for(behind, state)
    assert redeem(other, ticket, state) == Reason.LOGIN_OTHER_BROWSER  # login CSRF
    assert redeem(Proxy(behind, "nginx"), ticket, state) == Reason.LOGIN_OTHER_BROWSER
    assert redeem(other, ticket, others) == Reason.LOGIN_NOT_PENDING
    assert redeem(proxy, ticket, state, **{"X-Original-Host": "shop.example.com"}) == Reason.LOGIN_NOT_PENDING
    assert redeem(proxy, ticket[:-2] + "AA", state) == Reason.LOGIN_NOT_PENDING
    assert redeem(proxy, state, state) == Reason.LOGIN_NOT_PENDING  # sealed for another purpose
    assert redeem(proxy, ticket, ticket) == Reason.LOGIN_NOT_PENDING
    assert redeem(proxy, "", state) == Reason.LOGIN_NOT_PENDING
    assert redeem(proxy, "\u00e9", state) == Reason.LOGIN_NOT_PENDING
    assert redeem(proxy, "A" * 5000, state) == Reason.LOGIN_NOT_PENDING
    assert redeem(proxy, ticket, state) == "/pages/a"
    assert redeem(proxy, ticket, state) in {Reason.LOGIN_NOT_PENDING, Reason.LOGIN_OTHER_BROWSER}  # used


def test_ticket__after_half_a_minute__over(behind: Site) -> None:
    proxy = Proxy(behind, "nginx")
    state = begun(proxy)
    ticket = ticket_for(behind, state)
    behind.clock.advance(30)
    assert redeem(proxy, ticket, state) == Reason.LOGIN_NOT_PENDING


def test_state__after_ten_minutes__over(behind: Site) -> None:
    state = begun(Proxy(behind, "nginx"))
    behind.clock.advance(600)
    answer = behind.signed_in(behind.alice).get("/apps/enter", query_string={"state": state})
    assert (answer.status_code, "LoginNotPending" in answer.text) == (401, True)


def test_enter__no_state_of_ours__refused(behind: Site) -> None:
    browser = behind.signed_in(behind.alice)
    for state in ("", "x", "\u00e9", "A" * 60):
        answer = browser.get("/apps/enter", query_string={"state": state})
        assert (answer.status_code, "Location" in answer.headers) == (401, False)


def test_ticket__of_a_session_that_ended__refused(behind: Site) -> None:
    proxy = Proxy(behind, "nginx")
    state = begun(proxy)
    browser = behind.signed_in(behind.alice)
    entered = browser.get("/apps/enter", query_string={"state": state})
    ticket = parse_qs(urlsplit(entered.headers["Location"]).query)["ticket"][0]
    browser.post("/logout", data={"csrf_token": browser.csrf("/session")})
    assert redeem(proxy, ticket, state) == Reason.LOGIN_NOT_PENDING


def test_sign_out__get_asks_and_post_ends(behind: Site) -> None:
    proxy = Proxy(behind, "traefik")
    proxy.sign_in(behind.signed_in(behind.alice))
    assert "Sign out of wiki?" in proxy.page("/sign-out").text
    assert proxy.ask().status_code == 200
    out = proxy.page("/sign-out", "POST")
    assert (out.status_code, "__Host-ramgate_app=;" in out.headers["Set-Cookie"]) == (200, True)
    assert proxy.ask().status_code == 401


def test_pages__unknown_kind_or_page__refused(behind: Site) -> None:
    proxy = Proxy(behind, "nginx")
    assert proxy.page("/nowhere").status_code == 404
    proxy.kind = "envoy"
    assert proxy._send("/auth/pages/apache/start", "GET", {}).status_code == 404
    style = proxy.page("/app.css")
    assert (style.status_code, style.content_type.partition(";")[0]) == (200, "text/css")
