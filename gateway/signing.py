"""Signatures of the gateway's own, for others to check with a public key: Ed25519, a key for each purpose.

The keys follow the key ring: each master key gives one signing key per purpose, the newest signs. Whoever must check
what an older key signed after that master key is gone keeps the public key. Rule: RFC 8032; RFC 5869.
"""

from dataclasses import dataclass, field

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from gateway.keyring import KeyRing

# Points of small order, without the sign: there are texts, or all, that anybody can sign for such a key. Those of
# y = 0, 1, p - 1, p, p + 1 and the two of order 8. Rule: RFC 8032 §5.1.7, which leaves it to the verifier.
_SMALL_ORDER = frozenset(
    bytes.fromhex(text)
    for text in (
        "00" * 32,
        "01" + "00" * 31,
        "ec" + "ff" * 30 + "7f",
        "ed" + "ff" * 30 + "7f",
        "ee" + "ff" * 30 + "7f",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    )
)


@dataclass(frozen=True, slots=True)
class SigningKey:
    """One key. `key_id` is 8 hex digits, those of the master key that it comes from."""

    key_id: str
    private: Ed25519PrivateKey = field(repr=False)

    def sign(self, message: bytes) -> bytes:
        """64 bytes."""
        return self.private.sign(message)

    @property
    def public(self) -> bytes:
        """32 bytes, as in RFC 8032."""
        return self.private.public_key().public_bytes_raw()


def signing_keys(ring: KeyRing, purpose: str) -> tuple[SigningKey, ...]:
    """The keys of one purpose, newest first. To be made once and kept: each costs a derivation."""
    return tuple(
        SigningKey(key_id, Ed25519PrivateKey.from_private_bytes(secret))
        for key_id, secret in ring.derive_each(f"sign/{purpose}")
    )


def is_signed_by(public: bytes, message: bytes, signature: bytes) -> bool:
    """Whether the holder of this key (32 bytes) signed the message; False too for what is no key or no signature."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def is_everybodys(public: bytes) -> bool:
    """Whether a public key (32 bytes) proves nothing: others than the holder of one private key can sign for it."""
    return bytes((*public[:-1], public[-1] & 0x7F)) in _SMALL_ORDER
