"""Test my connection: a dry login ends in a verdict, and nothing but its trace is written."""

import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, update

from gateway.directory.attachments import attach_policy
from gateway.directory.connection_tests import ConnectionTestRow
from gateway.directory.groups import add_user, create_group
from gateway.directory.login_traces import LoginTrace
from gateway.directory.roles import get_role
from gateway.directory.user_sso import set_user_sso
from gateway.directory.users import get_user
from gateway.store.base import Base
from tests.fake_clock import NOON
from tests.saml_factory import Spec, at
from tests.unit.web.site import BASE, Browser, Site, audience, csrf_of, idp_metadata, reason_of, role_spec, signed
from tests.unit.web.test_failed_logins import request_in
from tests.unit.web.test_sso_saml import answer_to

TEST_COOKIE = "__Host-ramgate_test"


def counts(site: Site) -> dict[str, int]:
    with site.services.store.reading() as session:
        return {
            table.name: session.scalar(select(func.count()).select_from(table)) or 0
            for table in Base.metadata.sorted_tables
            if table.name not in {"jobs", "login_traces", "connection_tests"} and not table.name.startswith("fleeting")
        }


def begin(browser: Browser, path: str) -> str:
    """Press the button; gives the path of the test's page."""
    answer = browser.post(f"{path}/test", data={"csrf_token": browser.csrf(path)})
    assert answer.status_code == 303, answer.text[:1000]
    return answer.headers["Location"]


def go(browser: Browser, test: str) -> str:
    """Go to the provider; gives the ID of the request."""
    answer = browser.get(f"{test}/go")
    assert answer.status_code == 303, answer.text
    return request_in(answer.headers["Location"])


def back(browser: Browser, path: str, spec: Spec, key: str = "idp") -> str:
    answer = browser.post(path, data={"SAMLResponse": signed(spec, key)})
    assert answer.status_code == 303, answer.text
    assert answer.headers["Location"].startswith("/admin/tests/")
    cookies = answer.headers.getlist("Set-Cookie")
    assert not any("ramgate_session" in cookie for cookie in cookies)
    assert any(cookie.startswith(f"{TEST_COOKIE}=;") for cookie in cookies)
    page: str = browser.get(answer.headers["Location"]).text
    return page


@pytest.fixture
def admin(site: Site) -> Browser:
    return site.signed_in(site.owner)


def test_role_sso__begun_there__verdict_roles_and_rights_and_nothing_written(site: Site, admin: Browser) -> None:
    good, other = site.roles("dev", "ops")
    with site.services.store.transaction() as session:
        role = get_role(session, site.account_id, "dev")
        attach_policy(session, site.account_id, "System", "AliyunRAMReadOnlyAccess", role, NOON)
    test = begin(admin, "/admin/providers/corp")
    before = counts(site)
    gone = other.replace("role/ops", "role/none")
    page = back(admin, "/saml-role/sso", role_spec(good, gone))
    assert counts(site) == before
    assert "This login works" in page
    assert page.count('<span class="tag good">passed</span>') >= 20
    assert "System policy AliyunRAMReadOnlyAccess, through role dev" in page
    assert "The role does not exist." in page
    assert "This login works" in admin.get(test).text


def test_role_sso__begun_here__answers_the_request_of_the_test(site: Site, admin: Browser) -> None:
    (value,) = site.roles("dev")
    request_id = go(admin, begin(admin, "/admin/providers/corp"))
    page = back(admin, "/saml-role/sso", answer_to(request_id, role_spec(value)))
    assert "This login works" in page
    assert request_id in page


def test_role_sso__wrong_audience__shows_the_failed_check_and_both_values(site: Site, admin: Browser) -> None:
    (value,) = site.roles("dev")
    begin(admin, "/admin/providers/corp")
    page = back(admin, "/saml-role/sso", role_spec(value, audiences=audience("urn:wrong")))
    assert "SamlAudienceMismatch" in page
    row = page.partition('id="failed"')[2].partition("</tr>")[0]
    assert "20 audience" in row
    assert "urn:wrong" in row
    assert "urn:alibaba:cloudcomputing" in row
    assert "Attack my connection" not in page


def test_role_sso__wrong_issuer__is_caught_and_shown(site: Site, admin: Browser) -> None:
    (value,) = site.roles("dev")
    begin(admin, "/admin/providers/corp")
    spec = role_spec(value, issuer="<saml:Issuer>https://other.example/</saml:Issuer>", response_issuer=None)
    page = back(admin, "/saml-role/sso", spec)
    assert "https://other.example/" in page
    assert "SamlIssuerMismatch" in page


def test_user_sso__turned_off__shows_user_and_obstacle(site: Site, admin: Browser) -> None:
    with site.services.store.transaction() as session:
        set_user_sso(session, site.account_id, enabled=False, metadata_xml=idp_metadata(), now=NOON)
        group = create_group(session, site.account_id, "ops", now=NOON)
        user = get_user(session, site.account_id, "alice")
        add_user(session, group, user, NOON)
        attach_policy(session, site.account_id, "System", "ReadOnlyAccess", group, NOON)
    request_id = go(admin, begin(admin, "/admin/user-sso"))
    before = counts(site)
    page = back(admin, "/saml/SSO", answer_to(request_id, site.user_spec()))
    after = counts(site)
    assert after.pop("pending_logins") == before.pop("pending_logins") - 1  # of the test itself
    assert after == before
    assert "User SSO is turned off" in page
    assert "<strong>alice</strong>" in page
    assert "System policy ReadOnlyAccess, through group ops" in page
    assert "This login works" not in page


def test_user_sso__nobody_of_that_name__says_so(site: Site, admin: Browser) -> None:
    site.user_sso()
    request_id = go(admin, begin(admin, "/admin/user-sso"))
    spec = site.user_spec(name_id="<saml:NameID>bob@acme.onaliyun.com</saml:NameID>")
    page = back(admin, "/saml/SSO", answer_to(request_id, spec))
    assert "The user does not exist." in page


def test_paste__captured_response__is_judged(site: Site, admin: Browser) -> None:
    (value,) = site.roles("dev")
    test = begin(admin, "/admin/providers/corp")
    data = {"csrf_token": csrf_of(admin.get(test).text), "SAMLResponse": signed(role_spec(value))}
    answer = admin.post(f"{test}/paste", data=data)
    assert answer.status_code == 303
    assert "This login works" in admin.get(test).text


def test_report__late_look__is_judged_as_of_when_it_came(site: Site, admin: Browser) -> None:
    (value,) = site.roles("dev")
    begin(admin, "/admin/providers/corp")
    answer = admin.post("/saml-role/sso", data={"SAMLResponse": signed(role_spec(value))})
    site.clock.advance(1800)
    assert "This login works" in admin.get(answer.headers["Location"]).text


def test_test_trace__is_redacted_and_opens_from_the_report(site: Site, admin: Browser) -> None:
    (value,) = site.roles("dev")
    begin(admin, "/admin/providers/corp")
    spec = role_spec(value, name_id="<saml:NameID>secret.person@example.com</saml:NameID>")
    page = back(admin, "/saml-role/sso", spec)
    assert "secret.person@example.com" in page
    found = re.search(r'href="(/admin/traces/[A-F0-9-]+)"', page)
    assert found
    trace = admin.get(found[1]).text
    assert "secret.person" not in trace
    assert "Dry login" in trace
    with site.services.store.reading() as session:
        (row,) = session.scalars(select(LoginTrace)).all()
    assert (row.kind, row.account_id, row.reason) == ("test", site.account_id, "")
    assert "secret.person" not in row.body


def test_real_login__after_a_test_of_the_same_assertion__claims_it_for_itself(site: Site, admin: Browser) -> None:
    (value,) = site.roles("dev")
    begin(admin, "/admin/providers/corp")
    message = signed(role_spec(value))
    assert admin.post("/saml-role/sso", data={"SAMLResponse": message}).headers["Location"].startswith("/admin/tests/")
    first, second = site.browser(), site.browser()
    assert first.post("/saml-role/sso", data={"SAMLResponse": message}).headers["Location"] == "/session"
    assert reason_of(second.post("/saml-role/sso", data={"SAMLResponse": message})) == "SamlReplayed"


def test_test_page__other_session_or_person__is_not_found(site: Site, admin: Browser) -> None:
    site.roles("dev")
    test = begin(admin, "/admin/providers/corp")
    again = site.signed_in(site.owner)
    assert reason_of(again.get(test)) == "NotFound"
    site.grant("AdministratorAccess")
    assert reason_of(site.signed_in(site.alice).get(test)) == "NotFound"


def test_begin__without_the_right_to_change_the_provider__is_refused(site: Site) -> None:
    site.roles("dev")
    site.grant("ReadOnlyAccess")
    browser = site.signed_in(site.alice)
    answer = browser.post("/admin/providers/corp/test", data={"csrf_token": browser.csrf("/admin/providers/corp")})
    assert reason_of(answer) == "AccessDenied"


def test_begin__without_a_form_token__is_refused(site: Site, admin: Browser) -> None:
    site.roles("dev")
    answer: Any = admin.post("/admin/providers/corp/test")
    assert reason_of(answer) == "CsrfTokenInvalid"
    assert TEST_COOKIE not in str(answer.headers.getlist("Set-Cookie"))


def test_traces__listed_for_the_account__and_paged(site: Site, admin: Browser) -> None:
    (value,) = site.roles("dev")
    for _ in range(3):
        site.browser().post("/saml-role/sso", data={"SAMLResponse": signed(role_spec(value, destination="https://x/"))})
    page = admin.get("/admin/traces").text
    assert page.count("SamlDestination") == 3
    assert BASE not in page.partition("<main")[0]


def test_real_login__pending_in_the_same_browser__is_not_swallowed_by_a_test(site: Site, admin: Browser) -> None:
    site.user_sso()
    site.roles("dev")
    begin(admin, "/admin/providers/corp")
    request_id = site.asked(admin)
    answer = admin.post("/saml/SSO", data={"SAMLResponse": signed(answer_to(request_id, site.user_spec()))})
    assert answer.headers["Location"] == "/session"


def test_catch__second_answer__is_a_real_one(site: Site, admin: Browser) -> None:
    """The cookie is gone with the first: what comes after it is a login again."""
    (value,) = site.roles("dev")
    begin(admin, "/admin/providers/corp")
    back(admin, "/saml-role/sso", role_spec(value))
    again = admin.post("/saml-role/sso", data={"SAMLResponse": signed(replace(role_spec(value), assertion_id="_two"))})
    assert again.headers["Location"] == "/session"


def test_catch__expired_session_at_the_provider__is_an_obstacle(site: Site, admin: Browser) -> None:
    (value,) = site.roles("dev")
    begin(admin, "/admin/providers/corp")
    spec = role_spec(value, authn_attributes=f'AuthnInstant="{at(-30)}" SessionNotOnOrAfter="{at(-1)}"')
    assert "SamlSessionEnded" in back(admin, "/saml-role/sso", spec)


def attack(browser: Browser, test: str) -> str:
    answer = browser.post(f"{test}/attack", data={"csrf_token": csrf_of(browser.get(test).text)})
    assert answer.status_code == 200, answer.text[:2000]
    text: str = answer.text
    return text


def test_attack__captured_login__every_attack_refused_and_nothing_written(site: Site, admin: Browser) -> None:
    (value,) = site.roles("dev")
    test = begin(admin, "/admin/providers/corp")
    assert "Attack my connection" in back(admin, "/saml-role/sso", role_spec(value))
    before = counts(site)
    page = attack(admin, test)
    assert counts(site) == before
    assert "Every attack was refused" in page
    assert '<span class="tag bad">' not in page
    assert page.count("<tr>") > 250
    for family in ("Wrapping", "Contents", "Signature", "Key", "Document", "Elsewhere"):
        assert f"<h2>{family}</h2>" in page
    assert "SamlReplayed" in page
    login = site.browser().post("/saml-role/sso", data={"SAMLResponse": signed(role_spec(value))})
    assert login.headers["Location"] == "/session"


def test_attack__weakened_verifier__is_shown_in_red(
    site: Site, admin: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    (value,) = site.roles("dev")
    test = begin(admin, "/admin/providers/corp")
    back(admin, "/saml-role/sso", role_spec(value))
    monkeypatch.setattr("gateway.saml.response.check_destination", lambda *_args, **_named: None)
    page = attack(admin, test)
    assert "1 attack accepted" in page
    assert '<span class="tag bad">accepted</span> <strong>the Destination, changed</strong>' in page


def test_attack__while_one_is_under_way__is_told_to_wait(site: Site, admin: Browser) -> None:
    (value,) = site.roles("dev")
    test = begin(admin, "/admin/providers/corp")
    back(admin, "/saml-role/sso", role_spec(value))
    with site.services.store.transaction() as session:
        session.execute(update(ConnectionTestRow).values(busy_until=site.clock.now() + timedelta(seconds=5)))
    token = csrf_of(admin.get(test).text)
    assert reason_of(admin.post(f"{test}/attack", data={"csrf_token": token})) == "ChangedMeanwhile"
    site.clock.advance(6)  # a run that died frees itself
    assert "Every attack was refused" in attack(admin, test)


def test_attack__login_that_is_refused__is_not_attacked(site: Site, admin: Browser) -> None:
    (value,) = site.roles("dev")
    test = begin(admin, "/admin/providers/corp")
    back(admin, "/saml-role/sso", role_spec(value, audiences=audience("urn:wrong")))
    answer = admin.post(f"{test}/attack", data={"csrf_token": csrf_of(admin.get(test).text)})
    assert reason_of(answer) == "SamlAudienceMismatch"
