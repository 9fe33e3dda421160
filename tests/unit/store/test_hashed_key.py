from gateway.store.hashed_key import hash_key


def test_hash_key__known_text__is_its_sha256() -> None:
    assert hash_key("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_hash_key__lone_surrogate__is_hashed_like_any_text() -> None:
    assert hash_key("\ud800") != hash_key("\ud801")
