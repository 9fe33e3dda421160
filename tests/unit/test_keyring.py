import pytest

from gateway.errors import ConfigError, CredentialError, Reason
from gateway.keyring import KeyRing, new_master_key


def test_key_ring__seal_and_open__returns_the_plaintext() -> None:
    ring = KeyRing((new_master_key(),))

    assert ring.open("token", ring.seal("token", b"hello", b"id"), b"id") == b"hello"


def test_key_ring__rotation__opens_what_the_old_key_sealed() -> None:
    old = new_master_key()
    sealed = KeyRing((old,)).seal("token", b"hello")
    rotated = KeyRing((new_master_key(), old))

    assert rotated.open("token", sealed) == b"hello"
    assert rotated.seal("token", b"x")[1:5] == rotated.keys[0].key_id
    with pytest.raises(CredentialError):
        KeyRing((new_master_key(),)).open("token", sealed)


@pytest.mark.parametrize(("purpose", "bound_to"), [("other", b"id"), ("token", b"di"), ("token", b"")])
def test_key_ring__other_purpose_or_binding__does_not_open(purpose: str, bound_to: bytes) -> None:
    ring = KeyRing((new_master_key(),))
    sealed = ring.seal("token", b"hello", b"id")

    with pytest.raises(CredentialError) as refusal:
        ring.open(purpose, sealed, bound_to)

    assert refusal.value.reason is Reason.TOKEN_MALFORMED


def test_key_ring__any_changed_byte__does_not_open() -> None:
    ring = KeyRing((new_master_key(),))
    sealed = ring.seal("token", b"hello")

    for position in range(len(sealed)):
        changed = bytearray(sealed)
        changed[position] ^= 1
        with pytest.raises(CredentialError):
            ring.open("token", bytes(changed))
    for length in range(len(sealed)):
        with pytest.raises(CredentialError):
            ring.open("token", sealed[:length])


def test_key_ring__printing__shows_no_key() -> None:
    key = new_master_key()

    assert key.secret.hex() not in repr(KeyRing((key,))).replace("\\x", "")
    assert "secret" not in repr(key)


def test_key_ring__empty_or_doubled__is_refused() -> None:
    key = new_master_key()
    for keys in ((), (key, key)):
        with pytest.raises(ConfigError):
            KeyRing(keys)


def test_derive__purposes__differ() -> None:
    ring = KeyRing((new_master_key(),))

    assert ring.derive("cookies") != ring.derive("forms")
    assert len(ring.derive("cookies")) == 32
