"""Mapping rules in the console, for SAML and for OpenID Connect."""

from typing import Any

import pytest
from werkzeug.test import TestResponse

from gateway.directory.mapping_rules import list_rules
from gateway.directory.provider_keys import user_sso_key
from gateway.directory.provider_logins import get_login_settings
from gateway.errors import Reason
from gateway.federation.registered import get_registered
from gateway.federation.vouching import SAML_DEFAULT
from gateway.identity import Protocol
from tests.unit.web.oidc_site import LocalBrowser, OidcSite
from tests.unit.web.site import Site, reason_of

ADMINS = '{"StringEquals": {"oidc:claim/groups": ["admins"]}}'


def post(browser: LocalBrowser, path: str, **fields: Any) -> TestResponse:
    return browser.post(path, data={"csrf_token": browser.csrf("/session"), **fields})


def rule(oidc: OidcSite, **changes: str) -> dict[str, str]:
    return {
        "rule": "admins",
        "condition": ADMINS,
        "roles": f"acs:ram::{oidc.account_id}:role/reader",
        "session_name": "${oidc:sub}",
        "max_duration_s": "",
        **changes,
    }


def names(oidc: OidcSite, key: str) -> list[str]:
    with oidc.site.services.store.reading() as session:
        return [row.name for row in list_rules(session, key)]


def test_rules__added_moved_changed_and_deleted(oidc: OidcSite) -> None:
    key = oidc.register()
    browser = oidc.signed_in(oidc.site.owner)
    for name in ("one", "two", "three"):
        assert post(browser, "/admin/oidc/corp/rules", **rule(oidc, rule=name)).status_code == 303
    assert post(browser, "/admin/oidc/corp/rule/three/move", place="1").status_code == 303
    assert names(oidc, key) == ["three", "one", "two"]
    assert post(browser, "/admin/oidc/corp/rule/three/move", place="2").status_code == 303
    assert names(oidc, key) == ["one", "three", "two"]
    page = browser.get("/admin/oidc/corp/rule/one").text
    assert "oidc:claim/groups" in page
    changed = rule(oidc, condition="{}", max_duration_s="900")
    assert post(browser, "/admin/oidc/corp/rule/one", **changed).status_code == 303
    assert "900 s at most" in browser.get("/admin/oidc/corp/rules").text
    assert post(browser, "/admin/oidc/corp/rule/one/delete").status_code == 303
    assert names(oidc, key) == ["three", "two"]


BAD: dict[str, dict[str, str]] = {
    "condition": {"condition": '{"StringEquals": 1}'},
    "no JSON": {"condition": "groups = admins"},
    "roles": {"roles": "reader"},
    "no session name": {"session_name": ""},
    "template": {"session_name": "${sub}"},
    "duration": {"max_duration_s": "1"},
    "name": {"rule": "a b"},
}


@pytest.mark.parametrize("changes", BAD.values(), ids=BAD)
def test_add__bad_rule__keeps_the_form_and_says_why(oidc: OidcSite, changes: dict[str, str]) -> None:
    key = oidc.register()
    answer = post(oidc.signed_in(oidc.site.owner), "/admin/oidc/corp/rules", **rule(oidc, **changes))
    assert answer.status_code == 400
    assert 'role="alert"' in answer.text
    assert names(oidc, key) == []


def test_change__bad_rule__keeps_the_form_and_changes_nothing(oidc: OidcSite) -> None:
    oidc.register()
    browser = oidc.signed_in(oidc.site.owner)
    post(browser, "/admin/oidc/corp/rules", **rule(oidc))
    answer = post(browser, "/admin/oidc/corp/rule/admins", **rule(oidc, condition="no"))
    assert answer.status_code == 400
    assert ">no</textarea>" in answer.text
    assert "oidc:claim/groups" in browser.get("/admin/oidc/corp/rule/admins").text


def test_add__same_name__is_refused(oidc: OidcSite) -> None:
    oidc.register()
    browser = oidc.signed_in(oidc.site.owner)
    post(browser, "/admin/oidc/corp/rules", **rule(oidc))
    assert reason_of(post(browser, "/admin/oidc/corp/rules", **rule(oidc))) == Reason.ALREADY_EXISTS


def test_trial__claims__tell_which_rules_are_met_and_why_the_others_are_not(oidc: OidcSite) -> None:
    oidc.register()
    browser = oidc.signed_in(oidc.site.owner)
    post(browser, "/admin/oidc/corp/rules", **rule(oidc))
    everybody = rule(oidc, rule="everybody", condition="{}", session_name="${oidc:claim/email}")
    post(browser, "/admin/oidc/corp/rules", **everybody)
    claims = '{"sub": "77", "groups": ["Admins"], "email": "a@example.com"}'
    page = post(browser, "/admin/oidc/corp/rules-trial", claims=claims)
    assert page.status_code == 200
    assert "<strong>everybody</strong> as <code>a@example.com</code>" in page.text
    assert "not met</span> <strong>admins</strong>" in page.text
    assert "case" in page.text


@pytest.mark.parametrize("claims", ["", "[]", "{", '{"a": 1, "a": 2}', '{"a":' * 50, '{"a": "\\ud800"}'])
def test_trial__no_claims__says_so(oidc: OidcSite, claims: str) -> None:
    oidc.register()
    page = post(oidc.signed_in(oidc.site.owner), "/admin/oidc/corp/rules-trial", claims=claims)
    assert page.status_code == 400
    assert 'role="alert"' in page.text


def test_rules__of_a_saml_provider__are_tried_with_attributes(oidc: OidcSite) -> None:
    oidc.site.roles("reader")
    browser = oidc.signed_in(oidc.site.owner)
    saml = rule(oidc, condition='{"StringEquals": {"saml:attribute/groups": ["admins"]}}', session_name="${saml:sub}")
    assert post(browser, "/admin/providers/corp/rules", **saml).status_code == 303
    page = post(browser, "/admin/providers/corp/rules-trial", claims='{"NameID": "alice", "groups": ["admins"]}')
    assert "<strong>admins</strong> as <code>alice</code>" in page.text
    assert "urn:ramgate:saml:rules-of" in page.text


def test_second_factor__of_saml__is_kept_per_provider(oidc: OidcSite) -> None:
    oidc.site.roles("reader")
    oidc.site.user_sso()
    site: Site = oidc.site
    browser = oidc.signed_in(site.owner)
    assert post(browser, "/admin/providers/corp/second-factor", second_factors="urn:mfa").status_code == 303
    assert post(browser, "/admin/user-sso/second-factor", second_factors="urn:otp urn:mfa").status_code == 303
    with site.services.store.reading() as session:
        provider = get_registered(session, site.account_id, Protocol.SAML, "corp")
        user_sso = get_login_settings(session, user_sso_key(site.account_id), SAML_DEFAULT)
    assert provider.settings.second_factors == ("urn:mfa",)
    assert user_sso.second_factors == ("urn:otp", "urn:mfa")
    assert "urn:mfa" in browser.get("/admin/providers/corp").text
    assert "urn:otp" in browser.get("/admin/user-sso").text
