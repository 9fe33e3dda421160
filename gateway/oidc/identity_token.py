"""The identity token: what an application behind a proxy is told of whoever comes, signed, for one host and a minute.

A compact JWS by Ed25519 whose `typ` no other token of ours, or of a provider, has. Verified by the public keys at
`JWKS_PATH`. Rule: RFC 7519; RFC 8037; RFC 8725 §3.11 (explicit typing).
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from gateway.errors import OidcError, Reason
from gateway.oidc.base64url import encode_base64url
from gateway.oidc.json_text import JsonObject
from gateway.oidc.jws import verify_jws
from gateway.oidc.keys import KeySet, parse_key_set

JWKS_PATH = "/.well-known/ramgate-identity/jwks.json"
IDENTITY_PURPOSE = "ramgate-identity"  # of the signing keys
LIFETIME_S = 60
TYPE = "ramgate-identity+jwt"
_ALGORITHM = "EdDSA"
_SKEW_S = 5  # between two machines that ask the same time servers


@dataclass(frozen=True, slots=True)
class PublicKey:
    key_id: str
    raw: bytes  # 32 bytes of Ed25519


@dataclass(frozen=True, slots=True)
class Identity:
    """What the token says. `subject` is the ARN, `principal_id` the id that is never given to anybody else."""

    issuer: str  # the gateway's origin
    audience: str  # the application's host
    subject: str
    principal_id: str
    account_id: str
    action: str
    resource: str


def issue_identity(
    identity: Identity, key_id: str, sign: Callable[[bytes], bytes], now: datetime, token_id: str
) -> str:
    """A token of one minute. `token_id` is a new random text."""
    issued = int(now.timestamp())
    header = {"alg": _ALGORITHM, "kid": key_id, "typ": TYPE}
    claims = {
        "iss": identity.issuer,
        "aud": identity.audience,
        "sub": identity.subject,
        "uid": identity.principal_id,
        "acct": identity.account_id,
        "action": identity.action,
        "resource": identity.resource,
        "iat": issued,
        "exp": issued + LIFETIME_S,
        "jti": token_id,
    }
    data = ".".join(encode_base64url(json.dumps(part, separators=(",", ":")).encode()) for part in (header, claims))
    return f"{data}.{encode_base64url(sign(data.encode()))}"


def key_set_document(keys: Sequence[PublicKey]) -> str:
    """The JWK set that applications fetch. Rule: RFC 7517 §5; RFC 8037 §2."""
    members = [
        {
            "kty": "OKP",
            "crv": "Ed25519",
            "x": encode_base64url(key.raw),
            "kid": key.key_id,
            "alg": _ALGORITHM,
            "use": "sig",
        }
        for key in keys
    ]
    return json.dumps({"keys": members}, indent=1)


def key_set_of(keys: Sequence[PublicKey]) -> KeySet:
    return parse_key_set(key_set_document(keys).encode())


def verify_identity(token: str, keys: KeySet, issuer: str, audience: str, now: datetime) -> Identity:
    """Believe a token that was made by `issuer`, for `audience`, within the last minute.

    Raises: OidcError with the reason of the first check that fails.
    """
    found = verify_jws(token, keys, frozenset({_ALGORITHM}), frozenset({TYPE}), type_required=True)
    claims, moment = found.claims, now.timestamp()
    if claims.get("iss") != issuer:
        raise OidcError(Reason.OIDC_ISSUER, "the token was made by somebody else")
    if claims.get("aud") != audience:
        raise OidcError(Reason.OIDC_AUDIENCE, "the token is for another application")
    issued, expires = claims.get("iat"), claims.get("exp")
    if not isinstance(issued, int) or not isinstance(expires, int) or not 0 < expires - issued <= LIFETIME_S:
        raise OidcError(Reason.OIDC_TIME, "the token has no times, or lives too long")
    if moment >= expires:
        raise OidcError(Reason.OIDC_EXPIRED, "the token is expired")
    if issued > moment + _SKEW_S:
        raise OidcError(Reason.OIDC_ISSUED_AT, "the token is from the future")
    return Identity(issuer, audience, *(_text(claims, name) for name in ("sub", "uid", "acct", "action", "resource")))


def _text(claims: JsonObject | Mapping[str, object], name: str) -> str:
    value = claims.get(name)
    if not isinstance(value, str):
        raise OidcError(Reason.OIDC_CLAIM, f"the token has no `{name}`")
    return value
