"""A whole gateway behind Flask's test client, with a company in it and an identity provider that signs for it."""

import re
from dataclasses import dataclass, replace
from datetime import timedelta
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from gateway.app import create_app
from gateway.directory.accounts import create_account
from gateway.directory.attachments import attach_policy
from gateway.directory.roles import create_role
from gateway.directory.saml_providers import create_saml_provider
from gateway.directory.user_sso import set_user_sso
from gateway.directory.users import create_user
from gateway.federation.trust_document import saml_trust_document
from gateway.principal import AccountOwner, Principal, RamUser
from gateway.saml.names import user_sso_entity_id
from gateway.secret import Secret
from gateway.services import Services
from gateway.settings import Settings
from gateway.sts.sessions import open_session
from tests.fake_clock import NOON, FakeClock
from tests.saml_factory import AUDIENCE, IDP, RECIPIENT, Spec, at, encode, signed_assertion, signing_key

BASE = "https://sso.example.com"
PASSWORD = "Correct-Horse-7-Battery"
ROLE = "https://www.aliyun.com/SAML-Role/Attributes/Role"
ROLE_SESSION_NAME = "https://www.aliyun.com/SAML-Role/Attributes/RoleSessionName"


class Browser(FlaskClient):
    """Opens everything at the gateway's own origin, and reads each answer to its end, as a server sends it."""

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        kwargs.setdefault("base_url", BASE)
        answer = super().open(*args, **kwargs)
        answer.get_data()
        answer.close()  # what is done once an answer is sent is done
        return answer

    def csrf(self, path: str) -> str:
        return csrf_of(self.get(path).text)


@dataclass(frozen=True, slots=True)
class Site:
    app: Flask
    services: Services
    clock: FakeClock
    account_id: str
    user_id: str
    certs_dir: Path

    def browser(self) -> Browser:
        browser = self.app.test_client()
        assert isinstance(browser, Browser)
        return browser

    @property
    def owner(self) -> AccountOwner:
        return AccountOwner(self.account_id, "owner@acme.example")

    @property
    def alice(self) -> RamUser:
        return RamUser(self.account_id, self.user_id, "alice")

    def signed_in(self, principal: Principal) -> Browser:
        browser, now = self.browser(), self.clock.now()
        with self.services.store.transaction() as session:
            handle = open_session(
                session,
                self.services.ring,
                principal,
                token=None,
                provenance=None,
                expires_at=now + timedelta(hours=1),
                duration_cap="a test",
                now=now,
            )
        browser.set_cookie("__Host-ramgate_session", handle, domain="sso.example.com")
        return browser

    def grant(self, policy: str) -> None:
        """Attach a system policy to alice."""
        from gateway.directory.users import get_user

        with self.services.store.transaction() as session:
            user = get_user(session, self.account_id, "alice")
            attach_policy(session, self.account_id, "System", policy, user, NOON)

    def user_sso(self, *, idp_initiated: bool = False, post_only: bool = False) -> None:
        with self.services.store.transaction() as session:
            set_user_sso(
                session,
                self.account_id,
                enabled=True,
                metadata_xml=idp_metadata(post_only=post_only),
                idp_initiated=idp_initiated,
                now=self.clock.now(),
            )

    def roles(self, *names: str) -> tuple[str, ...]:
        """Make a provider and roles that trust it; gives the values of the Role attribute."""
        provider = f"acs:ram::{self.account_id}:saml-provider/corp"
        with self.services.store.transaction() as session:
            create_saml_provider(session, self.account_id, "corp", idp_metadata(), now=NOON)
            for name in names:
                trust = saml_trust_document(provider, RECIPIENT)
                create_role(session, self.account_id, name, trust_document=trust, now=NOON)
        return tuple(f"acs:ram::{self.account_id}:role/{name},{provider}" for name in names)

    def user_spec(self, **changes: Any) -> Spec:
        """A response for alice at the user consumer."""
        spec = Spec(
            destination=f"{BASE}/saml/SSO",
            name_id="<saml:NameID>alice@acme.onaliyun.com</saml:NameID>",
            confirmation_data_attributes=f'NotOnOrAfter="{at(300)}" Recipient="{BASE}/saml/SSO"',
            audiences=audience(user_sso_entity_id(BASE, self.account_id)),
        )
        return replace(spec, **changes)

    def asked(self, browser: Browser, callback: str = "") -> str:
        """Start at our side; gives the ID of the request that went out."""
        import zlib
        from base64 import b64decode

        answer = browser.get(f"/saml/start/{self.account_id}", query_string={"callback": callback} if callback else {})
        assert answer.status_code == 303
        (message,) = parse_qs(urlsplit(answer.headers["Location"]).query)["SAMLRequest"]
        found = re.search(r'ID="([^"]+)"', zlib.decompress(b64decode(message), -15).decode())
        assert found
        return found[1]


def audience(entity_id: str) -> str:
    return f"<saml:AudienceRestriction><saml:Audience>{entity_id}</saml:Audience></saml:AudienceRestriction>"


def role_spec(*values: str, **changes: Any) -> Spec:
    attributes = ((ROLE, values), (ROLE_SESSION_NAME, ("alice",)))
    return replace(Spec(audiences=audience(AUDIENCE), attributes=attributes), **changes)


def signed(spec: Spec, key: str = "idp") -> str:
    return encode(signed_assertion(spec, signing_key(key)))


def idp_metadata(
    entity_id: str = IDP, *, post_only: bool = False, key: str = "idp", artifacts_at: str | None = None
) -> bytes:
    lines = signing_key(key).certificate_pem.splitlines()
    body = "".join(line for line in lines if "-----" not in line)
    binding = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-" + ("POST" if post_only else "Redirect")
    return (
        f'<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" entityID="{entity_id}">'
        '<md:IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">'
        '<md:KeyDescriptor use="signing"><ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:X509Data>'
        f"<ds:X509Certificate>{body}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>"
        f"{_resolution_service(artifacts_at)}"
        f'<md:SingleSignOnService Binding="{binding}" Location="https://idp.example.com/sso"/>'
        "</md:IDPSSODescriptor></md:EntityDescriptor>"
    ).encode()


def _resolution_service(url: str | None) -> str:
    if url is None:
        return ""
    binding = "urn:oasis:names:tc:SAML:2.0:bindings:SOAP"
    return f'<md:ArtifactResolutionService Binding="{binding}" Location="{url}" index="0"/>'


def make_site(database_url: str, certs_dir: Path, **changes: Any) -> Site:
    settings = Settings(
        base_url=BASE,
        database_url=database_url,
        certs_dir=certs_dir,
        relay_hosts=("console.example.com", "*.apps.example.com"),
    )
    clock = FakeClock()
    app = create_app(replace(settings, **changes), clock=clock)
    app.test_client_class = Browser
    services = app.extensions["ramgate"]
    with services.store.transaction() as session:
        account = create_account(
            session,
            alias="acme",
            display_name="Acme Robotics",
            owner_login="owner@acme.example",
            owner_password=Secret(PASSWORD),
            now=NOON,
        )
        user = create_user(session, account.id, "alice", now=NOON)
    return Site(app, services, clock, account.id, user.id, certs_dir)


def csrf_of(html: str) -> str:
    found = re.search(r'name="csrf_token" value="([^"]+)"', html)
    assert found, html[:2000]
    return found[1]


def field_of(html: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', html)
    assert found, html[:2000]
    return unescape(found[1])


def reason_of(answer: TestResponse) -> str:
    """The reason on a refusal page, which must have a request ID too: the one in the header."""
    assert answer.headers["X-Request-Id"] in answer.text
    assert "Traceback" not in answer.text
    found = re.search(r"<dt>Reason</dt><dd><code>([A-Za-z]+)</code>", answer.text)
    assert found, answer.text[:2000]
    return found[1]
