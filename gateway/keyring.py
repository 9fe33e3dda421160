"""The key ring: seals secrets at rest and tokens on the wire, and rotates without breaking what is out.

A ring holds one or more 256-bit master keys, newest first. Each purpose (`sts-token`, `access-key-secret`, ...)
gets its own AES-256-GCM key by HKDF, so that a value sealed for one purpose never opens for another.
Sealed form: one version byte, 4 bytes of key id, 12 bytes of nonce, ciphertext with tag.
Rule: NIST SP 800-38D (GCM), RFC 5869 (HKDF).
"""

import secrets
from dataclasses import dataclass, field
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from gateway.errors import ConfigError, CredentialError, Reason

_VERSION = b"\x01"
_KEY_ID_BYTES = 4
_NONCE_BYTES = 12
_HEADER_BYTES = len(_VERSION) + _KEY_ID_BYTES + _NONCE_BYTES
_MASTER_BYTES = 32


@dataclass(frozen=True, slots=True)
class MasterKey:
    key_id: bytes  # 4 bytes, unique in the ring
    secret: bytes = field(repr=False)  # 32 bytes

    def __post_init__(self) -> None:
        if len(self.key_id) != _KEY_ID_BYTES or len(self.secret) != _MASTER_BYTES:
            raise ConfigError(Reason.CONFIG_INVALID, "a key ring entry needs an id of 4 and a secret of 32 bytes")


@dataclass(frozen=True, slots=True)
class KeyRing:
    """Master keys, newest first: the first one seals, all of them open."""

    keys: tuple[MasterKey, ...] = field(repr=False)

    def __post_init__(self) -> None:
        if not self.keys or len({key.key_id for key in self.keys}) != len(self.keys):
            raise ConfigError(Reason.CONFIG_INVALID, "a key ring needs at least one key, and distinct key ids")

    def seal(self, purpose: str, plaintext: bytes, bound_to: bytes = b"") -> bytes:
        """Encrypt for one purpose. `bound_to` is authenticated with it and must be given again to open."""
        key = self.keys[0]
        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed = _cipher(key, purpose).encrypt(nonce, plaintext, _VERSION + key.key_id + bound_to)
        return _VERSION + key.key_id + nonce + sealed

    def open(self, purpose: str, sealed: bytes, bound_to: bytes = b"") -> bytes:
        """Decrypt what `seal` made under any key of the ring.

        Raises: CredentialError(TOKEN_MALFORMED) for an unknown version or key, another purpose, any changed byte.
        """
        if len(sealed) < _HEADER_BYTES or sealed[:1] != _VERSION:
            raise CredentialError(Reason.TOKEN_MALFORMED, "the sealed value is malformed")
        key_id = sealed[1 : 1 + _KEY_ID_BYTES]
        for key in self.keys:
            if key.key_id == key_id:
                break
        else:
            raise CredentialError(Reason.TOKEN_MALFORMED, "the sealed value is malformed", "unknown key id")
        nonce = sealed[1 + _KEY_ID_BYTES : _HEADER_BYTES]
        try:
            return _cipher(key, purpose).decrypt(nonce, sealed[_HEADER_BYTES:], _VERSION + key_id + bound_to)
        except InvalidTag as exc:
            raise CredentialError(Reason.TOKEN_MALFORMED, "the sealed value is malformed") from exc

    def derive(self, purpose: str) -> bytes:
        """A 32-byte key for a library that wants one of its own, such as the cookie signer. Follows rotation."""
        return _derive(self.keys[0].secret, purpose)

    def derive_each(self, purpose: str) -> tuple[tuple[str, bytes], ...]:
        """The same of every master key, newest first, each with the key's id in hex."""
        return tuple((key.key_id.hex(), _derive(key.secret, purpose)) for key in self.keys)


def new_master_key() -> MasterKey:
    return MasterKey(key_id=secrets.token_bytes(_KEY_ID_BYTES), secret=secrets.token_bytes(_MASTER_BYTES))


def _derive(secret: bytes, purpose: str) -> bytes:
    return HKDF(SHA256(), length=_MASTER_BYTES, salt=None, info=b"ramgate/" + purpose.encode()).derive(secret)


@lru_cache(maxsize=64)
def _cipher(key: MasterKey, purpose: str) -> AESGCM:
    """Pure in its arguments; memoised because HKDF and the AES key schedule cost more than a small seal."""
    return AESGCM(_derive(key.secret, purpose))
