"""What an account's administrator could have the gateway decrypt for him, by a test of his own connection."""

from dataclasses import replace

import pytest
from sqlalchemy import select

from gateway.directory.accounts import Account
from gateway.directory.saml_providers import create_saml_provider
from gateway.directory.user_sso import set_user_sso
from gateway.saml.certificates import EncryptionKey
from gateway.saml.names import user_sso_entity_id
from tests.attacks.saml_web.test_traces_and_tests import neighbour
from tests.fake_clock import NOON
from tests.saml_encryption import Encryption, encrypted_response
from tests.saml_factory import Spec, encode, signing_key
from tests.unit.web.site import BASE, Browser, Site, audience, csrf_of, idp_metadata, role_spec
from tests.unit.web.test_connection import begin, go
from tests.unit.web.test_sso_saml import answer_to

PERSON, SECRET = "vip.person@acme.example", "salary-class-9"
NAME_ID = f"<saml:NameID>{PERSON}</saml:NameID>"


def sealed_for(site: Site, spec: Spec) -> str:
    """A response that nobody but the gateway can read, signed by the company's provider."""
    key: EncryptionKey = site.services.sp_keys.encryption[0]
    how = Encryption(certificate_pem=key.certificate_pem)
    return encode(encrypted_response(spec, how, key=signing_key("idp")))


def captured(site: Site) -> str:
    """A role login of the company, as whoever reads a proxy's log may have it."""
    (value,) = site.roles("dev")
    spec = role_spec(value, name_id=NAME_ID)
    return sealed_for(site, spec_with(spec, "https://acme.example/class", SECRET))


def spec_with(spec: Spec, name: str, value: str) -> Spec:
    return replace(spec, attributes=(*spec.attributes, (name, (value,))))


def paste(browser: Browser, test: str, message: str) -> str:
    answer = browser.post(
        f"{test}/paste", data={"csrf_token": csrf_of(browser.get(test).text), "SAMLResponse": message}
    )
    assert answer.status_code == 303
    text: str = browser.get(test).text
    return text


@pytest.mark.parametrize("twin", [False, True])
def test_paste__sealed_response_of_another_account__stays_sealed(site: Site, twin: bool) -> None:
    """The provider of the test has nothing to do with it, or was registered from the company's public metadata."""
    message = captured(site)
    mallory = neighbour(site, shares_issuer=False)
    mallory_id = of_account(site, "lab")
    with site.services.store.transaction() as session:
        create_saml_provider(session, mallory_id, "corp", idp_metadata(key="idp" if twin else "mallory"), now=NOON)
    page = paste(mallory, begin(mallory, "/admin/providers/corp"), message)
    for told in (PERSON, SECRET, "role/dev", site.account_id):
        assert told not in page
    assert "encrypted" in page


def test_caught__sealed_and_not_asked_for__stays_sealed(site: Site) -> None:
    """The same by the consumer instead of by pasting."""
    message = captured(site)
    mallory = neighbour(site, shares_issuer=False)
    with site.services.store.transaction() as session:
        create_saml_provider(session, of_account(site, "lab"), "corp", idp_metadata(), now=NOON)
    begin(mallory, "/admin/providers/corp")
    answer = mallory.post("/saml-role/sso", data={"SAMLResponse": message})
    page = mallory.get(answer.headers["Location"]).text
    for told in (PERSON, SECRET, "role/dev", site.account_id):
        assert told not in page


def test_caught__sealed_answer_to_the_tests_own_request__is_shown(site: Site) -> None:
    (value,) = site.roles("dev")
    admin = site.signed_in(site.owner)
    request_id = go(admin, begin(admin, "/admin/providers/corp"))
    message = sealed_for(site, answer_to(request_id, role_spec(value, name_id=NAME_ID)))
    answer = admin.post("/saml-role/sso", data={"SAMLResponse": message})
    page = admin.get(answer.headers["Location"]).text
    assert PERSON in page
    assert "This login works" in page


def test_paste__sealed_response_for_the_own_account__is_shown(site: Site) -> None:
    """Of user SSO the audience is the account's own."""
    with site.services.store.transaction() as session:
        set_user_sso(session, site.account_id, enabled=True, metadata_xml=idp_metadata(), idp_initiated=True, now=NOON)
    admin = site.signed_in(site.owner)
    page = paste(admin, begin(admin, "/admin/user-sso"), sealed_for(site, site.user_spec()))
    assert "<strong>alice</strong>" in page


def test_paste__sealed_user_login_of_another_account__stays_sealed(site: Site) -> None:
    mallory = neighbour(site, shares_issuer=False)
    mallory_id = of_account(site, "lab")
    with site.services.store.transaction() as session:
        set_user_sso(session, mallory_id, enabled=True, metadata_xml=idp_metadata(), idp_initiated=True, now=NOON)
    spec = site.user_spec(name_id=NAME_ID)
    assert audience(user_sso_entity_id(BASE, mallory_id)) != spec.audiences
    page = paste(mallory, begin(mallory, "/admin/user-sso"), sealed_for(site, spec))
    assert PERSON not in page
    assert "SamlAudienceMismatch" in page


def of_account(site: Site, alias: str) -> str:
    with site.services.store.reading() as session:
        return session.scalars(select(Account.id).where(Account.alias == alias)).one()
