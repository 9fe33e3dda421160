"""The signature algorithms that are accepted, each bound to the kind of key that may use it.

Never accepted: SHA-1, MD5, HMAC (whose key would be the public certificate), DSA, anything not in these tables.
Rule: XML Signature 1.1 §6.4; RFC 6931 §2.3; RFC 9231 §2.3.
"""

from collections.abc import Mapping
from types import MappingProxyType

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from gateway.saml.certificates import PublicKey

_MORE = "http://www.w3.org/2001/04/xmldsig-more#"
_MORE_2007 = "http://www.w3.org/2007/05/xmldsig-more#"

DIGESTS: Mapping[str, str] = MappingProxyType(
    {
        "http://www.w3.org/2001/04/xmlenc#sha256": "sha256",
        _MORE + "sha384": "sha384",
        "http://www.w3.org/2001/04/xmlenc#sha512": "sha512",
    }
)

_SHA256, _SHA384, _SHA512 = hashes.SHA256(), hashes.SHA384(), hashes.SHA512()
_RSA_PKCS1 = {_MORE + "rsa-sha256": _SHA256, _MORE + "rsa-sha384": _SHA384, _MORE + "rsa-sha512": _SHA512}
_RSA_PSS = {
    _MORE_2007 + "sha256-rsa-MGF1": _SHA256,
    _MORE_2007 + "sha384-rsa-MGF1": _SHA384,
    _MORE_2007 + "sha512-rsa-MGF1": _SHA512,
}
_ECDSA = {_MORE + "ecdsa-sha256": _SHA256, _MORE + "ecdsa-sha384": _SHA384, _MORE + "ecdsa-sha512": _SHA512}
_PKCS1 = padding.PKCS1v15()


def is_known(algorithm: str) -> bool:
    return algorithm in _RSA_PKCS1 or algorithm in _RSA_PSS or algorithm in _ECDSA


def fits(algorithm: str, key: PublicKey) -> bool:
    """Whether this kind of key may use this algorithm."""
    if isinstance(key, rsa.RSAPublicKey):
        return algorithm in _RSA_PKCS1 or algorithm in _RSA_PSS
    return algorithm in _ECDSA


def verifies(algorithm: str, key: PublicKey, signature: bytes, data: bytes) -> bool:
    """Whether `signature` was made over `data` with the private half of `key`; False if key and algorithm don't fit.

    An ECDSA signature is r and s side by side, each as long as the curve's order.
    """
    try:
        if isinstance(key, rsa.RSAPublicKey):
            return _rsa_verifies(algorithm, key, signature, data)
        return _ecdsa_verifies(algorithm, key, signature, data)
    except InvalidSignature:
        return False


def _rsa_verifies(algorithm: str, key: rsa.RSAPublicKey, signature: bytes, data: bytes) -> bool:
    if algorithm in _RSA_PKCS1:
        key.verify(signature, data, _PKCS1, _RSA_PKCS1[algorithm])
        return True
    if algorithm in _RSA_PSS:
        digest = _RSA_PSS[algorithm]
        key.verify(signature, data, padding.PSS(padding.MGF1(digest), digest.digest_size), digest)
        return True
    return False


def _ecdsa_verifies(algorithm: str, key: ec.EllipticCurvePublicKey, signature: bytes, data: bytes) -> bool:
    half = (key.curve.key_size + 7) // 8
    if algorithm not in _ECDSA or len(signature) != 2 * half:
        return False
    r, s = int.from_bytes(signature[:half]), int.from_bytes(signature[half:])
    key.verify(encode_dss_signature(r, s), data, ec.ECDSA(_ECDSA[algorithm]))
    return True
