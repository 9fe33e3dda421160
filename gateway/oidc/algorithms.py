"""The signature algorithms that are accepted, each bound to the kind of key that may use it.

Never accepted: `none`, HMAC (whose key would be public or shared), anything not in this table.
Rule: RFC 7518 §3.1; RFC 8037 §3.1; RFC 9864 §2.2; RFC 8725 §3.1, §3.2.
"""

import hashlib
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, TypeAlias

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, encode_dss_signature

# Kind of key -> its algorithms. A kind is the key type, or the curve where there are several.
BY_KIND: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "RSA": frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}),
        "P-256": frozenset({"ES256"}),
        "P-384": frozenset({"ES384"}),
        "P-521": frozenset({"ES512"}),
        "Ed25519": frozenset({"EdDSA", "Ed25519"}),
    }
)
SUPPORTED: frozenset[str] = frozenset().union(*BY_KIND.values())

# Whether a signature was made over some data: signature, data, SHA-256 of the data, which whoever asks has at hand.
Verifier: TypeAlias = Callable[[bytes, bytes, bytes], bool]

PublicKey: TypeAlias = rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey

_HASHES: Mapping[str, hashes.HashAlgorithm] = MappingProxyType(
    {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}
)
_PKCS1 = padding.PKCS1v15()
_RSA: Mapping[str, tuple[padding.AsymmetricPadding, hashes.HashAlgorithm]] = MappingProxyType(
    {
        name: (padding.PSS(padding.MGF1(digest), digest.digest_size) if family == "PS" else _PKCS1, digest)
        for family in ("RS", "PS")
        for bits, digest in _HASHES.items()
        for name in (family + bits,)
    }
)
_ECDSA: Mapping[str, ec.ECDSA] = MappingProxyType({f"ES{bits}": ec.ECDSA(digest) for bits, digest in _HASHES.items()})
_ECDSA_HALF: Mapping[str, int] = MappingProxyType({"ES256": 32, "ES384": 48, "ES512": 66})
_DIGESTS: Mapping[str, Callable[[bytes], Any]] = MappingProxyType(
    {
        name: {"256": hashlib.sha256, "384": hashlib.sha384}.get(name[-3:], hashlib.sha512)  # Ed25519 hashes by SHA-512
        for name in SUPPORTED
    }
)


def verifier(algorithm: str, key: PublicKey) -> Verifier:
    """What verifies signatures of one algorithm by one key, which is of a kind that fits: `keys.KeySet.get` sees to it.

    A key of another kind is an error of ours; what comes back raises TypeError then.
    """
    # Told apart by the algorithm: asking what an object of `cryptography` is takes longer than anything else here.
    verify: Callable[..., None] = key.verify
    if algorithm in _RSA:
        return _rsa_verifier(verify, *_RSA[algorithm])
    if algorithm in _ECDSA:
        return _ecdsa_verifier(verify, _ECDSA[algorithm], _ECDSA_HALF[algorithm])

    def verifies(signature: bytes, data: bytes, _sha256: bytes) -> bool:
        try:
            verify(signature, data)
        except InvalidSignature:
            return False
        return True

    return verifies


def _rsa_verifier(
    verify: Callable[..., None], padded: padding.AsymmetricPadding, digest: hashes.HashAlgorithm
) -> Verifier:
    is_hashed = isinstance(digest, hashes.SHA256)
    hashing = Prehashed(digest) if is_hashed else digest

    def verifies(signature: bytes, data: bytes, sha256: bytes) -> bool:
        try:
            verify(signature, sha256 if is_hashed else data, padded, hashing)
        except InvalidSignature:
            return False
        return True

    return verifies


def _ecdsa_verifier(verify: Callable[..., None], way: ec.ECDSA, half: int) -> Verifier:
    """A signature is r and s side by side, each as long as the curve's order."""

    def verifies(signature: bytes, data: bytes, _sha256: bytes) -> bool:
        if len(signature) != 2 * half:
            return False
        r, s = int.from_bytes(signature[:half]), int.from_bytes(signature[half:])
        try:
            verify(encode_dss_signature(r, s), data, way)
        except InvalidSignature:
            return False
        return True

    return verifies


def half_hash(algorithm: str, text: str) -> str:
    """The value of `at_hash` and `c_hash` for a text: the left half of its digest, base64url.

    Rule: OpenID Connect Core 1.0 §3.1.3.6, §3.3.2.11.
    """
    digest: bytes = _DIGESTS[algorithm](text.encode()).digest()
    return urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=").decode()
