"""Request options: set in the console, written into requests, and held to in the answers."""

from typing import Any

import pytest

from gateway.asking import Comparison, RequestOptions
from gateway.directory.provider_keys import saml_provider_key, user_sso_key
from gateway.directory.request_options import get_request_options, set_request_options
from gateway.directory.saml_providers import create_saml_provider, get_saml_provider
from tests.fake_clock import NOON
from tests.saml_asking import REFEDS_MFA, answer_to, request_in, signed_in_by
from tests.saml_factory import PASSWORD, PERSISTENT, Spec
from tests.saml_row import STATUS, status
from tests.unit.web.signing_in import post
from tests.unit.web.site import Browser, Site, idp_metadata, reason_of, signed

ACS, PAGE = "/saml/SSO", "/admin/user-sso/request-options"
FORM = {"comparison": "exact", "binding": "post"}
PASSIVE = status(f"{STATUS}Responder", f'<samlp:StatusCode Value="{STATUS}NoPassive"/>')


def ask_for(site: Site, **options: Any) -> None:
    with site.services.store.transaction() as session:
        key = user_sso_key(site.account_id)
        set_request_options(session, site.account_id, key, RequestOptions(**options), now=NOON)


def answered(site: Site, browser: Browser, **changes: Any) -> str:
    """The reason of the refusal; empty when the person is in."""
    begun = request_in(browser.get(f"/saml/start/{site.account_id}"))
    return told(browser, answer_to(begun.id, site.user_spec(**changes)))


def told(browser: Browser, spec: Spec) -> str:
    answer = browser.post(ACS, data={"SAMLResponse": signed(spec)})
    return "" if answer.status_code == 303 else reason_of(answer)


@pytest.fixture(autouse=True)
def _user_sso(site: Site) -> None:
    site.user_sso()


def test_user_login__options__are_written_into_the_request(site: Site, browser: Browser) -> None:
    ask_for(
        site,
        authn_contexts=("urn:a", "urn:b"),
        comparison=Comparison.BETTER,
        force_authn=True,
        name_id_format="urn:x:y",
    )
    request = request_in(browser.get(f"/saml/start/{site.account_id}"))
    asked = request.requested_authn_context
    assert ([each.text for each in asked.authn_context_class_ref], asked.comparison) == (["urn:a", "urn:b"], "better")
    assert (request.force_authn, request.name_id_policy.format) == ("true", "urn:x:y")


def test_user_login__exact_context__only_that_one_gets_in(site: Site, browser: Browser) -> None:
    ask_for(site, authn_contexts=(REFEDS_MFA,))
    assert answered(site, browser, **signed_in_by(PASSWORD)) == "SamlAuthnContext"
    assert answered(site, browser, **signed_in_by(REFEDS_MFA)) == ""


@pytest.mark.parametrize("comparison", ["minimum", "better", "maximum"])
def test_user_login__other_comparisons__are_the_providers_word(site: Site, browser: Browser, comparison: str) -> None:
    ask_for(site, authn_contexts=(REFEDS_MFA,), comparison=Comparison(comparison))
    assert answered(site, browser, **signed_in_by(PASSWORD)) == ""


def test_user_login__force_authn__a_sign_in_from_before_is_refused(site: Site, browser: Browser) -> None:
    ask_for(site, force_authn=True)
    assert answered(site, browser, **signed_in_by(PASSWORD, instant_s=-121)) == "SamlAuthnTooOld"
    assert answered(site, browser, **signed_in_by(PASSWORD, instant_s=-120)) == ""


def test_user_login__name_id_format__another_one_is_refused(site: Site, browser: Browser) -> None:
    ask_for(site, name_id_format=PERSISTENT)
    upn = "alice@acme.onaliyun.com"
    assert answered(site, browser, name_id=f"<saml:NameID>{upn}</saml:NameID>") == "SamlNameIdFormat"
    assert answered(site, browser, name_id=f'<saml:NameID Format="{PERSISTENT}">{upn}</saml:NameID>') == ""


def test_user_login__asked_when_it_began__counts_whatever_is_asked_for_now(site: Site, browser: Browser) -> None:
    ask_for(site, authn_contexts=(REFEDS_MFA,))
    begun = request_in(browser.get(f"/saml/start/{site.account_id}"))
    ask_for(site)
    assert told(browser, answer_to(begun.id, site.user_spec(**signed_in_by(PASSWORD)))) == "SamlAuthnContext"


def test_user_login__no_passive__is_asked_once_more_with_pages(site: Site, browser: Browser) -> None:
    ask_for(site, is_passive=True)
    first = request_in(browser.get(f"/saml/start/{site.account_id}?callback=/admin/providers"))
    assert first.is_passive == "true"
    failure = {"SAMLResponse": signed(answer_to(first.id, site.user_spec(status=PASSIVE)))}
    again = browser.post(ACS, data=failure)
    second = request_in(again)
    assert (second.is_passive, second.id != first.id) == (None, True)
    assert reason_of(browser.post(ACS, data=failure)) == "LoginNotPending"
    failed = answer_to(second.id, site.user_spec(status=PASSIVE))
    assert reason_of(browser.post(ACS, data={"SAMLResponse": signed(failed)})) == "SamlNoPassive"
    answer = browser.post(ACS, data={"SAMLResponse": signed(answer_to(second.id, site.user_spec()))})
    assert answer.headers["Location"] == "/admin/providers"


def test_user_login__no_passive_in_another_browser__asks_for_nothing(site: Site, browser: Browser) -> None:
    ask_for(site, is_passive=True)
    first = request_in(browser.get(f"/saml/start/{site.account_id}"))
    failure = {"SAMLResponse": signed(answer_to(first.id, site.user_spec(status=PASSIVE))), "again": "1"}
    assert reason_of(site.browser().post(ACS, data=failure)) == "LoginOtherBrowser"
    page = browser.post(ACS, data=failure)
    assert page.status_code == 200, "our own form was sent, so its page's policy would hold a redirect back"
    assert request_in(page).is_passive is None


def test_user_login__no_passive_that_nobody_asked_for__is_a_page(site: Site, browser: Browser) -> None:
    assert answered(site, browser, status=PASSIVE) == "SamlNoPassive"
    assert told(browser, site.user_spec(status=PASSIVE)) == "SamlNoPassive"


@pytest.mark.parametrize(
    ("code", "reason"), [("NoAuthnContext", "SamlNoAuthnContext"), ("RequestDenied", "SamlRequestDenied")]
)
def test_user_login__provider_refuses__says_why(site: Site, browser: Browser, code: str, reason: str) -> None:
    said = status(f"{STATUS}Responder", f'<samlp:StatusCode Value="{STATUS}{code}"/>')
    assert answered(site, browser, status=said) == reason


def test_console__user_sso__saves_what_is_asked_for(site: Site) -> None:
    browser = site.signed_in(site.owner)
    form = {**FORM, "authn_contexts": f"{REFEDS_MFA}\nurn:b", "force_authn": "yes", "name_id_format": PERSISTENT}
    assert post(browser, PAGE, **form).headers["Location"] == PAGE
    page = browser.get(PAGE).text
    assert f"{REFEDS_MFA}\nurn:b</textarea>" in page
    with site.services.store.reading() as session:
        found = get_request_options(session, user_sso_key(site.account_id))
    assert found == RequestOptions(
        (REFEDS_MFA, "urn:b"), force_authn=True, name_id_format=PERSISTENT, allow_create=False
    )


@pytest.mark.parametrize(
    "wrong",
    [
        {"authn_contexts": "no-uri"},
        {"name_id_format": "urn:oasis:names:tc:SAML:2.0:nameid-format:encrypted"},
        {"force_authn": "yes", "is_passive": "yes"},
        {"comparison": "stronger"},
        {"binding": "artifact"},
    ],
)
def test_console__what_can_not_be_asked_for__is_the_form_again_with_why(site: Site, wrong: dict[str, str]) -> None:
    answer = post(site.signed_in(site.owner), PAGE, **{**FORM, **wrong})
    assert answer.status_code == 400
    assert 'class="note bad"' in answer.text
    with site.services.store.reading() as session:
        assert get_request_options(session, user_sso_key(site.account_id)) == RequestOptions()


def test_console__role_provider__has_a_page_with_the_address_to_begin_at(site: Site) -> None:
    with site.services.store.transaction() as session:
        create_saml_provider(
            session, site.account_id, "corp", idp_metadata(artifacts_at="https://idp.example.com/artifact"), now=NOON
        )
    browser, path = site.signed_in(site.owner), "/admin/providers/corp/request-options"
    assert f"{path}" in browser.get("/admin/providers/corp").text
    assert f"https://sso.example.com/saml-role/start/{site.account_id}/corp" in browser.get(path).text
    assert post(browser, path, **{**FORM, "binding": "artifact"}).status_code == 303
    with site.services.store.reading() as session:
        key = saml_provider_key(get_saml_provider(session, site.account_id, "corp").id)
        assert get_request_options(session, key).binding == "artifact"


def test_console__user_without_rights__changes_nothing(site: Site) -> None:
    browser = site.signed_in(site.alice)
    assert reason_of(browser.get(PAGE)) == "AccessDenied"
    assert reason_of(post(browser, PAGE, **FORM)) == "AccessDenied"
