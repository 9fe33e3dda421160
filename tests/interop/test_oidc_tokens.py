"""Tokens and key sets made by libraries that we did not write."""

import json
import warnings
from datetime import timedelta
from typing import Any

import pytest
from cryptojwt.jwk.ec import new_ec_key
from cryptojwt.jwk.rsa import new_rsa_key
from cryptojwt.jws.jws import JWS
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

from gateway.oidc.id_token import verify_id_token
from gateway.oidc.keys import parse_key_set
from tests.fake_clock import NOON
from tests.oidc_factory import CLAIMS, expectation, half_hash

ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"]
CURVES = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}


def claims_for(algorithm: str) -> dict[str, Any]:
    digest = "sha512" if algorithm.startswith("Ed") else f"sha{algorithm[-3:]}"
    return {**CLAIMS, "at_hash": half_hash("SlAV32hkKG", digest)}


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_verify_id_token__signed_by_cryptojwt__passes(algorithm: str) -> None:
    key = new_ec_key(CURVES[algorithm], kid="k") if algorithm in CURVES else new_rsa_key(kid="k")
    token = JWS(json.dumps(claims_for(algorithm)), alg=algorithm).sign_compact([key])
    keys = parse_key_set(json.dumps({"keys": [key.serialize()]}).encode())
    assert verify_id_token(token, expectation(), keys, NOON + timedelta(seconds=1)).subject == CLAIMS["sub"]


@pytest.mark.parametrize("algorithm", [*ALGORITHMS, "EdDSA", "Ed25519"])
def test_verify_id_token__signed_by_joserfc__passes(algorithm: str) -> None:
    key: RSAKey | ECKey | OKPKey
    if algorithm in CURVES:
        key = ECKey.generate_key(CURVES[algorithm], {"kid": "k"})
    else:
        key = (
            OKPKey.generate_key("Ed25519", {"kid": "k"})
            if "Ed" in algorithm
            else RSAKey.generate_key(2048, {"kid": "k"})
        )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # EdDSA is deprecated for a name of each curve
        registry = JWSRegistry(algorithms=[algorithm])
        token = jwt.encode({"alg": algorithm, "kid": "k"}, claims_for(algorithm), key, registry=registry)
    keys = parse_key_set(json.dumps(KeySet([key]).as_dict(private=False)).encode())
    assert keys.keys[0].thumbprint == _hex(key.thumbprint())
    assert verify_id_token(token, expectation(), keys, NOON).subject == CLAIMS["sub"]


def _hex(thumbprint: str) -> str:
    from base64 import urlsafe_b64decode

    return urlsafe_b64decode(thumbprint + "=").hex()
