"""Metadata in the shape that well-known identity providers export it, with certificates made for the test."""

from pathlib import Path

import pytest

from gateway.demo.idp import idp_metadata
from gateway.saml.metadata import IdpMetadata, parse_idp_metadata
from tests.fake_clock import NOON
from tests.interop.material import bare, idp_config, other_keys

SAMPLES = Path(__file__).parent / "metadata"


def _read(name: str) -> IdpMetadata:
    text = (SAMPLES / f"{name}.xml").read_text()
    for mark, keys in (("@CERT@", other_keys("cert")), ("@OTHER@", other_keys("other"))):
        text = text.replace(mark, bare(keys.signing_certificate_pem))
    return parse_idp_metadata(text.encode(), NOON)


def _subjects(metadata: IdpMetadata) -> list[str]:
    return [certificate.subject for certificate in metadata.certificates]


@pytest.mark.parametrize(
    ("name", "entity_id", "redirect", "post", "subjects"),
    [
        (
            "adfs",
            "http://adfs.example.com/adfs/services/trust",
            "https://adfs.example.com/adfs/ls/",
            "https://adfs.example.com/adfs/ls/",
            ["CN=cert"],
        ),
        (
            "okta",
            "http://www.okta.com/exk1abcdEFGH2345i6",
            "https://example.okta.com/app/example_ram_1/exk1abcdEFGH2345i6/sso/saml",
            "https://example.okta.com/app/example_ram_1/exk1abcdEFGH2345i6/sso/saml",
            ["CN=cert"],
        ),
        (
            "entra",
            "https://sts.windows.net/11111111-2222-3333-4444-555555555555/",
            "https://login.microsoftonline.com/11111111-2222-3333-4444-555555555555/saml2",
            "https://login.microsoftonline.com/11111111-2222-3333-4444-555555555555/saml2",
            ["CN=cert"],
        ),
        (
            "keycloak",
            "https://keycloak.example.com/realms/example",
            "https://keycloak.example.com/realms/example/protocol/saml",
            "https://keycloak.example.com/realms/example/protocol/saml",
            ["CN=cert"],
        ),
        (
            "google",
            "https://accounts.google.com/o/saml2?idpid=C01abcdef",
            "https://accounts.google.com/o/saml2/idp?idpid=C01abcdef",
            "https://accounts.google.com/o/saml2/idp?idpid=C01abcdef",
            ["CN=cert", "CN=other"],
        ),
        (
            "shibboleth",
            "https://idp.example.org/idp/shibboleth",
            "https://idp.example.org/idp/profile/SAML2/Redirect/SSO",
            "https://idp.example.org/idp/profile/SAML2/POST/SSO",
            ["CN=other", "CN=cert"],
        ),
    ],
)
def test_parse_idp_metadata__well_known_provider__content_is_read(
    name: str, entity_id: str, redirect: str, post: str, subjects: list[str]
) -> None:
    metadata = _read(name)

    assert metadata.entity_id == entity_id
    assert metadata.sso_redirect_url == redirect
    assert metadata.sso_post_url == post
    assert _subjects(metadata) == subjects


def test_parse_idp_metadata__keycloak__wants_signed_requests_and_other_bindings_are_told() -> None:
    metadata = _read("keycloak")

    assert metadata.wants_signed_requests
    assert [endpoint.binding.rpartition(":")[2] for endpoint in metadata.endpoints] == [
        "HTTP-POST",
        "HTTP-Redirect",
        "SOAP",
        "HTTP-Artifact",
    ]


def test_parse_idp_metadata__pysaml2_idp__content_is_read() -> None:
    config = idp_config()

    metadata = parse_idp_metadata(idp_metadata(config), NOON)

    assert metadata.entity_id == config.entity_id
    assert metadata.sso_redirect_url == metadata.sso_post_url == config.sso_url
    assert metadata.wants_signed_requests
    assert _subjects(metadata) == ["CN=idp.example.com"]
