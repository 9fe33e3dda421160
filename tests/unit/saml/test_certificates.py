"""Certificates of identity providers, and the gateway's own keys."""

import base64
import textwrap
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from gateway.errors import ConfigError, Reason, SamlError
from gateway.saml.certificates import make_keys, parse_certificate, public_key_of, rsa_private_key
from gateway.secret import Secret
from tests.fake_clock import NOON
from tests.saml_factory import gateway_keys, signing_key


def certificate_with(
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | dsa.DSAPrivateKey | ed25519.Ed25519PrivateKey,
) -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "weak.example.com")])
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, NOON, NOON + timedelta(days=1))
    algorithm = None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    return builder.sign(key, algorithm).public_bytes(Encoding.DER)


def forms() -> dict[str, bytes]:
    der = signing_key().trusted.der
    text = base64.b64encode(der)
    wrapped = "\r\n        ".join(textwrap.wrap(text.decode(), 64)).encode()
    pem = signing_key().certificate_pem.encode()
    return {
        "der": der,
        "base64": text,
        "wrapped": b"\n   " + wrapped + b"\n",
        "pem": pem,
        "pem with text": b"subject: x\n" + pem,
    }


@pytest.mark.parametrize("form", forms())
def test_parse_certificate__every_form__same_certificate(form: str) -> None:
    certificate = parse_certificate(forms()[form])
    assert certificate == signing_key().trusted
    assert certificate.subject == "CN=idp.example.com"
    assert certificate.fingerprint == x509.load_der_x509_certificate(certificate.der).fingerprint(hashes.SHA256()).hex()
    assert (certificate.not_before, certificate.not_after) == (NOON - timedelta(days=1), NOON + timedelta(days=365))


@pytest.mark.parametrize("kind", ["rsa2048", "p256", "p384", "p521"])
def test_parse_certificate__accepted_key__read(kind: str) -> None:
    assert signing_key("idp", kind).trusted.fingerprint


UNREADABLE = {
    "empty": b"",
    "not base64": b"MII*",
    "url-safe base64": base64.urlsafe_b64encode(b"\x30\xff\xff\xff\xfe"),
    "not a certificate": base64.b64encode(b"\x30\x03\x02\x01\x01"),
    "broken der": b"\x30\x82\x01\x01\x00",
    "too large": b"M" * 70_000,
    "bytes behind it": signing_key().trusted.der + b"\x00",
    "two pem blocks": signing_key().certificate_pem.encode() * 2,
    "a private key": signing_key().pem.encode(),
    "an open pem block": b"-----BEGIN CERTIFICATE-----\nMII=",
}


@pytest.mark.parametrize("data", UNREADABLE.values(), ids=UNREADABLE)
def test_parse_certificate__unreadable__refused(data: bytes) -> None:
    with pytest.raises(SamlError) as caught:
        parse_certificate(data)
    assert caught.value.reason is Reason.METADATA_CERTIFICATE


def test_parse_certificate__weak_or_unknown_key__refused() -> None:
    keys = (
        rsa.generate_private_key(public_exponent=65537, key_size=1024),
        ec.generate_private_key(ec.SECP256K1()),
        dsa.generate_private_key(2048),
        ed25519.Ed25519PrivateKey.generate(),
    )
    for key in keys:
        with pytest.raises(SamlError) as caught:
            parse_certificate(certificate_with(key))
        assert caught.value.reason is Reason.METADATA_CERTIFICATE


def test_public_key_of__not_a_certificate__refused() -> None:
    with pytest.raises(SamlError) as caught:
        public_key_of(b"x")
    assert caught.value.reason is Reason.METADATA_CERTIFICATE


def test_make_keys__new_gateway__distinct_pairs_that_fit() -> None:
    keys = make_keys("sso.example.com", NOON)
    pairs = [(keys.signing_key_pem, keys.signing_certificate_pem)]
    pairs += [(key.key_pem, key.certificate_pem) for key in keys.encryption]
    publics = set()
    for private_pem, certificate_pem in pairs:
        certificate = parse_certificate(certificate_pem.encode())
        public = rsa_private_key(private_pem).public_key()
        assert public == public_key_of(certificate.der)
        assert public.key_size == 3072
        assert certificate.subject == "CN=sso.example.com"
        assert certificate.not_before < NOON < certificate.not_after
        publics.add(public.public_numbers().n)
    assert len(publics) == len(pairs) == 2
    assert "PRIVATE" not in repr(keys)


@pytest.mark.parametrize(
    "pem", ["", "-----BEGIN PRIVATE KEY-----", signing_key("idp", "p256").pem, gateway_keys().signing_certificate_pem]
)
def test_rsa_private_key__anything_else__refused(pem: str) -> None:
    with pytest.raises(ConfigError) as caught:
        rsa_private_key(Secret(pem))
    assert caught.value.reason is Reason.CONFIG_INVALID


@pytest.mark.parametrize("version", [1, 3, 106, 255])
def test_parse_certificate__version_that_there_is_not__refused(version: int) -> None:
    """X.509 knows 0 and 2; cryptography has an error of its own for the others. Found by fuzzing metadata."""
    der = signing_key().trusted.der
    explicit = b"\xa0\x03\x02\x01"
    assert der.count(explicit) == 1
    changed = der.replace(explicit + b"\x02", explicit + bytes([version]))
    for read in (parse_certificate, public_key_of):
        with pytest.raises(SamlError) as caught:
            read(changed)
        assert caught.value.reason is Reason.METADATA_CERTIFICATE
