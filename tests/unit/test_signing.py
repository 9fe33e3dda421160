"""The gateway's own signatures: a key per purpose and master key."""

from gateway.keyring import KeyRing, new_master_key
from gateway.signing import is_signed_by, signing_keys

OLD, NEW = new_master_key(), new_master_key()


def test_signing_keys__a_purpose__signs_what_its_public_key_checks() -> None:
    (key,) = signing_keys(KeyRing((OLD,)), "receipts")
    signature = key.sign(b"message")
    assert is_signed_by(key.public, b"message", signature)
    assert not is_signed_by(key.public, b"messagf", signature)
    assert not is_signed_by(key.public, b"message", signature[:-1] + bytes([signature[-1] ^ 1]))


def test_signing_keys__another_purpose__is_another_key() -> None:
    ring = KeyRing((OLD,))
    assert signing_keys(ring, "receipts")[0].public != signing_keys(ring, "identity")[0].public


def test_signing_keys__a_rotated_ring__signs_with_the_newest_and_keeps_the_old() -> None:
    before = signing_keys(KeyRing((OLD,)), "receipts")
    after = signing_keys(KeyRing((NEW, OLD)), "receipts")
    assert [key.key_id for key in after] == [NEW.key_id.hex(), OLD.key_id.hex()]
    assert after[1].public == before[0].public


def test_is_signed_by__bytes_that_are_no_key__are_refused() -> None:
    assert not is_signed_by(b"short", b"message", bytes(64))
