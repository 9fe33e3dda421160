"""The signature algorithms that are accepted, each bound to the kind of key that may use it.

Never accepted: `none`, HMAC (whose key would be public or shared), anything not in this table.
Rule: RFC 7518 §3.1; RFC 8037 §3.1; RFC 9864 §2.2; RFC 8725 §3.1, §3.2.
"""

import hashlib
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from joserfc.jws import JWSRegistry

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

_MODELS = {name: JWSRegistry.algorithms[name] for name in sorted(SUPPORTED)}
_DIGESTS: Mapping[str, Callable[[bytes], Any]] = MappingProxyType(
    {
        name: {"256": hashlib.sha256, "384": hashlib.sha384}.get(name[-3:], hashlib.sha512)  # Ed25519 hashes by SHA-512
        for name in SUPPORTED
    }
)


def verifies(algorithm: str, key: Any, signature: bytes, data: bytes) -> bool:
    """Whether `signature` was made over `data` with the private half of `key`, a joserfc key that fits `algorithm`."""
    return bool(_MODELS[algorithm].verify(data, signature, key))


def half_hash(algorithm: str, text: str) -> str:
    """The value of `at_hash` and `c_hash` for a text: the left half of its digest, base64url.

    Rule: OpenID Connect Core 1.0 §3.1.3.6, §3.3.2.11.
    """
    digest: bytes = _DIGESTS[algorithm](text.encode()).digest()
    return urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=").decode()
