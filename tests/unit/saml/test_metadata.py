from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from gateway.errors import Reason, SamlError
from gateway.saml.endpoints import EndpointKind, ServiceEndpoint
from gateway.saml.metadata import IdpMetadata, parse_idp_metadata
from tests.fake_clock import NOON
from tests.saml_metadata_document import CERTIFICATE, POST, REDIRECT, SECOND_CERTIFICATE, Document, certificate

SOAP = "urn:oasis:names:tc:SAML:2.0:bindings:SOAP"


def _read(document: Document) -> IdpMetadata:
    return parse_idp_metadata(document.xml(), NOON)


def _reason(document: Document) -> Reason:
    with pytest.raises(SamlError) as caught:
        _read(document)
    return caught.value.reason


def test_parse_idp_metadata__complete_document__everything_is_read() -> None:
    metadata = _read(Document())

    assert metadata.entity_id == "https://idp.example.com/metadata"
    assert metadata.sso_redirect_url == "https://idp.example.com/redirect"
    assert metadata.sso_post_url == "https://idp.example.com/post"
    assert metadata.name_id_formats == ("urn:oasis:names:tc:SAML:2.0:nameid-format:persistent",)
    assert [item.subject for item in metadata.certificates] == ["CN=first"]
    assert metadata.valid_until is None
    assert not metadata.wants_signed_requests
    assert metadata.warnings == ()


def test_parse_idp_metadata__wants_signed_requests__is_told() -> None:
    assert _read(Document(idp_attributes='WantAuthnRequestsSigned="true"')).wants_signed_requests
    assert _read(Document(idp_attributes='WantAuthnRequestsSigned="1"')).wants_signed_requests
    assert not _read(Document(idp_attributes='WantAuthnRequestsSigned="false"')).wants_signed_requests


def test_parse_idp_metadata__two_certificates__both_in_order() -> None:
    metadata = _read(Document(certificates=(CERTIFICATE, SECOND_CERTIFICATE)))

    assert [item.subject for item in metadata.certificates] == ["CN=first", "CN=second"]


def test_parse_idp_metadata__same_certificate_three_times__counts_once() -> None:
    assert len(_read(Document(certificates=(CERTIFICATE,) * 3)).certificates) == 1


def test_parse_idp_metadata__key_without_use__signs() -> None:
    assert len(_read(Document(use=None)).certificates) == 1


def test_parse_idp_metadata__only_encryption_key__is_refused() -> None:
    assert _reason(Document(use="encryption")) is Reason.METADATA_CERTIFICATE


def test_parse_idp_metadata__unknown_use__is_refused() -> None:
    assert _reason(Document(use="Signing")) is Reason.METADATA_CERTIFICATE


def test_parse_idp_metadata__three_certificates__is_refused() -> None:
    three = (CERTIFICATE, SECOND_CERTIFICATE, certificate("third"))

    assert _reason(Document(certificates=three)) is Reason.METADATA_CERTIFICATE


def test_parse_idp_metadata__chain_in_one_key__is_refused() -> None:
    chain = f"{CERTIFICATE}</ds:X509Certificate><ds:X509Certificate>{SECOND_CERTIFICATE}"

    assert _reason(Document(certificates=(chain,))) is Reason.METADATA_CERTIFICATE


def test_parse_idp_metadata__weak_key__is_refused() -> None:
    assert _reason(Document(certificates=(certificate("weak", bits=1024),))) is Reason.METADATA_CERTIFICATE


@pytest.mark.parametrize("text", ["", "AAAA", "not base64!", "<ds:X/>", CERTIFICATE[:-40]])
def test_parse_idp_metadata__unreadable_certificate__is_refused(text: str) -> None:
    assert _reason(Document(certificates=(text,))) is Reason.METADATA_CERTIFICATE


def test_parse_idp_metadata__expired_certificate__is_accepted_with_a_warning() -> None:
    expired = certificate("old", not_after=NOON - timedelta(days=1))

    metadata = _read(Document(certificates=(expired,)))

    assert metadata.warnings == ("The certificate CN=old expired on 2026-03-03; its signatures are still accepted.",)


def test_parse_idp_metadata__certificate_about_to_expire_or_not_yet_valid__warns() -> None:
    soon = certificate("soon", not_after=NOON + timedelta(days=10))
    later = certificate("later", not_before=NOON + timedelta(days=2))

    assert _read(Document(certificates=(soon,))).warnings == ("The certificate CN=soon expires on 2026-03-14.",)
    assert _read(Document(certificates=(later,))).warnings == (
        "The certificate CN=later is not valid before 2026-03-06.",
    )


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2031-05-06T07:08:09Z", datetime(2031, 5, 6, 7, 8, 9, tzinfo=UTC)),
        ("2031-05-06T07:08:09.123456789Z", datetime(2031, 5, 6, 7, 8, 9, 123456, tzinfo=UTC)),
        ("2031-05-06T09:08:09+02:00", datetime(2031, 5, 6, 7, 8, 9, tzinfo=UTC)),
        ("2031-05-06T07:08:09", datetime(2031, 5, 6, 7, 8, 9, tzinfo=UTC)),
    ],
)
def test_parse_idp_metadata__valid_until__is_read_as_utc(text: str, instant: datetime) -> None:
    assert _read(Document(entity_attributes=f'validUntil="{text}"')).valid_until == instant


@pytest.mark.parametrize("text", ["2026-03-04T12:00:00Z", "2020-01-01T00:00:00Z"])
def test_parse_idp_metadata__valid_until_now_or_past__is_refused(text: str) -> None:
    limit = f'validUntil="{text}"'

    assert _reason(Document(entity_attributes=limit)) is Reason.METADATA_EXPIRED
    assert _reason(Document(idp_attributes=limit)) is Reason.METADATA_EXPIRED
    assert _reason(Document(group_attributes=limit)) is Reason.METADATA_EXPIRED


@pytest.mark.parametrize(
    "text", ["", "tomorrow", "2031-05-06", "20310506T070809Z", "2031-13-06T07:08:09Z", "0001-01-01T00:00:00+14:00"]
)
def test_parse_idp_metadata__valid_until_no_instant__is_refused(text: str) -> None:
    assert _reason(Document(entity_attributes=f'validUntil="{text}"')) is Reason.METADATA_MALFORMED


def test_parse_idp_metadata__valid_until_soon__warns() -> None:
    metadata = _read(Document(entity_attributes='validUntil="2026-03-10T00:00:00Z"'))

    assert metadata.warnings == ("The document is valid until 2026-03-10 00:00 UTC only.",)


@pytest.mark.parametrize("length", [1, 1024])
def test_parse_idp_metadata__entity_id_within_limits__is_read(length: int) -> None:
    assert _read(Document(entity_id="x" * length)).entity_id == "x" * length


@pytest.mark.parametrize("entity_id", ["", "x" * 1025, " padded", "padded ", "tab&#9;inside", "zero\u200bwidth"])
def test_parse_idp_metadata__unusable_entity_id__is_refused(entity_id: str) -> None:
    assert _reason(Document(entity_id=entity_id)) is Reason.METADATA_MALFORMED


def test_parse_idp_metadata__no_entity_id__is_refused() -> None:
    xml = Document().xml().replace(b' entityID="https://idp.example.com/metadata"', b"")

    with pytest.raises(SamlError) as caught:
        parse_idp_metadata(xml, NOON)

    assert caught.value.reason is Reason.METADATA_MALFORMED


def test_parse_idp_metadata__protocol_is_not_saml_2__is_refused() -> None:
    assert _reason(Document(protocol="urn:oasis:names:tc:SAML:1.1:protocol")) is Reason.METADATA_NO_IDP


@pytest.mark.parametrize(
    "url",
    [
        "https://idp.example.com/sso?id=1&amp;x=%20",
        "https://idp.example.com:8443/sso",
        "http://127.0.0.1:9000/sso",
        "http://[::1]:9000/sso",
        "http://localhost/sso",
    ],
)
def test_parse_idp_metadata__web_address__is_accepted(url: str) -> None:
    assert _read(replace(Document(), redirect=url)).sso_redirect_url == url.replace("&amp;", "&")


def test_parse_idp_metadata__group_with_one_idp__is_accepted() -> None:
    assert _read(Document(group_attributes='Name="x"')).entity_id == "https://idp.example.com/metadata"


def test_parse_idp_metadata__byte_order_mark_and_declaration__are_accepted() -> None:
    xml = b'\xef\xbb\xbf<?xml version="1.0" encoding="utf-8"?>\r\n' + Document().xml()

    assert parse_idp_metadata(xml, NOON).entity_id == "https://idp.example.com/metadata"


def test_parse_idp_metadata__comments__do_not_split_values() -> None:
    halves = f"{CERTIFICATE[:100]}<!-- here -->{CERTIFICATE[100:]}"
    name_format = "urn:oasis:names:tc:SAML:<!-- - -->2.0:nameid-format:persistent"

    metadata = _read(Document(certificates=(halves,), name_id_format=name_format))

    assert [item.subject for item in metadata.certificates] == ["CN=first"]
    assert metadata.name_id_formats == ("urn:oasis:names:tc:SAML:2.0:nameid-format:persistent",)


def test_parse_idp_metadata__post_only__redirect_is_absent() -> None:
    metadata = _read(Document(redirect=None))

    assert metadata.sso_redirect_url is None
    assert metadata.sso_post_url == "https://idp.example.com/post"


def test_parse_idp_metadata__no_usable_binding__is_refused() -> None:
    assert _reason(Document(redirect=None, post=None)) is Reason.METADATA_ENDPOINT


def test_parse_idp_metadata__logout_and_artifact_services__are_read() -> None:
    services = (
        f'<md:ArtifactResolutionService Binding="{SOAP}" Location="https://idp.example.com/ars" index="7"/>'
        f'<md:SingleLogoutService Binding="{REDIRECT}" Location="https://idp.example.com/slo"'
        ' ResponseLocation="https://idp.example.com/slo-done"/>'
        f'<md:SingleLogoutService Binding="{POST}" Location="https://idp.example.com/slo"/>'
    )
    found = _read(Document(services=services)).services
    assert found == (
        ServiceEndpoint(
            EndpointKind.LOGOUT, REDIRECT, "https://idp.example.com/slo", "https://idp.example.com/slo-done"
        ),
        ServiceEndpoint(EndpointKind.LOGOUT, POST, "https://idp.example.com/slo", "https://idp.example.com/slo"),
        ServiceEndpoint(EndpointKind.ARTIFACT, SOAP, "https://idp.example.com/ars", "https://idp.example.com/ars", 7),
    )


@pytest.mark.parametrize(
    "service",
    [
        f'<md:SingleLogoutService Binding="{POST}" Location="javascript:alert(1)"/>',
        f'<md:SingleLogoutService Binding="{POST}" Location="https://idp.example.com/" ResponseLocation="http://x/"/>',
        f'<md:ArtifactResolutionService Binding="{SOAP}" Location="https://idp.example.com/" index="65536"/>',
        f'<md:ArtifactResolutionService Binding="{SOAP}" Location="https://idp.example.com/"/>',
    ],
)
def test_parse_idp_metadata__unusable_service__is_refused(service: str) -> None:
    assert _reason(Document(services=service)) is Reason.METADATA_ENDPOINT
