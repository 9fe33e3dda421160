import json
from base64 import urlsafe_b64decode
from typing import Any

import pytest

from gateway.errors import OidcError, Reason
from gateway.oidc.keys import KeySet, parse_key_set
from tests.oidc_factory import b64, key_set_json, private_key, public_jwk

KINDS = ["RSA", "RSA-3072", "P-256", "P-384", "P-521", "Ed25519"]
RSA = public_jwk(private_key())
EC = public_jwk(private_key("P-256"))
OKP = public_jwk(private_key("Ed25519"))
# Rule: RFC 7638 §3.1, its example key and thumbprint.
RFC_KEY = {
    "kty": "RSA",
    "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3"
    "oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6"
    "qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJ"
    "zKnqDKgw",
    "e": "AQAB",
    "alg": "RS256",
    "kid": "2011-04-29",
}


def parse(*jwks: Any) -> KeySet:
    return parse_key_set(key_set_json(*jwks))


def refusal(data: bytes) -> Reason:
    with pytest.raises(OidcError) as caught:
        parse_key_set(data)
    return caught.value.reason


def test_parse_key_set__every_kind__is_taken() -> None:
    keys = parse(*(public_jwk(private_key(kind), kid=kind, use="sig", key_ops=["verify"]) for kind in KINDS)).keys
    assert [key.kid for key in keys] == KINDS
    assert len({key.thumbprint for key in keys}) == len(KINDS)


def test_parse_key_set__key_of_the_rfc__has_its_thumbprint() -> None:
    # NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs
    thumbprint = "3736cbb178 7cb8309c77ee8c3705c5e16ffb9e859715901f1e4c59b11182f57b".replace(" ", "")
    key = parse(RFC_KEY).keys[0]
    assert key.thumbprint == thumbprint
    assert key.algorithms == {"RS256"}


def test_parse_key_set__leading_zero__changes_nothing() -> None:
    padded = {**RSA, "n": b64(b"\0" + urlsafe_b64decode(RSA["n"] + "=="))}
    assert parse(padded).keys[0].thumbprint == parse(RSA).keys[0].thumbprint


def test_parse_key_set__coordinate_without_its_leading_zeros__is_the_same_key() -> None:
    """Some libraries write the number as short as it goes, against RFC 7518 §6.2.1.2."""
    jwk = next(jwk for n in range(100) if (jwk := public_jwk(private_key("P-521", str(n))))["x"].startswith("AA"))
    short = {**jwk, "x": b64(urlsafe_b64decode(jwk["x"] + "==").lstrip(b"\0"))}
    assert short != jwk
    assert parse(short).keys[0].thumbprint == parse(jwk).keys[0].thumbprint


LEFT_OUT = {
    "symmetric": {"kty": "oct", "k": "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"},
    "no kind": {"n": RSA["n"], "e": RSA["e"]},
    "unknown kind": {**RSA, "kty": "rsa"},
    "kind that is no text": {**RSA, "kty": ["RSA"]},
    "rsa with a private exponent": {**RSA, "d": RSA["n"]},
    "rsa with a prime": {**RSA, "p": "AQAB"},
    "rsa of 1024 bits": public_jwk(private_key("RSA-1024")),
    "rsa of 16384 bits": {**RSA, "n": b64(b"\xff" * 2048)},
    "rsa without modulus": {**RSA, "n": None},
    "rsa with an even modulus": {**RSA, "n": b64(b"\xc0" + b"\0" * 255)},
    "rsa with a padded modulus": {**RSA, "n": RSA["n"] + "=="},
    "rsa with exponent 1": {**RSA, "e": "AQ"},
    "rsa with exponent 3": {**RSA, "e": "Aw"},
    "rsa with an even exponent": {**RSA, "e": "AQAC"},
    "rsa with a huge exponent": {**RSA, "e": RSA["n"]},
    "rsa with exponent 0": {**RSA, "e": "AA"},
    "rsa with a number for a modulus": {**RSA, "n": 12345},
    "ec off its curve": {**EC, "y": EC["x"]},
    "ec at infinity": {**EC, "x": b64(b"\0" * 32), "y": b64(b"\0" * 32)},
    "ec with a short coordinate": {**EC, "x": b64(b"\1" * 31)},
    "ec with a long coordinate": {**EC, "x": b64(b"\1" * 33)},
    "ec on another curve": {**EC, "crv": "secp256k1"},
    "ec with the name of another curve": {**EC, "crv": "P-384"},
    "ec without curve": {**EC, "crv": None},
    "ec with a private value": {**EC, "d": EC["x"]},
    "okp for agreement": {**OKP, "crv": "X25519"},
    "okp Ed448": {**OKP, "crv": "Ed448"},
    "okp too short": {**OKP, "x": b64(b"\1" * 31)},
    "okp with a private value": {**OKP, "d": OKP["x"]},
    "for encryption": {**RSA, "use": "enc"},
    "use that is no text": {**RSA, "use": ["sig"]},
    "to sign only": {**RSA, "key_ops": ["sign"]},
    "operations that are no list": {**RSA, "key_ops": "verify"},
    "algorithm of encryption": {**RSA, "alg": "RSA-OAEP"},
    "algorithm hmac": {**RSA, "alg": "HS256"},
    "algorithm none": {**RSA, "alg": "none"},
    "algorithm of another kind": {**EC, "alg": "ES384"},
    "algorithm that is no text": {**RSA, "alg": ["RS256"]},
    "kid that is no text": {**RSA, "kid": 1},
    "kid too long": {**RSA, "kid": "k" * 513},
    "text": "key",
    "null": None,
}  # fmt: skip


@pytest.mark.parametrize("jwk", LEFT_OUT.values(), ids=LEFT_OUT)
def test_parse_key_set__key_that_can_not_be_used__is_left_out(jwk: Any) -> None:
    assert refusal(key_set_json(jwk)) is Reason.OIDC_KEY_SET
    good = public_jwk(private_key("P-384"), kid="good")
    assert [key.kid for key in parse(jwk, good, jwk).keys] == ["good"]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", Reason.OIDC_JSON),
        (b"[]", Reason.OIDC_JSON),
        (b"<html>", Reason.OIDC_JSON),
        (b"{}", Reason.OIDC_KEY_SET),
        (b'{"keys": {}}', Reason.OIDC_KEY_SET),
        (b'{"keys": []}', Reason.OIDC_KEY_SET),
        (json.dumps({"keys": [RSA] * 101}).encode(), Reason.OIDC_KEY_SET),
        (b'{"keys": [], "keys": []}', Reason.OIDC_DUPLICATE_MEMBER),
        (b'{"keys": [{"kty": "RSA", "kty": "oct"}]}', Reason.OIDC_DUPLICATE_MEMBER),
        (b'{"keys": ' + b"[" * 5000 + b"]" * 5000 + b"}", Reason.OIDC_TOO_DEEP),
        (b'{"keys": []' + b" " * 300_000 + b"}", Reason.OIDC_TOO_LARGE),
    ],
)
def test_parse_key_set__no_key_set__refused(data: bytes, reason: Reason) -> None:
    assert refusal(data) is reason


def key_of(keys: KeySet, kid: str | None, algorithm: str) -> str | Reason:
    try:
        return keys.get(kid, algorithm).thumbprint
    except OidcError as exc:
        return exc.reason


def test_get__by_kid_and_algorithm__is_the_one_that_fits() -> None:
    second = public_jwk(private_key(name="second"))
    keys = parse({**RSA, "kid": "a"}, {**second, "kid": "b", "alg": "PS256"}, {**EC, "kid": "a"})
    rsa_a, rsa_b, ec_a = (key.thumbprint for key in keys.keys)
    assert key_of(keys, "a", "RS256") == rsa_a
    assert key_of(keys, "a", "ES256") == ec_a
    assert key_of(keys, "b", "PS256") == rsa_b
    assert key_of(keys, "b", "RS256") is Reason.OIDC_KEY_ALGORITHM
    assert key_of(keys, "c", "RS256") is Reason.OIDC_KEY_UNKNOWN
    assert key_of(keys, None, "RS256") == rsa_a
    assert key_of(keys, None, "ES256") == ec_a
    assert key_of(keys, None, "PS256") is Reason.OIDC_KEY_AMBIGUOUS
    assert key_of(keys, None, "ES512") is Reason.OIDC_KEY_UNKNOWN


def test_get__two_keys_of_one_kid__ambiguous() -> None:
    keys = parse({**RSA, "kid": "a"}, {**public_jwk(private_key(name="second")), "kid": "a"})
    assert key_of(keys, "a", "RS256") is Reason.OIDC_KEY_AMBIGUOUS


def test_get__same_key_listed_twice__is_one() -> None:
    keys = parse({**RSA, "kid": "a"}, {**RSA, "kid": "a", "x5t": "other"})
    assert key_of(keys, "a", "RS256") == keys.keys[0].thumbprint


def test_get__token_with_kid_and_key_without__unknown() -> None:
    assert key_of(parse(RSA), "a", "RS256") is Reason.OIDC_KEY_UNKNOWN
