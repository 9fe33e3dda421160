"""Every address that the gateway has, asked by a stranger, by an employee without rights, and with odd texts."""

import re
from collections.abc import Iterator
from urllib.parse import quote

import pytest
from werkzeug.routing import Rule

from tests.unit.web.site import Browser, Site, reason_of

# What others send browsers or messages to: a signature, a state or a secret stands in for the form token.
UNSIGNED = frozenset({"sso", "oidc_logout", "forward_auth", "app_pages", "saml_logout", "api", "static"})
ODD = ("x", "%00", "%ED%A0%80", "\U0001f600", "..%2f..", "a" * 3000, "-1", "9" * 40, "saml:99999999999999999999")


def rules(site: Site, method: str) -> Iterator[Rule]:
    for rule in site.app.url_map.iter_rules():
        if method in (rule.methods or ()) and rule.endpoint != "static":
            yield rule


def path_of(rule: Rule, text: str) -> str:
    """The address with this text for each of its arguments, and the first of those that an argument may only be."""
    value = text if "%" in text else quote(text, safe="")

    def fill(found: re.Match[str]) -> str:
        return value if found[1] is None else str(found[1])

    filled: str = re.sub(r'<(?:any\("([^"]+)"[^>]*|[^>]*)>', fill, rule.rule)
    return filled


def blueprint(rule: Rule) -> str:
    return str(rule.endpoint).partition(".")[0]


def test_administration__employee_without_rights__is_refused_everywhere(site: Site) -> None:
    site.roles("dev")
    browser = site.signed_in(site.alice)
    token = browser.csrf("/session")
    asked = 0
    for rule in rules(site, "GET"):
        if rule.rule.startswith("/admin/"):
            answer = browser.get(path_of(rule, "corp"))
            asked += 1
            assert reason_of(answer) in {"AccessDenied", "NotFound"}, str(rule)
    refused = []
    for rule in rules(site, "POST"):
        if rule.rule.startswith("/admin/"):
            refused.append(
                reason_of(browser.post(path_of(rule, "corp"), data={"csrf_token": token, **every_field(rule)}))
            )
            assert refused[-1] in {"AccessDenied", "NotFound", "ParameterMissing", "ParameterInvalid"}, str(rule)
    assert asked > 25
    assert sum(reason in {"AccessDenied", "NotFound"} for reason in refused) > 40


def every_field(rule: Rule) -> dict[str, str]:
    """Good enough for the readers of all forms, so that what comes after them is asked."""
    return {
        "name": "corp",
        "sign_algo": "rsa-sha256",
        "text": "x",
        "url": "",
        "kind": "aggregate" if "federation" in rule.rule else "user",
        "value": "alice",
        "days": "90",
        "comparison": "exact",
        "binding": "post",
        "entity_id": "https://idp.example.com/",
        "SAMLResponse": "x",
        "metadata": "eA==",
    }


def test_every_form__without_a_form_token__is_refused(site: Site) -> None:
    site.roles("dev")
    browser, asked = site.signed_in(site.owner), 0
    browser.get("/session")
    for rule in rules(site, "POST"):
        if blueprint(rule) in UNSIGNED:
            continue
        answer = browser.post(path_of(rule, "corp"), data=every_field(rule))
        asked += 1
        assert reason_of(answer) == "CsrfTokenInvalid", str(rule)
    assert asked > 50


@pytest.mark.parametrize("who", ["stranger", "owner"])
def test_every_address__odd_texts__never_breaks_the_gateway(site: Site, who: str) -> None:
    site.roles("dev")
    browser: Browser = site.browser() if who == "stranger" else site.signed_in(site.owner)
    for rule in rules(site, "GET"):
        for text in ODD if rule.arguments else ("x",):
            for query in ("", "?after=%F0%9F%98%80%ED%A0%80&find=%27&q=%FF&role=x&key=1&state=%ff&SAMLart=%00x"):
                answer = browser.get(path_of(rule, text) + query)
                assert answer.status_code < 500 or answer.status_code == 502, f"{rule} {text[:20]} {query}"
