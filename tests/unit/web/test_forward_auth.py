"""What proxies ask, and are told: nginx, Traefik and Envoy, over https."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.audit.receipts import list_receipts
from gateway.errors import Reason
from gateway.oidc.identity_token import verify_identity
from gateway.oidc.keys import parse_key_set
from gateway.sts.sessions import end_session
from tests.databases import SqliteFiles
from tests.unit.web.proxied_site import HOST, ORIGIN, SECRET, Proxy, make_proxied_site
from tests.unit.web.site import BASE, Site

KINDS = ("nginx", "traefik", "envoy")
PAGE = "text/html,application/xhtml+xml"


@pytest.fixture(scope="module")
def behind(sqlite_files: SqliteFiles, certs_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One for all tests here: each signs in by itself."""
    made = make_proxied_site(sqlite_files, certs_dir, tmp_path_factory.mktemp("routes"))
    yield made
    made.services.store.dispose()


@pytest.fixture(params=KINDS)
def proxy(request: pytest.FixtureRequest, behind: Site) -> Proxy:
    return Proxy(behind, request.param)


def test_ask__signed_in_and_allowed__a_token_for_this_host(proxy: Proxy) -> None:
    site = proxy.site
    back = proxy.sign_in(site.signed_in(site.alice), "/pages/a%20b?x=1")
    assert (back.status_code, back.headers["Location"]) == (303, "/pages/a%20b?x=1")
    answer = proxy.ask("/pages/a%20b?x=1")
    assert (answer.status_code, answer.data) == (200, b"")
    published = site.browser().get("/.well-known/ramgate-identity/jwks.json")
    keys = parse_key_set(published.data)
    identity = verify_identity(answer.headers["X-Ramgate-Identity"], keys, BASE, HOST, site.clock.now())
    assert (identity.subject, identity.principal_id) == (site.alice.arn, site.user_id)
    assert identity.resource == f"acs:wiki:*:{site.account_id}:page/a b"
    assert published.headers["Cache-Control"] == "public, max-age=300"
    with site.services.store.reading() as session:
        receipt = next(row for row in list_receipts(session) if row.kind == "AppLogin")
    assert (receipt.principal_arn, receipt.details["host"]) == (site.alice.arn, HOST)


def test_ask__no_session__told_where_to_sign_in(proxy: Proxy) -> None:
    answer = proxy.ask("/pages/a?b=c", Accept="*/*")
    assert (answer.status_code, json.loads(answer.data)["Reason"]) == (401, Reason.NOT_SIGNED_IN)
    assert answer.headers["X-Ramgate-Sign-In"] == "/.ramgate/start?rd=%2Fpages%2Fa%3Fb%3Dc"
    in_browser = proxy.ask("/pages/a", Accept=PAGE)
    if proxy.kind == "nginx":
        assert in_browser.status_code == 401
    else:
        assert (in_browser.status_code, in_browser.headers["Location"]) == (
            303,
            f"{ORIGIN}/.ramgate/start?rd=%2Fpages%2Fa",
        )
    posted = proxy.ask("/pages/a", method="POST", Accept=PAGE)
    assert (posted.status_code, posted.headers["X-Ramgate-Sign-In"]) == (401, "/.ramgate/start?rd=%2F")


def test_ask__not_allowed__403_with_the_reason(proxy: Proxy) -> None:
    site = proxy.site
    proxy.sign_in(site.signed_in(site.alice))
    for target in ("/admin", "/nowhere", "/pages/..", "/PAGES/a"):
        answer = proxy.ask(target, Accept=PAGE)
        assert (answer.status_code, "X-Ramgate-Identity" in answer.headers) == (403, False)
    answer = proxy.ask("/admin", Accept=PAGE)
    assert answer.headers["X-Ramgate-Reason"] == Reason.ACCESS_DENIED
    page = (
        proxy.page("/denied", **{"X-Original-Method": "GET", "X-Original-URI": "/admin"})
        if proxy.kind == "nginx"
        else answer
    )
    assert page.status_code == 403
    assert "wiki:Administer" in page.text
    assert "/.ramgate/app.css" in page.text


def test_ask__signed_out_at_the_gateway__out_at_once(proxy: Proxy) -> None:
    site = proxy.site
    browser = site.signed_in(site.alice)
    proxy.sign_in(browser)
    assert proxy.ask().status_code == 200
    cookie = browser.get_cookie("__Host-ramgate_session", domain="sso.example.com")
    assert cookie is not None
    with site.services.store.transaction() as session:
        end_session(session, cookie.value, site.clock.now())
    assert proxy.ask().status_code == 401


def test_ask__cookie_of_one_host__opens_no_other(proxy: Proxy) -> None:
    site = proxy.site
    proxy.sign_in(site.signed_in(site.alice))
    assert proxy.ask(host="shop.example.com").status_code == 401
    assert proxy.ask(host="elsewhere.example.com").status_code == 403
    for host in ("", "a b", "wiki.example.com,shop.example.com"):
        assert proxy.ask(host=host or "-").status_code == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Ramgate-Proxy": ""},
        {"X-Ramgate-Proxy": SECRET[:-1]},
        {"X-Ramgate-Proxy": f"{SECRET},{SECRET}"},
        {"X-Ramgate-Proxy": "\u00e9"},
    ],
)
def test_ask__without_the_secret__refused(proxy: Proxy, headers: dict[str, str]) -> None:
    site = proxy.site
    proxy.sign_in(site.signed_in(site.alice))
    for answer in (proxy.ask(**headers), proxy.page("/start?rd=/", **headers), proxy.page("/app.css", **headers)):
        assert answer.status_code in {401, 403}
        assert "X-Ramgate-Identity" not in answer.headers


def test_ask__from_an_address_that_is_no_proxy__refused(behind: Site) -> None:
    sent = {
        "X-Ramgate-Proxy": SECRET,
        "X-Original-Host": HOST,
        "X-Original-Method": "GET",
        "X-Original-URI": "/pages/a",
    }
    browser = behind.app.test_client()
    for path in ("/auth/nginx", "/auth/pages/nginx/start"):
        answer = browser.get(path, headers=sent, environ_overrides={"REMOTE_ADDR": "203.0.113.5"})
        assert answer.status_code in {401, 403}
        assert "Location" not in answer.headers


def test_ask__no_secret_is_set__there_is_no_such_page(site: Site) -> None:
    for path in ("/auth/nginx", "/auth/traefik", "/auth/envoy/a"):
        answer = site.browser().get(path, headers={"X-Ramgate-Proxy": ""})
        assert (answer.status_code, answer.headers["X-Ramgate-Reason"]) == (403, Reason.PAGE_NOT_FOUND)


def test_ask__headers_of_another_proxy__are_not_looked_at(behind: Site) -> None:
    proxy = Proxy(behind, "traefik")
    proxy.sign_in(behind.signed_in(behind.alice))
    forged = {"X-Original-URI": "/pages/a", "X-Original-Method": "GET", "X-Original-Host": HOST}
    assert proxy.ask("/admin", **forged).status_code == 403
    assert Proxy(behind, "nginx").ask("", **{"X-Forwarded-Uri": "/pages/a", "X-Original-URI": ""}).status_code == 401


def test_ask__another_method_by_header__refused(proxy: Proxy) -> None:
    proxy.sign_in(proxy.site.signed_in(proxy.site.alice))
    for name in ("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"):
        assert proxy.ask(**{name: "DELETE"}).status_code == 403


def test_cookie__over_https__is_bound_to_the_host(behind: Site) -> None:
    proxy = Proxy(behind, "nginx")
    back = proxy.sign_in(behind.signed_in(behind.alice))
    (line,) = [line for line in back.headers.getlist("Set-Cookie") if line.startswith("__Host-ramgate_app=")]
    assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} <= set(line.split("; ")[1:])
    assert "Domain" not in line
    twice = f"__Host-ramgate_app=planted; __Host-ramgate_app={proxy.cookies['__Host-ramgate_app']}"
    assert proxy.ask(Cookie=twice).status_code == 401
