"""The demo company's identity provider as a browser meets it."""

import base64
import html
import re
from dataclasses import replace
from urllib.parse import urlsplit

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from gateway.asking import RequestOptions
from gateway.clock import SystemClock
from gateway.demo.idp import DemoIdpConfig, create_idp, idp_metadata
from gateway.federation import attributes
from gateway.saml import names
from gateway.saml.authn_request import build_authn_request, post_form, redirect_url
from gateway.saml.names import role_sso_recipient, user_sso_entity_id, user_sso_recipients
from tests.fake_clock import FakeClock
from tests.interop.material import ACCOUNT_ID, BASE_URL, gateway_keys, idp_config, without_user_sso

STATE = 'https://sso.example.com/session?a=1&b="2"'


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(SystemClock().now().replace(microsecond=0))


@pytest.fixture
def browser(clock: FakeClock) -> FlaskClient:
    return _browser(idp_config(), clock)


def _browser(config: DemoIdpConfig, clock: FakeClock | None = None) -> FlaskClient:
    return create_idp(config, clock=clock).test_client()


def _field(page: TestResponse, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page.text)
    assert found is not None, page.text
    return html.unescape(found[1])


def _sign_in(browser: FlaskClient, where: str = "/sign-in", password: str = "alice-password") -> TestResponse:
    page = browser.get(where)
    fields = {"login": "Alice", "password": password, "form_token": _field(page, "form_token")}
    for carried in ("request", "launch", "RelayState"):
        if f'name="{carried}"' in page.text:
            fields[carried] = _field(page, carried)
    return browser.post("/sign-in", data=fields)


def _request(*, force_authn: bool = False) -> bytes:
    return build_authn_request(
        entity_id=user_sso_entity_id(BASE_URL, ACCOUNT_ID),
        acs_url=user_sso_recipients(BASE_URL, ACCOUNT_ID)[0],
        destination=idp_config().sso_url,
        request_id="_request",
        now=SystemClock().now(),
        options=RequestOptions(force_authn=force_authn),
    )


def _asked(*, force_authn: bool = False) -> str:
    url = redirect_url(_request(force_authn=force_authn), idp_config().sso_url, STATE, gateway_keys(), "rsa-sha256")
    return f"/sso?{urlsplit(url).query}"


def _xml(page: TestResponse) -> str:
    return base64.b64decode(_field(page, "SAMLResponse")).decode()


def test_sso__redirect_while_signed_out__signs_in_and_answers(browser: FlaskClient) -> None:
    asked = browser.get(_asked())
    waiting = browser.get(asked.headers["Location"])
    signed_in = _sign_in(browser, waiting.headers["Location"])

    page = browser.get(signed_in.headers["Location"])

    assert f'action="{BASE_URL}/saml/SSO"' in page.text
    assert _field(page, "RelayState") == STATE
    assert 'InResponseTo="_request"' in _xml(page)
    assert "alice@example.onaliyun.com" in _xml(page)
    assert ">Continue</button>" in page.text


def test_sso__post_while_signed_in__answers_at_once(browser: FlaskClient) -> None:
    _sign_in(browser)
    form = post_form(_request(), idp_config().sso_url, STATE, gateway_keys(), "rsa-sha256")

    asked = browser.post("/sso", data={"SAMLRequest": form.saml_request, "RelayState": form.relay_state})
    page = browser.get(asked.headers["Location"])

    assert asked.status_code == 303
    assert 'InResponseTo="_request"' in _xml(page)


def test_sso__answered_once__is_not_answered_again(browser: FlaskClient) -> None:
    _sign_in(browser)
    asked = browser.get(_asked())
    browser.get(asked.headers["Location"])

    again = browser.get(asked.headers["Location"])

    assert again.status_code == 400
    assert "SAMLResponse" not in again.text


def test_sso__request_too_old__is_not_answered(browser: FlaskClient, clock: FakeClock) -> None:
    _sign_in(browser)
    asked = browser.get(_asked())
    clock.advance(601)

    assert browser.get(asked.headers["Location"]).status_code == 400


def test_sso__force_authn_while_signed_in__asks_for_the_password(browser: FlaskClient, clock: FakeClock) -> None:
    _sign_in(browser)
    clock.advance(1)
    asked = browser.get(_asked(force_authn=True))

    waiting = browser.get(asked.headers["Location"])
    signed_in = _sign_in(browser, waiting.headers["Location"])

    assert waiting.headers["Location"].startswith("/sign-in")
    assert "SAMLResponse" in browser.get(signed_in.headers["Location"]).text


@pytest.mark.parametrize("query", ["", "?SAMLRequest=x", "?SAMLRequest=AAAA", "?SAMLRequest=" + "A" * 40])
def test_sso__no_request__is_told_so(browser: FlaskClient, query: str) -> None:
    page = browser.get(f"/sso{query}")

    assert page.status_code == 400
    assert "This did not work" in page.text


def test_sign_in__wrong_password__stays_out(browser: FlaskClient) -> None:
    page = _sign_in(browser, password="wrong")

    assert page.status_code == 403
    assert browser.get("/").status_code == 303


def test_sign_in__without_the_forms_token__stays_out(browser: FlaskClient) -> None:
    browser.get("/sign-in")

    page = browser.post("/sign-in", data={"login": "alice", "password": "alice-password", "form_token": "x"})

    assert page.status_code == 400
    assert browser.get("/").status_code == 303


def test_sign_in__page__lists_the_people_and_says_that_it_is_a_demo(browser: FlaskClient) -> None:
    page = browser.get("/sign-in")

    assert "Demo identity provider" in page.text
    assert all(text in page.text for text in ("alice", "alice-password", "bob", "bob-password"))


def test_cookie__has_a_name_of_its_own_and_is_out_of_reach(browser: FlaskClient) -> None:
    cookie = browser.get("/sign-in").headers["Set-Cookie"]

    assert cookie.startswith("demo_idp=")
    assert all(flag in cookie for flag in ("HttpOnly", "SameSite=Lax", "Secure"))


def test_home__two_tiles__start_both_kinds_of_login(browser: FlaskClient) -> None:
    home = browser.get(_sign_in(browser).headers["Location"])

    assert "/launch/user" in home.text
    assert "/launch/role" in home.text


def test_launch__role_while_signed_out__comes_back_with_the_relay_state(browser: FlaskClient) -> None:
    waiting = browser.get("/launch/role", query_string={"RelayState": STATE})
    signed_in = _sign_in(browser, waiting.headers["Location"])

    page = browser.get(signed_in.headers["Location"])

    assert f'action="{role_sso_recipient(BASE_URL)}"' in page.text
    assert _field(page, "RelayState") == STATE
    assert "InResponseTo" not in _xml(page)
    assert ">acs:ram::1234567890123456:role/reader,acs:ram::1234567890123456:saml-provider/company<" in _xml(page)


def test_launch__role_for_somebody_without_roles__is_left_to_the_gateway_to_refuse(browser: FlaskClient) -> None:
    token = _field(browser.get("/sign-in"), "form_token")
    browser.post("/sign-in", data={"login": "bob", "password": "bob-password", "form_token": token})

    xml = _xml(browser.get("/launch/role"))

    assert "bob@example.onaliyun.com" in xml
    assert ":role/" not in xml


def test_launch__user_sso_may_not_start_here__is_refused() -> None:
    browser = _browser(without_user_sso(idp_config()))
    home = browser.get(_sign_in(browser).headers["Location"])

    assert "/launch/user" not in home.text
    assert browser.get("/launch/user").status_code == 400


def test_launch__gateway_does_not_answer__says_so() -> None:
    browser = _browser(replace(idp_config(), role_sso="http://127.0.0.1:9/saml-role/sp-metadata.xml"))
    _sign_in(browser)

    assert browser.get("/launch/role").status_code == 503


def test_sign_out__signed_in__is_out(browser: FlaskClient) -> None:
    home = browser.get(_sign_in(browser).headers["Location"])

    browser.post("/sign-out", data={"form_token": _field(home, "form_token")})

    assert browser.get("/").headers["Location"] == "/sign-in"


def test_metadata__served__is_what_seeding_registers(browser: FlaskClient) -> None:
    assert browser.get("/metadata").data == idp_metadata(idp_config())


def test_pages__headers__allow_no_foreign_script_or_frame(browser: FlaskClient) -> None:
    policy = browser.get("/sign-in").headers["Content-Security-Policy"]

    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy


def test_attribute_names__of_both_rooms__are_the_same() -> None:
    assert names.ROLE_ATTRIBUTE == attributes.ROLE
    assert names.ROLE_SESSION_NAME_ATTRIBUTE == attributes.ROLE_SESSION_NAME
    assert names.SESSION_DURATION_ATTRIBUTE == attributes.SESSION_DURATION
