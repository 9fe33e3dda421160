"""Signing out here, there, and here because of there."""

from dataclasses import replace
from typing import Any

import pytest
from werkzeug.test import TestResponse

from gateway.audit.receipts import list_receipts
from gateway.directory.provider_logins import LoginSettings, Use
from gateway.directory.roles import create_role
from gateway.errors import CredentialError, Reason
from gateway.sts.revocation import check_live
from gateway.sts.sessions import find_session
from tests.fake_clock import NOON
from tests.unit.web.oidc_site import LocalBrowser, OidcSite
from tests.unit.web.site import field_of, reason_of

ROLES = LoginSettings(use=Use.ROLE, roles_key="oidc:claim/roles")


def signed_in(oidc: OidcSite, **claims: Any) -> LocalBrowser:
    oidc.op.claims = claims
    browser = oidc.browser()
    assert oidc.sign_in(browser).status_code == 303
    return browser


def tell(oidc: OidcSite, token: str, name: str = "corp") -> TestResponse:
    return oidc.browser().post(f"/oidc/backchannel-logout/{oidc.account_id}/{name}", data={"logout_token": token})


def is_signed_in(browser: LocalBrowser) -> bool:
    return browser.get("/session").status_code == 200


def test_logout__login_of_a_provider__offers_to_sign_out_there_and_comes_back(oidc: OidcSite) -> None:
    oidc.register()
    browser = signed_in(oidc)
    left = browser.post("/logout", data={"csrf_token": browser.csrf("/session")})
    assert left.headers["Location"] == f"/oidc/signed-out/{oidc.account_id}/corp"
    assert not is_signed_in(browser)
    page = browser.get(left.headers["Location"])
    assert f'href="/oidc/logout/{oidc.account_id}/corp"' in page.text
    there = browser.get(f"/oidc/logout/{oidc.account_id}/corp").headers["Location"]
    assert there.startswith(f"{oidc.op.issuer}/logout?client_id=ramgate-web&post_logout_redirect_uri=")
    state = there.rpartition("state=")[2]
    back = browser.get(left.headers["Location"], query_string={"state": state})
    assert "Here, and at" in back.text
    again = browser.get(left.headers["Location"], query_string={"state": state})
    assert "Here, and at" not in again.text


def test_signed_out__state_of_somebody_else__is_not_believed(oidc: OidcSite) -> None:
    oidc.register()
    page = oidc.browser().get(f"/oidc/signed-out/{oidc.account_id}/corp?state=abc")
    assert "Here, and at" not in page.text


def test_signed_out__provider_without_logout__says_so(oidc: OidcSite) -> None:
    oidc.register()
    oidc.op.document = {"end_session_endpoint": None}
    path = f"/oidc/signed-out/{oidc.account_id}/corp"
    assert "Close the browser" in oidc.browser().get(path).text
    assert oidc.browser().get(f"/oidc/logout/{oidc.account_id}/corp").headers["Location"] == path


def test_back_channel__session_id__ends_that_session_only(oidc: OidcSite) -> None:
    oidc.register()
    one, two = signed_in(oidc, sid="one"), signed_in(oidc, sid="two")
    oidc.site.clock.advance(1)
    answer = tell(oidc, oidc.op.logout_token(sid="one"))
    assert (answer.status_code, answer.data, answer.headers["Cache-Control"]) == (200, b"", "no-store")
    assert (is_signed_in(one), is_signed_in(two)) == (False, True)


def test_back_channel__session_id_that_the_login_did_not_tell__ends_it_all_the_same(oidc: OidcSite) -> None:
    oidc.register()
    browser = signed_in(oidc)
    assert tell(oidc, oidc.op.logout_token(sid="one")).status_code == 200
    assert not is_signed_in(browser)


def test_back_channel__subject__ends_all_sessions_of_the_person_and_nobody_elses(oidc: OidcSite) -> None:
    oidc.register(ROLES)
    oidc.roles("reader")
    one, two = signed_in(oidc, sid="one", roles="reader"), signed_in(oidc, roles="reader")
    other = signed_in(oidc, roles="reader", sub="somebody-else")
    assert tell(oidc, oidc.op.logout_token()).status_code == 200
    assert [is_signed_in(browser) for browser in (one, two, other)] == [False, False, True]


def test_back_channel__role_session__ends_its_credentials_too(oidc: OidcSite) -> None:
    oidc.register(ROLES)
    oidc.roles("reader")
    browser = signed_in(oidc, sid="one", roles="reader")
    services = oidc.site.services
    with services.store.reading() as session:
        found = find_session(session, services.ring, browser.session(), services.clock.now())
    assert found is not None
    assert found.token is not None
    tell(oidc, oidc.op.logout_token(sid="one"))
    with services.store.reading() as session, pytest.raises(CredentialError) as refusal:
        check_live(session, found.token, services.clock.now())
    assert refusal.value.reason is Reason.TOKEN_REVOKED


def test_back_channel__success__leaves_a_receipt(oidc: OidcSite) -> None:
    oidc.register()
    tell(oidc, oidc.op.logout_token(sid="one"))
    with oidc.site.services.store.reading() as session:
        (receipt, *_) = list_receipts(session, account_id=oidc.account_id)
    assert receipt.kind == "BackChannelLogout"
    assert receipt.details["session"] == "one"


def test_back_channel__same_token_twice__is_refused(oidc: OidcSite) -> None:
    oidc.register()
    token = oidc.op.logout_token()
    assert tell(oidc, token).status_code == 200
    again = tell(oidc, token)
    assert again.status_code == 400
    assert again.json is not None
    assert again.json["error"] == "invalid_request"
    assert Reason.OIDC_LOGOUT_ID in again.json["error_description"]


BAD: dict[str, tuple[Reason, dict[str, Any]]] = {
    "another client": (Reason.OIDC_AUDIENCE, {"aud": "other"}),
    "another issuer": (Reason.OIDC_ISSUER, {"iss": "https://evil.example"}),
    "no event": (Reason.OIDC_LOGOUT_EVENT, {"events": {}}),
    "a nonce": (Reason.OIDC_LOGOUT_NONCE, {"nonce": "n"}),
    "nobody": (Reason.OIDC_LOGOUT_WHOM, {"sub": None}),
    "no id": (Reason.OIDC_LOGOUT_ID, {"jti": None}),
    "old": (Reason.OIDC_EXPIRED, {"iat": 0}),
}


@pytest.mark.parametrize(("reason", "changes"), BAD.values(), ids=BAD)
def test_back_channel__bad_token__is_refused_and_nothing_ends(
    oidc: OidcSite, reason: Reason, changes: dict[str, Any]
) -> None:
    oidc.register()
    browser = signed_in(oidc)
    answer = tell(oidc, oidc.op.logout_token(**changes))
    assert answer.status_code == 400
    assert answer.json is not None
    assert answer.json["error_description"].startswith(reason)
    assert answer.headers["Cache-Control"] == "no-store"
    assert is_signed_in(browser)


def test_back_channel__id_token__is_no_logout_token(oidc: OidcSite) -> None:
    oidc.register()
    answer = tell(oidc, oidc.op.logout_token({"typ": "at+jwt"}))
    assert answer.status_code == 400


def test_back_channel__nothing_sent__is_refused(oidc: OidcSite) -> None:
    oidc.register()
    answer = oidc.browser().post(f"/oidc/backchannel-logout/{oidc.account_id}/corp")
    assert answer.status_code == 400
    assert answer.json is not None


def test_back_channel__unknown_provider__is_refused(oidc: OidcSite) -> None:
    assert tell(oidc, "x.y.z").status_code == 400


def test_callback__token_of_a_session_that_ended_meanwhile__is_refused(oidc: OidcSite) -> None:
    oidc.register()
    browser = oidc.browser()
    url = oidc.op.authorize(oidc.begin(browser))
    oidc.op.claims = {"sid": "one"}
    tell(oidc, oidc.op.logout_token(sid="one"))
    oidc.site.clock.advance(5)
    assert reason_of(oidc.come_back(browser, url)) == Reason.TOKEN_REVOKED
    assert not browser.session()


def test_take_role__signed_out_at_the_provider_meanwhile__is_refused(oidc: OidcSite) -> None:
    oidc.register(replace(ROLES))
    oidc.roles("reader", "writer")
    oidc.op.claims = {"roles": ["reader", "writer"], "sid": "one"}
    browser = oidc.browser()
    page = oidc.sign_in(browser)
    oidc.site.clock.advance(5)
    tell(oidc, oidc.op.logout_token())
    form = {name: field_of(page.text, name) for name in ("csrf_token", "offer", "provider_arn")}
    taken = browser.post("/saml-role/take", data={**form, "role_arn": f"acs:ram::{oidc.account_id}:role/writer"})
    assert reason_of(taken) == Reason.TOKEN_REVOKED


def test_sign_in__again_after_signing_out_there__works(oidc: OidcSite) -> None:
    oidc.register()
    signed_in(oidc, sid="one")
    tell(oidc, oidc.op.logout_token())
    oidc.site.clock.advance(1)
    assert is_signed_in(signed_in(oidc, sid="two"))


def test_back_channel__role_that_the_user_changed_to__ends_too(oidc: OidcSite) -> None:
    oidc.register()
    with oidc.site.services.store.transaction() as session:
        trust = f'"Principal":{{"RAM":["acs:ram::{oidc.account_id}:root"]}}'
        document = f'{{"Version":"1","Statement":[{{"Effect":"Allow","Action":"sts:AssumeRole",{trust}}}]}}'
        create_role(session, oidc.account_id, "helper", trust_document=document, now=NOON)
    oidc.site.grant("AdministratorAccess")
    browser = signed_in(oidc, sid="one")
    changed = browser.post("/session/role", data={"csrf_token": browser.csrf("/session"), "role": "helper"})
    assert changed.status_code == 303
    assert "role/helper" in browser.get("/session").text
    oidc.site.clock.advance(1)
    tell(oidc, oidc.op.logout_token(sid="one"))
    assert not is_signed_in(browser)
