"""The signed envelope of every token: compact JWS in, the claims that were signed out. Checks 1 to 9 of `checks`.

The header chooses a key among those the provider publishes and an algorithm among those that are allowed, and nothing
else: what it says of keys (`jwk`, `jku`, `x5u`, `x5c`) is never read. The signature is checked over the received
bytes, and claims are read from those same bytes only afterwards.
Rule: RFC 7515 §4, §5.2, §7.1; RFC 7519 §7.2; RFC 8725 §3.
"""

from hashlib import sha256
from typing import NamedTuple

from gateway.errors import OidcError, Reason
from gateway.oidc.algorithms import SUPPORTED, verifier
from gateway.oidc.base64url import decode_base64url
from gateway.oidc.json_text import JsonObject, read_object
from gateway.oidc.keys import Header, KeySet, ProvenHeader, VerificationKey

MAX_TOKEN = 20_000  # characters. Rule: sts-contract §2.3
ID_TOKEN_TYPES = frozenset({"jwt", "application/jwt"})
_MAX_HEADER = 8192
_ENCRYPTED_DOTS = 4
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
    encoded_header, encoded_payload, encoded_signature, signing_input = split_jws(token)  # 1, 2
    proven = keys.proven.get(encoded_header)
    header = parse_header(encoded_header) if proven is None else proven.header  # 3, 4
    algorithm, kid, typ = header
    if typ not in types and (type_required or typ is not None):  # 5. Rule: RFC 8725 §3.11
        raise OidcError(Reason.OIDC_TYPE, "the token is of another kind", repr(typ)[:200])
    if algorithm not in algorithms or algorithm not in SUPPORTED:  # 6
        raise OidcError(Reason.OIDC_ALGORITHM, "the token's signature algorithm is not allowed", repr(algorithm)[:100])
    if proven is None:
        key = keys.get(kid, algorithm)  # 7
        verifies = verifier(algorithm, key.public)
    else:
        key, verifies = proven.key, proven.verifies
    signature = decode_base64url(encoded_signature)
    try:  # here, though it is read further down: decoding right after decoding saves a microsecond
        unverified_payload: bytes | None = decode_base64url(encoded_payload)
    except OidcError:
        unverified_payload = None  # told where its turn is
    digest = sha256(signing_input).digest()
    if not verifies(signature, signing_input, digest):  # 8
        raise OidcError(Reason.OIDC_SIGNATURE, "the token's signature is not valid", f"key {kid!r:.200}")
    if proven is None and len(keys.proven) < _REMEMBERED and len(encoded_header) <= _REMEMBERED_BYTES:
        keys.proven[encoded_header] = ProvenHeader(header, key, verifies)
    payload = decode_base64url(encoded_payload) if unverified_payload is None else unverified_payload
    claims = read_object(payload)  # 9
    return VerifiedJws(claims, algorithm, key, digest.hex())


def split_jws(token: str) -> tuple[bytes, bytes, bytes, bytes]:
    """Checks 1 and 2. Returns header, payload and signature, all still in base64url, and what was signed.

    Raises: OidcError(OIDC_TOO_LARGE), OidcError(OIDC_SHAPE), OidcError(OIDC_ENCRYPTED).
    """
    if len(token) > MAX_TOKEN:
        raise OidcError(Reason.OIDC_TOO_LARGE, "the token is longer than 20,000 characters")
    if not token.isascii():
        raise OidcError(Reason.OIDC_SHAPE, "the token is not a signed JSON web token")
    data = token.encode()
    signing_input, _, signature = data.rpartition(b".")
    header, _, payload = signing_input.partition(b".")
    if b"." in payload or not header or not payload:
        if data.count(b".") == _ENCRYPTED_DOTS:
            raise OidcError(Reason.OIDC_ENCRYPTED, "the token is encrypted; the provider must sign it only")
        raise OidcError(Reason.OIDC_SHAPE, "the token is not a signed JSON web token")
    return header, payload, signature, signing_input


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
