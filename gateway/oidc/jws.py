"""The signed envelope of every token: compact JWS in, the claims that were signed out. Checks 1 to 9 of `checks`.

The header chooses a key among those the provider publishes and an algorithm among those that are allowed, and nothing
else: what it says of keys (`jwk`, `jku`, `x5u`, `x5c`) is never read. The signature is checked over the received
bytes, and claims are read from those same bytes only afterwards.
Rule: RFC 7515 §4, §5.2, §7.1; RFC 7519 §7.2; RFC 8725 §3.
"""

from hashlib import sha256
from typing import NamedTuple

from gateway.errors import OidcError, Reason
from gateway.oidc.algorithms import SUPPORTED, verifies
from gateway.oidc.base64url import decode_base64url
from gateway.oidc.json_text import JsonObject, read_object
from gateway.oidc.keys import Header, KeySet, VerificationKey

MAX_TOKEN = 20_000  # characters. Rule: sts-contract §2.3
ID_TOKEN_TYPES = frozenset({"jwt", "application/jwt"})
_MAX_HEADER = 8192
_PARTS = 3
_ENCRYPTED_PARTS = 5
_MAX_KID = 512


_REMEMBERED = 64  # headers of one key set
_REMEMBERED_BYTES = 512  # in one of them


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
    unverified_header, unverified_payload, signature, signing_input = split_jws(token)  # 1, 2
    proven = keys.proven.get(unverified_header)
    header = parse_header(unverified_header) if proven is None else proven[0]  # 3, 4
    if header.type not in types and (type_required or header.type is not None):  # 5. Rule: RFC 8725 §3.11
        raise OidcError(Reason.OIDC_TYPE, "the token is of another kind", repr(header.type)[:200])
    algorithm = header.algorithm
    if algorithm not in algorithms or algorithm not in SUPPORTED:  # 6
        raise OidcError(Reason.OIDC_ALGORITHM, "the token's signature algorithm is not allowed", repr(algorithm)[:100])
    key = keys.get(header.kid, algorithm) if proven is None else proven[1]  # 7
    if not verifies(algorithm, key.public, decode_base64url(signature), signing_input):  # 8
        raise OidcError(Reason.OIDC_SIGNATURE, "the token's signature is not valid", f"key {header.kid!r:.200}")
    if proven is None and len(keys.proven) < _REMEMBERED and len(unverified_header) <= _REMEMBERED_BYTES:
        keys.proven[unverified_header] = header, key
    claims = read_object(decode_base64url(unverified_payload))  # 9
    return VerifiedJws(claims, algorithm, key, sha256(signing_input).hexdigest())


def split_jws(token: str) -> tuple[bytes, bytes, bytes, bytes]:
    """Checks 1 and 2. Returns header, payload and signature, all still in base64url, and what was signed.

    Raises: OidcError(OIDC_TOO_LARGE), OidcError(OIDC_SHAPE), OidcError(OIDC_ENCRYPTED).
    """
    if len(token) > MAX_TOKEN:
        raise OidcError(Reason.OIDC_TOO_LARGE, "the token is longer than 20,000 characters")
    if not token.isascii():
        raise OidcError(Reason.OIDC_SHAPE, "the token is not a signed JSON web token")
    data = token.encode()
    parts = data.split(b".")
    if len(parts) == _ENCRYPTED_PARTS:
        raise OidcError(Reason.OIDC_ENCRYPTED, "the token is encrypted; the provider must sign it only")
    if len(parts) != _PARTS or not (parts[0] and parts[1]):
        raise OidcError(Reason.OIDC_SHAPE, "the token is not a signed JSON web token")
    header, payload, signature = parts
    return header, payload, signature, data[: len(data) - len(signature) - 1]


def parse_header(encoded: bytes) -> Header:
    """Checks 3 and 4. Nothing in the result is proven.

    Raises: OidcError(OIDC_TOO_LARGE), OidcError(OIDC_ENCODING), OidcError(OIDC_HEADER),
    OidcError(OIDC_CRITICAL_HEADER), OidcError(OIDC_TYPE) for a token within the token, what `read_object` raises.
    """
    if len(encoded) > _MAX_HEADER:
        raise OidcError(Reason.OIDC_TOO_LARGE, "the token's header is too large")
    members = read_object(decode_base64url(encoded))
    _check_critical(members)
    algorithm, kid, typ = members.get("alg"), members.get("kid"), members.get("typ")
    if not isinstance(algorithm, str) or not (kid is None or (isinstance(kid, str) and len(kid) <= _MAX_KID)):
        raise OidcError(Reason.OIDC_HEADER, "the token's header is malformed", repr((algorithm, kid))[:200])
    if not {"cty", "enc", "zip"}.isdisjoint(members) or not (typ is None or isinstance(typ, str)):
        raise OidcError(Reason.OIDC_TYPE, "the token is of another kind", repr((typ, members.get("cty")))[:200])
    return Header(algorithm, kid, None if typ is None else typ.lower())


def _check_critical(header: JsonObject) -> None:
    """Check 4. No extension is understood here; `b64` changes what is signed, so it is refused however it comes.

    Raises: OidcError(OIDC_CRITICAL_HEADER). Rule: RFC 7515 §4.1.11; RFC 7797 §6.
    """
    if "crit" in header or "b64" in header:
        raise OidcError(Reason.OIDC_CRITICAL_HEADER, "the token asks for an extension that is not supported")
