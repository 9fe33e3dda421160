"""Tokens made to be believed though the provider never signed them."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from gateway.errors import OidcError, Reason
from gateway.oidc.id_token import verify_id_token
from gateway.oidc.keys import KeySet, parse_key_set
from tests import oidc_factory as factory
from tests.fake_clock import NOON
from tests.oidc_factory import CLAIMS, Spec, b64, expectation, key_set, key_set_json, private_key, public_jwk, signed

GOOD = Spec().token()
HEADER, PAYLOAD, SIGNATURE = GOOD.split(".")
EVIL = private_key(name="evil")
CLAIMS_JSON = json.dumps(dict(CLAIMS)).encode()


def refusal(token: str, keys: KeySet | None = None, **expect: Any) -> Reason:
    with pytest.raises(OidcError) as caught:
        verify_id_token(token, expectation(**expect), keys or key_set(), NOON)
    return caught.value.reason


def raw(header: dict[str, Any], payload: bytes = CLAIMS_JSON, signature: bytes = b"") -> str:
    return f"{b64(json.dumps(header).encode())}.{b64(payload)}.{b64(signature)}"


def test_good__as_a_baseline__passes() -> None:
    assert verify_id_token(GOOD, expectation(), key_set(), NOON).subject


def public_forms() -> dict[str, bytes]:
    """What a verifier that mixes up algorithms could take for an HMAC secret."""
    public = private_key().public_key()
    jwk = public_jwk(private_key(), kid="k1")
    return {
        "pem": public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        "pem without newline": public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).strip(),
        "pkcs1": public.public_bytes(Encoding.PEM, PublicFormat.PKCS1),
        "der": public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        "jwk": json.dumps(jwk).encode(),
        "modulus": base64.urlsafe_b64decode(jwk["n"] + "=="),
        "empty": b"",
    }


@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"])
@pytest.mark.parametrize("form", public_forms())
def test_hmac_with_the_public_key__refused(algorithm: str, form: str) -> None:
    head = raw({"alg": algorithm, "kid": "k1"}).rpartition(".")[0]
    digest = {"HS256": "sha256", "HS384": "sha384", "HS512": "sha512"}[algorithm]
    mac = hmac.new(public_forms()[form], head.encode(), digest).digest()
    assert refusal(f"{head}.{b64(mac)}") is Reason.OIDC_ALGORITHM


@pytest.mark.parametrize(
    "algorithm",
    [
        "none",
        "None",
        "NONE",
        "nOnE",
        "",
        "none ",
        "RS256 ",
        "rs256",
        "RS256\0",
        "HS256",
        "ES256K",
        "Ed448",
        "RSA1_5",
        "dir",
    ],
)
@pytest.mark.parametrize("signature", ["", SIGNATURE])
def test_algorithm_that_is_none_or_unknown__refused(algorithm: str, signature: str) -> None:
    reason = refusal(f"{raw({'alg': algorithm, 'kid': 'k1'}).rpartition('.')[0]}.{signature}")
    assert reason in {Reason.OIDC_ALGORITHM, Reason.OIDC_JSON}


@pytest.mark.parametrize(
    "header",
    [
        {"jwk": public_jwk(EVIL)},
        {"jwk": public_jwk(EVIL, kid="k1"), "kid": "k1"},
        {"jku": "https://evil.example/jwks"},
        {"x5u": "https://evil.example/cert"},
        {"x5c": ["MIIB"]},
        {"kid": "../../../../dev/null"},
        {"kid": "k1' OR '1'='1"},
        {"kid": "k1\0"},
        {"kid": "K1"},
        {"kid": " k1"},
        {"kid": "https://evil.example/jwks#k1"},
        {"kid": None, "jwk": public_jwk(EVIL)},
    ],
)
def test_key_brought_along__is_not_looked_at(header: dict[str, Any]) -> None:
    token = Spec(header=header, key=EVIL).token()
    assert refusal(token) in {Reason.OIDC_SIGNATURE, Reason.OIDC_KEY_UNKNOWN, Reason.OIDC_JSON}


@pytest.mark.parametrize(("algorithm", "size"), [("ES256", 64), ("ES384", 96), ("ES512", 132)])
@pytest.mark.parametrize("r", [0, 1, -1])
@pytest.mark.parametrize("s", [0, 1, -1])
def test_psychic_signature__refused(algorithm: str, size: int, r: int, s: int) -> None:
    """CVE-2022-21449: r and s of zero, or of the order, that some verifiers found good for everything."""
    order = {
        "ES256": 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551,
        "ES384": 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFC7634D81F4372DDF581A0DB248B0A77AECEC196ACCC52973,
        "ES512": (1 << 521) - 0x5AE79787C40D069948033FEB708F65A2FC44A36477663B851449048E16EC79BF7,
    }[algorithm]
    numbers = [order if each < 0 else each for each in (r, s)]
    signature = b"".join(each.to_bytes(size // 2) for each in numbers)
    token = raw({"alg": algorithm, "kid": "k1"}, signature=signature)
    assert refusal(token, key_set(factory.ALGORITHMS[algorithm])) is Reason.OIDC_SIGNATURE


def test_ecdsa_signature_in_der__refused() -> None:
    from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

    token = Spec(algorithm="ES256").token()
    head, _, signature = token.rpartition(".")
    plain = base64.urlsafe_b64decode(signature + "==")
    der = encode_dss_signature(int.from_bytes(plain[:32]), int.from_bytes(plain[32:]))
    assert refusal(f"{head}.{b64(der)}", key_set("P-256")) is Reason.OIDC_SIGNATURE


def test_rsa_signature_for_exponent_three__has_no_key() -> None:
    """Bleichenbacher's forgery of 2006 needs a small exponent: such keys are not taken."""
    jwk = {**public_jwk(private_key(), kid="k1"), "e": "Aw"}
    with pytest.raises(OidcError) as caught:
        parse_key_set(key_set_json(jwk))
    assert caught.value.reason is Reason.OIDC_KEY_SET


def test_short_rsa_key__has_no_place_in_the_set() -> None:
    keys = parse_key_set(
        key_set_json(public_jwk(private_key("RSA-1024"), kid="short"), public_jwk(private_key(), kid="k1"))
    )
    token = Spec(header={"kid": "short"}, key=private_key("RSA-1024")).token()
    assert refusal(token, keys) is Reason.OIDC_KEY_UNKNOWN


@pytest.mark.parametrize(
    "change",
    [
        lambda s: s + b"\0",
        lambda s: b"\0" + s,
        lambda s: s[1:],
        lambda s: s * 2,
        lambda _: b"\0" * 256,
        lambda _: b"\xff" * 256,
    ],
)
def test_rsa_signature_of_another_length_or_value__refused(change: Callable[[bytes], bytes]) -> None:
    plain = base64.urlsafe_b64decode(SIGNATURE + "==")
    assert refusal(f"{HEADER}.{PAYLOAD}.{b64(change(plain))}") is Reason.OIDC_SIGNATURE


JSON_FORMS = [
    {"payload": PAYLOAD, "protected": HEADER, "signature": SIGNATURE},
    {"payload": PAYLOAD, "signatures": [{"protected": HEADER, "signature": SIGNATURE}]},
    {"payload": PAYLOAD, "signatures": [{"protected": HEADER, "header": {"alg": "none"}, "signature": SIGNATURE}]},
]


@pytest.mark.parametrize("form", JSON_FORMS)
def test_json_serialization__refused(form: dict[str, Any]) -> None:
    assert refusal(json.dumps(form)) is Reason.OIDC_SHAPE
    # With the two dots that a lax reader looks for.
    assert refusal(f'{{"a":"{GOOD}"}}') in {Reason.OIDC_SHAPE, Reason.OIDC_ENCODING}


def test_unencoded_payload__refused() -> None:
    header = b64(json.dumps({"alg": "RS256", "kid": "k1", "b64": False, "crit": ["b64"]}).encode())
    payload = CLAIMS_JSON.decode().replace(".", "-")
    data = f"{header}.{payload}"
    token = f"{data}.{b64(factory.raw_signature('RS256', private_key(), data.encode()))}"
    assert refusal(token) is Reason.OIDC_CRITICAL_HEADER


@pytest.mark.parametrize("payload", [GOOD.encode(), json.dumps(GOOD).encode()])
def test_token_within_a_token__refused(payload: bytes) -> None:
    plain = signed(b'{"alg":"RS256","kid":"k1"}', payload)
    announced = signed(b'{"alg":"RS256","kid":"k1","cty":"JWT"}', payload)
    assert refusal(plain) is Reason.OIDC_JSON
    assert refusal(announced) is Reason.OIDC_TYPE


ENCRYPTED = [
    "a.b.c.d.e",
    b64(b'{"alg":"RSA-OAEP","enc":"A256GCM"}') + ".x.x.x.x",
    "....",
    f"{HEADER}..{PAYLOAD}.{SIGNATURE}.x",
]


@pytest.mark.parametrize("token", ENCRYPTED)
def test_encrypted_token__refused(token: str) -> None:
    assert refusal(token) is Reason.OIDC_ENCRYPTED


def inner(text: bytes) -> bytes:
    """The usual claims with something before them."""
    return b"{" + text + b", " + CLAIMS_JSON[1:]


HOSTILE_PAYLOADS: dict[str, tuple[bytes, Reason]] = {
    "subject twice": (inner(b'"sub": "admin"'), Reason.OIDC_DUPLICATE_MEMBER),
    "subject twice, once escaped": (inner(b'"\\u0073ub": "admin"'), Reason.OIDC_DUPLICATE_MEMBER),
    "twice further down": (inner(b'"x": {"a": 1, "a": 2}'), Reason.OIDC_DUPLICATE_MEMBER),
    "nan": (inner(b'"x": NaN'), Reason.OIDC_JSON),
    "infinity": (inner(b'"x": -Infinity'), Reason.OIDC_JSON),
    "huge integer": (inner(b'"x": ' + b"9" * 9000), Reason.OIDC_JSON),
    "huge fraction": (inner(b'"x": 1e400'), Reason.OIDC_JSON),
    "brackets": (inner(b'"x": ' + b"[" * 9000), Reason.OIDC_TOO_DEEP),
    "deep object": (inner(b'"x": ' + b'{"x":' * 17 + b"1" + b"}" * 17), Reason.OIDC_TOO_DEEP),
    "nul": (inner(b'"x": "\\u0000"'), Reason.OIDC_JSON),
    "half surrogate": (inner(b'"x": ["\\udfff"]'), Reason.OIDC_JSON),
    "half surrogate in a name": (inner(b'"\\ud800": 1'), Reason.OIDC_JSON),
    "latin-1": (inner(b'"x": "\xe9"'), Reason.OIDC_JSON),
    "utf-16": (CLAIMS_JSON.decode().encode("utf-16"), Reason.OIDC_JSON),
    "byte order mark": (b"\xef\xbb\xbf" + CLAIMS_JSON, Reason.OIDC_JSON),
    "something after it": (CLAIMS_JSON + b"{}", Reason.OIDC_JSON),
    "list": (b"[" + CLAIMS_JSON + b"]", Reason.OIDC_JSON),
    "empty object": (b"{}", Reason.OIDC_ISSUER),
    "expiry beyond a datetime": (inner(b"").replace(b"{, ", b"{").replace(b'"exp": 1772625900', b'"exp": 253402300800'), Reason.OIDC_TIME),
    "expiry minus zero point": (inner(b"").replace(b"{, ", b"{").replace(b'"exp": 1772625900', b'"exp": -0.5'), Reason.OIDC_TIME),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE_PAYLOADS)
def test_payload_signed_by_the_provider_and_hostile__refused(name: str) -> None:
    """The provider's own customers can often choose claims: a signature says who wrote, not that it is harmless."""
    payload, reason = HOSTILE_PAYLOADS[name]
    assert refusal(signed(b'{"alg":"RS256","kid":"k1"}', payload)) is reason


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        (b'{"alg":"none","alg":"RS256","kid":"k1"}', Reason.OIDC_DUPLICATE_MEMBER),
        (b'{"alg":"RS256","kid":"k1","kid":"k2"}', Reason.OIDC_DUPLICATE_MEMBER),
        (b'{"alg":"RS256","kid":"k1","x":' + b"[" * 3000, Reason.OIDC_TOO_DEEP),
        (b'["RS256"]', Reason.OIDC_JSON),
        (b'{"alg":{"a":1}}', Reason.OIDC_HEADER),
        (b"\xff", Reason.OIDC_JSON),
    ],
)
def test_header_with_two_meanings__refused(header: bytes, reason: Reason) -> None:
    assert refusal(signed(header, CLAIMS_JSON)) is reason


SPELLINGS: dict[str, Callable[[str], str]] = {
    "padding": lambda part: part + "=",
    "space before": lambda part: " " + part,
    "space after": lambda part: part + " ",
    "newline within": lambda part: part[:40] + "\n" + part[40:],
    "carriage return": lambda part: part + "\r",
    "nul": lambda part: part + "\0",
    "percent": lambda part: part + "%3D",
    "full-width": lambda part: part + "\uff21",
}


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("index", [0, 1, 2])
def test_token_spelt_in_another_way__refused(spelling: str, index: int) -> None:
    parts = GOOD.split(".")
    parts[index] = SPELLINGS[spelling](parts[index])
    # Changing what is signed shows in the signature first.
    assert refusal(".".join(parts)) in {Reason.OIDC_ENCODING, Reason.OIDC_SHAPE, Reason.OIDC_SIGNATURE}


def test_token_of_another_token_type__refused_for_exchange() -> None:
    """A logout token has no nonce, and an exchange asks for none."""
    event: dict[str, Any] = {
        "events": {"http://schemas.openid.net/event/backchannel-logout": {}},
        "nonce": None,
        "jti": "1",
    }
    for typ in ("logout+jwt", "JWT", None):
        assert refusal(Spec(event, {"typ": typ}).token(), login=None) is Reason.OIDC_TYPE
    assert refusal(Spec(header={"typ": "at+jwt"}).token(), login=None) is Reason.OIDC_TYPE
    assert refusal(Spec(header={"typ": "dpop+jwt"}).token(), login=None) is Reason.OIDC_TYPE


def test_header_of_one_token_with_the_signature_of_another__refused() -> None:
    other = Spec({"sub": "mallory"}).token().split(".")
    assert refusal(f"{HEADER}.{other[1]}.{SIGNATURE}") is Reason.OIDC_SIGNATURE
    assert refusal(f"{HEADER}.{PAYLOAD}.{other[2]}") is Reason.OIDC_SIGNATURE


def test_key_of_another_provider_with_the_same_kid__refused() -> None:
    """Mix-up: two providers may use the same kid; keys are looked up in the set of one provider only."""
    token = Spec(key=private_key(name="other")).token()
    assert refusal(token) is Reason.OIDC_SIGNATURE
    assert refusal(token, key_set(name="other"), issuer="https://other.example") is Reason.OIDC_ISSUER


@pytest.mark.parametrize(
    "token",
    [
        "." * 20_000,
        "a" * 20_000,
        "=" * 20_000,
        f"{HEADER}.{'A' * 19_000}.{SIGNATURE}",
        f"{b64(b'[' * 6000)}.{PAYLOAD}.{SIGNATURE}",
        b64(b'{"a":"' + b"\\\\" * 6000) + f".{PAYLOAD}.x",
        "x" * 10_000_000,
    ],
)
def test_token_made_to_cost_time__is_refused_quickly(token: str) -> None:
    begun = time.perf_counter()
    refusal(token)
    assert time.perf_counter() - begun < 0.5


def test_digest_of_an_assertion__is_of_what_was_signed() -> None:
    identity = verify_id_token(GOOD, expectation(), key_set(), NOON)
    assert identity.assertion_id == "sha256:" + hashlib.sha256(f"{HEADER}.{PAYLOAD}".encode()).hexdigest()
