"""Setting OpenID Providers up in the console: discovery is shown before it is trusted, secrets are never shown again."""

from typing import Any

import pytest
from sqlalchemy import select
from werkzeug.test import TestResponse

from gateway.audit.receipts import list_receipts
from gateway.directory.attachments import attach_policy
from gateway.directory.groups import create_group
from gateway.directory.identity_links import find_linked_user
from gateway.directory.oidc_providers import find_oidc_provider, get_oidc_provider
from gateway.directory.oidc_sign_in import OidcSignInRow, find_oidc_sign_in
from gateway.directory.policies import create_policy
from gateway.directory.users import get_user
from gateway.errors import Reason
from gateway.federation.registered import get_registered
from gateway.identity import Protocol
from gateway.keyring import KeyRing, new_master_key
from tests.fake_clock import NOON
from tests.openid_provider import SECRET
from tests.unit.web.oidc_site import BY_EMAIL, LocalBrowser, OidcSite
from tests.unit.web.site import reason_of

CLIENT = {
    "client_id": "ramgate-web",
    "method": "client_secret_basic",
    "client_secret": SECRET,
    "scopes": "openid email",
    "acr_values": "gold, silver",
    "prompt": "login",
    "max_age_s": "300",
    "reads_user_info": "yes",
}
LOGIN = {
    "use": "both",
    "logon_name_key": "email",
    "login_with_domain": "yes",
    "roles_key": "roles",
    "groups_key": "groups",
    "session_name": "${oidc:claim/email}",
    "creates_users": "yes",
    "new_user_group": "newcomers",
    "new_user_days": "7",
    "second_factors": "gold\nmfa",
}


def post(browser: LocalBrowser, path: str, **fields: Any) -> TestResponse:
    return browser.post(path, data={"csrf_token": browser.csrf("/admin/oidc/new"), **fields})


def new(oidc: OidcSite, **changes: Any) -> dict[str, Any]:
    return {
        "name": "corp",
        "issuer_url": oidc.op.issuer,
        "client_ids": "sts one-more",
        "fingerprints": "",
        "issuance_limit_h": "12",
        "description": "Acme's <sign-in>",
        **changes,
    }


def test_preview__provider__shows_what_was_found_and_what_is_missing(oidc: OidcSite) -> None:
    page = post(oidc.signed_in(oidc.site.owner), "/admin/oidc/new/preview", **new(oidc))
    assert page.status_code == 200
    for text in (f"{oidc.op.issuer}/authorize", "S256", "private_key_jwt", "what is asked travels through the browser"):
        assert text in page.text
    assert 'name="client_ids" value="sts,one-more"' in page.text
    with oidc.site.services.store.reading() as session:
        assert find_oidc_provider(session, oidc.account_id, "corp") is None


def test_preview__provider_without_sign_in__says_so(oidc: OidcSite) -> None:
    oidc.op.document = {"authorization_endpoint": None, "code_challenge_methods_supported": ["plain"]}
    page = post(oidc.signed_in(oidc.site.owner), "/admin/oidc/new/preview", **new(oidc)).text
    assert "for the exchange of tokens only" in page
    assert "it does not do S256" in page


def test_preview__provider_that_is_down__can_be_registered_all_the_same(oidc: OidcSite) -> None:
    oidc.op.answers = {"/.well-known/openid-configuration": lambda: (500, {})}
    page = post(oidc.signed_in(oidc.site.owner), "/admin/oidc/new/preview", **new(oidc))
    assert Reason.OIDC_UNAVAILABLE in page.text
    assert "Register it all the same" in page.text


@pytest.mark.parametrize("issuer", ["http://idp.example.com", "https://idp.example.com?x", "ftp://x", "https://a@b"])
def test_preview__unusable_issuer__keeps_the_form_and_asks_nobody(oidc: OidcSite, issuer: str) -> None:
    page = post(oidc.signed_in(oidc.site.owner), "/admin/oidc/new/preview", **new(oidc, issuer_url=issuer))
    assert page.status_code == 400
    assert f'value="{issuer}"' in page.text
    assert 'role="alert"' in page.text


def test_discovery__wrong_fingerprint__is_pointed_out(oidc: OidcSite) -> None:
    oidc.register(fingerprints=("ab" * 20,))
    page = oidc.signed_in(oidc.site.owner).get("/admin/oidc/corp/discovery")
    assert Reason.OIDC_FINGERPRINT in page.text
    assert f"{oidc.op.issuer}/authorize" in page.text


def test_create__confirmed__is_saved_with_a_receipt(oidc: OidcSite) -> None:
    browser = oidc.signed_in(oidc.site.owner)
    assert post(browser, "/admin/oidc/new", **new(oidc)).headers["Location"] == "/admin/oidc/corp"
    with oidc.site.services.store.reading() as session:
        found = get_oidc_provider(session, oidc.account_id, "corp")
        receipts = [receipt.kind for receipt in list_receipts(session, account_id=oidc.account_id)]
    assert (found.client_ids, found.issuance_limit_h) == (("sts", "one-more"), 12)
    assert "CreateOIDCProvider" in receipts
    listed = browser.get("/admin/oidc").text
    assert "Acme&#39;s &lt;sign-in&gt;" in listed


def test_settings__lists__are_replaced(oidc: OidcSite) -> None:
    oidc.register(fingerprints=("aa" * 20, "bb" * 20))
    browser = oidc.signed_in(oidc.site.owner)
    sent = {
        "client_ids": "x y",
        "fingerprints": "BB" * 20 + "\n" + "cc" * 20,
        "issuance_limit_h": "24",
        "description": "d",
    }
    assert post(browser, "/admin/oidc/corp/settings", **sent).status_code == 303
    with oidc.site.services.store.reading() as session:
        found = get_oidc_provider(session, oidc.account_id, "corp")
    assert found.client_ids == ("x", "y")
    assert found.fingerprints == ("bb" * 20, "cc" * 20)
    assert (found.issuance_limit_h, found.description) == (24, "d")


def test_sign_in__client__is_saved_and_its_secret_never_shown(oidc: OidcSite) -> None:
    browser = oidc.signed_in(oidc.site.owner)
    post(browser, "/admin/oidc/new", **new(oidc))
    assert post(browser, "/admin/oidc/corp/sign-in", **CLIENT).status_code == 303
    page = browser.get("/admin/oidc/corp").text
    assert SECRET not in page
    assert f"http://127.0.0.1:8080/oidc/callback/{oidc.account_id}/corp" in page
    assert post(browser, "/admin/oidc/corp/sign-in", **{**CLIENT, "client_secret": ""}).status_code == 303
    services = oidc.site.services
    with services.store.reading() as session:
        found = find_oidc_sign_in(session, services.ring, get_oidc_provider(session, oidc.account_id, "corp"))
    assert found is not None
    assert found.client.secret is not None
    assert found.client.secret.reveal() == SECRET
    assert found.wish.acr_values == ("gold", "silver")
    assert (found.wish.max_age_s, found.wish.reads_user_info) == (300, True)


def test_sign_in__key__is_made_and_published(oidc: OidcSite) -> None:
    browser = oidc.signed_in(oidc.site.owner)
    post(browser, "/admin/oidc/new", **new(oidc))
    post(browser, "/admin/oidc/corp/sign-in", **{**CLIENT, "method": "private_key_jwt", "client_secret": ""})
    assert f"/oidc/jwks/{oidc.account_id}/corp" in browser.get("/admin/oidc/corp").text


def test_login__settings__are_saved(oidc: OidcSite) -> None:
    oidc.register()
    with oidc.site.services.store.transaction() as session:
        create_group(session, oidc.account_id, "newcomers", now=NOON)
    browser = oidc.signed_in(oidc.site.owner)
    assert post(browser, "/admin/oidc/corp/login", **LOGIN).status_code == 303
    with oidc.site.services.store.reading() as session:
        settings = get_registered(session, oidc.account_id, Protocol.OIDC, "corp").settings
    assert (settings.use, settings.logon_name_key, settings.roles_key) == (
        "both",
        "oidc:claim/email",
        "oidc:claim/roles",
    )
    assert (settings.new_user_group, settings.new_user_days) == ("newcomers", 7)
    assert settings.second_factors == ("gold", "mfa")
    page = browser.get("/admin/oidc/corp").text
    assert 'name="logon_name_key" value="email"' in page


BAD: dict[str, tuple[Reason, dict[str, str]]] = {
    "template": (Reason.PARAMETER_INVALID, {"session_name": "a b"}),
    "use": (Reason.PARAMETER_INVALID, {"use": "everybody"}),
    "no logon name": (Reason.PARAMETER_INVALID, {"logon_name_key": ""}),
    "a password as second factor": (Reason.PARAMETER_INVALID, {"second_factors": "pwd"}),
    "unknown group": (Reason.NOT_FOUND, {"new_user_group": "ghosts"}),
    "days": (Reason.PARAMETER_INVALID, {"new_user_group": "", "new_user_days": "many"}),
}


@pytest.mark.parametrize(("reason", "changes"), BAD.values(), ids=BAD)
def test_login__bad_settings__are_refused_and_nothing_changes(
    oidc: OidcSite, reason: Reason, changes: dict[str, str]
) -> None:
    oidc.register()
    with oidc.site.services.store.transaction() as session:
        create_group(session, oidc.account_id, "newcomers", now=NOON)
    answer = post(oidc.signed_in(oidc.site.owner), "/admin/oidc/corp/login", **{**LOGIN, **changes})
    assert reason_of(answer) == reason
    with oidc.site.services.store.reading() as session:
        assert get_registered(session, oidc.account_id, Protocol.OIDC, "corp").settings == BY_EMAIL


def test_login__who_is_which_user__needs_the_right_of_user_sso_too(oidc: OidcSite) -> None:
    """Or whoever may change a provider could become any user of the account."""
    oidc.register()
    document = '{"Version":"1","Statement":[{"Effect":"Allow","Action":"ram:*OIDCProvider*","Resource":"*"}]}'
    with oidc.site.services.store.transaction() as session:
        create_policy(session, oidc.account_id, "oidc", document, now=NOON)
        alice = get_user(session, oidc.account_id, "alice")
        attach_policy(session, oidc.account_id, "Custom", "oidc", alice, NOON)
    browser = oidc.signed_in(oidc.site.alice)
    assert browser.get("/admin/oidc/corp").status_code == 200
    assert reason_of(post(browser, "/admin/oidc/corp/login", **{**LOGIN, "new_user_group": ""})) == Reason.ACCESS_DENIED


def test_pages__user_without_rights__are_refused(oidc: OidcSite) -> None:
    oidc.register()
    browser = oidc.signed_in(oidc.site.alice)
    for path in ("", "/new", "/corp", "/corp/discovery", "/corp/links", "/corp/rules"):
        assert browser.get(f"/admin/oidc{path}").status_code == 403
    token = browser.csrf("/session")
    for path in (
        "/new",
        "/corp/settings",
        "/corp/sign-in",
        "/corp/sign-in/delete",
        "/corp/delete",
        "/corp/links/unlink",
    ):
        form = {"csrf_token": token, **new(oidc, name="other"), **CLIENT, "user": "1"}
        assert reason_of(browser.post(f"/admin/oidc{path}", data=form)) == Reason.ACCESS_DENIED


def test_links__user_who_signed_in__can_be_unlinked(oidc: OidcSite) -> None:
    key = oidc.register()
    assert oidc.sign_in(oidc.browser()).status_code == 303
    browser = oidc.signed_in(oidc.site.owner)
    assert "alice" in browser.get("/admin/oidc/corp/links").text
    assert post(browser, "/admin/oidc/corp/links/unlink", user=oidc.site.user_id).status_code == 303
    with oidc.site.services.store.reading() as session:
        assert find_linked_user(session, key, oidc.account_id, str(oidc.op.person["sub"])) is None


def test_links__user_of_nobody__is_not_found(oidc: OidcSite) -> None:
    oidc.register()
    answer = post(oidc.signed_in(oidc.site.owner), "/admin/oidc/corp/links/unlink", user="123")
    assert reason_of(answer) == Reason.NOT_FOUND


def test_sign_in_delete__client__nobody_can_begin_any_more(oidc: OidcSite) -> None:
    oidc.register()
    assert post(oidc.signed_in(oidc.site.owner), "/admin/oidc/corp/sign-in/delete").status_code == 303
    assert reason_of(oidc.browser().get("/oidc/start/acme/corp")) == Reason.SSO_DISABLED


def test_delete__provider__is_gone_with_its_sessions(oidc: OidcSite) -> None:
    oidc.register()
    person = oidc.browser()
    oidc.sign_in(person)
    browser = oidc.signed_in(oidc.site.owner)
    oidc.site.clock.advance(1)
    assert post(browser, "/admin/oidc/corp/delete").headers["Location"] == "/admin/oidc"
    assert person.get("/session").status_code == 303
    assert browser.get("/admin/oidc/corp").status_code == 404


def test_detail__secret_under_a_key_that_is_gone__says_so_and_takes_a_new_one(oidc: OidcSite) -> None:
    oidc.register()
    with oidc.site.services.store.transaction() as session:
        row = session.scalars(select(OidcSignInRow)).one()
        row.sealed = KeyRing((new_master_key(),)).seal("oidc-client", b"old", bound_to=b"x")
    browser = oidc.signed_in(oidc.site.owner)
    assert "does not have any more" in browser.get("/admin/oidc/corp").text
    assert post(browser, "/admin/oidc/corp/sign-in", **CLIENT).status_code == 303
    assert "does not have any more" not in browser.get("/admin/oidc/corp").text
