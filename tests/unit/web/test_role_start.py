"""Role SSO that begins here: a request from the role SSO entity, and an answer that is bound to it."""

from dataclasses import replace

import pytest

from gateway.directory.provider_keys import saml_provider_key
from gateway.directory.provider_logins import Use, set_login_settings
from gateway.directory.saml_providers import delete_saml_provider, get_saml_provider
from gateway.federation.vouching import SAML_DEFAULT
from tests.fake_clock import NOON
from tests.saml_asking import answer_to, request_in
from tests.saml_factory import AUDIENCE, RECIPIENT
from tests.unit.web.site import Browser, Site, reason_of, role_spec, signed
from tests.unit.web.test_take_role import token_of

ACS, START = "/saml-role/sso", "/saml-role/start/acme/corp"


@pytest.fixture
def values(site: Site) -> tuple[str, ...]:
    return site.roles("reader", "writer")


def test_role_start__redirect__asks_as_the_role_sso_entity(site: Site, browser: Browser, values: tuple[str]) -> None:
    request = request_in(browser.get(START))
    assert (request.issuer.text, request.assertion_consumer_service_url) == (AUDIENCE, RECIPIENT)
    assert request.requested_authn_context is None
    assert request_in(browser.get(f"/saml-role/start/{site.account_id}/CORP")).id != request.id


def test_role_acs__answer_in_the_same_browser__offers_roles_and_goes_where_wanted(
    site: Site, browser: Browser, values: tuple[str, ...]
) -> None:
    begun = request_in(browser.get(START + "?callback=/admin/providers"))
    message = signed(answer_to(begun.id, role_spec(values[0])))
    answer = browser.post(ACS, data={"SAMLResponse": message, "RelayState": "https://evil.example"})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/admin/providers")
    assert token_of(site, browser).principal.role_name == "reader"
    assert reason_of(browser.post(ACS, data={"SAMLResponse": message})) == "LoginNotPending"


@pytest.mark.parametrize("wanted", ["writer", "WRITER", "arn"])
def test_role_acs__role_that_was_wanted__is_taken_at_once(
    site: Site, browser: Browser, values: tuple[str, ...], wanted: str
) -> None:
    role = values[1].split(",", maxsplit=1)[0] if wanted == "arn" else wanted
    begun = request_in(browser.get(START, query_string={"role": role}))
    answer = browser.post(ACS, data={"SAMLResponse": signed(answer_to(begun.id, role_spec(*values)))})
    assert answer.status_code == 303
    assert token_of(site, browser).principal.role_name == "writer"


def test_role_acs__wanted_role_is_not_offered__lets_the_person_choose(
    site: Site, browser: Browser, values: tuple[str, ...]
) -> None:
    begun = request_in(browser.get(START, query_string={"role": "admin"}))
    answer = browser.post(ACS, data={"SAMLResponse": signed(answer_to(begun.id, role_spec(*values)))})
    assert answer.status_code == 200
    assert "Choose a role" in answer.text


@pytest.mark.parametrize("role", [":::", "acs:ram::1:user/x", "a b"])
def test_role_start__no_role__refused(browser: Browser, values: tuple[str, ...], role: str) -> None:
    assert reason_of(browser.get(START, query_string={"role": role})) == "ArnMalformed"


@pytest.mark.parametrize("path", ["/saml-role/start/acme/nothing", "/saml-role/start/nobody/corp"])
def test_role_start__no_provider__refused(browser: Browser, values: tuple[str, ...], path: str) -> None:
    assert reason_of(browser.get(path)) == "SsoDisabled"


def test_role_acs__answer_without_the_binding_cookie__asks_for_it_once_more(
    site: Site, browser: Browser, values: tuple[str, ...]
) -> None:
    begun = request_in(browser.get(START))
    form = {"SAMLResponse": signed(answer_to(begun.id, role_spec(values[0])))}
    page = site.browser().post(ACS, data=form)
    assert 'action="/saml-role/sso" data-autosubmit' in page.text
    assert reason_of(site.browser().post(ACS, data={**form, "again": "1"})) == "LoginOtherBrowser"
    assert browser.post(ACS, data={**form, "again": "1"}).status_code == 303


def test_role_acs__provider_deleted_meanwhile__login_is_gone_with_it(
    site: Site, browser: Browser, values: tuple[str, ...]
) -> None:
    begun = request_in(browser.get(START))
    with site.services.store.transaction() as session:
        delete_saml_provider(session, site.account_id, "corp")
    answer = browser.post(ACS, data={"SAMLResponse": signed(answer_to(begun.id, role_spec(values[0])))})
    assert reason_of(answer) == "LoginNotPending"


def test_sign_in_page__provider_with_browser_logins__is_linked(site: Site, browser: Browser) -> None:
    assert "Sign in with" not in browser.get("/acme/login.htm").text
    site.roles("reader")
    page = browser.get("/acme/login.htm?callback=/admin/providers").text
    assert f'href="/saml-role/start/{site.account_id}/corp?callback=%2Fadmin%2Fproviders"' in page
    with site.services.store.transaction() as session:
        key = saml_provider_key(get_saml_provider(session, site.account_id, "corp").id)
        settings = replace(SAML_DEFAULT, use=Use.EXCHANGE_ONLY)
        set_login_settings(session, site.account_id, key, settings, now=NOON)
    assert "Sign in with" not in browser.get("/acme/login.htm").text
