"""Another account registers somebody else's identity provider, with its public key in a certificate of its own make.

It gains nothing by that, and takes nothing away: logins of the rightful account go on, recorded under its own
certificate.
"""

from base64 import b64encode
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from gateway.directory.accounts import create_account
from gateway.directory.revocations import revoke
from gateway.directory.saml_providers import create_saml_provider
from gateway.saml import certificates
from gateway.secret import Secret
from tests.fake_clock import NOON
from tests.saml_factory import signing_key
from tests.unit.web.site import PASSWORD, Site, csrf_of, field_of, idp_metadata, reason_of, role_spec, signed


def wrapped_key() -> str:
    """The public key of the identity provider in a certificate that somebody else made."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "not the owner of this key")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(signing_key("idp").private.public_key())
        .serial_number(7)
        .not_valid_before(NOON - timedelta(days=1))
        .not_valid_after(NOON + timedelta(days=365))
        .sign(ec.generate_private_key(ec.SECP256R1()), SHA256())
    )
    return b64encode(certificate.public_bytes(Encoding.DER)).decode()


def borrowed_metadata() -> bytes:
    own = "".join(line for line in signing_key("idp").certificate_pem.splitlines() if "-----" not in line)
    return idp_metadata().replace(own.encode(), wrapped_key().encode())


@pytest.fixture
def stranger(site: Site) -> str:
    """The account that was first to register the identity provider; gives its ID."""
    with site.services.store.transaction() as session:
        account = create_account(
            session,
            alias="mallory",
            display_name="",
            owner_login="owner@mallory.example",
            owner_password=Secret(PASSWORD),
            now=NOON,
        )
        create_saml_provider(session, account.id, "corp", borrowed_metadata(), now=NOON)
    return account.id


@pytest.mark.usefixtures("stranger")
def test_role_login__stranger_registered_the_same_key_first__still_signs_in(site: Site) -> None:
    answer = site.browser().post("/saml-role/sso", data={"SAMLResponse": signed(role_spec(*site.roles("reader")))})
    assert answer.status_code == 303, reason_of(answer)


@pytest.mark.usefixtures("stranger")
def test_role_login__stranger_registered_the_same_key_first__own_certificate_ends_the_session(site: Site) -> None:
    browser = site.browser()
    browser.post("/saml-role/sso", data={"SAMLResponse": signed(role_spec(*site.roles("reader")))})
    own = signing_key("idp").trusted.fingerprint
    assert own in browser.get("/session").text

    with site.services.store.transaction() as session:
        revoke(session, "certificate", own, site.clock.now())

    assert browser.get("/session").status_code == 303


@pytest.mark.usefixtures("stranger")
def test_role_choice__stranger_registered_the_same_key_first__offer_can_be_taken(site: Site) -> None:
    roles = site.roles("reader", "writer")
    browser = site.browser()
    page = browser.post("/saml-role/sso", data={"SAMLResponse": signed(role_spec(*roles))}).text
    role_arn, provider_arn = roles[0].split(",")
    form = {"offer": field_of(page, "offer"), "role_arn": role_arn, "provider_arn": provider_arn}
    assert browser.post("/saml-role/take", data={**form, "csrf_token": csrf_of(page)}).status_code == 303


def test_role_login__provider_of_the_stranger_with_another_key__does_not_vouch(site: Site) -> None:
    (role,) = site.roles("reader")
    with site.services.store.transaction() as session:
        account = create_account(
            session,
            alias="mallory",
            display_name="",
            owner_login="owner@mallory.example",
            owner_password=Secret(PASSWORD),
            now=NOON,
        )
        create_saml_provider(session, account.id, "corp", idp_metadata(key="mallory"), now=NOON)
    answer = site.browser().post("/saml-role/sso", data={"SAMLResponse": signed(role_spec(role), key="mallory")})
    assert reason_of(answer) == "RoleNoneAllowed"


def test_twins_of__other_keys__are_no_twins() -> None:
    mine, other = signing_key("idp").trusted, signing_key("mallory").trusted
    assert certificates.twins_of(mine, (mine, other)) == ()
