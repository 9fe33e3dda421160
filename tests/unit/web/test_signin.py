"""Sign-in pages and the session cookie."""

import logging

import pytest

from gateway.audit.receipts import list_receipts
from gateway.directory.login_profiles import create_login_profile
from gateway.directory.users import get_user
from gateway.secret import Secret
from tests.unit.web.site import PASSWORD, Browser, Site, csrf_of, reason_of


def owner_form(browser: Browser, password: str = PASSWORD, login: str = "owner@acme.example") -> dict[str, str]:
    return {"csrf_token": browser.csrf("/owner/login.htm"), "login": login, "password": password}


def give_password(site: Site) -> None:
    with site.services.store.transaction() as session:
        user = get_user(session, site.account_id, "alice")
        create_login_profile(session, user, Secret(PASSWORD), now=site.clock.now())


@pytest.mark.parametrize("text", ["acme", "ACME", "acme.onaliyun.com", "alice@acme.onaliyun.com"])
def test_choose_account__any_name_of_it__leads_to_its_page(site: Site, browser: Browser, text: str) -> None:
    answer = browser.get("/login.htm", query_string={"account": text, "callback": "/admin/providers"})
    assert answer.status_code == 303
    typed = "&user=alice%40acme.onaliyun.com" if "@" in text else ""
    assert answer.headers["Location"] == "/acme/login.htm?callback=%2Fadmin%2Fproviders" + typed


def test_choose_account__foreign_callback__is_dropped(browser: Browser) -> None:
    answer = browser.get("/login.htm", query_string={"account": "acme", "callback": "https://evil.example/"})
    assert answer.headers["Location"] == "/acme/login.htm"


def test_choose_account__unknown__says_so(browser: Browser) -> None:
    answer = browser.get("/login.htm?account=nobody")
    assert answer.status_code == 404
    assert "no such account" in answer.text


def test_owner_login__right_password__opens_a_session_by_handle_only(site: Site, browser: Browser) -> None:
    answer = browser.post("/owner/login.htm", data=owner_form(browser))
    assert answer.status_code == 303
    assert answer.headers["Location"] == "/session"
    cookies = [line for line in answer.headers.getlist("Set-Cookie") if "ramgate_session" in line]
    (cookie,) = cookies
    assert cookie.startswith("__Host-ramgate_session=")
    for flag in ("Secure", "HttpOnly", "SameSite=Lax", "Path=/"):
        assert flag in cookie
    assert "Domain" not in cookie
    assert len(cookie.split(";")[0].split("=")[1]) == 43
    assert "owner@acme.example" in browser.get("/session").text
    with site.services.store.reading() as session:
        (receipt,) = list_receipts(session, account_id=site.account_id)
    assert (receipt.kind, receipt.request_id) == ("PasswordLogin", answer.headers["X-Request-Id"])


def test_owner_login__wrong_password__is_refused_without_a_session(browser: Browser) -> None:
    answer = browser.post("/owner/login.htm", data=owner_form(browser, password="Wrong-Horse-7"))
    assert answer.status_code == 401
    assert "Wrong-Horse-7" not in answer.text
    assert "ramgate_session" not in str(answer.headers.getlist("Set-Cookie"))


def test_owner_login__another_session_before__ends_it(site: Site) -> None:
    browser = site.signed_in(site.alice)
    before = browser.get_cookie("__Host-ramgate_session", domain="sso.example.com")
    assert before
    browser.post("/owner/login.htm", data=owner_form(browser))
    stale = site.browser()
    stale.set_cookie("__Host-ramgate_session", before.value, domain="sso.example.com")
    for asked in (stale.get("/session"), stale.head("/session")):
        assert (asked.status_code, asked.headers["Location"]) == (303, "/login.htm?callback=%2Fsession")


@pytest.mark.parametrize("name", ["alice", "ALICE", " alice@acme.onaliyun.com "])
def test_user_login__right_password__signs_in_to_the_callback(site: Site, browser: Browser, name: str) -> None:
    give_password(site)
    path = "/acme/login.htm?callback=/admin/user-sso"
    form = {"csrf_token": browser.csrf(path), "user": name, "password": PASSWORD}
    answer = browser.post(path, data=form)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/admin/user-sso")


def test_user_login__domain_of_nobody__is_refused(site: Site, browser: Browser) -> None:
    give_password(site)
    form = {"csrf_token": browser.csrf("/acme/login.htm"), "user": "alice@elsewhere.example", "password": PASSWORD}
    assert browser.post("/acme/login.htm", data=form).status_code == 401


def test_user_login__company_sign_in_on__has_no_password_form_and_takes_none(site: Site, browser: Browser) -> None:
    give_password(site)
    token = browser.csrf("/acme/login.htm")
    site.user_sso()
    page = browser.get("/acme/login.htm?callback=/admin")
    assert f'href="/saml/start/{site.account_id}?callback=%2Fadmin"' in page.text
    assert 'type="password"' not in page.text
    form = {"csrf_token": token, "user": "alice", "password": PASSWORD}
    assert browser.post("/acme/login.htm", data=form).status_code == 401


@pytest.mark.parametrize(
    ("change", "status", "reason"),
    [
        ({"csrf_token": ""}, 400, "CsrfTokenInvalid"),
        ({"csrf_token": "forged"}, 400, "CsrfTokenInvalid"),
        ({"login": ""}, 400, "ParameterMissing"),
        ({"login": "a\x00b"}, 400, "ParameterInvalid"),
        ({"password": "x" * 129}, 400, "ParameterTooLong"),
    ],
)
def test_owner_login__bad_form__is_a_clean_page(
    browser: Browser, change: dict[str, str], status: int, reason: str
) -> None:
    answer = browser.post("/owner/login.htm", data=owner_form(browser) | change)
    assert (answer.status_code, reason_of(answer)) == (status, reason)


def test_form_token__of_another_browser__is_refused(site: Site, browser: Browser) -> None:
    form = owner_form(site.browser())
    assert reason_of(browser.post("/owner/login.htm", data=form)) == "CsrfTokenInvalid"


def test_logout__with_token__ends_the_session_on_the_server(site: Site) -> None:
    browser = site.signed_in(site.owner)
    handle = browser.get_cookie("__Host-ramgate_session", domain="sso.example.com")
    assert handle
    token = browser.csrf("/session")
    assert browser.post("/logout").status_code == 400
    assert browser.post("/logout", data={"csrf_token": token}).headers["Location"] == "/login.htm"
    browser.set_cookie("__Host-ramgate_session", handle.value, domain="sso.example.com")
    assert browser.get("/session").status_code == 303


def test_session__over__leads_to_sign_in(site: Site) -> None:
    browser = site.signed_in(site.owner)
    assert browser.get("/session").status_code == 200
    site.clock.advance(3600)
    assert browser.get("/session?a=b").headers["Location"] == "/login.htm?callback=%2Fsession%3Fa%3Db"
    assert csrf_of(browser.get("/owner/login.htm").text)


def test_user_login__unknown_name__is_not_written_to_the_log(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    """People type passwords into the field for the name."""
    with caplog.at_level(logging.INFO, "ramgate"):
        browser = site.browser()
        form = {"user": "Pa55word-of-alice", "password": "x", "csrf_token": browser.csrf("/acme/login.htm")}
        browser.post("/acme/login.htm", data=form)
    assert "LoginFailed" in caplog.text
    assert "Pa55word-of-alice" not in caplog.text
