"""The SAML endpoints, with messages that a real key signed."""

import json
import re
from dataclasses import replace

import pytest

from gateway.audit.receipts import list_receipts
from gateway.directory.accounts import create_account
from gateway.directory.user_sso import set_user_sso
from gateway.directory.users import create_user
from gateway.saml.names import user_sso_entity_id
from gateway.secret import Secret
from tests.fake_clock import NOON
from tests.saml_factory import Spec, at
from tests.unit.web.site import (
    BASE,
    PASSWORD,
    Browser,
    Site,
    audience,
    csrf_of,
    field_of,
    idp_metadata,
    reason_of,
    role_spec,
    signed,
)
from tests.unit.web.test_role_page import read_as_the_tool_does

FLOW = "__Host-ramgate_flow"


def answer_to(request_id: str, spec: Spec) -> Spec:
    return replace(spec, response_in_response_to=request_id, in_response_to=request_id)


def other_account(site: Site) -> str:
    """A second account whose users come from the same identity provider."""
    with site.services.store.transaction() as session:
        account = create_account(
            session,
            alias="lab",
            display_name="Lab",
            owner_login="owner@lab.example",
            owner_password=Secret(PASSWORD),
            now=NOON,
        )
        create_user(session, account.id, "alice", now=NOON)
        set_user_sso(session, account.id, enabled=True, metadata_xml=idp_metadata(), idp_initiated=True, now=NOON)
        return account.id


def test_start__redirect_binding__is_signed_and_binds_the_browser(site: Site, browser: Browser) -> None:
    site.user_sso()
    answer = browser.get(f"/saml/start/{site.account_id}")
    location = answer.headers["Location"]
    assert location.startswith("https://idp.example.com/sso?SAMLRequest=")
    assert "&Signature=" in location
    assert "RelayState" not in location
    (cookie,) = answer.headers.getlist("Set-Cookie")
    for part in (f"{FLOW}=", "Secure", "HttpOnly", "SameSite=None", "Path=/"):
        assert part in cookie


def test_start__post_binding__lets_the_form_go_to_the_idp_and_nowhere_else(site: Site, browser: Browser) -> None:
    site.user_sso(post_only=True)
    answer = browser.get(f"/saml/start/{site.account_id}")
    assert 'action="https://idp.example.com/sso"' in answer.text
    assert field_of(answer.text, "SAMLRequest")
    policy = answer.headers["Content-Security-Policy"]
    assert policy.endswith("https://*.apps.example.com https://idp.example.com")
    assert "idp.example.com" not in browser.get("/login.htm").headers["Content-Security-Policy"]


@pytest.mark.parametrize("account_id", ["1234567890123456", "nobody", "%27"])
def test_start__company_sign_in_off__is_refused(browser: Browser, account_id: str) -> None:
    answer = browser.get(f"/saml/start/{account_id}")
    assert reason_of(answer) == "SsoDisabled"


@pytest.mark.parametrize("path", ["/saml/SSO", "/{}/saml/SSO"])
def test_user_acs__answer_in_the_same_browser__signs_in_and_goes_where_wanted(
    site: Site, browser: Browser, path: str
) -> None:
    site.user_sso()
    request_id = site.asked(browser, "/admin/providers")
    form = {"SAMLResponse": signed(answer_to(request_id, site.user_spec())), "RelayState": "https://evil.example"}
    answer = browser.post(path.format(site.account_id), data=form)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/admin/providers")
    page = browser.get("/session").text
    assert "https://idp.example.com/saml/metadata" in page
    assert "_assertion1" in page
    with site.services.store.reading() as session:
        assert list_receipts(session)[0].request_id == answer.headers["X-Request-Id"]


def test_user_acs__answer_without_the_binding_cookie__asks_for_it_once_more(site: Site, browser: Browser) -> None:
    site.user_sso()
    message = signed(answer_to(site.asked(browser), site.user_spec()))
    stranger = site.browser()
    page = stranger.post("/saml/SSO", data={"SAMLResponse": message, "RelayState": '"><script>'})
    assert page.status_code == 200
    assert 'action="/saml/SSO" data-autosubmit' in page.text
    assert "<script>" not in page.text
    assert field_of(page.text, "SAMLResponse") == message
    again = {name: field_of(page.text, name) for name in ("SAMLResponse", "RelayState", "again")}
    assert reason_of(stranger.post("/saml/SSO", data=again)) == "LoginOtherBrowser"
    assert browser.post("/saml/SSO", data=again).headers["Location"] == "/session"


def test_user_acs__answer_in_another_browser__does_not_use_the_login_up(site: Site, browser: Browser) -> None:
    site.user_sso()
    form = {"SAMLResponse": signed(answer_to(site.asked(browser), site.user_spec()))}
    stranger = site.browser()
    stranger.set_cookie(FLOW, "somebody-else", domain="sso.example.com")
    assert reason_of(stranger.post("/saml/SSO", data=form)) == "LoginOtherBrowser"
    assert browser.post("/saml/SSO", data=form).status_code == 303
    assert reason_of(browser.post("/saml/SSO", data=form)) == "LoginNotPending"


def test_user_acs__bad_signature__leaves_the_login_open(site: Site, browser: Browser) -> None:
    site.user_sso()
    spec = answer_to(site.asked(browser), site.user_spec())
    answer = browser.post("/saml/SSO", data={"SAMLResponse": signed(spec, "stranger")})
    assert (answer.status_code, reason_of(answer)) == (403, "SamlSignatureValue")
    assert browser.post("/saml/SSO", data={"SAMLResponse": signed(spec)}).status_code == 303


def test_user_acs__login_took_too_long__is_refused(site: Site, browser: Browser) -> None:
    site.user_sso()
    form = {"SAMLResponse": signed(answer_to(site.asked(browser), site.user_spec()))}
    site.clock.advance(601)
    assert reason_of(browser.post("/saml/SSO", data=form)) == "LoginNotPending"


def test_user_acs__idp_initiated_where_allowed__goes_to_a_safe_relay_state(site: Site, browser: Browser) -> None:
    site.user_sso(idp_initiated=True)
    form = {"SAMLResponse": signed(site.user_spec()), "RelayState": "https://console.example.com/x"}
    answer = browser.post("/saml/SSO", data=form)
    assert (answer.status_code, answer.headers["Location"]) == (303, "https://console.example.com/x")
    assert reason_of(browser.post("/saml/SSO", data=form)) == "SamlReplayed"


def test_user_acs__idp_initiated_where_not_allowed__is_refused(site: Site, browser: Browser) -> None:
    site.user_sso()
    for path in ("/saml/SSO", f"/{site.account_id}/saml/SSO"):
        assert reason_of(browser.post(path, data={"SAMLResponse": signed(site.user_spec())})) == "SamlUnsolicited"


def test_user_acs__unknown_issuer__is_refused(browser: Browser) -> None:
    answer = browser.post("/saml/SSO", data={"SAMLResponse": signed(Spec())})
    assert reason_of(answer) == "SamlUnknownIssuer"


def test_user_acs__one_issuer_for_two_accounts__audience_chooses(site: Site, browser: Browser) -> None:
    site.user_sso(idp_initiated=True)
    lab = other_account(site)
    spec = site.user_spec(
        audiences=audience(user_sso_entity_id(BASE, lab)),
        name_id="<saml:NameID>alice@lab.onaliyun.com</saml:NameID>",
    )
    assert browser.post("/saml/SSO", data={"SAMLResponse": signed(spec)}).status_code == 303
    assert lab in browser.get("/session").text


def test_user_acs__one_issuer_for_two_accounts_and_both_addressed__is_ambiguous(site: Site, browser: Browser) -> None:
    site.user_sso(idp_initiated=True)
    lab = other_account(site)
    both = [user_sso_entity_id(BASE, account_id) for account_id in (site.account_id, lab)]
    inside = "".join(f"<saml:Audience>{entity_id}</saml:Audience>" for entity_id in both)
    spec = site.user_spec(audiences=f"<saml:AudienceRestriction>{inside}</saml:AudienceRestriction>")
    assert reason_of(browser.post("/saml/SSO", data={"SAMLResponse": signed(spec)})) == "SsoAccountAmbiguous"


def test_user_acs__path_of_another_account_than_the_audience__is_refused(site: Site, browser: Browser) -> None:
    site.user_sso(idp_initiated=True)
    lab = other_account(site)
    answer = browser.post(f"/{lab}/saml/SSO", data={"SAMLResponse": signed(site.user_spec())})
    assert reason_of(answer) == "SamlAudienceMismatch"


def test_role_acs__one_role__signs_in_with_credentials(site: Site, browser: Browser) -> None:
    (value,) = site.roles("reader")
    answer = browser.post("/saml-role/sso", data={"SAMLResponse": signed(role_spec(value))})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/session")
    page = browser.get("/session")
    assert page.headers["Cache-Control"] == "no-store"
    for text in ("export ALIBABA_CLOUD_ACCESS_KEY_ID=STS.", "export ALIBABA_CLOUD_SECURITY_TOKEN=CAIS", "StsToken"):
        assert text in page.text
    profile = re.search(r'<pre id="profile"[^>]*>(.*?)</pre>', page.text, re.DOTALL)
    assert profile
    assert json.loads(profile[1].replace("&#34;", '"'))["mode"] == "StsToken"


def test_role_acs__several_roles__offers_them_to_people_and_tools(site: Site, browser: Browser) -> None:
    values = site.roles("reader", "admin")
    gone = values[0].replace("role/reader", "role/gone")
    message = signed(role_spec(*values, gone))
    page = browser.post("/saml-role/sso", data={"SAMLResponse": message, "RelayState": "/admin"})
    assert page.status_code == 200
    listed = read_as_the_tool_does(page.text)
    assert listed["SamlResponse"] == message
    assert [role["raw"] for role in listed["RoleInfoList"][site.account_id]] == list(values)
    assert "role/gone" in page.text
    assert "does not exist" in page.text
    form = {
        "csrf_token": csrf_of(page.text),
        "offer": field_of(page.text, "offer"),
        "role_arn": values[1].split(",")[0],
        "provider_arn": values[1].split(",")[1],
    }
    assert reason_of(browser.post("/saml-role/take", data=form | {"csrf_token": "x"})) == "CsrfTokenInvalid"
    assert reason_of(browser.post("/saml-role/take", data=form | {"role_arn": gone.split(",")[0]})) == "RoleChoiceGone"
    answer = browser.post("/saml-role/take", data=form)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/admin")
    assert "role/admin" in browser.get("/session").text
    again = form | {"csrf_token": browser.csrf("/session")}
    assert reason_of(browser.post("/saml-role/take", data=again)) == "RoleChoiceGone"


def test_take__another_browser__is_refused(site: Site, browser: Browser) -> None:
    values = site.roles("reader", "admin")
    page = browser.post("/saml-role/sso", data={"SAMLResponse": signed(role_spec(*values))})
    stranger = site.browser()
    form = {
        "csrf_token": stranger.csrf("/owner/login.htm"),
        "offer": field_of(page.text, "offer"),
        "role_arn": values[0].split(",")[0],
        "provider_arn": values[0].split(",")[1],
    }
    assert reason_of(stranger.post("/saml-role/take", data=form)) == "LoginOtherBrowser"


def test_role_acs__same_message_twice__is_replayed(site: Site, browser: Browser) -> None:
    form = {"SAMLResponse": signed(role_spec(*site.roles("reader")))}
    assert browser.post("/saml-role/sso", data=form).status_code == 303
    answer = site.browser().post("/saml-role/sso", data=form)
    assert (answer.status_code, reason_of(answer)) == (403, "SamlReplayed")


def test_role_acs__made_for_the_user_consumer__is_refused(site: Site, browser: Browser) -> None:
    (value,) = site.roles("reader")
    spec = role_spec(
        value,
        destination=f"{BASE}/saml/SSO",
        confirmation_data_attributes=f'NotOnOrAfter="{at(300)}" Recipient="{BASE}/saml/SSO"',
    )
    assert reason_of(browser.post("/saml-role/sso", data={"SAMLResponse": signed(spec)})) == "SamlDestination"


def test_role_acs__expired__is_refused(site: Site, browser: Browser) -> None:
    form = {"SAMLResponse": signed(role_spec(*site.roles("reader")))}
    site.clock.advance(300 + 120)
    assert reason_of(browser.post("/saml-role/sso", data=form)) == "SamlExpired"


def test_metadata__both_kinds__are_published(site: Site, browser: Browser) -> None:
    role = browser.get("/saml-role/sp-metadata.xml")
    assert role.mimetype == "application/samlmetadata+xml"
    assert f'Location="{BASE}/saml-role/sso"' in role.text
    user = browser.get(f"/saml/SpMetadata.xml?tenantID={site.account_id}")
    assert f'entityID="{BASE}/{site.account_id}/saml/SSO"' in user.text
    assert reason_of(browser.get("/saml/SpMetadata.xml?tenantID=x")) == "NotFound"
