"""Addresses and cookies that somebody else made up: they lead nowhere else and end nobody's session."""

import re

import pytest

from gateway.directory.attachments import attach_policy
from gateway.directory.policies import create_policy
from gateway.directory.users import get_user
from tests.fake_clock import NOON
from tests.saml_factory import encode
from tests.unit.web.site import Browser, Site, csrf_of, reason_of


@pytest.mark.parametrize(
    "path", ["/\\evil.example/saml/SSO", "//evil.example/saml/SSO", "/x\\/saml/SSO", "/\\\\x/saml/SSO"]
)
def test_form_that_is_posted_again__path_like_a_host__stays_with_us(site: Site, path: str) -> None:
    site.user_sso()
    request_id = site.asked(site.browser())
    message = encode(site.user_spec(in_response_to=request_id, response_in_response_to=request_id).tree())
    page = site.browser().post("/", data={"SAMLResponse": message}, environ_overrides={"PATH_INFO": path})
    assert page.status_code == 200
    (action,) = re.findall(r'action="([^"]*)"', page.text)
    assert re.fullmatch(r"/[A-Za-z0-9%][A-Za-z0-9.%]*/saml/SSO", action)


@pytest.mark.parametrize("path", ["//session", "//saml/SSO", "/saml//SSO", "//", "/static//app.css"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_doubled_slash__host_of_somebody_else__is_not_redirected_to(browser: Browser, path: str, method: str) -> None:
    overrides = {"PATH_INFO": path, "HTTP_HOST": "evil.example"}
    answer = browser.open("/", method=method, environ_overrides=overrides)
    assert "evil.example" not in answer.headers.get("Location", "")


@pytest.mark.parametrize("name", ["remember_token", "remember", "session"])
def test_cookie_of_a_sibling_host__signed_in__stays_signed_in(site: Site, name: str) -> None:
    browser = site.signed_in(site.owner)
    browser.set_cookie(name, "1|0", domain="sso.example.com")
    assert browser.get("/admin/providers").status_code == 200


@pytest.mark.parametrize("spelling", ["corp", "CORP", "Corp"])
def test_provider__denied_by_policy__is_out_of_reach_in_any_spelling(site: Site, spelling: str) -> None:
    site.roles("reader")
    site.grant("AliyunRAMFullAccess")
    statement = '{"Effect":"Deny","Action":"ram:*","Resource":"acs:ram:*:*:saml-provider/corp"}'
    with site.services.store.transaction() as session:
        create_policy(session, site.account_id, "keep", f'{{"Version":"1","Statement":[{statement}]}}', now=NOON)
        attach_policy(session, site.account_id, "Custom", "keep", get_user(session, site.account_id, "alice"), NOON)
    browser = site.signed_in(site.alice)
    token = csrf_of(browser.get("/admin/providers/new").text)

    for path in ("delete", "settings"):
        form = {"csrf_token": token, "description": "mine", "sign_algo": "rsa-sha256"}
        assert reason_of(browser.post(f"/admin/providers/{spelling}/{path}", data=form)) == "AccessDenied"
    assert reason_of(browser.get(f"/admin/providers/{spelling}")) == "AccessDenied"
    assert reason_of(browser.post(f"/admin/providers/{spelling}/preview", data={"csrf_token": token})) == "AccessDenied"
