"""Changing to a role at the browser, and where `acs:MFAPresent` shows."""

import json
import re
from html import unescape

import pytest
from werkzeug.test import TestResponse

from gateway.directory.revocations import revoke
from gateway.directory.roles import create_role
from gateway.sts.sessions import end_sessions_of_user, find_session
from gateway.sts.token import SessionToken, open_token
from tests.fake_clock import NOON
from tests.unit.web.signing_in import bind, code, give, has_session, post
from tests.unit.web.site import Browser, Site, reason_of, role_spec, signed
from tests.unit.web.test_signin import give_password

MFA = {"Bool": {"acs:MFAPresent": "true"}}


def trusting(site: Site, condition: object = None) -> str:
    statement = {
        "Effect": "Allow",
        "Action": "sts:AssumeRole",
        "Principal": {"RAM": [f"acs:ram::{site.account_id}:root"]},
        **({"Condition": condition} if condition else {}),
    }
    return json.dumps({"Version": "1", "Statement": [statement]})


def make_role(site: Site, name: str, condition: object = None) -> None:
    with site.services.store.transaction() as session:
        create_role(session, site.account_id, name, trust_document=trusting(site, condition), now=NOON)


def take(browser: Browser, role: str) -> TestResponse:
    return post(browser, "/session/role", role=role)


def with_code(site: Site) -> Browser:
    """A browser of alice, who proved a second factor."""
    seed, browser = bind(site), site.browser()
    give(browser)
    assert post(browser, "/signin/code", code=code(site, seed)).headers["Location"] == "/session"
    return browser


def token_of(site: Site, browser: Browser) -> SessionToken:
    found = re.search(r"ALIBABA_CLOUD_SECURITY_TOKEN=(\S+)", unescape(browser.get("/session").text))
    assert found
    return open_token(site.services.ring, found[1])


@pytest.fixture
def ready(site: Site) -> Site:
    give_password(site)
    site.grant("AliyunSTSAssumeRoleAccess")
    make_role(site, "reader")
    make_role(site, "careful", MFA)
    return site


@pytest.mark.parametrize("name", ["reader", "READER", "arn"])
def test_take_role__allowed_by_both__is_the_role_with_its_credentials(ready: Site, name: str) -> None:
    browser = ready.signed_in(ready.alice)
    typed = f"acs:ram::{ready.account_id}:role/reader" if name == "arn" else name
    assert take(browser, typed).headers["Location"] == "/session"
    token = token_of(ready, browser)
    assert (token.principal.role_name, token.principal.session_name, token.mfa_present) == ("reader", "alice", False)
    assert ("user", ready.user_id) in token.lineage


def test_take_role__trust_policy_asks_for_a_second_factor__only_who_proved_one(ready: Site) -> None:
    assert reason_of(take(ready.signed_in(ready.alice), "careful")) == "StepUpImpossible"
    browser = with_code(ready)
    assert take(browser, "careful").headers["Location"] == "/session"
    token = token_of(ready, browser)
    assert token.mfa_present
    assert token.mfa_at == token.issued_at, "the code was typed at this very moment of a clock that stands"
    assert "Proved at sign-in" in browser.get("/session").text


def test_take_role__own_policies_do_not_allow_it__denied_whether_it_exists_or_not(site: Site) -> None:
    make_role(site, "reader")
    browser = site.signed_in(site.alice)
    for role in ("reader", "nothing", f"acs:ram::{'9' * 16}:role/reader"):
        assert reason_of(take(browser, role)) == "AccessDenied"
    assert has_session(browser)


@pytest.mark.parametrize(
    ("role", "reason"), [("nothing", "NotFound"), ("a b", "ArnMalformed"), (":::", "ArnMalformed")]
)
def test_take_role__no_role__refused(ready: Site, role: str, reason: str) -> None:
    assert reason_of(take(ready.signed_in(ready.alice), role)) == reason


def test_take_role__owner_or_role__refused(ready: Site) -> None:
    assert reason_of(take(ready.signed_in(ready.owner), "reader")) == "AccessDenied"
    browser = ready.signed_in(ready.alice)
    take(browser, "reader")
    assert reason_of(take(browser, "reader")) == "AccessDenied"


def test_take_role__not_signed_in__refused(ready: Site, browser: Browser) -> None:
    assert reason_of(take(browser, "reader")) == "NotSignedIn"


def test_take_role__handle_of_the_user_session__is_over(ready: Site) -> None:
    browser = ready.signed_in(ready.alice)
    cookie = browser.get_cookie("__Host-ramgate_session", domain="sso.example.com")
    assert cookie is not None
    take(browser, "reader")
    with ready.services.store.reading() as session:
        assert find_session(session, ready.services.ring, cookie.value, ready.clock.now()) is None


def test_take_role__user_session_ends_soon__so_does_the_role_session(ready: Site) -> None:
    browser = ready.signed_in(ready.alice)
    ready.clock.advance(3000)
    take(browser, "reader")
    assert (token_of(ready, browser).expires_at - ready.clock.now()).total_seconds() == 600


def test_take_role__user_revoked__role_session_dies(ready: Site) -> None:
    browser = ready.signed_in(ready.alice)
    take(browser, "reader")
    with ready.services.store.transaction() as session:
        end_sessions_of_user(session, ready.user_id, ready.clock.now())
        revoke(session, "user", ready.user_id, ready.clock.now())
    assert not has_session(browser)


def test_may_i__with_and_without_a_code__mfa_present_is_told(ready: Site) -> None:
    from gateway.directory.attachments import attach_policy
    from gateway.directory.policies import create_policy
    from gateway.directory.users import get_user

    statement = {"Effect": "Allow", "Action": "oss:*", "Resource": "*", "Condition": MFA}
    with ready.services.store.transaction() as session:
        document = json.dumps({"Version": "1", "Statement": [statement]})
        create_policy(session, ready.account_id, "careful", document, now=NOON)
        alice = get_user(session, ready.account_id, "alice")
        attach_policy(session, ready.account_id, "Custom", "careful", alice, NOON)
    question = "/session?action=oss:GetObject&resource=*"
    assert "<strong>No.</strong>" in ready.signed_in(ready.alice).get(question).text
    assert "<strong>Yes.</strong>" in with_code(ready).get(question).text


def test_company_login__no_second_factor_of_ours__is_false(ready: Site, browser: Browser) -> None:
    (value,) = ready.roles("visitor")
    browser.post("/saml-role/sso", data={"SAMLResponse": signed(role_spec(value))})
    assert not token_of(ready, browser).mfa_present
    assert "Not asked at sign-in" in browser.get("/session").text
