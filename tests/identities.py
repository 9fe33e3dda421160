"""Identities as a verifier would hand them on, and the registration of the identity provider that they are from."""

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any
from uuid import uuid4

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from gateway.federation.attributes import ROLE, ROLE_SESSION_NAME, SESSION_DURATION
from gateway.identity import Protocol, VerifiedIdentity
from tests.fake_clock import NOON

ENTITY_ID = "https://idp.example.com/metadata"
ROLE_RECIPIENT = "http://127.0.0.1:8080/saml-role/sso"
ROLE_AUDIENCE = "urn:alibaba:cloudcomputing"


@lru_cache(maxsize=16)
def certificate(name: str = "idp") -> x509.Certificate:
    """A self-signed certificate; one key per name and test run."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime(2025, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2035, 1, 1, tzinfo=UTC))
        .sign(key, SHA256())
    )


def fingerprint(name: str = "idp") -> str:
    return certificate(name).fingerprint(SHA256()).hex()


def idp_metadata(entity_id: str = ENTITY_ID, *certificates: str) -> bytes:
    """IdP metadata with the certificates of these names (default: `idp`)."""
    keys = "".join(
        '<md:KeyDescriptor use="signing"><ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:X509Data>'
        f"<ds:X509Certificate>{b64encode(certificate(name).public_bytes(Encoding.DER)).decode()}</ds:X509Certificate>"
        "</ds:X509Data></ds:KeyInfo></md:KeyDescriptor>"
        for name in certificates or ("idp",)
    )
    return (
        f'<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" entityID="{entity_id}">'
        '<md:IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">'
        f"{keys}"
        '<md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" '
        'Location="https://idp.example.com/sso"/>'
        "</md:IDPSSODescriptor></md:EntityDescriptor>"
    ).encode()


def make_identity(now: datetime = NOON, **changes: Any) -> VerifiedIdentity:
    """A fresh identity: its assertion ID is new each time."""
    identity = VerifiedIdentity(
        protocol=Protocol.SAML,
        issuer=ENTITY_ID,
        subject="alice@example.com",
        subject_type="urn:oasis:names:tc:SAML:2.0:nameid-format:persistent",
        audience=ROLE_AUDIENCE,
        recipient=ROLE_RECIPIENT,
        assertion_id=f"_{uuid4().hex}",
        in_response_to=None,
        certificate_fingerprint=fingerprint(),
        issued_at=now,
        not_on_or_after=now + timedelta(minutes=5),
        authn_instant=now,
        authn_context="urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport",
        session_not_on_or_after=None,
        session_index=None,
        attributes={},
    )
    return replace(identity, **changes)


def role_attributes(
    *values: str, session_name: str | None = "alice", duration: str | None = None
) -> Mapping[str, tuple[str, ...]]:
    """The attributes of a role assertion."""
    attributes: dict[str, tuple[str, ...]] = {ROLE: values}
    if session_name is not None:
        attributes[ROLE_SESSION_NAME] = (session_name,)
    if duration is not None:
        attributes[SESSION_DURATION] = (duration,)
    return attributes
