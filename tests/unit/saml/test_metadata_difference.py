"""What a new document changes, and how risky that is."""

from dataclasses import replace

import pytest

from gateway.errors import Reason, SamlError
from gateway.saml.metadata import IdpMetadata, parse_idp_metadata
from gateway.saml.metadata_difference import (
    Change,
    Risk,
    content_digest,
    highest_risk,
    metadata_differences,
)
from tests.fake_clock import NOON
from tests.metadata_documents import NEW, OLD, OTHER, document, print_of
from tests.saml_metadata_document import Document, certificate


def read(xml: bytes) -> IdpMetadata:
    return parse_idp_metadata(xml, NOON)


def changes(old: bytes, new: bytes) -> list[tuple[Change, Risk]]:
    return [(each.change, each.risk) for each in metadata_differences(read(old), read(new))]


def test_metadata_differences__same_content_in_other_bytes__none() -> None:
    new = document(OLD, days=9, entity_attributes='ID="_x" cacheDuration="PT1H"', extra="<!-- exported today -->")
    assert changes(document(), new) == []
    assert content_digest(read(document())) == content_digest(read(new))


def test_metadata_differences__order_of_certificates__none() -> None:
    assert changes(document(OLD, NEW), document(NEW, OLD)) == []
    assert content_digest(read(document(OLD, NEW))) == content_digest(read(document(NEW, OLD)))


def test_metadata_differences__new_certificate__high_and_named() -> None:
    (found,) = metadata_differences(read(document()), read(document(OLD, NEW)))
    assert (found.change, found.risk) == (Change.CERTIFICATE_ADDED, Risk.HIGH)
    assert print_of(NEW) in found.sentence


def test_metadata_differences__certificate_exchanged__removal_is_told_too() -> None:
    assert changes(document(), document(OTHER)) == [
        (Change.CERTIFICATE_ADDED, Risk.HIGH),
        (Change.CERTIFICATE_REMOVED, Risk.MEDIUM),
    ]


def test_metadata_differences__another_certificate_of_the_same_key__low() -> None:
    old = Document(certificates=(certificate("first"),)).xml()
    new = Document(certificates=(certificate("first"), certificate("renewed"))).xml()
    assert changes(old, new) == [(Change.CERTIFICATE_RENEWED, Risk.LOW)]


def test_metadata_differences__entity_id__high() -> None:
    assert (Change.ENTITY_ID, Risk.HIGH) in changes(document(), document(entity_id="https://evil.example/idp"))


@pytest.mark.parametrize(
    "url",
    ["https://evil.example/sso", "https://idp.example.com:8443/sso", "https://idp.example.com.evil.example/sso"],
)
def test_metadata_differences__address_on_another_host_or_port__high(url: str) -> None:
    found = changes(document(), document(redirect=url))
    assert found == [(Change.HOST_ADDED, Risk.HIGH), (Change.ADDRESS, Risk.MEDIUM)]


def test_metadata_differences__answers_to_logout_on_another_host__high() -> None:
    service = (
        '<md:SingleLogoutService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" '
        'Location="https://idp.example.com/slo" ResponseLocation="https://evil.example/slo"/>'
    )
    found = changes(document(), document(services=service))
    assert found == [(Change.HOST_ADDED, Risk.HIGH), (Change.SERVICE, Risk.LOW)]


def test_metadata_differences__address_on_the_same_host_and_a_binding__medium_and_low() -> None:
    found = changes(document(), document(redirect="https://idp.example.com/v2", post="https://idp.example.com/v2"))
    assert found == [(Change.ADDRESS, Risk.MEDIUM), (Change.BINDING, Risk.LOW)]


def test_metadata_differences__formats_and_wishes__low() -> None:
    new = document(name_id_format="urn:x:transient", idp_attributes='WantAuthnRequestsSigned="true"')
    assert changes(document(), new) == [(Change.NAME_ID_FORMAT, Risk.LOW), (Change.SIGNED_REQUESTS, Risk.LOW)]


def test_highest_risk__of_none_and_of_some() -> None:
    assert highest_risk(()) is Risk.LOW
    assert highest_risk(metadata_differences(read(document()), read(document(OTHER)))) is Risk.HIGH


@pytest.mark.parametrize("name", ["SAMLRequest", "samlrequest", "SigAlg", "Signature", "RelayState", "%53AMLRequest"])
@pytest.mark.parametrize("service", ["sso", "slo"])
def test_parse_idp_metadata__address_that_carries_a_message__refused(name: str, service: str) -> None:
    url = f"https://idp.example.com/sso?tenant=1&amp;{name}=x"
    logout = f'<md:SingleLogoutService Binding="urn:x" Location="{url}"/>'
    made = replace(Document(), redirect=url) if service == "sso" else replace(Document(), services=logout)
    with pytest.raises(SamlError) as refused:
        parse_idp_metadata(made.xml(), NOON)
    assert refused.value.reason is Reason.METADATA_ENDPOINT


def test_parse_idp_metadata__address_with_a_query_of_its_own__accepted() -> None:
    found = read(document(redirect="https://idp.example.com/sso?idp=C01&amp;x="))
    assert found.sso_redirect_url == "https://idp.example.com/sso?idp=C01&x="
