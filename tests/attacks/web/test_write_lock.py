"""Whatever strangers may send, the gateway does its slow work on it while others can write."""

import sqlite3
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest

from gateway.api.actions import saml_exchange
from gateway.saml.authn_request import redirect_url
from gateway.saml.response import verify_response
from gateway.web import acs, sso_start
from tests.saml_factory import encode
from tests.unit.web.site import Site, reason_of, role_spec, signed


def watched(site: Site, work: Callable[..., Any], seen: list[bool]) -> Callable[..., Any]:
    """`work`, noting each time whether somebody else could write meanwhile."""
    path = site.services.store.engine.url.database
    assert path is not None

    def wrapper(*args: Any, **kwargs: Any) -> Any:
        connection = sqlite3.connect(path, timeout=0, isolation_level=None)
        try:
            connection.execute("BEGIN IMMEDIATE")
            seen.append(True)
        except sqlite3.OperationalError:
            seen.append(False)
        finally:
            connection.close()
        return work(*args, **kwargs)

    return wrapper


def test_answer_to_a_request__while_verified__others_can_write(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.user_sso()
    browser = site.browser()
    request_id = site.asked(browser)
    seen: list[bool] = []
    monkeypatch.setattr(acs, "verify_response", watched(site, verify_response, seen))
    message = encode(site.user_spec(in_response_to=request_id, response_in_response_to=request_id).tree())
    assert reason_of(browser.post("/saml/SSO", data={"SAMLResponse": message})) == "SamlUnsigned"
    assert seen == [True]


def test_start__while_the_request_is_signed__others_can_write(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.user_sso()
    seen: list[bool] = []
    monkeypatch.setattr(sso_start, "redirect_url", watched(site, redirect_url, seen))
    site.asked(site.browser())
    assert seen == [True]


def test_anonymous_call__while_verified__others_can_write(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    role, _, provider = site.roles("reader")[0].partition(",")
    seen: list[bool] = []
    monkeypatch.setattr(saml_exchange, "verify_response", watched(site, verify_response, seen))
    call = {"Action": "AssumeRoleWithSAML", "Version": "2015-04-01", "RoleArn": role, "SAMLProviderArn": provider}
    spec = role_spec(f"{role},{provider}")
    for assertion, status, word in ((encode(spec.tree()), 401, "SamlUnsigned"), (signed(spec), 200, "Credentials")):
        answer = site.browser().get("/?" + urlencode({**call, "SAMLAssertion": assertion}))
        assert answer.status_code == status
        assert word in answer.text
    assert seen == [True, True]


def test_pending_login__refused_answer__is_still_open_and_used_up_once(site: Site) -> None:
    site.user_sso()
    browser = site.browser()
    request_id = site.asked(browser)
    spec = site.user_spec(in_response_to=request_id, response_in_response_to=request_id)
    assert reason_of(browser.post("/saml/SSO", data={"SAMLResponse": encode(spec.tree())})) == "SamlUnsigned"
    assert browser.post("/saml/SSO", data={"SAMLResponse": signed(spec)}).status_code == 303
    assert reason_of(browser.post("/saml/SSO", data={"SAMLResponse": signed(spec)})) == "LoginNotPending"
