"""OpenID Connect: a new sign-in that was asked for, one without pages, and second factors on the way to a role."""

import json
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from werkzeug.test import TestResponse

from gateway.directory.attachments import attach_policy
from gateway.directory.oidc_sign_in import SignInWish
from gateway.directory.provider_logins import LoginSettings, Use, set_login_settings
from gateway.directory.roles import create_role
from gateway.directory.users import get_user
from tests.fake_clock import NOON
from tests.saml_asking import way_on
from tests.unit.web.oidc_site import BY_EMAIL, LocalBrowser, OidcSite
from tests.unit.web.signing_in import post
from tests.unit.web.site import reason_of

NOW_S = int(NOON.timestamp())
ROLES = LoginSettings(use=Use.ROLE, roles_key="oidc:claim/roles", second_factors=("gold", "mfa"))
MFA = {"Bool": {"acs:MFAPresent": "true"}}


def asked_in(url: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


def careful(oidc: OidcSite, principal: dict[str, list[str]] | None = None) -> None:
    statement = {
        "Effect": "Allow",
        "Action": "sts:AssumeRole",
        "Principal": principal or {"Federated": [oidc.arn()]},
        "Condition": MFA,
    }
    document = json.dumps({"Version": "1", "Statement": [statement]})
    with oidc.site.services.store.transaction() as session:
        create_role(session, oidc.account_id, "careful", trust_document=document, now=NOON)


def back_from(oidc: OidcSite, browser: LocalBrowser, page: TestResponse, **claims: Any) -> TestResponse:
    """Follow a page that asks for a second factor, and come back with these claims."""
    oidc.op.claims = {**oidc.op.claims, **claims}
    return oidc.come_back(browser, oidc.op.authorize(way_on(page)))


@pytest.mark.parametrize(
    ("auth_time", "reason"), [(NOW_S - 120, ""), (NOW_S - 121, "OidcAuthTime"), (None, "OidcAuthTime")]
)
def test_prompt_login__is_held_to(oidc: OidcSite, auth_time: int | None, reason: str) -> None:
    oidc.register(wish=SignInWish(prompt=("login",)))
    browser = oidc.browser()
    url = oidc.begin(browser)
    assert (asked_in(url)["prompt"], asked_in(url)["max_age"]) == ("login", "0")
    oidc.op.claims = {"auth_time": auth_time}
    oidc.site.clock.advance(60)  # people take their time to type
    answer = oidc.come_back(browser, oidc.op.authorize(url))
    assert ("" if answer.status_code == 303 else reason_of(answer)) == reason


@pytest.mark.parametrize("error", ["login_required", "interaction_required", "consent_required"])
def test_prompt_none__person_is_needed__is_asked_once_more_with_pages(oidc: OidcSite, error: str) -> None:
    oidc.register(wish=SignInWish(prompt=("none",)))
    browser = oidc.browser()
    first = oidc.begin(browser, callback="/security")
    assert asked_in(first)["prompt"] == "none"
    again = oidc.come_back(browser, oidc.op.authorize(first, code=None, error=error))
    second = again.headers["Location"]
    assert "prompt" not in asked_in(second)
    assert asked_in(second)["state"] != asked_in(first)["state"]
    failed = oidc.come_back(browser, oidc.op.authorize(second, code=None, error=error))
    assert reason_of(failed) == "OidcProviderRefused"


def test_prompt_none__second_try__keeps_the_target(oidc: OidcSite) -> None:
    oidc.register(wish=SignInWish(prompt=("none",)))
    browser = oidc.browser()
    first = oidc.begin(browser, callback="/security")
    again = oidc.come_back(browser, oidc.op.authorize(first, code=None, error="login_required"))
    answer = oidc.come_back(browser, oidc.op.authorize(again.headers["Location"]))
    assert answer.headers["Location"] == "/security"


@pytest.mark.parametrize(("prompt", "error"), [((), "login_required"), (("none",), "access_denied")])
def test_refusal__nothing_passive_or_another_error__is_a_page(
    oidc: OidcSite, prompt: tuple[str, ...], error: str
) -> None:
    oidc.register(wish=SignInWish(prompt=prompt))
    browser = oidc.browser()
    url = oidc.op.authorize(oidc.begin(browser), code=None, error=error)
    assert reason_of(oidc.come_back(browser, url)) == "OidcProviderRefused"


@pytest.mark.parametrize("said", [{"acr": "gold"}, {"amr": ["pwd", "mfa"]}])
def test_role__that_asks_for_a_second_factor__goes_back_for_it(oidc: OidcSite, said: dict[str, Any]) -> None:
    oidc.register(ROLES, wish=SignInWish(max_age_s=3600))
    careful(oidc)
    oidc.op.claims = {"roles": "careful", "auth_time": NOW_S - 600}
    browser = oidc.browser()
    page = oidc.sign_in(browser)
    assert page.status_code == 200
    asked = asked_in(way_on(page))
    assert (asked["prompt"], asked["max_age"], asked["acr_values"]) == ("login", "0", "gold mfa")
    assert back_from(oidc, browser, page, **said, auth_time=NOW_S).headers["Location"] == "/session"
    assert "role/careful" in browser.get("/session").text


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"auth_time": NOW_S}, "StepUpUnproved"),
        ({"auth_time": NOW_S, "acr": "silver", "amr": ["pwd"]}, "StepUpUnproved"),
        ({"auth_time": NOW_S, "acr": "gold", "sub": "somebody-else"}, "StepUpOtherPerson"),
        ({"auth_time": NOW_S - 600, "acr": "gold"}, "OidcAuthTime"),
        ({"auth_time": None, "acr": "gold"}, "OidcAuthTime"),
    ],
)
def test_step_up__not_what_was_asked__is_refused_and_asks_for_nothing_more(
    oidc: OidcSite, claims: dict[str, Any], reason: str
) -> None:
    oidc.register(ROLES)
    careful(oidc)
    oidc.op.claims = {"roles": "careful"}
    browser = oidc.browser()
    answer = back_from(oidc, browser, oidc.sign_in(browser), **claims)
    assert (answer.status_code, reason_of(answer)) == (403, reason)
    assert browser.session() == ""


def test_step_up__what_counts_is_changed_meanwhile__counts_as_it_is_now(oidc: OidcSite) -> None:
    key = oidc.register(ROLES)
    careful(oidc)
    oidc.op.claims = {"roles": "careful"}
    browser = oidc.browser()
    page = oidc.sign_in(browser)
    with oidc.site.services.store.transaction() as session:
        set_login_settings(session, oidc.account_id, key, replace(ROLES, second_factors=("platinum",)), now=NOON)
    assert reason_of(back_from(oidc, browser, page, auth_time=NOW_S, acr="gold")) == "StepUpUnproved"


def test_switch__user_who_came_by_openid__steps_up_there(oidc: OidcSite) -> None:
    oidc.register(replace(BY_EMAIL, second_factors=("gold",)))
    careful(oidc, {"RAM": [f"acs:ram::{oidc.account_id}:root"]})
    with oidc.site.services.store.transaction() as session:
        user = get_user(session, oidc.account_id, "alice")
        attach_policy(session, oidc.account_id, "System", "AliyunSTSAssumeRoleAccess", user, NOON)
    browser = oidc.browser()
    assert oidc.sign_in(browser).status_code == 303
    before = browser.session()
    page = post(browser, "/session/role", role="careful")  # type: ignore[arg-type]
    assert reason_of(back_from(oidc, browser, page, auth_time=NOW_S)) == "StepUpUnproved"
    assert browser.session() == before
    page = post(browser, "/session/role", role="careful")  # type: ignore[arg-type]
    answer = back_from(oidc, browser, page, auth_time=NOW_S, acr="gold")
    assert answer.headers["Location"] == "/session"
    assert "role/careful" in browser.get("/session").text
