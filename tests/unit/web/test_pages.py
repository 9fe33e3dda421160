"""What all pages have in common, and the session page's answers."""

import logging

import pytest
from flask import Flask

from gateway.directory.attachments import attach_policy
from gateway.directory.groups import add_user, create_group
from gateway.directory.users import get_user
from tests.databases import SqliteFiles
from tests.fake_clock import NOON
from tests.unit.web.site import Browser, Site, make_site, reason_of

PUBLIC = ["/login.htm", "/acme/login.htm", "/owner/login.htm", "/nowhere", "/saml-role/sp-metadata.xml", "/healthz"]


@pytest.mark.parametrize("path", PUBLIC)
def test_headers__every_page__are_strict(browser: Browser, path: str) -> None:
    headers = browser.get(path).headers
    policy = headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';")
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["Strict-Transport-Security"].startswith("max-age=31536000")
    assert headers["Cache-Control"] == "no-store"


def test_static__files__may_be_kept(browser: Browser) -> None:
    for name in ("app.css", "app.js", "mark.svg"):
        with browser.get(f"/static/{name}") as answer:
            assert answer.status_code == 200
            assert answer.headers["Cache-Control"] == "public, max-age=3600"
            assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_static__missing_file__is_not_kept(browser: Browser) -> None:
    answer = browser.get("/static/nothing.css")
    assert (reason_of(answer), answer.headers["Cache-Control"]) == ("PageNotFound", "no-store")


def test_pages__every_page__has_no_inline_script_or_style(site: Site) -> None:
    browser = site.signed_in(site.owner)
    for path in (
        *PUBLIC[:4],
        "/session?action=ram:ListUsers",
        "/admin/providers",
        "/admin/providers/new",
        "/admin/user-sso",
    ):
        html = browser.get(path).text
        assert "style=" not in html
        assert "<style" not in html
        assert html.count("<script") == 1
        assert " onclick" not in html


@pytest.mark.parametrize(
    ("method", "path", "status", "reason"),
    [
        ("GET", "/nowhere", 404, "PageNotFound"),
        ("GET", "/acme/nothing", 404, "PageNotFound"),
        ("GET", "/nobody/login.htm", 404, "NotFound"),
        ("GET", "/saml/SSO", 405, "MethodNotAllowed"),
        ("GET", "/logout", 405, "MethodNotAllowed"),
        ("GET", "/x%00y/login.htm", 400, "ParameterInvalid"),
        ("GET", "/session?action=a%00b", 400, "ParameterInvalid"),
        ("GET", "/saml/SpMetadata.xml?tenantID=%00", 400, "ParameterInvalid"),
        ("POST", "/saml/SSO", 400, "ParameterMissing"),
    ],
)
def test_refusal__of_any_kind__is_a_page_with_status_reason_and_request_id(
    browser: Browser, method: str, path: str, status: int, reason: str
) -> None:
    answer = browser.open(path, method=method)
    assert (answer.status_code, reason_of(answer)) == (status, reason)


def test_refusal__logged__with_request_id_reason_and_detail(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "ramgate"):
        answer = site.browser().get("/saml/start/0000000000000000")
    line = caplog.messages[-1]
    assert f'"request_id":"{answer.headers["X-Request-Id"]}"' in line
    assert '"reason":"SsoDisabled"' in line
    assert '"detail":"account 0000000000000000"' in line
    assert "account 0000000000000000" not in answer.text


@pytest.fixture
def broken(site: Site) -> Flask:
    def view() -> str:
        raise RuntimeError("the secret is hunter2")

    site.app.add_url_rule("/broken", view_func=view)
    return site.app


def test_unexpected_error__any_view__is_a_500_page_without_a_trace(
    site: Site, broken: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    answer = site.browser().get("/broken")
    assert answer.status_code == 500
    assert answer.headers["X-Request-Id"] in answer.text
    assert "hunter2" not in answer.text
    assert "RuntimeError" not in answer.text
    assert answer.headers["X-Request-Id"] in caplog.text


def test_root__in_a_browser__leads_to_the_session_page(browser: Browser) -> None:
    assert browser.get("/").headers["Location"] == "/session"
    assert browser.get("/admin").headers["Location"] == "/admin/providers"


def test_session__question__is_answered_by_the_engine(site: Site) -> None:
    browser = site.signed_in(site.alice)
    path = "/session?action=ram:ListUsers&resource=acs:ram:*:*:user/*"
    assert "<strong>No.</strong>" in browser.get(path).text
    site.grant("AliyunRAMReadOnlyAccess")
    page = browser.get(path).text
    assert "<strong>Yes.</strong>" in page
    assert "AliyunRAMReadOnlyAccess" in page
    assert f"acs:ram::{site.account_id}:user/alice" in page


@pytest.mark.parametrize("action", ["bad thing", "oss", "oss:", ":GetObject", "oss:Get<b>", "оss:GetObject"])
def test_session__action_that_is_none__is_refused(site: Site, action: str) -> None:
    answer = site.signed_in(site.owner).get("/session", query_string={"action": action})
    assert answer.status_code == 400
    assert reason_of(answer) == "ParameterInvalid"


def test_session__hostile_question__is_shown_as_text(site: Site) -> None:
    question = {"action": "oss:GetObject", "resource": '"><script>x<b>`<i>`'}
    page = site.signed_in(site.alice).get("/session", query_string=question).text
    assert "oss:GetObject" in page
    assert "<script>x" not in page
    assert "<b>" not in page
    assert "<i>" not in page


def test_session__password_sign_in__has_no_credentials_to_copy(site: Site) -> None:
    page = site.signed_in(site.owner).get("/session").text
    assert "ALIBABA_CLOUD_ACCESS_KEY_ID" not in page
    assert "No identity provider took part" in page


def test_cookies__plain_http_on_loopback__are_lax_and_not_secure(site: Site, sqlite_files: SqliteFiles) -> None:
    plain = make_site(sqlite_files.migrated(), site.certs_dir, base_url="http://127.0.0.1:8080")
    plain.user_sso()
    answer = plain.browser().get(f"/saml/start/{plain.account_id}", base_url="http://127.0.0.1:8080")
    (cookie,) = answer.headers.getlist("Set-Cookie")
    assert cookie.startswith("ramgate_flow=")
    assert "SameSite=Lax" in cookie
    assert "Secure" not in cookie
    assert "Strict-Transport-Security" not in answer.headers
    plain.services.store.dispose()


def test_source_address__only_a_trusted_proxy_is_believed(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "ramgate"):
        site.browser().get("/nowhere", headers={"X-Forwarded-For": "203.0.113.9"})
    assert '"client":"127.0.0.1"' in caplog.messages[-1]


def test_session__attached_policies__are_listed_with_what_they_come_through(site: Site) -> None:
    assert "No policy is attached to you" in site.signed_in(site.alice).get("/session").text
    site.grant("ReadOnlyAccess")
    with site.services.store.transaction() as session:
        group = create_group(session, site.account_id, "developers", now=NOON)
        add_user(session, group, get_user(session, site.account_id, "alice"), NOON)
        attach_policy(session, site.account_id, "System", "AliyunOSSFullAccess", group, NOON)
    page = site.signed_in(site.alice).get("/session").text
    assert "ReadOnlyAccess" in page
    assert "through user alice" in page
    assert "AliyunOSSFullAccess" in page
    assert "through group developers" in page
    assert "You own this account" in site.signed_in(site.owner).get("/session").text
