"""Strangers who would like the previous document back: nothing that they can send brings it about."""

import base64

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from tests.fake_clock import NOON
from tests.metadata_documents import ACTIVE, DOCUMENT, NEW, OLD, OTHER, RETIRING, document
from tests.saml_factory import at, encode, serialize, signing_key
from tests.unit.web.metadata_site import MetadataSite
from tests.unit.web.site import Site, reason_of, signed

PROMOTED = {OLD: RETIRING, NEW: ACTIVE}
TIMES = 6


@pytest.fixture
def world(site: Site) -> MetadataSite:
    """The new document is in force since the first login by it; nobody has signed in since."""
    made = MetadataSite.of_role_sso(site)
    made.offer(document(NEW))
    made.sign_in(OLD)
    assert made.sign_in(NEW).status_code == 303
    made.site.clock.advance(601)
    return made


def test_garbage__with_the_right_issuer__proves_nothing(world: MetadataSite) -> None:
    for _ in range(TIMES):
        assert world.post(encode(serialize(world.spec().tree()))).status_code == 403
        assert world.post("bm90aGluZw==").status_code in {400, 403}
    assert world.states() == PROMOTED


def test_signatures__by_a_key_of_the_strangers__prove_nothing(world: MetadataSite) -> None:
    for _ in range(TIMES):
        assert reason_of(world.sign_in(OTHER)) == "SamlSignatureValue"
    assert world.states() == PROMOTED


def test_content_changed_under_an_old_signature__proves_nothing(world: MetadataSite) -> None:
    for number in range(TIMES):
        message = base64.b64decode(signed(world.spec(), OLD))
        forged = message.replace(b"_assertion", f"_forged{number}".encode(), 1)
        assert world.post(base64.b64encode(forged).decode()).status_code == 403
    assert world.states() == PROMOTED


def test_one_genuine_message__sent_again_and_again__counts_once(world: MetadataSite) -> None:
    message = signed(world.spec(), OLD)
    for _ in range(TIMES):
        assert reason_of(world.post(message)) == "SamlSignatureValue"
    assert world.states() == PROMOTED


def test_messages_that_signed_in_before__captured__count_for_nothing(site: Site) -> None:
    world = MetadataSite.of_role_sso(site)
    captured = [signed(world.spec(), OLD) for _ in range(TIMES)]
    for message in captured:
        assert world.post(message).status_code == 303
    world.offer(document(NEW))
    world.sign_in(NEW)
    for message in captured:
        assert reason_of(world.post(message)) == "SamlSignatureValue"
    assert world.states() == PROMOTED


def test_old_messages_and_those_for_others__signed_by_the_old_key__prove_nothing(world: MetadataSite) -> None:
    elsewhere = f'NotOnOrAfter="{at(9000)}" Recipient="https://other.example.com/saml"'
    over = f'NotBefore="{at(-7200)}" NotOnOrAfter="{at(-3600)}"'
    for _ in range(TIMES):
        world.sign_in(OLD, confirmation_data_attributes=elsewhere)
        world.sign_in(OLD, conditions_attributes=over)
        world.sign_in(OLD, in_response_to="_made-up", response_in_response_to="_made-up")
    assert world.states() == PROMOTED


def test_logins_begun_here_that_come_back_with_nonsense__prove_nothing(site: Site) -> None:
    """Anybody can begin one, so a browser of ours is no witness."""
    world = MetadataSite.of_user_sso(site)
    world.offer(document(NEW))
    world.sign_in(NEW)
    for _ in range(TIMES):
        browser = site.browser()
        asked = site.asked(browser)
        answer = signed(world.spec(in_response_to=asked, response_in_response_to=asked), OTHER)
        assert reason_of(world.post(answer, browser)) == "SamlSignatureValue"
    assert world.states() == PROMOTED


def test_logins_begun_here_that_the_previous_would_have_taken__count(site: Site) -> None:
    world = MetadataSite.of_user_sso(site)
    world.offer(document(NEW))
    world.sign_in(NEW)
    for _ in range(5):
        browser = site.browser()
        asked = site.asked(browser)
        answer = signed(world.spec(in_response_to=asked, response_in_response_to=asked), OLD)
        assert reason_of(world.post(answer, browser)) == "SamlSignatureValue"
    assert world.states() == {OLD: ACTIVE}


def test_metadata_replaced_at_once__after_a_key_was_stolen__is_never_rolled_back(site: Site) -> None:
    """Whoever holds the stolen key sends genuine messages: the way to be rid of them leaves no way back."""
    from gateway.directory.saml_providers import update_saml_provider

    world = MetadataSite.of_role_sso(site)
    with site.services.store.transaction() as session:
        update_saml_provider(session, site.account_id, "corp", metadata_xml=document(NEW), now=NOON)
    for _ in range(TIMES):
        assert reason_of(world.sign_in(OLD)) == "SamlSignatureValue"
    assert world.states() == {NEW: ACTIVE}


def test_refusals_of_a_key_that_is_in_force__in_another_certificate__prove_nothing(site: Site) -> None:
    """The certificate was renewed around the same key, and people are refused for other reasons."""
    world = MetadataSite.of_role_sso(site)
    key = signing_key(OLD).private
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "renewed")])
    renewed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(NOON)
        .not_valid_after(NOON.replace(year=NOON.year + 1))
        .sign(key, SHA256())
    )
    from dataclasses import replace

    body = base64.b64encode(renewed.public_bytes(Encoding.DER)).decode()
    world.offer(replace(DOCUMENT, certificates=(body,)).xml())
    assert world.sign_in(OLD).status_code == 303, "a staged certificate around a trusted key promotes as well"
    world.site.clock.advance(601)
    assert len(world.receipts("MetadataPromoted")) == 1
    for _ in range(TIMES):
        nobody = f"acs:ram::{site.account_id}:role/none,acs:ram::{site.account_id}:saml-provider/corp"
        refused = world.sign_in(
            OLD,
            attributes=(
                ("https://www.aliyun.com/SAML-Role/Attributes/Role", (nobody,)),
                ("https://www.aliyun.com/SAML-Role/Attributes/RoleSessionName", ("alice",)),
            ),
        )
        assert reason_of(refused) == "RoleNoneAllowed"
    assert world.receipts("MetadataRolledBack") == []
