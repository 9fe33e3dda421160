"""The login of a gateway on https, at a provider with a certificate: cookies, authorities, fingerprints."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from gateway.errors import Reason
from tests.databases import SqliteFiles
from tests.local_servers import Authority
from tests.openid_provider import OpenIdProvider
from tests.unit.web.oidc_site import OidcSite
from tests.unit.web.site import make_site, reason_of


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def secure(sqlite_files: SqliteFiles, certs_dir: Path, authority: Authority) -> Iterator[OidcSite]:
    made = make_site(
        sqlite_files.migrated(),
        certs_dir,
        outbound_networks=("127.0.0.0/8",),
        outbound_ca_file=str(authority.ca_file),
    )
    with ExitStack() as close:
        op = close.enter_context(OpenIdProvider(made.clock, context=authority.server_context("127.0.0.1")))
        yield OidcSite(made, op, close)
    made.services.store.dispose()


@pytest.mark.parametrize("which", ["root", "middle", "none"])
def test_callback__fingerprint_of_an_authority__signs_in(secure: OidcSite, authority: Authority, which: str) -> None:
    prints = {"root": (authority.root_thumbprint.upper(),), "middle": (authority.middle_thumbprint,), "none": ()}
    secure.register(fingerprints=prints[which])
    browser = secure.browser()
    assert secure.sign_in(browser).status_code == 303
    assert browser.session()


def test_start__other_fingerprint__is_refused(secure: OidcSite) -> None:
    secure.register(fingerprints=("ab" * 20,))
    assert reason_of(secure.browser().get("/oidc/start/acme/corp")) == Reason.OIDC_FINGERPRINT


def test_start__binding_cookie__comes_along_on_the_way_back(secure: OidcSite) -> None:
    """The way back is a navigation from another site. Lax would do; None is for the SAML forms that share the cookie."""
    secure.register()
    answer = secure.browser().get("/oidc/start/acme/corp")
    cookie = next(each for each in answer.headers.getlist("Set-Cookie") if each.startswith("__Host-ramgate_flow="))
    assert {"Secure", "HttpOnly", "Path=/", "SameSite=None"} <= set(cookie.split("; "))


def test_register__plain_http__is_refused_outside_development(secure: OidcSite) -> None:
    browser = secure.signed_in(secure.site.owner)
    form = {"name": "corp", "issuer_url": "http://127.0.0.1:1", "csrf_token": browser.csrf("/admin/oidc/new")}
    assert browser.post("/admin/oidc/new/preview", data=form).status_code == 400
    assert reason_of(browser.post("/admin/oidc/new", data=form)) == Reason.PARAMETER_INVALID
