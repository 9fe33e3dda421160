"""A role that asks for a second factor sends people back for it, and lets them in when they have proved it."""

import json
from typing import Any

import pytest

from gateway.asking import RequestOptions
from gateway.directory.attachments import attach_policy
from gateway.directory.policies import create_policy
from gateway.directory.provider_keys import saml_provider_key
from gateway.directory.request_options import set_request_options
from gateway.directory.roles import delete_role, update_role
from gateway.directory.saml_providers import get_saml_provider
from gateway.directory.users import get_user
from gateway.federation.trust_document import saml_trust_document
from tests.fake_clock import NOON
from tests.saml_asking import REFEDS_MFA, answer_to, request_in, signed_in_by
from tests.saml_factory import PASSWORD, RECIPIENT, Spec
from tests.stepping_up import MFA, careful_role, second_factors
from tests.unit.web.signing_in import bind, code, post
from tests.unit.web.site import Browser, Site, field_of, reason_of, role_spec, signed
from tests.unit.web.test_signin import give_password
from tests.unit.web.test_take_role import make_role, take, token_of

ACS, USER_ACS, START = "/saml-role/sso", "/saml/SSO", "/saml-role/start/acme/corp"


def show(browser: Browser, spec: Spec, path: str = ACS) -> Any:
    return browser.post(path, data={"SAMLResponse": signed(spec)})


def stepped_up(request_id: str, spec: Spec, **changes: Any) -> Spec:
    proved = {**signed_in_by(REFEDS_MFA), "assertion_id": "_a2", "response_id": "_r2", **changes}
    return answer_to(request_id, spec, **proved)


@pytest.fixture
def careful(site: Site) -> str:
    site.roles("reader")
    second_factors(site)
    return careful_role(site)


def test_role_acs__single_role_without_second_factor__goes_back_for_it_and_is_in(
    site: Site, browser: Browser, careful: str
) -> None:
    page = show(browser, role_spec(careful))
    assert page.status_code == 200
    assert "careful asks for a second factor" in page.text
    request = request_in(page)
    asked = request.requested_authn_context
    assert ([each.text for each in asked.authn_context_class_ref], asked.comparison) == ([REFEDS_MFA], "exact")
    assert request.force_authn == "true"
    answer = show(browser, stepped_up(request.id, role_spec(careful)))
    assert (answer.status_code, answer.headers["Location"]) == (303, "/session")
    token = token_of(site, browser)
    assert (token.principal.role_name, token.mfa_present, token.mfa_at) == ("careful", True, NOON)
    assert token.provenance is not None
    assert token.provenance.assertion_id == "_a2", "the session is one of the second login, and of nothing else"


def test_role_acs__several_roles__the_careful_one_is_offered_with_a_note(
    site: Site, browser: Browser, careful: str
) -> None:
    reader = careful.replace("careful", "reader")
    page = show(browser, role_spec(reader, careful)).text
    assert page.count("asks for your second factor first") == 1
    assert '"roleName":"careful"' not in page, "command-line tools can't step up"
    form = {"offer": field_of(page, "offer"), "csrf_token": field_of(page, "csrf_token")}
    role, provider = careful.split(",")
    picked = browser.post("/saml-role/take", data={**form, "role_arn": role, "provider_arn": provider})
    answer = show(browser, stepped_up(request_in(picked).id, role_spec(reader, careful)))
    assert answer.status_code == 303
    assert token_of(site, browser).principal.role_name == "careful"
    again = browser.post("/saml-role/take", data={**form, "role_arn": role, "provider_arn": provider})
    assert reason_of(again) in {"Csrf", "CsrfTokenInvalid", "RoleChoiceGone"}


def test_role_start__role_that_asks_for_a_second_factor__steps_up_and_keeps_the_target(
    site: Site, browser: Browser, careful: str
) -> None:
    begun = request_in(browser.get(START + "?role=careful&callback=/admin/providers"))
    back = show(browser, answer_to(begun.id, role_spec(careful, careful.replace("careful", "reader"))))
    answer = show(browser, stepped_up(request_in(back).id, role_spec(careful)))
    assert answer.headers["Location"] == "/admin/providers"


def test_role_acs__mfa_is_too_old__steps_up_too(site: Site, browser: Browser, careful: str) -> None:
    fresh = careful_role(site, "fresh", condition={"NumericLessThanEquals": {"acs:MFAAge": "300"}})
    old = signed_in_by(REFEDS_MFA, instant_s=-301)
    request = request_in(show(browser, role_spec(fresh, **old)))
    assert show(browser, stepped_up(request.id, role_spec(fresh))).status_code == 303


def test_role_acs__explicit_deny_without_second_factor__steps_up(site: Site, browser: Browser, careful: str) -> None:
    guarded = careful_role(site, "guarded", condition={}, deny={"Bool": {"acs:MFAPresent": "false"}})
    request = request_in(show(browser, role_spec(guarded)))
    assert show(browser, stepped_up(request.id, role_spec(guarded))).status_code == 303


@pytest.mark.parametrize(
    ("condition", "deny"),
    [
        ({**MFA, "IpAddress": {"acs:SourceIp": "192.0.2.0/24"}}, None),
        (MFA, {"StringEquals": {"saml:sub": "alice@example.onaliyun.com"}}),
        (MFA, {"Bool": {"acs:MFAPresent": "true"}}),
    ],
)
def test_role_acs__more_is_missing_than_a_second_factor__is_refused_at_once(
    site: Site, browser: Browser, careful: str, condition: object, deny: object
) -> None:
    closed = careful_role(site, "closed", condition=condition, deny=deny)
    assert reason_of(show(browser, role_spec(closed))) == "RoleNoneAllowed"


def test_role_acs__nothing_counts_as_a_second_factor__says_what_an_administrator_can_do(
    site: Site, browser: Browser
) -> None:
    site.roles("reader")
    answer = show(browser, role_spec(careful_role(site)))
    assert (answer.status_code, reason_of(answer)) == (403, "StepUpImpossible")
    assert "An administrator can enter which authentication contexts do" in answer.text


def test_role_acs__name_that_changes_each_time__can_not_step_up(site: Site, browser: Browser, careful: str) -> None:
    transient = '<saml:NameID Format="urn:oasis:names:tc:SAML:2.0:nameid-format:transient">x</saml:NameID>'
    answer = show(browser, role_spec(careful, name_id=transient))
    assert reason_of(answer) == "StepUpImpossible"
    assert "lasting name" in answer.text


def test_step_up__passive_provider__is_asked_with_pages(site: Site, browser: Browser, careful: str) -> None:
    with site.services.store.transaction() as session:
        key = saml_provider_key(get_saml_provider(session, site.account_id, "corp").id)
        set_request_options(session, site.account_id, key, RequestOptions(is_passive=True), now=NOON)
    request = request_in(show(browser, role_spec(careful)))
    assert (request.is_passive, request.force_authn) == (None, "true")


@pytest.mark.parametrize("change", ["gone", "anew", "closed"])
def test_step_up__role_changed_meanwhile__is_refused(site: Site, browser: Browser, careful: str, change: str) -> None:
    request = request_in(show(browser, role_spec(careful)))
    with site.services.store.transaction() as session:
        if change == "closed":
            trust = saml_trust_document(f"acs:ram::{site.account_id}:saml-provider/other", RECIPIENT)
            update_role(session, site.account_id, "careful", trust_document=trust, now=NOON)
        else:
            delete_role(session, site.account_id, "careful")
    if change == "anew":
        careful_role(site)
    answer = show(browser, stepped_up(request.id, role_spec(careful)))
    expected = {"gone": "RoleChoiceGone", "anew": "RoleChoiceGone", "closed": "TrustPolicyDenied"}
    assert reason_of(answer) == expected[change]


# The console switch


@pytest.fixture
def ready(site: Site) -> Site:
    give_password(site)
    site.grant("AliyunSTSAssumeRoleAccess")
    make_role(site, "careful", MFA)
    return site


def through_company(site: Site, browser: Browser, **changes: Any) -> None:
    site.user_sso(idp_initiated=True)
    second_factors(site, user_sso=True)
    assert show(browser, site.user_spec(**changes), USER_ACS).status_code == 303


def test_switch__user_of_the_company__steps_up_there_and_takes_the_role(ready: Site, browser: Browser) -> None:
    through_company(ready, browser)
    request = request_in(take(browser, "careful"))
    assert request.force_authn == "true"
    answer = show(browser, stepped_up(request.id, ready.user_spec()), USER_ACS)
    assert answer.headers["Location"] == "/session"
    token = token_of(ready, browser)
    assert (token.principal.role_name, token.mfa_present) == ("careful", True)


def test_switch__company_answers_without_second_factor__stays_who_it_was(ready: Site, browser: Browser) -> None:
    through_company(ready, browser)
    request = request_in(take(browser, "careful"))
    answer = show(
        browser, answer_to(request.id, ready.user_spec(), assertion_id="_a2", **signed_in_by(PASSWORD)), USER_ACS
    )
    assert reason_of(answer) == "StepUpUnproved"
    assert "alice" in browser.get("/session").text


def test_switch__local_user_with_a_device__gives_a_code_here(ready: Site, browser: Browser) -> None:
    seed = bind(ready)
    browser = ready.signed_in(ready.alice)
    page = take(browser, "careful")
    assert page.headers["Location"].startswith("/session/second-factor?role=acs%3Aram")
    form = browser.get(page.headers["Location"]).text
    role = field_of(form, "role")
    ready.clock.advance(30)
    wrong = post(browser, "/session/second-factor", role=role, code="000000")
    assert (wrong.status_code, "the code is wrong" in wrong.text.lower()) == (401, True)
    ready.clock.advance(60)
    answer = post(browser, "/session/second-factor", role=role, code=code(ready, seed))
    assert answer.headers["Location"] == "/session"
    token = token_of(ready, browser)
    assert (token.principal.role_name, token.mfa_at) == ("careful", ready.clock.now())


def test_switch__local_user_without_a_device__is_told_to_bind_one(ready: Site) -> None:
    answer = take(ready.signed_in(ready.alice), "careful")
    assert (answer.status_code, reason_of(answer)) == (403, "StepUpImpossible")
    assert "My security" in answer.text


def test_switch__own_policy_asks_for_the_second_factor__steps_up_too(site: Site) -> None:
    make_role(site, "reader")
    seed, browser = bind(site), site.signed_in(site.alice)
    statement = {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*", "Condition": MFA}
    document = json.dumps({"Version": "1", "Statement": [statement]})
    with site.services.store.transaction() as session:
        create_policy(session, site.account_id, "with-mfa", document, now=NOON)
        attach_policy(session, site.account_id, "Custom", "with-mfa", get_user(session, site.account_id, "alice"), NOON)
    role = f"acs:ram::{site.account_id}:role/reader"
    assert take(browser, "reader").status_code == 303
    assert post(browser, "/session/second-factor", role=role, code=code(site, seed, 1)).status_code == 303
    assert token_of(site, browser).principal.role_name == "reader"


def test_second_factor_page__role_refused_after_all__second_factor_stays_proved(ready: Site) -> None:
    seed, browser = bind(ready), ready.signed_in(ready.alice)
    role = f"acs:ram::{ready.account_id}:role/nothing"
    answer = post(browser, "/session/second-factor", role=role, code=code(ready, seed, 1))
    assert answer.headers["Location"] == "/session"
    page = browser.get("/session").text
    assert "Your second factor is proved" in page
    assert "Proved at sign-in" in page
    assert take(browser, "careful").headers["Location"] == "/session"


def test_second_factor_page__person_of_the_company__has_none_here(ready: Site, browser: Browser) -> None:
    bind(ready)
    through_company(ready, browser)
    role = f"acs:ram::{ready.account_id}:role/careful"
    assert reason_of(browser.get("/session/second-factor", query_string={"role": role})) == "StepUpImpossible"
