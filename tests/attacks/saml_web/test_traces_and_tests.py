"""What strangers, neighbours and other people's administrators could do with traces and dry logins."""

import html
import re
from dataclasses import replace

import pytest
from sqlalchemy import func, select

from gateway.directory.accounts import create_account
from gateway.directory.attachments import detach_policy
from gateway.directory.connection_tests import ConnectionTestRow
from gateway.directory.login_traces import MOST_PER_HOUR, MOST_PER_PROVIDER, LoginTrace
from gateway.directory.saml_providers import create_saml_provider
from gateway.directory.users import get_user
from gateway.principal import AccountOwner
from gateway.secret import Secret
from tests.fake_clock import NOON
from tests.unit.web.site import PASSWORD, Browser, Site, audience, idp_metadata, reason_of, role_spec, signed
from tests.unit.web.test_connection import TEST_COOKIE, begin, go
from tests.unit.web.test_sso_saml import answer_to

ACS = "/saml-role/sso"
SCRIPT = '<script>alert("x")</script>'


def kept(site: Site) -> int:
    with site.services.store.reading() as session:
        return session.scalar(select(func.count()).select_from(LoginTrace)) or 0


def neighbour(site: Site, *, shares_issuer: bool = True) -> Browser:
    """The owner of another account, which may have registered the same identity provider."""
    with site.services.store.transaction() as session:
        account = create_account(
            session,
            alias="lab",
            display_name="Lab",
            owner_login="owner@lab.example",
            owner_password=Secret(PASSWORD),
            now=NOON,
        )
        if shares_issuer:
            create_saml_provider(session, account.id, "corp", idp_metadata(key="lab"), now=NOON)
        owner = AccountOwner(account.id, "owner@lab.example")
    return site.signed_in(owner)


def test_traces__flood_of_garbage__is_bounded_and_refused_all_the_same(site: Site, browser: Browser) -> None:
    site.roles("dev")
    for _ in range(MOST_PER_PROVIDER + 15):
        assert reason_of(browser.post(ACS, data={"SAMLResponse": "%%%"})) == "SamlEncoding"
    assert kept(site) == MOST_PER_PROVIDER


def test_traces__flood_with_the_right_issuer__does_not_crowd_out_genuine_failures(site: Site, browser: Browser) -> None:
    (value,) = site.roles("dev")
    evil = signed(role_spec(value), "stranger")
    for _ in range(MOST_PER_PROVIDER + 5):
        assert reason_of(browser.post(ACS, data={"SAMLResponse": evil})) == "SamlSignatureValue"
    assert kept(site) == MOST_PER_PROVIDER
    genuine = signed(role_spec(value, audiences=audience("urn:other")))
    answer = browser.post(ACS, data={"SAMLResponse": genuine})
    assert kept(site) == MOST_PER_PROVIDER + 1
    page = site.signed_in(site.owner).get(f"/admin/traces/{answer.headers['X-Request-Id']}")
    assert page.status_code == 200
    assert MOST_PER_HOUR >= MOST_PER_PROVIDER


def test_traces__flooded__no_write_lock_is_asked_for(
    site: Site, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(MOST_PER_PROVIDER):
        browser.post(ACS, data={"SAMLResponse": "%%%"})

    def no_writing(*_: object) -> None:
        raise AssertionError("a write transaction was begun")

    monkeypatch.setattr("gateway.web.failed_logins.write_failed_login", no_writing)
    assert reason_of(browser.post(ACS, data={"SAMLResponse": "%%%"})) == "SamlEncoding"
    assert kept(site) == MOST_PER_PROVIDER


def test_traces__another_tenants_administrator__gets_not_found(site: Site, browser: Browser) -> None:
    (value,) = site.roles("dev")
    other = neighbour(site, shares_issuer=False)
    message = signed(role_spec(value, audiences=audience("urn:other")))
    request_id = browser.post(ACS, data={"SAMLResponse": message}).headers["X-Request-Id"]
    assert site.signed_in(site.owner).get(f"/admin/traces/{request_id}").status_code == 200
    assert reason_of(other.get(f"/admin/traces/{request_id}")) == "NotFound"
    assert request_id not in other.get("/admin/traces").text
    assert request_id not in other.get("/admin/traces?provider=saml:1").text


def test_traces__shared_issuer__each_sees_nothing_of_the_other(site: Site, browser: Browser) -> None:
    (value,) = site.roles("dev")
    other = neighbour(site)
    message = signed(role_spec(value, audiences=audience("urn:other")))
    request_id = browser.post(ACS, data={"SAMLResponse": message}).headers["X-Request-Id"]
    theirs = other.get(f"/admin/traces/{request_id}").text
    assert site.account_id not in theirs
    ours = site.signed_in(site.owner).get(f"/admin/traces/{request_id}").text
    assert re.findall(r"[0-9a-f]{64}", theirs) != re.findall(r"[0-9a-f]{64}", ours)
    assert "Signed with a registered key" in ours
    assert "Signed with a registered key" not in theirs


def test_traces__nobodys__is_nobodys(site: Site, browser: Browser) -> None:
    request_id = browser.post(ACS, data={"SAMLResponse": signed(role_spec("x"))}).headers["X-Request-Id"]
    assert reason_of(site.signed_in(site.owner).get(f"/admin/traces/{request_id}")) == "NotFound"


def test_traces__without_the_right__is_refused(site: Site) -> None:
    alice = site.signed_in(site.alice)
    assert reason_of(alice.get("/admin/traces")) == "AccessDenied"
    assert reason_of(alice.get("/admin/traces/R-1")) == "AccessDenied"
    assert site.browser().get("/admin/traces").headers["Location"].startswith("/login.htm")


@pytest.mark.parametrize("address", ["/admin/traces/%27--", "/admin/traces?after=x&provider=%3Cb%3E", "/admin/tests/x"])
def test_pages__odd_addresses__are_answered_without_an_error(site: Site, address: str) -> None:
    assert site.signed_in(site.owner).get(address).status_code in {200, 404}


def test_traces__markup_in_the_message__is_text(site: Site, browser: Browser) -> None:
    site.roles("dev")
    odd = html.escape(SCRIPT)
    spec = replace(
        role_spec("x", audiences=audience(odd)),
        destination="https://sso.example.com/saml-role/sso",
        attributes=((SCRIPT.replace('"', "'").replace("<", "&lt;"), (SCRIPT,)),),
    )
    request_id = browser.post(ACS, data={"SAMLResponse": signed(spec)}).headers["X-Request-Id"]
    admin = site.signed_in(site.owner)
    for page in (admin.get(f"/admin/traces/{request_id}").text, admin.get("/admin/traces").text):
        assert "<script>alert" not in page
    assert odd.replace("&quot;", "&#34;") in admin.get(f"/admin/traces/{request_id}").text


def test_report__markup_in_the_message__is_text(site: Site) -> None:
    site.roles("dev")
    admin = site.signed_in(site.owner)
    test = begin(admin, "/admin/providers/corp")
    spec = role_spec(SCRIPT, audiences=audience(html.escape(SCRIPT)))
    assert admin.post(ACS, data={"SAMLResponse": signed(spec)}).headers["Location"] == test
    page = admin.get(test).text
    assert "<script>alert" not in page
    assert "&lt;script&gt;" in page


def test_test__victims_browser__has_no_part_in_it(site: Site) -> None:
    """Mallory, who administers an account here, sends a victim to the provider with the request of his own test."""
    site.user_sso()
    mallory, victim = site.signed_in(site.owner), site.browser()
    request_id = go(mallory, begin(mallory, "/admin/user-sso"))
    message = signed(answer_to(request_id, site.user_spec()))
    answer = victim.post("/saml/SSO", data={"SAMLResponse": message, "again": "1"})
    assert reason_of(answer) in {"LoginOtherBrowser", "LoginNotPending"}
    assert "ramgate_session" not in str(answer.headers.getlist("Set-Cookie"))
    with site.services.store.reading() as session:
        assert session.scalars(select(ConnectionTestRow)).one().caught_at is None


def test_test__its_answer_in_the_browser_that_asked_without_the_cookie__signs_nobody_in(site: Site) -> None:
    site.user_sso()
    admin = site.signed_in(site.owner)
    request_id = go(admin, begin(admin, "/admin/user-sso"))
    admin.delete_cookie(TEST_COOKIE, domain="sso.example.com")
    answer = admin.post("/saml/SSO", data={"SAMLResponse": signed(answer_to(request_id, site.user_spec()))})
    assert reason_of(answer) == "LoginNotPending"
    assert "ramgate_session" not in str(answer.headers.getlist("Set-Cookie"))


def test_test__answer_of_a_test_at_the_other_consumer__signs_nobody_in(site: Site) -> None:
    (value,) = site.roles("dev")
    site.user_sso()
    admin = site.signed_in(site.owner)
    request_id = go(admin, begin(admin, "/admin/providers/corp"))
    admin.delete_cookie(TEST_COOKIE, domain="sso.example.com")
    answer = admin.post(ACS, data={"SAMLResponse": signed(answer_to(request_id, role_spec(value)))})
    assert reason_of(answer) == "LoginNotPending"


def test_test__cookie_of_somebody_elses_test__catches_for_them_and_signs_nobody_in(site: Site) -> None:
    """Planting the cookie takes writing to the victim's browser at our very origin; even then there is no session."""
    (value,) = site.roles("dev")
    admin, victim = site.signed_in(site.owner), site.browser()
    begin(admin, "/admin/providers/corp")
    cookie = admin.get_cookie(TEST_COOKIE, domain="sso.example.com")
    assert cookie is not None
    victim.set_cookie(TEST_COOKIE, cookie.value, domain="sso.example.com")
    answer = victim.post(ACS, data={"SAMLResponse": signed(role_spec(value))})
    assert "ramgate_session" not in str(answer.headers.getlist("Set-Cookie"))
    assert victim.get(answer.headers["Location"]).headers["Location"].startswith("/login.htm")


@pytest.mark.parametrize("path", ["paste", "attack"])
def test_test__forms_without_token__are_refused(site: Site, path: str) -> None:
    site.roles("dev")
    admin = site.signed_in(site.owner)
    test = begin(admin, "/admin/providers/corp")
    assert reason_of(admin.post(f"{test}/{path}", data={"SAMLResponse": "x"})) == "CsrfTokenInvalid"


def test_test__rights_taken_away_meanwhile__page_is_closed(site: Site) -> None:
    site.roles("dev")
    site.grant("AdministratorAccess")
    alice = site.signed_in(site.alice)
    test = begin(alice, "/admin/providers/corp")
    assert alice.get(test).status_code == 200
    with site.services.store.transaction() as session:
        user = get_user(session, site.account_id, "alice")
        detach_policy(session, site.account_id, "System", "AdministratorAccess", user)
    for address in (test, f"{test}/go"):
        assert reason_of(alice.get(address)) == "AccessDenied"


def test_test__message_is_sealed_at_rest(site: Site) -> None:
    (value,) = site.roles("dev")
    admin = site.signed_in(site.owner)
    begin(admin, "/admin/providers/corp")
    message = signed(role_spec(value, name_id="<saml:NameID>secret.person@example.com</saml:NameID>"))
    admin.post(ACS, data={"SAMLResponse": message})
    with site.services.store.reading() as session:
        row = session.scalars(select(ConnectionTestRow)).one()
    assert row.sealed is not None
    assert b"secret.person" not in row.sealed
    assert message[:100].encode() not in row.sealed
