"""The signed envelope of every token: compact JWS in, the claims that were signed out. Checks 1 to 9 of `checks`.

The header chooses a key among those the provider publishes and an algorithm among those that are allowed, and nothing
else: what it says of keys (`jwk`, `jku`, `x5u`, `x5c`) is never read. The signature is checked over the received
bytes, and claims are read from those same bytes only afterwards.
Rule: RFC 7515 §4, §5.2, §7.1; RFC 7519 §7.2; RFC 8725 §3.
"""

import hashlib
from typing import NamedTuple

from gateway.errors import OidcError, Reason
from gateway.oidc.algorithms import SUPPORTED, verifies
from gateway.oidc.base64url import decode_base64url
from gateway.oidc.json_text import JsonObject, read_object
from gateway.oidc.keys import KeySet, VerificationKey

MAX_TOKEN = 20_000  # characters. Rule: sts-contract §2.3
ID_TOKEN_TYPES = frozenset({"jwt", "application/jwt"})
_MAX_HEADER = 8192
_PARTS = 3
_ENCRYPTED_PARTS = 5
_MAX_KID = 512


class Header(NamedTuple):
    algorithm: str
    kid: str | None


class UnverifiedJws(NamedTuple):
    """A token taken apart. Nothing in it is proven."""

    unverified_header: Header
    signing_input: bytes
    unverified_payload: bytes  # still in base64url
    signature: bytes


class VerifiedJws(NamedTuple):
    """What was signed, and by which key."""

    claims: JsonObject
    algorithm: str
    key: VerificationKey
    digest: str  # SHA-256 of what was signed, lower hex: the token's identity, however its signature is written


def verify_jws(
    token: str,
    keys: KeySet,
    algorithms: frozenset[str] = SUPPORTED,
    types: frozenset[str] = ID_TOKEN_TYPES,
    *,
    type_required: bool = False,
) -> VerifiedJws:
    """Checks 1 to 9. `types` are the values of `typ` that pass, in lower case.

    Raises: OidcError with the reason of the first check that fails.
    """
    jws = parse_jws(token, types, type_required=type_required)  # 1 to 5
    algorithm, kid = jws.unverified_header
    if algorithm not in algorithms or algorithm not in SUPPORTED:  # 6
        raise OidcError(Reason.OIDC_ALGORITHM, "the token's signature algorithm is not allowed", repr(algorithm)[:100])
    key = keys.get(kid, algorithm)  # 7
    if not verifies(algorithm, key.jose, jws.signature, jws.signing_input):  # 8
        raise OidcError(Reason.OIDC_SIGNATURE, "the token's signature is not valid", f"key {kid!r:.200}")
    claims = read_object(decode_base64url(jws.unverified_payload))  # 9
    return VerifiedJws(claims, algorithm, key, hashlib.sha256(jws.signing_input).hexdigest())


def parse_jws(token: str, types: frozenset[str] = ID_TOKEN_TYPES, *, type_required: bool = False) -> UnverifiedJws:
    """Checks 1 to 5: the shape of the token and its header. The payload is not looked at.

    Raises: OidcError(OIDC_TOO_LARGE), OidcError(OIDC_SHAPE), OidcError(OIDC_ENCRYPTED), OidcError(OIDC_ENCODING),
    OidcError(OIDC_HEADER), OidcError(OIDC_CRITICAL_HEADER), OidcError(OIDC_TYPE), what `read_object` raises.
    """
    if len(token) > MAX_TOKEN:  # 1
        raise OidcError(Reason.OIDC_TOO_LARGE, "the token is longer than 20,000 characters")
    try:
        data = token.encode("ascii")
    except UnicodeEncodeError as exc:
        raise OidcError(Reason.OIDC_SHAPE, "the token is not a signed JSON web token") from exc
    parts = data.split(b".")  # 2
    if len(parts) == _ENCRYPTED_PARTS:
        raise OidcError(Reason.OIDC_ENCRYPTED, "the token is encrypted; the provider must sign it only")
    if len(parts) != _PARTS or not (parts[0] and parts[1]):
        raise OidcError(Reason.OIDC_SHAPE, "the token is not a signed JSON web token")
    if len(parts[0]) > _MAX_HEADER:
        raise OidcError(Reason.OIDC_TOO_LARGE, "the token's header is too large")
    header = read_object(decode_base64url(parts[0]))  # 3
    _check_critical(header)  # 4
    _check_type(header, types, required=type_required)  # 5
    algorithm, kid = header.get("alg"), header.get("kid")
    if not isinstance(algorithm, str) or not (kid is None or (isinstance(kid, str) and len(kid) <= _MAX_KID)):
        raise OidcError(Reason.OIDC_HEADER, "the token's header is malformed")
    return UnverifiedJws(
        Header(algorithm, kid), data[: len(parts[0]) + 1 + len(parts[1])], parts[1], decode_base64url(parts[2])
    )


def _check_critical(header: JsonObject) -> None:
    """Check 4. No extension is understood here; `b64` changes what is signed, so it is refused however it comes.

    Raises: OidcError(OIDC_CRITICAL_HEADER). Rule: RFC 7515 §4.1.11; RFC 7797 §6.
    """
    if "crit" in header or "b64" in header:
        raise OidcError(Reason.OIDC_CRITICAL_HEADER, "the token asks for an extension that is not supported")


def _check_type(header: JsonObject, types: frozenset[str], *, required: bool) -> None:
    """Check 5: the token is of the kind that is wanted, and no envelope of another one.

    Raises: OidcError(OIDC_TYPE). Rule: RFC 8725 §3.11; RFC 7519 §5.
    """
    typ = header.get("typ")
    fits = typ.lower() in types if isinstance(typ, str) else typ is None and not required
    if not fits or "cty" in header or "enc" in header or "zip" in header:
        raise OidcError(Reason.OIDC_TYPE, "the token is of another kind", repr((typ, header.get("cty")))[:200])
