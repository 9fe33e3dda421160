"""Signatures of the gateway's own, for others to check with a public key: Ed25519, a key for each purpose.

The keys follow the key ring: each master key gives one signing key per purpose, the newest signs. Whoever must check
what an older key signed after that master key is gone keeps the public key. Rule: RFC 8032; RFC 5869.
"""

from dataclasses import dataclass, field

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from gateway.keyring import KeyRing


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
