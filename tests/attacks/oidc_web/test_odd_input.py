"""Odd addresses and fields: refused with a reason, never an error of ours, and never a way to another site."""

from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.attacks.oidc_web.stored import everything
from tests.unit.web.oidc_site import OidcSite

NAMES = (
    "%00",
    "%ED%A0%80",
    "%FF",
    "x" * 5000,
    "..",
    "%2e%2e",
    "%5Cevil.example",
    "a%0d%0aSet-Cookie:x",
    "%F0%9F%98%80",
    "corp%20",
)
PAGES = ("start", "callback", "jwks", "signed-out", "logout")


@pytest.mark.parametrize("name", NAMES)
def test_addresses__odd_names__are_refused(oidc: OidcSite, name: str) -> None:
    oidc.register()
    before = everything(oidc.site.services.store)
    browser = oidc.browser()
    for page in PAGES:
        for path in (f"/oidc/{page}/{name}/corp", f"/oidc/{page}/{oidc.account_id}/{name}"):
            answer = browser.get(path + "?state=s&code=c")
            assert 300 <= answer.status_code < 500, path
            location = answer.headers.get("Location", "")
            assert urlsplit(location).netloc in {"", urlsplit(oidc.op.issuer).netloc, "127.0.0.1:8080"}, location
            assert "\r" not in location
        told = browser.post(f"/oidc/backchannel-logout/{oidc.account_id}/{name}", data={"logout_token": "x"})
        assert told.status_code in {308, 400, 404}
    assert everything(oidc.site.services.store) == before


@pytest.mark.parametrize("hint", ["\x00", "a\r\nb", "\ud800", "x" * 400, "<script>", "a&state=evil", "ü@example.com"])
def test_start__odd_hint__changes_nothing_else_of_the_request(oidc: OidcSite, hint: str) -> None:
    oidc.register()
    answer = oidc.browser().get(
        "/oidc/start/acme/corp", query_string={"login_hint": hint.encode("utf-8", "surrogatepass")}
    )
    assert answer.status_code in {303, 400}
    location = answer.headers.get("Location", "")
    assert "state=evil" not in location.replace("%26state%3Devil", "")
    assert location.count("state=") <= 1


TEXTS = ("\x00", "\ud800", "\r\nx", "😀", "x" * 20_000, "{{7777*7777}}", "' OR 1=1 --", "-1", "1e9", "９")
FORMS: dict[str, dict[str, Any]] = {
    "/admin/oidc/new/preview": {"name": "n", "issuer_url": "https://127.0.0.1:1", "issuance_limit_h": "1"},
    "/admin/oidc/new": {"name": "n", "issuer_url": "https://x.example", "issuance_limit_h": "1", "client_ids": "a"},
    "/admin/oidc/corp/settings": {"client_ids": "a", "fingerprints": "aa", "issuance_limit_h": "1", "description": "d"},
    "/admin/oidc/corp/sign-in": {"client_id": "c", "method": "client_secret_basic", "client_secret": "s", "scopes": "a", "acr_values": "b", "prompt": "login", "max_age_s": "1"},
    "/admin/oidc/corp/login": {"use": "role", "logon_name_key": "a", "roles_key": "r", "groups_key": "g", "session_name": "abc", "new_user_group": "", "new_user_days": "1", "second_factors": "m"},
    "/admin/oidc/corp/rules": {"rule": "a", "condition": "{}", "roles": "x", "session_name": "abc", "max_duration_s": "900"},
    "/admin/oidc/corp/rules-trial": {"claims": "{}"},
    "/admin/oidc/corp/links/unlink": {"user": "1"},
}  # fmt: skip


@pytest.mark.parametrize("path", FORMS)
def test_forms__odd_text_in_each_field__are_no_error_of_ours(oidc: OidcSite, path: str) -> None:
    oidc.register()
    browser = oidc.signed_in(oidc.site.owner)
    token = browser.csrf("/session")
    for name in FORMS[path]:
        for text in TEXTS:
            sent = {"csrf_token": token, **FORMS[path], name: text.encode("utf-8", "surrogatepass")}
            answer = browser.post(path, data=sent)
            assert answer.status_code < 500, (name, text)
            assert "60481729" not in answer.text
