"""Signing in from outside the networks of the account: by password, through the company, to a role, with a right word."""

import pytest
from werkzeug.test import TestResponse

from gateway.directory.login_profiles import create_login_profile
from gateway.directory.security_preference import SecurityChange, set_security_preference
from gateway.directory.users import get_user
from gateway.secret import Secret
from gateway.web import signin
from tests.fake_clock import NOON
from tests.unit.web.site import PASSWORD, Browser, Site, reason_of, role_spec, signed
from tests.unit.web.test_take_role import make_role

INSIDE = {"REMOTE_ADDR": "192.0.2.7"}
OUTSIDE = {"REMOTE_ADDR": "198.51.100.7"}
LOGIN = "/acme/login.htm"


@pytest.fixture
def fenced(site: Site) -> Site:
    """An account that lets people in from 192.0.2.0/24; alice has a password."""
    with site.services.store.transaction() as session:
        set_security_preference(session, site.account_id, SecurityChange(login_network_masks="192.0.2.0/24"))
        create_login_profile(session, get_user(session, site.account_id, "alice"), Secret(PASSWORD), now=NOON)
    return site


def log_in(browser: Browser, password: str, where: dict[str, str], user: str = "alice") -> TestResponse:
    form = {"csrf_token": browser.csrf(LOGIN), "user": user, "password": password}
    return browser.post(LOGIN, data=form, environ_overrides=where)


def has_session(answer: TestResponse) -> bool:
    return "ramgate_session" in str(answer.headers.getlist("Set-Cookie"))


@pytest.mark.parametrize(("user", "password"), [("alice", PASSWORD), ("alice", "Wrong-Horse-7"), ("nobody", PASSWORD)])
def test_password__from_outside__same_refusal_for_everybody_before_anything_is_hashed(
    fenced: Site, monkeypatch: pytest.MonkeyPatch, user: str, password: str
) -> None:
    checked: list[object] = []
    monkeypatch.setattr(signin, "check_user_password", lambda *args: checked.append(args))
    answer = log_in(fenced.browser(), password, OUTSIDE, user)
    assert (answer.status_code, has_session(answer), checked) == (403, False, [])
    assert "can&#39;t sign in from this network" in answer.text


def test_password__header_that_nobody_vouches_for__does_not_move_anybody_inside(fenced: Site) -> None:
    browser = fenced.browser()
    form = {"csrf_token": browser.csrf(LOGIN), "user": "alice", "password": PASSWORD}
    headers = {"X-Forwarded-For": "192.0.2.7", "X-Real-IP": "192.0.2.7", "Forwarded": "for=192.0.2.7"}
    answer = browser.post(LOGIN, data=form, headers=headers, environ_overrides=OUTSIDE)
    assert (answer.status_code, has_session(answer)) == (403, False)


def test_password__from_inside__signs_in(fenced: Site) -> None:
    answer = log_in(fenced.browser(), PASSWORD, INSIDE)
    assert (answer.status_code, has_session(answer)) == (303, True)


def test_company_sign_in__from_outside__refused_and_good_for_inside_afterwards(fenced: Site) -> None:
    fenced.user_sso(idp_initiated=True)
    message = {"SAMLResponse": signed(fenced.user_spec())}
    answer = fenced.browser().post("/saml/SSO", data=message, environ_overrides=OUTSIDE)
    assert (answer.status_code, reason_of(answer), has_session(answer)) == (403, "LoginNetwork", False)
    assert has_session(fenced.browser().post("/saml/SSO", data=message, environ_overrides=INSIDE))


def test_company_role__from_outside__refused(fenced: Site) -> None:
    message = {"SAMLResponse": signed(role_spec(*fenced.roles("reader")))}
    answer = fenced.browser().post("/saml-role/sso", data=message, environ_overrides=OUTSIDE)
    assert (answer.status_code, reason_of(answer), has_session(answer)) == (403, "LoginNetwork", False)
    assert has_session(fenced.browser().post("/saml-role/sso", data=message, environ_overrides=INSIDE))


def test_owner__from_anywhere__signs_in(fenced: Site) -> None:
    """The way back in for whoever listed the wrong networks."""
    browser = fenced.browser()
    path = "/owner/login.htm"
    form = {"csrf_token": browser.csrf(path), "login": "owner@acme.example", "password": PASSWORD}
    assert has_session(browser.post(path, data=form, environ_overrides=OUTSIDE))


def test_taking_a_role__from_outside__refused_and_the_session_stays(fenced: Site) -> None:
    fenced.grant("AliyunSTSAssumeRoleAccess")
    make_role(fenced, "reader")
    browser = fenced.signed_in(fenced.alice)
    form = {"csrf_token": browser.csrf("/session"), "role": "reader"}
    answer = browser.post("/session/role", data=form, environ_overrides=OUTSIDE)
    assert (answer.status_code, reason_of(answer), has_session(answer)) == (403, "LoginNetwork", False)
    assert "alice" in browser.get("/session").text
    assert has_session(browser.post("/session/role", data=form, environ_overrides=INSIDE))
