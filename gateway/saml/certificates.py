"""Certificates: the ones that identity providers sign with, and the gateway's own keys.

Trust comes from the metadata that an administrator registered, not from a certificate chain. So chain, revocation
and validity dates of a provider's certificate are not evaluated; the dates are kept for the console to warn with.
Rule: SAML V2.0 Metadata Interoperability Profile 1.0 §2.6.1.
ASSUMPTION: the platform treats an expired certificate the same way; its documents don't say.
"""

import base64
import binascii
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID

from gateway.errors import ConfigError, Reason, SamlError
from gateway.secret import Secret

PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey

MIN_RSA_BITS = 2048
# Beyond these a check costs a hundred times as much, and all who share the issuer would wait for it.
_MAX_RSA_BITS = 8192
_MAX_RSA_EXPONENT = 2**32
_OWN_RSA_BITS = 3072
_OWN_VALIDITY = timedelta(days=3653)
_MAX_BYTES = 64 * 1024
_CURVES = (ec.SECP256R1, ec.SECP384R1, ec.SECP521R1)
# An unknown version of X.509 is an error of its own kind, and no ValueError.
_UNREADABLE = (ValueError, TypeError, UnsupportedAlgorithm, x509.InvalidVersion)
_PEM = re.compile(rb"-----BEGIN CERTIFICATE-----([^-]*)-----END CERTIFICATE-----")
_DER_SEQUENCE = 0x30
_DER_LONG_LENGTH = 0x80


@dataclass(frozen=True, slots=True)
class TrustedCertificate:
    """A certificate that an administrator registered for an identity provider."""

    fingerprint: str  # SHA-256 of `der`, lower hex
    der: bytes
    subject: str
    not_before: datetime
    not_after: datetime


@dataclass(frozen=True, slots=True)
class EncryptionKey:
    """A key of ours that an IdP may encrypt assertions to."""

    key_pem: Secret
    certificate_pem: str


@dataclass(frozen=True, slots=True)
class ServiceProviderKeys:
    """Our keys at an instant: what we sign messages with, and every key that may still decrypt, the current one first.

    Metadata shows the signing certificate and after it the further ones: of the next key, and for a while of the old
    one. Of the encryption keys it shows those offered: the current one if none are named, and the next one.
    """

    signing_key_pem: Secret
    signing_certificate_pem: str
    encryption: tuple[EncryptionKey, ...]
    further_signing_certificates: tuple[str, ...] = ()
    offered_encryption_certificates: tuple[str, ...] = ()


def parse_certificate(base64_or_pem_or_der: bytes) -> TrustedCertificate:
    """Read the one certificate in a text or file: DER, PEM, or bare base64 as in `ds:X509Certificate`.

    Refused: anything unreadable, more than one PEM block, bytes after the certificate, RSA below 2048 bits, above
    8192 or with an exponent above 32 bits, and keys that are neither RSA nor EC on P-256, P-384 or P-521.
    Raises: SamlError(METADATA_CERTIFICATE).
    """
    der = _der_of(base64_or_pem_or_der)
    try:
        certificate = x509.load_der_x509_certificate(der)
        public_key_of(der)
        return TrustedCertificate(
            fingerprint=certificate.fingerprint(SHA256()).hex(),
            der=der,
            subject=certificate.subject.rfc4514_string(),
            not_before=certificate.not_valid_before_utc,
            not_after=certificate.not_valid_after_utc,
        )
    except _UNREADABLE as exc:
        raise _refusal("the certificate can't be read", str(exc)) from exc


@lru_cache(maxsize=1024)
def public_key_of(der: bytes) -> PublicKey:
    """The public key in a DER certificate. Pure in its argument; memoised since loading costs as much as verifying.

    Raises: SamlError(METADATA_CERTIFICATE) for a key that no signature is accepted from.
    """
    try:
        key = x509.load_der_x509_certificate(der).public_key()
    except _UNREADABLE as exc:
        raise _refusal("the certificate can't be read", str(exc)) from exc
    if isinstance(key, rsa.RSAPublicKey):
        if key.key_size < MIN_RSA_BITS:
            raise _refusal(f"the certificate's RSA key has fewer than {MIN_RSA_BITS} bits", f"{key.key_size} bits")
        if key.key_size > _MAX_RSA_BITS or key.public_numbers().e > _MAX_RSA_EXPONENT:
            raise _refusal("the certificate's RSA key is unusually large", f"{key.key_size} bits")
        return key
    if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, _CURVES):
        return key
    raise _refusal("the certificate's key is neither RSA nor EC on P-256, P-384 or P-521", type(key).__name__)


def twins_of(certificate: TrustedCertificate, others: Iterable[TrustedCertificate]) -> tuple[str, ...]:
    """The fingerprints of those `others` that hold the same public key: what verifies by one verifies by all.

    A certificate is an envelope that anybody can make around anybody's public key, so it is the key that counts.
    """
    key = public_key_of(certificate.der)
    return tuple(
        other.fingerprint
        for other in others
        if other.fingerprint != certificate.fingerprint and public_key_of(other.der) == key
    )


@lru_cache(maxsize=64)
def rsa_private_key(pem: Secret) -> rsa.RSAPrivateKey:
    """Load one of our own keys. Memoised: the consistency check of a private key costs more than its use.

    Raises: ConfigError(CONFIG_INVALID) for anything but an unencrypted RSA key in PEM.
    """
    try:
        key = load_pem_private_key(pem.reveal().encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as exc:
        raise ConfigError(Reason.CONFIG_INVALID, "a private key of the gateway can't be read") from exc
    if not isinstance(key, rsa.RSAPrivateKey):
        raise ConfigError(Reason.CONFIG_INVALID, "a private key of the gateway is not an RSA key")
    return key


def make_keys(common_name: str, now: datetime) -> ServiceProviderKeys:
    """New keys for a gateway: one pair to sign with and one to decrypt with, RSA-3072, self-signed for 10 years."""
    signing_key, signing_certificate = _make_pair(common_name, now)
    encryption_key, encryption_certificate = _make_pair(common_name, now)
    return ServiceProviderKeys(
        signing_key_pem=signing_key,
        signing_certificate_pem=signing_certificate,
        encryption=(EncryptionKey(key_pem=encryption_key, certificate_pem=encryption_certificate),),
    )


def _make_pair(common_name: str, now: datetime) -> tuple[Secret, str]:
    key = rsa.generate_private_key(public_exponent=65537, key_size=_OWN_RSA_BITS)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))  # for readers whose clock is behind
        .not_valid_after(now + _OWN_VALIDITY)
        .sign(key, SHA256())
    )
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return Secret(pem.decode()), certificate.public_bytes(Encoding.PEM).decode()


def _der_of(data: bytes) -> bytes:
    if len(data) > _MAX_BYTES:
        raise _refusal("the certificate is too large", f"{len(data)} bytes")
    if len(data) > 1 and data[0] == _DER_SEQUENCE and data[1] > _DER_LONG_LENGTH:
        return data
    text = data
    if b"-----BEGIN" in data:
        blocks = _PEM.findall(data)
        if len(blocks) != 1 or data.count(b"-----BEGIN") != 1:
            raise _refusal("the text must hold exactly one certificate", f"{len(blocks)} certificates")
        text = blocks[0]
    try:
        return base64.b64decode(b"".join(text.split()), validate=True)
    except (binascii.Error, ValueError) as exc:
        raise _refusal("the certificate is not valid base64", str(exc)) from exc


def _refusal(public: str, detail: str) -> SamlError:
    return SamlError(Reason.METADATA_CERTIFICATE, public, detail)
