"""Role logins that begin here, and second factors on the way: answers of others, of other providers, and none at all."""

from dataclasses import replace
from typing import Any

import pytest

from gateway.asking import RequestOptions
from gateway.directory.accounts import create_account
from gateway.directory.provider_keys import saml_provider_key
from gateway.directory.request_options import set_request_options
from gateway.directory.roles import create_role
from gateway.directory.saml_providers import create_saml_provider, get_saml_provider
from gateway.directory.users import create_user
from gateway.federation.trust_document import saml_trust_document
from gateway.secret import Secret
from tests.fake_clock import NOON
from tests.saml_asking import REFEDS_MFA, answer_to, request_in, signed_in_by, way_on
from tests.saml_factory import PASSWORD as BY_PASSWORD
from tests.saml_factory import RECIPIENT, Spec
from tests.stepping_up import careful_role, second_factors
from tests.unit.web.signing_in import has_session, post
from tests.unit.web.site import PASSWORD, Browser, Site, field_of, idp_metadata, reason_of, role_spec, signed
from tests.unit.web.test_take_role import MFA, make_role, take, token_of

ACS, USER_ACS, START = "/saml-role/sso", "/saml/SSO", "/saml-role/start/acme/corp"


def show(browser: Browser, spec: Spec, path: str = ACS, key: str = "idp") -> Any:
    return browser.post(path, data={"SAMLResponse": signed(spec, key)})


def proved(request_id: str, spec: Spec, /, *, number: int = 2, **changes: Any) -> Spec:
    fresh = {**signed_in_by(REFEDS_MFA), "assertion_id": f"_a{number}", "response_id": f"_r{number}", **changes}
    return answer_to(request_id, spec, **fresh)


@pytest.fixture
def careful(site: Site) -> str:
    site.roles("reader")
    second_factors(site)
    return careful_role(site)


def neighbour(site: Site, key: str) -> str:
    """Another account that registered the same issuer; gives the value of a role that trusts its provider."""
    with site.services.store.transaction() as session:
        lab = create_account(
            session,
            alias="lab",
            display_name="Lab",
            owner_login="owner@lab.example",
            owner_password=Secret(PASSWORD),
            now=NOON,
        )
        create_saml_provider(session, lab.id, "corp", idp_metadata(key=key), now=NOON)
    provider = f"acs:ram::{lab.id}:saml-provider/corp"
    with site.services.store.transaction() as session:
        trust = saml_trust_document(provider, RECIPIENT)
        create_role(session, lab.id, "visitor", trust_document=trust, now=NOON)
    return f"acs:ram::{lab.id}:role/visitor,{provider}"


def test_answer__of_another_provider_with_the_same_issuer__refused(site: Site, browser: Browser, careful: str) -> None:
    """Its own key is good for its own roles, and not for an answer to what another provider was asked."""
    theirs = neighbour(site, "other")
    begun = request_in(browser.get(START))
    assert reason_of(show(browser, answer_to(begun.id, role_spec(theirs)), key="other")) == "SamlSignatureValue"
    assert show(site.browser(), role_spec(theirs), key="other").status_code == 303


def test_answer__of_the_provider_asked__opens_no_role_of_one_that_shares_its_key(
    site: Site, browser: Browser, careful: str
) -> None:
    theirs = neighbour(site, "idp")
    begun = request_in(browser.get(START))
    assert reason_of(show(browser, answer_to(begun.id, role_spec(theirs)))) == "RoleNoneAllowed"
    assert show(site.browser(), role_spec(theirs)).status_code == 303


def test_answer__to_a_request_of_somebody_else__refused_in_either_browser(
    site: Site, browser: Browser, careful: str
) -> None:
    reader, mallory = careful.replace("careful", "reader"), site.browser()
    mine, hers = request_in(browser.get(START)), request_in(mallory.get(START))
    assert reason_of(show(browser, answer_to(hers.id, role_spec(reader)))) == "LoginOtherBrowser"
    assert show(browser, answer_to(mine.id, role_spec(reader))).status_code == 303


def test_answer__for_user_sso_at_the_role_consumer_and_the_other_way_round__refused(
    site: Site, browser: Browser, careful: str
) -> None:
    site.user_sso()
    role, user = request_in(browser.get(START)), request_in(browser.get(f"/saml/start/{site.account_id}"))
    reader = careful.replace("careful", "reader")
    assert reason_of(show(browser, answer_to(user.id, role_spec(reader)))) == "LoginNotPending"
    assert reason_of(show(browser, answer_to(role.id, site.user_spec()), USER_ACS)) == "LoginNotPending"


def test_answer__request_id_stripped__is_a_login_from_the_provider_and_leaves_the_request_alone(
    site: Site, browser: Browser, careful: str
) -> None:
    """Unasked answers are accepted at the role consumer; what they can't do is finish a login that was begun here."""
    reader = careful.replace("careful", "reader")
    begun = request_in(browser.get(START + "?callback=/admin/providers"))
    assert show(site.browser(), role_spec(reader)).headers["Location"] == "/session"
    assert show(browser, answer_to(begun.id, role_spec(reader), assertion_id="_a2")).status_code == 303


def test_step_up__answered_by_another_person__refused(site: Site, browser: Browser, careful: str) -> None:
    request = request_in(show(browser, role_spec(careful)))
    somebody = '<saml:NameID Format="urn:oasis:names:tc:SAML:2.0:nameid-format:persistent">bob</saml:NameID>'
    answer = show(browser, proved(request.id, role_spec(careful), name_id=somebody))
    assert (answer.status_code, reason_of(answer)) == (403, "StepUpOtherPerson")
    assert not has_session(browser)
    assert show(browser, proved(request.id, role_spec(careful))).status_code == 303


def test_step_up__answered_without_second_factor__ends_there(site: Site, browser: Browser, careful: str) -> None:
    """No loop: what comes back unproved is refused, and sends nobody anywhere."""
    request = request_in(show(browser, role_spec(careful)))
    weak = proved(request.id, role_spec(careful), **signed_in_by(BY_PASSWORD))
    for _ in range(2):
        answer = show(browser, weak)
        assert (answer.status_code, reason_of(answer)) == (403, "StepUpUnproved")
        assert "Location" not in answer.headers
        assert "step-up" not in answer.text
    assert not has_session(browser)


def test_step_up__second_factor_from_before_it_was_asked_for__refused(
    site: Site, browser: Browser, careful: str
) -> None:
    request = request_in(show(browser, role_spec(careful)))
    stale = proved(request.id, role_spec(careful), **signed_in_by(REFEDS_MFA, instant_s=-121))
    assert reason_of(show(browser, stale)) == "SamlAuthnTooOld"


def test_step_up__answer_in_another_browser__refused(site: Site, browser: Browser, careful: str) -> None:
    request = request_in(show(browser, role_spec(careful)))
    stranger = site.browser()
    stranger.get(START)
    assert reason_of(show(stranger, proved(request.id, role_spec(careful)))) == "LoginOtherBrowser"


def test_step_up__answered_twice__the_second_is_refused(site: Site, browser: Browser, careful: str) -> None:
    request = request_in(show(browser, role_spec(careful)))
    assert show(browser, proved(request.id, role_spec(careful))).status_code == 303
    assert reason_of(show(browser, proved(request.id, role_spec(careful), number=3))) == "LoginNotPending"


def test_step_up__answer_with_other_roles__takes_the_one_that_was_chosen_or_none(
    site: Site, browser: Browser, careful: str
) -> None:
    request = request_in(show(browser, role_spec(careful)))
    other = careful_role(site, "mighty")
    assert reason_of(show(browser, proved(request.id, role_spec(other)))) == "RoleChoiceGone"
    assert show(browser, proved(request.id, role_spec(other, careful), number=3)).status_code == 303
    assert token_of(site, browser).principal.role_name == "careful"


def test_step_up__first_answer_shown_again__never_becomes_a_session(site: Site, browser: Browser, careful: str) -> None:
    show(browser, role_spec(careful))
    assert reason_of(show(browser, role_spec(careful))) == "SamlReplayed"
    assert not has_session(browser)


def test_step_up__offer_of_another_browser__begins_nothing(site: Site, browser: Browser, careful: str) -> None:
    page = show(browser, role_spec(careful.replace("careful", "reader"), careful)).text
    role, provider = careful.split(",")
    stranger = site.browser()
    answer = post(stranger, "/saml-role/take", offer=field_of(page, "offer"), role_arn=role, provider_arn=provider)
    assert reason_of(answer) == "LoginOtherBrowser"


def test_step_up_of_a_switch__answered_by_another_user__refused(site: Site, browser: Browser) -> None:
    site.grant("AliyunSTSAssumeRoleAccess")
    make_role(site, "careful", MFA)
    site.user_sso(idp_initiated=True)
    second_factors(site, user_sso=True)
    with site.services.store.transaction() as session:
        create_user(session, site.account_id, "bob", now=NOON)
    assert show(browser, site.user_spec(), USER_ACS).status_code == 303
    request = request_in(take(browser, "careful"))
    bob = proved(request.id, site.user_spec(name_id="<saml:NameID>bob@acme.onaliyun.com</saml:NameID>"))
    assert reason_of(show(browser, bob, USER_ACS)) == "StepUpOtherPerson"
    assert "alice" in browser.get("/session").text, "she stays who she was"


def test_downgrade__weaker_context_by_the_provider_asked_for_exactly_one__refused(
    site: Site, browser: Browser, careful: str
) -> None:
    """A role login that begins here is held to what the account asks for; rights hang on the second factor anyway."""
    with site.services.store.transaction() as session:
        key = saml_provider_key(get_saml_provider(session, site.account_id, "corp").id)
        set_request_options(session, site.account_id, key, RequestOptions((REFEDS_MFA,)), now=NOON)
    reader = careful.replace("careful", "reader")
    begun = request_in(browser.get(START))
    assert reason_of(show(browser, answer_to(begun.id, role_spec(reader)))) == "SamlAuthnContext"
    assert show(browser, proved(begun.id, role_spec(reader))).status_code == 303


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example", "/\\evil.example"])
def test_start__foreign_target__leads_home(site: Site, browser: Browser, careful: str, target: str) -> None:
    begun = request_in(browser.get(START, query_string={"callback": target}))
    reader = careful.replace("careful", "reader")
    assert show(browser, answer_to(begun.id, role_spec(reader))).headers["Location"] == "/session"


def test_step_up_page__leads_to_the_registered_address_only(site: Site, browser: Browser, careful: str) -> None:
    page = show(browser, replace(role_spec(careful), destination=RECIPIENT))
    assert way_on(page).startswith("https://idp.example.com/sso?SAMLRequest=")
