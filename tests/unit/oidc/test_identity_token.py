"""Identity tokens: for one host, one minute, and of one kind."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.errors import OidcError, Reason
from gateway.oidc.base64url import decode_base64url, encode_base64url
from gateway.oidc.identity_token import (
    LIFETIME_S,
    Identity,
    PublicKey,
    issue_identity,
    key_set_document,
    key_set_of,
    verify_identity,
)
from tests.fake_clock import NOON

ISSUER, HOST = "https://sso.example.com", "wiki.example.com"
WHO = Identity(
    ISSUER, HOST, "acs:ram::1234567890123456:user/alice", "200000000000000001", "1234567890123456", "wiki:Read",
    "acs:wiki:*:1234567890123456:page/a",
)  # fmt: skip
PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(32))
PUBLIC = PublicKey("k1", PRIVATE.public_key().public_bytes_raw())
KEYS = key_set_of([PUBLIC])


def issued(identity: Identity = WHO, sign: Callable[[bytes], bytes] = PRIVATE.sign) -> str:
    return issue_identity(identity, "k1", sign, NOON, "token-1")


def forged(change: Callable[[dict[str, object], dict[str, object]], object]) -> str:
    """With header and claims of somebody who has the key, and other ideas."""
    head, payload, _ = issued().split(".")
    header, claims = (json.loads(decode_base64url(part.encode())) for part in (head, payload))
    change(header, claims)
    data = ".".join(encode_base64url(json.dumps(part).encode()) for part in (header, claims))
    return f"{data}.{encode_base64url(PRIVATE.sign(data.encode()))}"


def test_verify__fresh__says_who() -> None:
    assert verify_identity(issued(), KEYS, ISSUER, HOST, NOON) == WHO
    assert verify_identity(issued(), KEYS, ISSUER, HOST, NOON + timedelta(seconds=LIFETIME_S - 1)) == WHO
    assert json.loads(key_set_document([PUBLIC]))["keys"][0]["crv"] == "Ed25519"


@pytest.mark.parametrize(
    ("token", "reason"),
    [
        (issued(replace(WHO, issuer="https://evil.example")), Reason.OIDC_ISSUER),
        (issued(replace(WHO, audience="other.example.com")), Reason.OIDC_AUDIENCE),
        (issued(sign=Ed25519PrivateKey.generate().sign), Reason.OIDC_SIGNATURE),
        (issued() + "AA", Reason.OIDC_SIGNATURE),
        (forged(lambda header, _: header.update(typ="JWT")), Reason.OIDC_TYPE),
        (forged(lambda header, _: header.pop("typ")), Reason.OIDC_TYPE),
        (forged(lambda header, _: header.update(alg="none")), Reason.OIDC_ALGORITHM),
        (forged(lambda header, _: header.update(alg="HS256")), Reason.OIDC_ALGORITHM),
        (forged(lambda header, _: header.update(kid="k2")), Reason.OIDC_KEY_UNKNOWN),
        (forged(lambda _, claims: claims.update(exp=claims["iat"])), Reason.OIDC_TIME),
        (forged(lambda _, claims: claims.update(exp=9e9)), Reason.OIDC_TIME),
        (forged(lambda _, claims: claims.update(exp=int(NOON.timestamp()) + 3600)), Reason.OIDC_TIME),
        (forged(lambda _, claims: claims.pop("exp")), Reason.OIDC_TIME),
        (forged(lambda _, claims: claims.pop("sub")), Reason.OIDC_CLAIM),
        (forged(lambda _, claims: claims.update(aud=[HOST])), Reason.OIDC_AUDIENCE),
    ],
)
def test_verify__anything_else__refused(token: str, reason: Reason) -> None:
    with pytest.raises(OidcError) as refused:
        verify_identity(token, KEYS, ISSUER, HOST, NOON)
    assert refused.value.reason is reason


@pytest.mark.parametrize(("after_s", "reason"), [(LIFETIME_S, Reason.OIDC_EXPIRED), (-6, Reason.OIDC_ISSUED_AT)])
def test_verify__out_of_its_minute__refused(after_s: int, reason: Reason) -> None:
    with pytest.raises(OidcError) as refused:
        verify_identity(issued(), KEYS, ISSUER, HOST, NOON + timedelta(seconds=after_s))
    assert refused.value.reason is reason
