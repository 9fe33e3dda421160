"""Signing others out, or in again, by logout messages that nobody should believe."""

from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import pytest

from gateway.directory.accounts import create_account
from gateway.directory.saml_providers import create_saml_provider, update_saml_provider
from gateway.directory.user_sso import set_user_sso
from gateway.errors import Reason
from gateway.secret import Secret
from tests.fake_clock import NOON
from tests.saml_factory import signing_key
from tests.saml_logout_factory import answer, form_of, query_of
from tests.unit.web.saml_logout_site import (
    REDIRECT,
    THERE,
    is_in,
    role_login,
    role_site,
    sent,
    sign_out,
    tell,
    user_login,
    user_logout_path,
    user_logout_url,
    user_site,
    wants,
    with_logout,
)
from tests.unit.web.site import BASE, PASSWORD, Browser, Site, idp_metadata, reason_of, role_spec, signed

POSTS = pytest.mark.parametrize("post", [False, True])
USER_NAME_ID = "<saml:NameID>alice@acme.onaliyun.com</saml:NameID>"


def stranger(site: Site, metadata: bytes, alias: str = "mallory") -> str:
    """Another account that registers these metadata."""
    with site.services.store.transaction() as session:
        account = create_account(
            session,
            alias=alias,
            display_name="",
            owner_login=f"owner@{alias}.example",
            owner_password=Secret(PASSWORD),
            now=NOON,
        )
        create_saml_provider(session, account.id, "corp", metadata, now=NOON)
        return account.id


@POSTS
def test_logout__signed_by_nobody_we_know__ends_nothing(site: Site, post: bool) -> None:
    browser = role_login(site, role_site(site))
    assert reason_of(tell(site.browser(), wants(), signing_key("mallory"), post=post)) == Reason.SAML_SIGNATURE_VALUE
    assert is_in(browser)


@POSTS
def test_logout__same_issuer_with_a_certificate_of_another_account__ends_only_that_accounts(
    site: Site, post: bool
) -> None:
    """Mallory registers the issuer of the company with a certificate of his own, and signs with that."""
    browser = role_login(site, role_site(site))
    stranger(site, idp_metadata(key="mallory"))
    told = tell(site.browser(), wants(), signing_key("mallory"), post=post)
    assert told.status_code == 200
    assert is_in(browser)


def test_logout__user_sso__certificate_of_another_accounts_provider__is_not_believed(site: Site) -> None:
    user_site(site)
    stranger(site, idp_metadata(key="mallory"))
    browser = user_login(site)
    logout = wants(USER_NAME_ID, destination=user_logout_url(site))
    refused = tell(site.browser(), logout, signing_key("mallory"), path=user_logout_path(site))
    assert reason_of(refused) == Reason.SAML_SIGNATURE_VALUE
    assert is_in(browser)


def test_logout__user_sso_of_another_account__ends_only_there(site: Site) -> None:
    """The same company signs people in to two accounts; a message for one says nothing about the other."""
    user_site(site)
    browser = user_login(site)
    other = stranger(site, idp_metadata())
    with site.services.store.transaction() as session:
        set_user_sso(session, other, enabled=True, metadata_xml=idp_metadata(), now=NOON)
    path = f"/{other}/saml/logout"
    told = tell(site.browser(), wants(USER_NAME_ID, destination=BASE + path), path=path)
    assert told.status_code == 200
    assert is_in(browser)
    ambiguous = tell(site.browser(), wants(USER_NAME_ID, destination=f"{BASE}/saml/logout"), path="/saml/logout")
    assert reason_of(ambiguous) == Reason.SSO_ACCOUNT_AMBIGUOUS
    assert is_in(browser)


@POSTS
def test_logout__made_for_another_of_our_addresses__is_refused(site: Site, post: bool) -> None:
    user_site(site)
    browser = user_login(site)
    values = role_site(site)
    role = role_login(site, values, 2)
    for path, destination in (
        (user_logout_path(site), f"{BASE}/saml-role/logout"),
        (user_logout_path(site), f"{BASE}/saml/logout"),
        ("/saml-role/logout", user_logout_url(site)),
        ("/saml-role/logout", "https://evil.example/saml-role/logout"),
    ):
        refused = tell(site.browser(), wants(USER_NAME_ID, destination=destination), post=post, path=path)
        assert reason_of(refused) == Reason.SAML_DESTINATION
    assert is_in(browser)
    assert is_in(role)


@POSTS
def test_logout__same_message_again__does_not_end_the_session_that_came_after_it(site: Site, post: bool) -> None:
    values = role_site(site)
    first = role_login(site, values, 1)
    assert tell(site.browser(), wants(), post=post).status_code == 303
    assert not is_in(first)
    site.clock.advance(10)
    again = role_login(site, values, 2, assertion_issue_instant="2026-03-04T12:00:05Z")
    assert reason_of(tell(site.browser(), wants(), post=post)) == Reason.SAML_REPLAYED
    assert is_in(again)


def test_logout__same_message_by_the_other_binding__was_used_too(site: Site) -> None:
    role_site(site)
    assert tell(site.browser(), wants()).status_code == 303
    assert reason_of(tell(site.browser(), wants(), post=True)) == Reason.SAML_REPLAYED


def test_logout__kept_for_later__is_expired(site: Site) -> None:
    browser = role_login(site, role_site(site))
    query = query_of(wants(not_on_or_after=None), signing_key("idp"))
    site.clock.advance(415)
    assert reason_of(site.browser().get(f"/saml-role/logout?{query}")) == Reason.SAML_EXPIRED
    assert is_in(browser)


def test_logout__response_where_a_request_is_due__ends_nothing(site: Site) -> None:
    browser = role_login(site, role_site(site))
    assert reason_of(tell(site.browser(), answer("_ours"))) == Reason.LOGIN_NOT_PENDING
    assert reason_of(tell(site.browser(), answer("_ours", in_response_to=None))) == Reason.SAML_UNSOLICITED
    assert is_in(browser)


def test_logout__assertion_posted_to_the_logout_url__is_no_logout(site: Site) -> None:
    values = role_site(site)
    role_login(site, values)
    message = {"SAMLResponse": signed(role_spec(*values)), "again": "1"}
    refused = site.browser().post("/saml-role/logout", data=message)
    assert reason_of(refused) == Reason.SAML_SHAPE
    asked = form_of(wants(), signing_key("idp"))["SAMLRequest"]
    assert reason_of(site.browser().post("/saml-role/sso", data={"SAMLResponse": asked})) == Reason.SAML_SHAPE


# where people are sent


@POSTS
@pytest.mark.parametrize("evil", ["https://evil.example/", "//evil.example", "javascript:alert(1)"])
def test_logout__relay_state__goes_back_to_the_provider_and_is_never_followed(
    site: Site, post: bool, evil: str
) -> None:
    role_site(site)
    told = tell(site.browser(), wants(), post=post, relay_state=evil)
    location = told.headers["Location"]
    assert location.startswith("https://idp.example.com/slo/done?")
    assert parse_qs(urlsplit(location).query)["RelayState"] == [evil]


@POSTS
def test_answer__relay_state__is_never_followed(site: Site, post: bool) -> None:
    browser = role_login(site, role_site(site))
    page = sign_out(browser)
    request = sent(browser.get(page.replace("signed-out", "sign-out-there")))
    back = tell(browser, answer(request.get("ID")), post=post, relay_state="https://evil.example/")
    assert back.headers["Location"] == page


def test_logout__provider_that_somebody_else_registered_with_his_own_address__does_not_lead_there(site: Site) -> None:
    evil = with_logout(idp_metadata(), REDIRECT).replace(THERE.encode(), b"https://evil.example/slo")
    stranger(site, evil)  # first, so that it would be found first
    values = role_site(site)
    role_login(site, values)
    told = tell(site.browser(), wants())
    assert told.headers["Location"].startswith("https://idp.example.com/slo/done?")


def test_logout__provider_of_nobody_yet_with_two_addresses__leads_nowhere(site: Site) -> None:
    evil = with_logout(idp_metadata(), REDIRECT).replace(THERE.encode(), b"https://evil.example/slo")
    stranger(site, evil)
    role_site(site)
    told = tell(site.browser(), wants())
    assert told.status_code == 200
    assert "evil.example" not in told.text


# other people's browsers


def test_answer__in_another_browser__is_refused_and_changes_nothing(site: Site) -> None:
    values = role_site(site)
    browser = role_login(site, values)
    page = sign_out(browser)
    request = sent(browser.get(page.replace("signed-out", "sign-out-there")))
    other = site.browser()
    signed_out_too = role_login(site, values, 7)
    sign_out(signed_out_too)
    for elsewhere in (other, signed_out_too):
        assert reason_of(tell(elsewhere, answer(request.get("ID")))) == Reason.LOGIN_OTHER_BROWSER
        assert reason_of(elsewhere.get(page)) == Reason.LOGIN_OTHER_BROWSER
        assert reason_of(elsewhere.get(page.replace("signed-out", "sign-out-there"))) == Reason.LOGIN_OTHER_BROWSER
    assert tell(browser, answer(request.get("ID"))).headers["Location"] == page


def test_answer__of_another_provider__is_not_believed(site: Site) -> None:
    browser = role_login(site, role_site(site))
    page = sign_out(browser)
    stranger(site, idp_metadata(key="mallory"))
    stranger(site, idp_metadata("https://mallory.example", key="mallory"), "mallory2")
    request = sent(browser.get(page.replace("signed-out", "sign-out-there"))).get("ID")
    forged = tell(browser, answer(request), signing_key("mallory"))
    assert reason_of(forged) == Reason.SAML_SIGNATURE_VALUE
    other = tell(browser, answer(request, issuer="https://mallory.example"), signing_key("mallory"))
    assert reason_of(other) == Reason.SAML_SIGNATURE_VALUE
    assert "Here, and at" not in browser.get(page).text


def test_answer__twice__counts_once(site: Site) -> None:
    browser = role_login(site, role_site(site))
    page = sign_out(browser)
    request = sent(browser.get(page.replace("signed-out", "sign-out-there"))).get("ID")
    assert tell(browser, answer(request)).status_code == 303
    assert reason_of(tell(browser, answer(request))) == Reason.LOGIN_NOT_PENDING


def test_sign_out__by_a_page_of_somebody_elses__is_refused(site: Site) -> None:
    browser = role_login(site, role_site(site))
    assert browser.get("/logout").status_code == 405
    assert reason_of(browser.post("/logout")) == Reason.CSRF
    assert is_in(browser)


@pytest.mark.parametrize("path", ["/saml-role/logout", "/saml/logout", "/1234567890123456/saml/logout"])
def test_logout_url__without_a_message__is_a_kind_refusal(browser: Browser, path: str) -> None:
    for answered in (browser.get(path), browser.post(path), browser.get(path + "?SAMLRequest=%ff&Signature&SigAlg=")):
        assert answered.status_code in {400, 403}
    assert reason_of(browser.get(path)) == Reason.SAML_BINDING


@pytest.mark.parametrize("path", ["/saml/signed-out/", "/saml/sign-out-there/"])
@pytest.mark.parametrize("handle", ["x", "x" * 5000, "%F0%9F%92%A9", "%00"])
def test_signed_out__made_up_handle__is_a_kind_refusal(browser: Browser, path: str, handle: str) -> None:
    assert browser.get(path + handle).status_code in {400, 401, 404}


def test_logout__provider_changed_its_certificate__the_old_one_is_not_believed(site: Site) -> None:
    browser = role_login(site, role_site(site))
    with site.services.store.transaction() as session:
        new = with_logout(idp_metadata(key="next"), REDIRECT)
        update_saml_provider(session, site.account_id, "corp", metadata_xml=new, now=site.clock.now())
    assert reason_of(tell(site.browser(), wants())) == Reason.SAML_SIGNATURE_VALUE
    assert is_in(browser)
    assert tell(site.browser(), wants(), signing_key("next")).status_code == 303
    assert not is_in(browser)


def test_logout__same_person_by_other_qualifiers__is_signed_out_too(site: Site) -> None:
    """Rather one session too many ends than one too few."""
    browser = role_login(site, role_site(site))
    tell(site.browser(), replace(wants(), name_id="<saml:NameID>alice@example.com</saml:NameID>"))
    assert not is_in(browser)
