"""A key that takes long to verify with would slow down every login of the issuer that it is registered for."""

from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from gateway.errors import Reason, SamlError
from gateway.saml.certificates import parse_certificate
from tests.fake_clock import NOON


def certificate(bits: int, exponent: int) -> bytes:
    """Around a number that is the modulus of nobody's key: verifying does not ask for its factors."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "slow")])
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(RSAPublicNumbers(exponent, 2**bits - 1).public_key())
        .serial_number(7)
        .not_valid_before(NOON - timedelta(days=1))
        .not_valid_after(NOON + timedelta(days=365))
        .sign(ec.generate_private_key(ec.SECP256R1()), SHA256())
        .public_bytes(Encoding.DER)
    )


@pytest.mark.parametrize(
    ("bits", "exponent"), [(8200, 65537), (16384, 65537), (200_000, 65537), (3072, 2**3000 + 1), (2048, 2**32 + 1)]
)
def test_parse_certificate__costly_rsa_key__is_refused(bits: int, exponent: int) -> None:
    with pytest.raises(SamlError) as caught:
        parse_certificate(certificate(bits, exponent))
    assert caught.value.reason is Reason.METADATA_CERTIFICATE


@pytest.mark.parametrize(("bits", "exponent"), [(2048, 3), (4096, 65537), (8192, 65537)])
def test_parse_certificate__usual_rsa_key__is_accepted(bits: int, exponent: int) -> None:
    assert parse_certificate(certificate(bits, exponent)).subject == "CN=slow"
