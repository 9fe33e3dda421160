"""Whole logins at an OpenID Provider, as a browser sees them."""

from dataclasses import replace

import pytest

from gateway.directory.attachments import attach_policy
from gateway.directory.groups import create_group
from gateway.directory.oidc_sign_in import SignInWish
from gateway.directory.provider_logins import LoginSettings, Use
from gateway.errors import Reason
from gateway.oidc.client_authentication import ClientMethod
from tests.fake_clock import NOON
from tests.unit.web.oidc_site import BY_EMAIL, OidcSite
from tests.unit.web.site import field_of, reason_of

ROLES = LoginSettings(use=Use.ROLE, roles_key="oidc:claim/roles")


def test_callback__user_by_email__is_signed_in(oidc: OidcSite) -> None:
    oidc.register()
    browser = oidc.browser()
    answer = oidc.sign_in(browser)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/session")
    page = browser.get("/session").text
    assert "RAM user" in page
    assert f"acs:ram::{oidc.account_id}:user/alice" in page
    assert oidc.op.issuer in page


def test_callback__target_of_ours__is_followed(oidc: OidcSite) -> None:
    oidc.register()
    assert oidc.sign_in(oidc.browser(), callback="/security").headers["Location"] == "/security"


def test_callback__one_role__is_taken(oidc: OidcSite) -> None:
    oidc.register(ROLES)
    oidc.roles("reader")
    oidc.op.claims = {"roles": "reader"}
    browser = oidc.browser()
    assert oidc.sign_in(browser).status_code == 303
    assert f"acs:ram::{oidc.account_id}:role/reader" in browser.get("/session").text


def test_callback__two_roles__one_can_be_chosen(oidc: OidcSite) -> None:
    oidc.register(ROLES)
    oidc.roles("reader", "writer")
    oidc.op.claims = {"roles": ["reader", "writer", "ghost"]}
    browser = oidc.browser()
    page = oidc.sign_in(browser)
    assert page.status_code == 200
    assert "ROLE_SSO_PAGE" not in page.text
    form = {name: field_of(page.text, name) for name in ("csrf_token", "offer", "provider_arn")}
    taken = browser.post("/saml-role/take", data={**form, "role_arn": f"acs:ram::{oidc.account_id}:role/writer"})
    assert taken.status_code == 303
    assert "role/writer" in browser.get("/session").text


@pytest.mark.parametrize(
    ("email", "kind"), [("alice@acme.onaliyun.com", "RAM user"), ("bob@acme.onaliyun.com", "RAM role")]
)
def test_callback__both__a_user_where_there_is_one_and_else_a_role(oidc: OidcSite, email: str, kind: str) -> None:
    oidc.register(replace(ROLES, use=Use.BOTH, logon_name_key="oidc:claim/email"))
    oidc.roles("reader")
    oidc.op.claims = {"roles": "reader", "email": email}
    browser = oidc.browser()
    assert oidc.sign_in(browser).status_code == 303
    assert kind in browser.get("/session").text


def test_callback__new_person_where_users_are_made__is_one(oidc: OidcSite) -> None:
    oidc.register(replace(BY_EMAIL, creates_users=True))
    oidc.op.claims = {"email": "carol@acme.onaliyun.com", "sub": "77"}
    browser = oidc.browser()
    assert oidc.sign_in(browser).status_code == 303
    assert f"acs:ram::{oidc.account_id}:user/carol" in browser.get("/session").text


def test_callback__pushed_request__hides_what_was_asked(oidc: OidcSite) -> None:
    oidc.register()
    oidc.op.document = {"pushed_authorization_request_endpoint": f"{oidc.op.issuer}/par"}
    browser = oidc.browser()
    url = oidc.begin(browser, login_hint="alice@acme.onaliyun.com")
    assert "request_uri=" in url
    assert "login_hint" not in url
    pushed = dict(oidc.op.calls)["/par"]
    assert pushed["login_hint"] == "alice@acme.onaliyun.com"
    assert oidc.come_back(browser, oidc.op.authorize(url)).status_code == 303


@pytest.mark.parametrize("method", ClientMethod)
def test_callback__each_way_to_prove_the_client__signs_in(oidc: OidcSite, method: ClientMethod) -> None:
    oidc.register(method=method)
    browser = oidc.browser()
    oidc.op.client_keys = lambda: oidc.browser().get(f"/oidc/jwks/{oidc.account_id}/corp").json
    assert oidc.sign_in(browser).status_code == 303


def test_jwks__client_with_a_key__is_its_public_half_and_nothing_more(oidc: OidcSite) -> None:
    oidc.register(method=ClientMethod.PRIVATE_KEY)
    answer = oidc.browser().get(f"/oidc/jwks/{oidc.account_id}/corp")
    assert answer.json is not None
    (key,) = answer.json["keys"]
    assert set(key) == {"kty", "crv", "x", "y", "kid", "alg", "use"}
    assert answer.headers["Cache-Control"] == "public, max-age=300"


def test_jwks__client_without_a_key__looks_like_a_provider_that_is_not_there(oidc: OidcSite) -> None:
    oidc.register()
    path = f"/oidc/jwks/{oidc.account_id}"
    assert reason_of(oidc.browser().get(f"{path}/corp")) == Reason.NOT_FOUND
    assert reason_of(oidc.browser().get(f"{path}/ghost")) == Reason.NOT_FOUND


def test_callback__user_information__is_read_too(oidc: OidcSite) -> None:
    oidc.register(replace(ROLES), wish=SignInWish(reads_user_info=True))
    oidc.roles("reader")
    oidc.op.user_info = {"roles": ["reader"]}
    assert oidc.sign_in(oidc.browser()).status_code == 303
    assert oidc.op.paths()[-1] == "/userinfo"


def test_start__every_wish__is_asked_of_the_provider(oidc: OidcSite) -> None:
    oidc.register(wish=SignInWish(("openid", "groups"), ("gold",), ("login",), 300))
    url = oidc.begin(oidc.browser(), login_hint="alice")
    for part in (
        "tenant=1",
        "scope=openid+groups",
        "acr_values=gold",
        "prompt=login",
        "max_age=300",
        "login_hint=alice",
    ):
        assert part in url
    assert "code_challenge_method=S256" in url


def test_sign_in_page__provider_for_the_browser__has_a_button_that_knows_what_was_typed(oidc: OidcSite) -> None:
    oidc.register()
    oidc.register(LoginSettings(), name="for-workloads", op=oidc.other())
    browser = oidc.browser()
    there = browser.get("/login.htm?account=alice@acme.onaliyun.com&callback=/security")
    page = browser.get(there.headers["Location"]).text
    assert (
        f'href="/oidc/start/{oidc.account_id}/corp?callback=%2Fsecurity&amp;login_hint=alice%40acme.onaliyun.com"'
        in page
    )
    assert 'name="user" value="alice@acme.onaliyun.com"' in page
    assert "for-workloads" not in page


def test_sign_in_page__user_sso_on__offers_both(oidc: OidcSite) -> None:
    """User SSO turns passwords off, and nothing else: a company may move from one provider to another."""
    oidc.register()
    oidc.site.user_sso()
    page = oidc.browser().get("/acme/login.htm").text
    assert "Continue with company sign-in" in page
    assert "Continue with corp" in page
    assert "Password</label>" not in page
    assert oidc.sign_in(oidc.browser()).status_code == 303


def test_session_page__groups_that_the_login_said__are_where_rights_come_from(oidc: OidcSite) -> None:
    oidc.register(replace(BY_EMAIL, groups_key="oidc:claim/groups"))
    with oidc.site.services.store.transaction() as session:
        readers = create_group(session, oidc.account_id, "readers", now=NOON)
        attach_policy(session, oidc.account_id, "System", "ReadOnlyAccess", readers, NOON)
    oidc.op.claims = {"groups": ["readers", "ghosts"]}
    browser = oidc.browser()
    oidc.sign_in(browser)
    assert "through group readers" in browser.get("/session").text
    assert "Yes." in browser.get("/session?action=ram:ListUsers").text
    oidc.op.claims = {"groups": []}
    oidc.sign_in(browser)
    assert "No policy is attached" in browser.get("/session").text
