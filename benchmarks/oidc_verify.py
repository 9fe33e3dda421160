"""How long one ID token takes to verify, beside the least that could be done and beside other libraries.

All read the same token: about 1 KB, RSA-2048 with SHA-256, sixteen claims. "bare" checks the signature over bytes that
were taken apart before and parses claims that were decoded before. "bare script" is the least that gets from the token
to claims one could use: split, base64, header and claims by `json`, signature by `cryptography`, three comparisons.
The libraries get a key that is loaded already and check issuer, audience and times, as far as they do so by
themselves. "gateway, exchange" and "gateway, login" do every check of docs/flows/oidc-verification.md.
All take turns, so that a noisy machine disturbs each; the ratios of the medians count.

Run: python benchmarks/oidc_verify.py [--rounds 4000] [--profile]
"""

import argparse
import base64
import cProfile
import json
import pstats
import sys
import warnings
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import jwt
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from joserfc import jwt as joserfc_jwt
from joserfc.jwk import RSAKey

from benchmarks.medians import measure
from gateway.oidc.id_token import verify_id_token
from tests import oidc_factory as factory

TARGET = 1.3  # times as long, at most
BLOCK = 100
NOW = datetime.now(UTC)  # as the gateway's clock gives it
NOW_S = int(NOW.timestamp())
CLAIMS = {
    "exp": NOW_S + 3600,
    "iat": NOW_S,
    "auth_time": NOW_S - 60,
    "acr": "urn:example:gold",
    "amr": ["pwd", "otp"],
    "sid": "08a5019c-17e1-4977-8f42-65a12843ea02",
    "email": "alice@example.com",
    "email_verified": True,
    "name": "Alice Adams",
    "preferred_username": "alice",
    "groups": ["engineering", "on-call", "vpn-users", "ramgate-admins"],
}


def bare(token: str) -> Callable[[], object]:
    head, _, signature = token.rpartition(".")
    public = factory.private_key().public_key()
    data, raw = head.encode(), unpacked(signature)
    claims = unpacked(head.partition(".")[2])

    def run() -> object:
        public.verify(raw, data, padding.PKCS1v15(), hashes.SHA256())
        return json.loads(claims)

    return run


def bare_script(token: str) -> Callable[[], object]:
    public = factory.private_key().public_key()

    def run() -> object:
        header, payload, signature = token.split(".")
        if json.loads(unpacked(header))["alg"] != "RS256":
            raise ValueError("algorithm")
        public.verify(unpacked(signature), f"{header}.{payload}".encode(), padding.PKCS1v15(), hashes.SHA256())
        claims = json.loads(unpacked(payload))
        if claims["iss"] != factory.ISSUER or claims["aud"] != factory.CLIENT or claims["exp"] <= NOW_S:
            raise ValueError("claims")
        return claims

    return run


def unpacked(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def joserfc(token: str) -> Callable[[], object]:
    key = RSAKey.import_key(factory.public_jwk(factory.private_key()))
    registry = joserfc_jwt.JWTClaimsRegistry(
        iss={"essential": True, "value": factory.ISSUER}, aud={"essential": True, "value": factory.CLIENT}
    )

    def run() -> object:
        decoded = joserfc_jwt.decode(token, key, algorithms=["RS256"])
        registry.validate(decoded.claims)
        return decoded.claims

    return run


def authlib(token: str) -> Callable[[], object]:
    from authlib.jose import JsonWebKey, JsonWebToken  # noqa: PLC0415 - deprecated, and for this row only
    from authlib.oidc.core import CodeIDToken  # noqa: PLC0415

    key = JsonWebKey.import_key(factory.public_jwk(factory.private_key()))
    decoder = JsonWebToken(["RS256"])
    options = {"iss": {"value": factory.ISSUER}, "aud": {"value": factory.CLIENT}}
    parameters = {"client_id": factory.CLIENT, "nonce": factory.NONCE}

    def run() -> object:
        claims = decoder.decode(token, key, CodeIDToken, options, parameters)
        claims.validate(NOW_S)
        return claims

    return run


def pyjwt(token: str) -> Callable[[], object]:
    key = jwt.PyJWK(factory.public_jwk(factory.private_key(), alg="RS256")).key
    return lambda: jwt.decode(token, key, ["RS256"], audience=factory.CLIENT, issuer=factory.ISSUER)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rounds", type=int, default=4000)
    arguments.add_argument("--profile", action="store_true")
    options = arguments.parse_args()
    warnings.simplefilter("ignore")
    token = factory.Spec(CLAIMS).token()
    keys = factory.key_set()
    exchange: dict[str, Any] = {"login": None, "issuance_limit": timedelta(hours=1)}

    def ours(**changes: Any) -> Callable[[], object]:
        expected = factory.expectation(**changes)
        return lambda: verify_id_token(token, expected, keys, NOW)

    if options.profile:
        profiler = cProfile.Profile()
        run = ours(**exchange)
        profiler.runcall(lambda: [run() for _ in range(options.rounds)])
        pstats.Stats(profiler).sort_stats("tottime").print_stats(25)
        return
    runs = {
        "bare": bare(token),
        "bare script": bare_script(token),
        "gateway, exchange": ours(**exchange),
        "gateway, login": ours(),
        "joserfc": joserfc(token),
        "authlib": authlib(token),
        "PyJWT": pyjwt(token),
    }
    medians = measure(runs, options.rounds, BLOCK)
    base = medians["bare script"]
    print(f"one ID token of {len(token)} characters, {options.rounds} rounds, medians")
    for name, median in medians.items():
        ratios = f"{median / base:5.2f} x script {median / medians['bare']:5.2f} x bare"
        print(f"{name:20} {median:7.1f} us {1e6 / median:8.0f}/s  {ratios}")
    ratios_of_aims = {name: medians["gateway, exchange"] / medians[name] for name in ("bare", "bare script")}
    for name, ratio in ratios_of_aims.items():
        print(f"aim: exchange at most {TARGET} x {name}: {'MET' if ratio <= TARGET else 'MISSED'} with {ratio:.2f}")


if __name__ == "__main__":
    main()
