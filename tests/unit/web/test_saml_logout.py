"""Single logout with SAML providers, from there and from here."""

from urllib.parse import parse_qs, urlsplit

import pytest

from gateway.audit.receipts import list_receipts
from gateway.errors import CredentialError, Reason
from gateway.saml.names import user_sso_entity_id
from gateway.sts.revocation import check_live
from gateway.sts.sessions import find_session
from gateway.sts.token import SessionToken
from tests.saml_factory import AUDIENCE, SAML, SAMLP, at
from tests.saml_logout_factory import PARTIAL, RESPONDER, SUCCESS, answer
from tests.unit.web.saml_logout_site import (
    ANSWERS,
    NAME_ID,
    POST,
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
)
from tests.unit.web.site import BASE, Browser, Site, reason_of
from tests.unit.web.test_take_role import make_role, take

POSTS = pytest.mark.parametrize("post", [False, True])


def token_of(site: Site, browser: Browser) -> SessionToken:
    cookie = browser.get_cookie("__Host-ramgate_session", domain="sso.example.com")
    assert cookie is not None
    with site.services.store.reading() as session:
        found = find_session(session, site.services.ring, cookie.value, site.clock.now())
    assert found is not None
    assert found.token is not None
    return found.token


def is_live(site: Site, token: SessionToken) -> bool:
    with site.services.store.reading() as session:
        try:
            check_live(session, token, site.clock.now())
        except CredentialError as error:
            return error.reason is not Reason.TOKEN_REVOKED
    return True


# from there


@POSTS
def test_logout__session_index__ends_that_session_and_its_credentials_and_answers(site: Site, post: bool) -> None:
    values = role_site(site)
    one, two = role_login(site, values, 1, index="one"), role_login(site, values, 2, index="two")
    credentials = token_of(site, one)
    answered = tell(site.browser(), wants(NAME_ID, "one"), post=post, relay_state="their state")
    assert (is_in(one), is_in(two)) == (False, True)
    assert not is_live(site, credentials)
    response = sent(answered, "SAMLResponse")
    assert response.tag == f"{{{SAMLP}}}LogoutResponse"
    assert (response.get("InResponseTo"), response.get("Destination")) == ("_logout1", ANSWERS)
    assert response.find(f"{{{SAML}}}Issuer").text == AUDIENCE
    assert response.find(f"{{{SAMLP}}}Status/{{{SAMLP}}}StatusCode").get("Value") == SUCCESS
    assert parse_qs(urlsplit(answered.headers["Location"]).query)["RelayState"] == ["their state"]


def test_logout__no_index__ends_all_of_the_person_and_nobody_elses(site: Site) -> None:
    values = role_site(site)
    one, two = role_login(site, values, 1, index="one"), role_login(site, values, 2, index="two")
    other = role_login(site, values, 3, name_id="<saml:NameID>bob</saml:NameID>")
    tell(site.browser(), wants())
    assert [is_in(each) for each in (one, two, other)] == [False, False, True]


def test_logout__same_index_of_another_person__is_another_session(site: Site) -> None:
    values = role_site(site)
    alice = role_login(site, values, 1, index="1")
    bob = role_login(site, values, 2, index="1", name_id="<saml:NameID>bob</saml:NameID>")
    tell(site.browser(), wants(NAME_ID, "1"))
    assert (is_in(alice), is_in(bob)) == (False, True)


def test_logout__session_that_was_given_no_index__ends_with_any(site: Site) -> None:
    browser = role_login(site, role_site(site), index=None)
    tell(site.browser(), wants(NAME_ID, "unheard-of"))
    assert not is_in(browser)


def test_logout__assertion_that_comes_late__is_not_let_in_and_a_newer_one_is(site: Site) -> None:
    values = role_site(site)
    tell(site.browser(), wants(NAME_ID, "one"))
    with pytest.raises(AssertionError, match="TokenRevoked"):
        role_login(site, values, 1, assertion_issue_instant=at(-5))
    assert is_in(role_login(site, values, 2, assertion_issue_instant=at(-4)))


def test_logout__user_sso__late_assertion_is_refused_too(site: Site) -> None:
    user_site(site)
    tell(
        site.browser(),
        wants("<saml:NameID>alice@acme.onaliyun.com</saml:NameID>", "one", destination=user_logout_url(site)),
        path=user_logout_path(site),
    )
    with pytest.raises(AssertionError, match="TokenRevoked"):
        user_login(site)


@POSTS
@pytest.mark.parametrize("path", ["/saml/logout", "of the account"])
def test_logout__user_sso__ends_the_users_sessions_and_the_roles_taken_from_them(
    site: Site, post: bool, path: str
) -> None:
    user_site(site, POST)
    site.grant("AliyunSTSAssumeRoleAccess")
    make_role(site, "reader")
    one, two, by_password = user_login(site, 1), user_login(site, 2, "two"), site.signed_in(site.alice)
    assert take(two, "reader").status_code == 303
    path = path if path.startswith("/") else user_logout_path(site)
    named = wants("<saml:NameID>alice@acme.onaliyun.com</saml:NameID>", destination=BASE + path)
    answered = tell(site.browser(), named, post=post, path=path)
    assert [is_in(each) for each in (one, two, by_password)] == [False, False, True]
    response = sent(answered, "SAMLResponse")
    assert response.find(f"{{{SAML}}}Issuer").text == user_sso_entity_id(BASE, site.account_id)
    assert f"{THERE.removesuffix('/slo')} https:" in answered.headers["Content-Security-Policy"]


def test_logout__provider_that_takes_no_answers__ends_sessions_all_the_same(site: Site) -> None:
    values = site.roles("reader")
    browser = role_login(site, values)
    answered = tell(site.browser(), wants())
    assert answered.status_code == 200
    assert "You are signed out" in answered.text
    assert not is_in(browser)


def test_logout__success__leaves_a_receipt(site: Site) -> None:
    role_site(site)
    tell(site.browser(), wants(NAME_ID, "one"))
    with site.services.store.reading() as session:
        receipt = list_receipts(session, account_id=site.account_id)[0]
    assert receipt.kind == "SamlSingleLogout"
    assert (receipt.details["subject"], receipt.details["sessions"]) == ("alice@example.com", ["one"])


# from here


def test_sign_out__provider_with_logout__is_over_here_and_offered_there(site: Site) -> None:
    browser = role_login(site, role_site(site))
    page = sign_out(browser)
    assert page.startswith("/saml/signed-out/")
    assert not is_in(browser)
    text = browser.get(page).text
    assert "idp.example.com" in text
    assert page.replace("signed-out", "sign-out-there") in text


@pytest.mark.parametrize("bindings", [(REDIRECT,), (POST,), (POST, REDIRECT)])
def test_sign_out_there__asks_for_the_person_as_the_provider_named_it(site: Site, bindings: tuple[str, ...]) -> None:
    browser = role_login(site, role_site(site, *bindings))
    there = browser.get(sign_out(browser).replace("signed-out", "sign-out-there"))
    assert (there.status_code == 303) is (REDIRECT in bindings)
    request = sent(there)
    assert (request.tag, request.get("Destination")) == (f"{{{SAMLP}}}LogoutRequest", THERE)
    assert request.find(f"{{{SAML}}}Issuer").text == AUDIENCE
    name_id = request.find(f"{{{SAML}}}NameID")
    assert name_id.text == "alice@example.com"
    assert dict(name_id.attrib) == {
        "Format": "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent",
        "NameQualifier": "idp",
        "SPNameQualifier": "sp",
    }
    assert request.find(f"{{{SAMLP}}}SessionIndex").text == "one"


def test_sign_out_there__credentials_that_were_taken_along__end(site: Site) -> None:
    browser = role_login(site, role_site(site))
    credentials = token_of(site, browser)
    page = sign_out(browser)
    assert is_live(site, credentials)
    browser.get(page.replace("signed-out", "sign-out-there"))
    assert not is_live(site, credentials)


@POSTS
@pytest.mark.parametrize(
    ("codes", "words"),
    [
        ((SUCCESS,), "Here, and at <strong>idp.example.com</strong>."),
        ((SUCCESS, PARTIAL), "could not sign you out of everything else"),
        ((RESPONDER,), "did not sign you out"),
    ],
)
def test_answer__status__is_shown_to_the_browser_that_asked(
    site: Site, post: bool, codes: tuple[str, ...], words: str
) -> None:
    browser = role_login(site, role_site(site))
    page = sign_out(browser)
    request = sent(browser.get(page.replace("signed-out", "sign-out-there")))
    back = tell(browser, answer(request.get("ID"), *codes), post=post)
    assert back.headers["Location"] == page
    assert words in browser.get(page).text


def test_answer__failure__can_be_tried_again_and_the_old_request_is_forgotten(site: Site) -> None:
    browser = role_login(site, role_site(site))
    there = sign_out(browser).replace("signed-out", "sign-out-there")
    first = sent(browser.get(there)).get("ID")
    tell(browser, answer(first, RESPONDER))
    second = sent(browser.get(there)).get("ID")
    assert reason_of(tell(browser, answer(first, message_id="_a2"))) == Reason.LOGIN_NOT_PENDING
    assert tell(browser, answer(second, message_id="_a3")).status_code == 303


def test_answer__form_without_the_cookie__comes_again_from_our_own_page(site: Site) -> None:
    browser = role_login(site, role_site(site))
    request = sent(browser.get(sign_out(browser).replace("signed-out", "sign-out-there")))
    elsewhere = tell(site.browser(), answer(request.get("ID")), post=True)
    assert 'name="again"' in elsewhere.text
    assert "SAMLResponse" in elsewhere.text


def test_sign_out__role_taken_at_the_console__reaches_the_providers_sign_out(site: Site) -> None:
    user_site(site)
    site.grant("AliyunSTSAssumeRoleAccess")
    make_role(site, "reader")
    browser = user_login(site)
    assert take(browser, "reader").status_code == 303
    request = sent(browser.get(sign_out(browser).replace("signed-out", "sign-out-there")))
    assert request.find(f"{{{SAML}}}Issuer").text == user_sso_entity_id(BASE, site.account_id)
    assert request.find(f"{{{SAML}}}NameID").text == "alice@acme.onaliyun.com"
    back = tell(browser, answer(request.get("ID"), destination=user_logout_url(site)), path=user_logout_path(site))
    assert back.status_code == 303


@pytest.mark.parametrize("who", ["password", "no logout service"])
def test_sign_out__nothing_to_offer__is_the_sign_in_page(site: Site, who: str) -> None:
    browser = site.signed_in(site.alice) if who == "password" else role_login(site, site.roles("reader"))
    assert sign_out(browser) == "/login.htm"


def test_signed_out__offer_that_is_over__is_refused(site: Site) -> None:
    browser = role_login(site, role_site(site))
    page = sign_out(browser)
    site.clock.advance(599)
    assert browser.get(page).status_code == 200
    site.clock.advance(1)
    assert reason_of(browser.get(page)) == Reason.LOGIN_NOT_PENDING
    assert reason_of(browser.get("/saml/signed-out/made-up")) == Reason.LOGIN_NOT_PENDING
