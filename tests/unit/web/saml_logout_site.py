"""People who came to a site through a SAML provider that offers single logout, and what that provider sends."""

import re
import zlib
from base64 import b64decode
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

from lxml import etree
from werkzeug.test import TestResponse

from gateway.directory.saml_providers import update_saml_provider
from gateway.directory.user_sso import set_user_sso
from tests.saml_factory import PERSISTENT, SigningKey, signing_key
from tests.saml_logout_factory import LOGOUT_URL, Logout, form_of, query_of
from tests.unit.web.site import BASE, Browser, Site, idp_metadata, role_spec, signed

REDIRECT = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"
POST = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"
THERE, ANSWERS = "https://idp.example.com/slo", "https://idp.example.com/slo/done"
NAME_ID = f'<saml:NameID Format="{PERSISTENT}" NameQualifier="idp" SPNameQualifier="sp">alice@example.com</saml:NameID>'


def with_logout(metadata: bytes, *bindings: str) -> bytes:
    services = "".join(
        f'<md:SingleLogoutService Binding="{binding}" Location="{THERE}" ResponseLocation="{ANSWERS}"/>'
        for binding in bindings
    )
    return metadata.replace(b"<md:SingleSignOnService", services.encode() + b"<md:SingleSignOnService", 1)


def role_site(site: Site, *bindings: str) -> tuple[str, ...]:
    """A role `reader` for alice; gives the values of the Role attribute."""
    values = site.roles("reader")
    with site.services.store.transaction() as session:
        metadata = with_logout(idp_metadata(), *(bindings or (REDIRECT,)))
        update_saml_provider(session, site.account_id, "corp", metadata_xml=metadata, now=site.clock.now())
    return values


def user_site(site: Site, *bindings: str, idp_initiated: bool = True) -> None:
    with site.services.store.transaction() as session:
        set_user_sso(
            session,
            site.account_id,
            enabled=True,
            metadata_xml=with_logout(idp_metadata(), *(bindings or (REDIRECT,))),
            idp_initiated=idp_initiated,
            now=site.clock.now(),
        )


def role_login(
    site: Site, values: tuple[str, ...], number: int = 1, *, index: str | None = "one", **changes: Any
) -> Browser:
    """A browser in which alice took her role; each login has a number of its own."""
    browser = site.browser()
    authn = 'AuthnInstant="2026-03-04T11:59:30Z"' + (f' SessionIndex="{index}"' if index is not None else "")
    spec = replace(
        role_spec(*values),
        response_id=f"_response{number}",
        assertion_id=f"_assertion{number}",
        name_id=NAME_ID,
        authn_attributes=authn,
    )
    answer = browser.post("/saml-role/sso", data={"SAMLResponse": signed(replace(spec, **changes))})
    assert answer.status_code == 303, answer.text
    return browser


def user_login(site: Site, number: int = 1, index: str = "one") -> Browser:
    browser = site.browser()
    spec = site.user_spec(
        assertion_id=f"_assertion{number}",
        authn_attributes=f'AuthnInstant="2026-03-04T11:59:30Z" SessionIndex="{index}"',
    )
    answer = browser.post("/saml/SSO", data={"SAMLResponse": signed(spec)})
    assert answer.status_code == 303, answer.text
    return browser


def tell(
    browser: Browser,
    logout: Logout,
    key: SigningKey | None = None,
    *,
    post: bool = False,
    path: str = urlsplit(LOGOUT_URL).path,
    relay_state: str | None = None,
) -> TestResponse:
    """What the provider sends through this browser."""
    key = key or signing_key("idp")
    if post:
        return browser.post(path, data=form_of(logout, key, relay_state=relay_state))
    return browser.get(f"{path}?{query_of(logout, key, relay_state=relay_state)}")


def wants(name_id: str = NAME_ID, *indexes: str, **changes: Any) -> Logout:
    return Logout(name_id=name_id, session_indexes=indexes, **changes)


def is_in(browser: Browser) -> bool:
    return browser.get("/session").status_code == 200


def sign_out(browser: Browser) -> str:
    """Sign out here; gives the page that comes then."""
    return browser.post("/logout", data={"csrf_token": browser.csrf("/session")}).headers["Location"]


def sent(answer: TestResponse, name: str = "SAMLRequest") -> Any:
    """The tree of the message that a redirect or a form leads on with."""
    if answer.status_code == 303:
        (encoded,) = parse_qs(urlsplit(answer.headers["Location"]).query)[name]
        return etree.fromstring(zlib.decompress(b64decode(encoded), -15))
    found = re.search(rf'name="{name}" value="([^"]+)"', answer.text)
    assert found, answer.text[:2000]
    return etree.fromstring(b64decode(found[1]))


def user_logout_path(site: Site) -> str:
    return f"/{site.account_id}/saml/logout"


def user_logout_url(site: Site) -> str:
    return BASE + user_logout_path(site)
