"""IdP metadata written by hand for tests, with every part replaceable."""

import base64
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from tests.fake_clock import NOON

REDIRECT = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"
POST = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"


@lru_cache(maxsize=4)
def _key(bits: int) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


@lru_cache(maxsize=32)
def certificate(
    name: str,
    *,
    bits: int = 2048,
    not_before: datetime = NOON - timedelta(days=30),
    not_after: datetime = NOON + timedelta(days=365),
) -> str:
    """A self-signed certificate as base64 text. All of one key length share a key."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    built = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(_key(bits).public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(not_before)
        .not_valid_after(not_after)
        .sign(_key(bits), SHA256())
    )
    return base64.b64encode(built.public_bytes(Encoding.DER)).decode()


CERTIFICATE = certificate("first")
SECOND_CERTIFICATE = certificate("second")


@dataclass(frozen=True, slots=True)
class Document:
    """Every text goes into the document as it is."""

    entity_id: str = "https://idp.example.com/metadata"
    entity_attributes: str = ""
    idp_attributes: str = ""
    group_attributes: str | None = None  # given: an EntitiesDescriptor around it
    protocol: str = "urn:oasis:names:tc:SAML:2.0:protocol"
    use: str | None = "signing"
    certificates: tuple[str, ...] = (CERTIFICATE,)
    name_id_format: str = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"
    redirect: str | None = "https://idp.example.com/redirect"
    post: str | None = "https://idp.example.com/post"
    services: str = ""  # at the beginning of the services of the IDPSSODescriptor
    extra: str = ""  # at the end of the EntityDescriptor

    def idp(self) -> str:
        use = "" if self.use is None else f' use="{self.use}"'
        keys = "".join(
            f"<md:KeyDescriptor{use}><ds:KeyInfo><ds:X509Data><ds:X509Certificate>{text}</ds:X509Certificate>"
            "</ds:X509Data></ds:KeyInfo></md:KeyDescriptor>"
            for text in self.certificates
        )
        services = "".join(
            f'<md:SingleSignOnService Binding="{binding}" Location="{location}"/>'
            for binding, location in ((REDIRECT, self.redirect), (POST, self.post))
            if location is not None
        )
        return (
            f'<md:IDPSSODescriptor protocolSupportEnumeration="{self.protocol}" {self.idp_attributes}>{keys}{self.services}'
            f"<md:NameIDFormat>{self.name_id_format}</md:NameIDFormat>{services}</md:IDPSSODescriptor>"
        )

    def entity(self) -> str:
        return (
            f'<md:EntityDescriptor entityID="{self.entity_id}" {self.entity_attributes} '
            'xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" xmlns:ds="http://www.w3.org/2000/09/xmldsig#">'
            f"{self.idp()}{self.extra}</md:EntityDescriptor>"
        )

    def xml(self) -> bytes:
        if self.group_attributes is None:
            return self.entity().encode()
        return group(self.entity(), self.group_attributes)


def group(content: str, attributes: str = "") -> bytes:
    opening = f'<md:EntitiesDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" {attributes}>'
    return f"{opening}{content}</md:EntitiesDescriptor>".encode()
