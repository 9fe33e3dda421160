"""ID tokens as a provider would sign them, and as somebody who means harm would."""

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from gateway.oidc.expectation import IdTokenExpectation, LoginExpectation
from gateway.oidc.keys import KeySet, parse_key_set
from gateway.secret import Secret
from tests.fake_clock import NOON

ISSUER = "https://idp.example.com/tenant"
CLIENT = "ramgate-web"
OTHER_CLIENT = "ramgate-cli"
REDIRECT = "http://127.0.0.1:8080/oidc/callback/1"
NONCE = "n-0S6_WzA2Mj"
ACCESS_TOKEN = "SlAV32hkKG"
CODE = "SplxlOBeZQQYbYS6WxSbIA"
PROVIDER = "acs:ram::1234567890123456:oidc-provider/company"
NOW_S = int(NOON.timestamp())

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey

CURVES: Mapping[str, ec.EllipticCurve] = {"P-256": ec.SECP256R1(), "P-384": ec.SECP384R1(), "P-521": ec.SECP521R1()}
DIGESTS: Mapping[str, Any] = {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}
ALGORITHMS = {
    **dict.fromkeys(("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"), "RSA"),
    "ES256": "P-256",
    "ES384": "P-384",
    "ES512": "P-521",
    "EdDSA": "Ed25519",
    "Ed25519": "Ed25519",
}


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def private_key(kind: str = "RSA", name: str = "") -> PrivateKey:
    """One key per kind, name and test run. Kinds: RSA, RSA-1024, RSA-3072, P-256, P-384, P-521, Ed25519."""
    return _private_key(kind, name)


@cache
def _private_key(kind: str, _name: str) -> PrivateKey:
    if kind.startswith("RSA"):
        return rsa.generate_private_key(public_exponent=65537, key_size=int(kind.partition("-")[2] or 2048))
    return ed25519.Ed25519PrivateKey.generate() if kind == "Ed25519" else ec.generate_private_key(CURVES[kind])


def public_jwk(key: PrivateKey, **members: Any) -> dict[str, Any]:
    """A JWK of the public half; `members` are added, or taken away where they are None."""
    if isinstance(key, rsa.RSAPrivateKey):
        numbers = key.public_key().public_numbers()
        jwk = {"kty": "RSA", "n": _integer(numbers.n), "e": _integer(numbers.e)}
    elif isinstance(key, ec.EllipticCurvePrivateKey):
        point = key.public_key().public_numbers()
        size = (key.curve.key_size + 7) // 8
        curve = next(name for name, curve in CURVES.items() if curve.name == key.curve.name)
        jwk = {"kty": "EC", "crv": curve, "x": b64(point.x.to_bytes(size)), "y": b64(point.y.to_bytes(size))}
    else:
        jwk = {"kty": "OKP", "crv": "Ed25519", "x": b64(key.public_key().public_bytes_raw())}
    return {name: value for name, value in {**jwk, **members}.items() if value is not None}


def _integer(number: int) -> str:
    return b64(number.to_bytes((number.bit_length() + 7) // 8))


def key_set_json(*jwks: Mapping[str, Any]) -> bytes:
    return json.dumps({"keys": list(jwks)}).encode()


@cache
def key_set(kind: str = "RSA", kid: str | None = "k1", name: str = "") -> KeySet:
    return parse_key_set(key_set_json(public_jwk(private_key(kind, name), kid=kid)))


def raw_signature(algorithm: str, key: PrivateKey, data: bytes) -> bytes:
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return key.sign(data)
    digest = DIGESTS[algorithm[-3:]]
    if isinstance(key, ec.EllipticCurvePrivateKey):
        r, s = decode_dss_signature(key.sign(data, ec.ECDSA(digest)))
        size = (key.curve.key_size + 7) // 8
        return r.to_bytes(size) + s.to_bytes(size)
    if algorithm.startswith("PS"):
        return key.sign(data, padding.PSS(padding.MGF1(digest), digest.digest_size), digest)
    return key.sign(data, padding.PKCS1v15(), digest)


def signed(header: bytes, payload: bytes, key: PrivateKey | None = None, algorithm: str = "RS256") -> str:
    """A compact JWS of any header and payload, as they are."""
    data = f"{b64(header)}.{b64(payload)}"
    return f"{data}.{b64(raw_signature(algorithm, key or private_key(), data.encode()))}"


def half_hash(text: str, digest: str = "sha256") -> str:
    value = hashlib.new(digest, text.encode()).digest()
    return b64(value[: len(value) // 2])


CLAIMS: Mapping[str, Any] = {
    "iss": ISSUER,
    "sub": "248289761001",
    "aud": CLIENT,
    "exp": NOW_S + 300,
    "iat": NOW_S,
    "nonce": NONCE,
    "at_hash": half_hash(ACCESS_TOKEN),
}


@dataclass(frozen=True)
class Spec:
    """A token. Claims and header members are added to the usual ones, or taken away where they are None."""

    claims: Mapping[str, Any] = field(default_factory=dict)
    header: Mapping[str, Any] = field(default_factory=dict)
    algorithm: str = "RS256"
    key: PrivateKey | None = None

    def token(self) -> str:
        header = {"alg": self.algorithm, "kid": "k1", "typ": "JWT", **self.header}
        claims = {**CLAIMS, **self.claims}
        key = self.key or private_key(ALGORITHMS[self.algorithm])
        return signed(_json(header), _json(claims), key, self.algorithm)


def _json(members: Mapping[str, Any]) -> bytes:
    return json.dumps({name: value for name, value in members.items() if value is not None}).encode()


def login(**changes: Any) -> LoginExpectation:
    base: dict[str, Any] = {
        "client_id": CLIENT,
        "redirect_uri": REDIRECT,
        "nonce": NONCE,
        "access_token": Secret(ACCESS_TOKEN),
        "code": Secret(CODE),
    }
    return LoginExpectation(**{**base, **changes})


def expectation(**changes: Any) -> IdTokenExpectation:
    base: dict[str, Any] = {
        "provider": PROVIDER,
        "issuer": ISSUER,
        "client_ids": (CLIENT, OTHER_CLIENT),
        "issuance_limit": timedelta(hours=12),
        "login": login(),
    }
    return IdTokenExpectation(**{**base, **changes})
