"""The page of things that lapse, its calendar address and its webhook, as an administrator uses them."""

import re
from datetime import timedelta
from html import unescape

import pytest
from icalendar import Calendar

from gateway.directory.access_keys import create_access_key
from gateway.directory.expiry_settings import get_expiry_settings
from gateway.directory.oidc_providers import create_oidc_provider
from gateway.directory.user_sso import set_user_sso
from tests.fake_clock import NOON
from tests.unit.web.site import BASE, Browser, Site, csrf_of, idp_metadata, reason_of

PAGE = "/admin/expiry"


@pytest.fixture
def admin(site: Site) -> Browser:
    return site.signed_in(site.owner)


def posted(browser: Browser, path: str, **fields: str) -> str:
    answer = browser.post(f"{PAGE}{path}", data={"csrf_token": browser.csrf(PAGE), **fields})
    assert answer.status_code in {200, 303}, answer.text
    return answer.text if answer.status_code == 200 else browser.get(answer.headers["Location"]).text


def refused(browser: Browser, path: str, **fields: str) -> str:
    return reason_of(browser.post(f"{PAGE}{path}", data={"csrf_token": browser.csrf(PAGE), **fields}))


def address_of(html: str) -> str:
    found = re.search(r'<pre id="once" tabindex="0">([^<]+)</pre>', html)
    assert found, html
    return unescape(found[1]).strip()


def test_overview__nothing_due__says_what_was_looked_at(admin: Browser) -> None:
    text = admin.get(PAGE).text
    assert "Nothing lapses before long" in text
    assert 'href="/admin/expiry" aria-current="page"' in text


def test_overview__past_due_and_to_come__past_due_stands_first_with_what_to_do(site: Site, admin: Browser) -> None:
    site.roles("reader")
    with site.services.store.transaction() as session:
        create_access_key(session, site.services.ring, account_id=site.account_id, user_id=site.user_id, now=NOON)
    site.clock.advance(timedelta(days=350).total_seconds())
    admin = site.signed_in(site.owner)
    text = admin.get(PAGE).text
    past, month = text.index("Past due"), text.index("Within a month")
    assert past < text.index("of user alice") < month < text.index("Signing certificate of the identity provider corp")
    assert "260 days ago" in text
    assert "in 15 days" in text
    assert 'href="/admin/providers/corp"' in text
    assert "ramgate key create --user alice" in text


def test_overview__user_without_the_right__is_refused_and_with_it_may_look_but_not_change(site: Site) -> None:
    assert reason_of(site.signed_in(site.alice).get(PAGE)) == "AccessDenied"
    site.grant("AliyunRAMReadOnlyAccess")
    browser = site.signed_in(site.alice)
    assert browser.get(PAGE).status_code == 200
    token = browser.csrf(PAGE)
    for path in ("/rotation", "/calendar", "/calendar/remove", "/webhook", "/webhook/test", "/webhook/remove"):
        fields = {"csrf_token": token, "days": "30", "url": "https://hooks.example.com/x"}
        assert reason_of(browser.post(f"{PAGE}{path}", data=fields)) == "AccessDenied"
    with site.services.store.reading() as session:
        assert get_expiry_settings(session, site.account_id).rotation_days == 90


def test_rotation__saved__counts_from_then_on(site: Site, admin: Browser) -> None:
    posted(admin, "/rotation", days="30")
    with site.services.store.reading() as session:
        assert get_expiry_settings(session, site.account_id).rotation_days == 30
    for wrong in ("", "31", "-1", "many"):
        assert refused(admin, "/rotation", days=wrong) == "ParameterInvalid"


def test_calendar__made_replaced_and_removed__only_the_newest_address_opens_it(site: Site, admin: Browser) -> None:
    site.user_sso()
    first = address_of(posted(admin, "/calendar"))
    assert first.startswith(f"{BASE}/calendar/expiry.ics?key=")
    answer = site.browser().get(first.removeprefix(BASE))
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/calendar; charset=utf-8"
    assert "Set-Cookie" not in answer.headers
    (event,) = Calendar.from_ical(answer.data).walk("VEVENT")
    assert event["SUMMARY"] == "Signing certificate of the identity provider of user SSO lapses"
    second = address_of(posted(admin, "/calendar"))
    assert site.browser().get(first.removeprefix(BASE)).status_code == 404
    assert site.browser().get(second.removeprefix(BASE)).data == answer.data
    posted(admin, "/calendar/remove")
    assert reason_of(site.browser().get(second.removeprefix(BASE))) == "PageNotFound"


def test_calendar__unchanged__is_answered_without_a_body(site: Site, admin: Browser) -> None:
    site.user_sso()
    path = address_of(posted(admin, "/calendar")).removeprefix(BASE)
    answer = site.browser().get(path)
    site.clock.advance(3600)
    again = site.browser().get(path, headers={"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    with site.services.store.transaction() as session:
        metadata = idp_metadata("https://other.example.com", key="other")
        set_user_sso(session, site.account_id, metadata_xml=metadata, now=NOON)
    changed = site.browser().get(path, headers={"If-None-Match": answer.headers["ETag"]})
    assert changed.status_code == 200
    assert changed.headers["ETag"] != answer.headers["ETag"]


def test_webhook__saved__shows_its_secret_once(site: Site, admin: Browser) -> None:
    secret = address_of(posted(admin, "/webhook", url="https://hooks.example.com/ramgate"))
    assert len(secret) == 43
    page = admin.get(PAGE).text
    assert secret not in page
    assert "https://hooks.example.com/ramgate" in page
    assert "Nothing is sent any more." in posted(admin, "/webhook/remove")
    assert "hooks.example.com/ramgate</code>" not in admin.get(PAGE).text


def test_webhook__test_message_to_a_receiver_that_is_not_there__says_so(site: Site, admin: Browser) -> None:
    posted(admin, "/webhook", url="https://10.0.0.1/ramgate")
    assert "FetchAddress" in posted(admin, "/webhook/test")


def test_webhook__removed_or_tested_without_one__is_refused(admin: Browser) -> None:
    assert refused(admin, "/webhook/test") == "NotFound"
    assert refused(admin, "/webhook/remove") == "NotFound"
    assert refused(admin, "/calendar/remove") == "NotFound"


def test_changes__without_a_form_token__are_refused(site: Site, admin: Browser) -> None:
    for path in ("/rotation", "/calendar", "/calendar/remove", "/webhook", "/webhook/test", "/webhook/remove"):
        assert (
            reason_of(admin.post(f"{PAGE}{path}", data={"days": "30", "url": "https://a.example"}))
            == "CsrfTokenInvalid"
        )
    assert csrf_of(admin.get(PAGE).text)


def test_client_secret__date_entered_with_it__stands_on_the_page_until_it_is_cleared(
    site: Site, admin: Browser
) -> None:
    with site.services.store.transaction() as session:
        create_oidc_provider(session, site.account_id, "login", "https://login.example.com", now=NOON)
    form = {"client_id": "us", "method": "client_secret_basic", "client_secret": "hush", "expires_on": "2026-03-20"}
    saved = admin.post("/admin/oidc/login/sign-in", data={"csrf_token": admin.csrf(PAGE), **form})
    assert saved.status_code == 303, saved.text
    assert 'type="date" value="2026-03-20"' in admin.get("/admin/oidc/login").text
    assert "Client secret at the OpenID Provider login" in admin.get(PAGE).text
    for wrong in ("2026-02-30", "tomorrow", "20260320", "2026-03-20T00:00"):
        sent = {"csrf_token": admin.csrf(PAGE), **form, "expires_on": wrong}
        assert reason_of(admin.post("/admin/oidc/login/sign-in", data=sent)) == "ParameterInvalid"
    kept = {"csrf_token": admin.csrf(PAGE), **form, "client_secret": "", "expires_on": ""}
    assert admin.post("/admin/oidc/login/sign-in", data=kept).status_code == 303
    assert "Client secret at the OpenID Provider login" not in admin.get(PAGE).text
