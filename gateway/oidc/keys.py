"""The public keys of an OpenID Provider: a JWK set as it was fetched, to keys that may verify signatures.

A key that can't be used is left out, so that one odd key does not break a provider; what is left must be something.
Left out: keys of another kind than RSA, EC on P-256, P-384, P-521, and Ed25519; symmetric keys; keys with private
members, which the whole world knows then; RSA below 2048 or above 8192 bits or with an unusual exponent; points off
their curve; keys that `use`, `key_ops` or `alg` keep from verifying. Certificates and URLs in a key are ignored.
Rule: RFC 7517 §4, §5; RFC 7518 §6; RFC 8037 §2; RFC 8725 §3.5; NIST SP 800-56B §6.2.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey

from gateway.errors import OidcError, Reason
from gateway.oidc.algorithms import BY_KIND, PublicKey, Verifier
from gateway.oidc.base64url import decode_base64url, encode_base64url
from gateway.oidc.json_text import Json, JsonObject, read_object

MAX_SET_BYTES = 256 * 1024
_MAX_KEYS = 100
_MAX_KID = 512
_RSA_BITS = range(2048, 8192 + 1)
_RSA_EXPONENTS = range(65537, 1 << 32)
_PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
# Key type -> the members that make the key, in the order of the thumbprint. Rule: RFC 7638 §3.2; RFC 8037 §2.
_MEMBERS: Mapping[str, tuple[str, ...]] = {
    "RSA": ("e", "kty", "n"),
    "EC": ("crv", "kty", "x", "y"),
    "OKP": ("crv", "kty", "x"),
}
_COORDINATE_BYTES = {"P-256": 32, "P-384": 48, "P-521": 66, "Ed25519": 32}


class Header(NamedTuple):
    """What a token's header says of the key and of the kind of token; other members are not kept."""

    algorithm: str
    kid: str | None
    type: str | None  # typ, in lower case


@dataclass(frozen=True, slots=True)
class VerificationKey:
    """One public key. INVARIANT: `public` is of the kind that each of `algorithms` is bound to."""

    kid: str | None
    algorithms: frozenset[str]
    thumbprint: str  # SHA-256 of RFC 7638, lower hex
    public: PublicKey = field(repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class ProvenHeader:
    """A header of a token whose signature was valid, the key that made it, and how to verify others of that key."""

    header: Header
    key: VerificationKey
    verifies: Verifier


@dataclass(frozen=True)
class KeySet:
    """The keys of one provider, at least one.

    `proven` remembers headers, as received, of tokens whose signature was valid: a provider writes the same few ones
    all the time. INVARIANT: only `jws.verify_jws` adds to it, and only after the signature; so no stranger can.
    """

    keys: tuple[VerificationKey, ...]
    proven: dict[bytes, ProvenHeader] = field(default_factory=dict, repr=False, compare=False)

    @cached_property
    def _by_kid(self) -> Mapping[str | None, tuple[VerificationKey, ...]]:
        found: dict[str | None, tuple[VerificationKey, ...]] = {}
        for key in self.keys:
            found[key.kid] = (*found.get(key.kid, ()), key)
        return found

    def get(self, kid: str | None, algorithm: str) -> VerificationKey:
        """The one key that a token of this `kid` and `alg` must have been signed with.

        Without a kid exactly one key of the set must fit the algorithm. A kid that several keys share is told apart by
        the algorithm, and must be then.
        Raises: OidcError(OIDC_KEY_UNKNOWN) if no key has the kid, or none fits a token without one;
        OidcError(OIDC_KEY_ALGORITHM) if the key of that kid may not use the algorithm; OidcError(OIDC_KEY_AMBIGUOUS).
        Rule: OpenID Connect Core 1.0 §10.1; RFC 7515 §4.1.4.
        """
        named = self.keys if kid is None else self._by_kid.get(kid, ())
        fitting = [key for key in named if algorithm in key.algorithms]
        if len(fitting) == 1:
            return fitting[0]
        if fitting:
            raise OidcError(Reason.OIDC_KEY_AMBIGUOUS, "several keys of the provider fit the token", repr(kid)[:200])
        if kid is not None and named:
            raise OidcError(
                Reason.OIDC_KEY_ALGORITHM, "the token's algorithm does not fit its key", f"{algorithm} {kid!r:.200}"
            )
        raise OidcError(
            Reason.OIDC_KEY_UNKNOWN,
            "the token is signed with a key that the provider does not publish",
            repr(kid)[:200],
        )


def parse_key_set(data: bytes) -> KeySet:
    """Raises: OidcError(OIDC_KEY_SET) for anything but a JWK set, or if no key of it can be used;
    OidcError(OIDC_TOO_LARGE) beyond 256 KB; what `read_object` raises.
    """
    if len(data) > MAX_SET_BYTES:
        raise OidcError(Reason.OIDC_TOO_LARGE, "the provider's key set is too large")
    listed = read_object(data).get("keys")
    if not isinstance(listed, list) or len(listed) > _MAX_KEYS:
        raise OidcError(Reason.OIDC_KEY_SET, "the provider's key set is malformed")
    keys = tuple(key for entry in listed if (key := _find_key(entry)) is not None)
    if not keys:
        raise OidcError(
            Reason.OIDC_KEY_SET, "the provider's key set holds no key that can be used", f"{len(listed)} keys"
        )
    # The same key listed twice is one key: or it would make itself ambiguous.
    return KeySet(tuple({(key.kid, key.algorithms, key.thumbprint): key for key in keys}.values()))


def _find_key(entry: Json) -> VerificationKey | None:
    if not isinstance(entry, dict) or not _PRIVATE.isdisjoint(entry):
        return None
    kid = entry.get("kid")
    kind = _find_kind(entry)
    if kind is None or not (kid is None or (isinstance(kid, str) and len(kid) <= _MAX_KID)):
        return None
    algorithms = _find_algorithms(entry, BY_KIND[kind])
    if not algorithms:
        return None
    try:
        public, made_of = _import(entry, kind)
    except (OidcError, JoseError, ValueError):
        return None
    canonical = json.dumps(made_of, separators=(",", ":"), sort_keys=True)
    return VerificationKey(kid, algorithms, hashlib.sha256(canonical.encode()).hexdigest(), public)


def _find_kind(entry: JsonObject) -> str | None:
    """The kind that `algorithms.BY_KIND` knows."""
    kty, crv = entry.get("kty"), entry.get("crv")
    if kty == "RSA":
        return "RSA"
    if kty == "EC" and crv in ("P-256", "P-384", "P-521"):
        return str(crv)
    return "Ed25519" if kty == "OKP" and crv == "Ed25519" else None


def _find_algorithms(entry: JsonObject, of_kind: frozenset[str]) -> frozenset[str]:
    """What the key may verify; empty if its own members keep it from verifying."""
    use, operations, algorithm = entry.get("use"), entry.get("key_ops"), entry.get("alg")
    if use not in (None, "sig"):
        return frozenset()
    if operations is not None and not (isinstance(operations, list) and "verify" in operations):
        return frozenset()
    if algorithm is None:
        return of_kind
    return of_kind & {algorithm} if isinstance(algorithm, str) else frozenset()


def _import(entry: JsonObject, kind: str) -> tuple[PublicKey, dict[str, str]]:
    """Raises: OidcError, JoseError, ValueError for key material that can't be used."""
    kty = str(entry["kty"])
    made_of = {name: entry.get(name) for name in _MEMBERS[kty]}
    texts = {name: value for name, value in made_of.items() if isinstance(value, str) and value.isascii()}
    if len(texts) != len(made_of):
        raise ValueError("a member is missing or no text")
    raw = {name: decode_base64url(texts[name].encode()) for name in texts if name not in {"kty", "crv"}}
    # Libraries differ about leading zero bytes of numbers; the thumbprint must not depend on them.
    numbers = {name: value.lstrip(b"\0") for name, value in raw.items()}
    if kty == "RSA":
        _check_rsa(int.from_bytes(numbers["n"]), int.from_bytes(numbers["e"]))
        texts |= {name: encode_base64url(value) for name, value in numbers.items()}
        return RSAKey.import_key({**texts}).public_key, texts
    length = _COORDINATE_BYTES[kind]
    if kty == "EC":
        if any(len(value) > length for value in numbers.values()):
            raise ValueError("a coordinate that is too long")
        texts |= {name: encode_base64url(value.rjust(length, b"\0")) for name, value in numbers.items()}
        return ECKey.import_key({**texts}).public_key, texts
    if len(raw["x"]) != length:
        raise ValueError("a key of the wrong length")
    key = OKPKey.import_key({**texts}).public_key
    if not isinstance(key, Ed25519PublicKey):
        raise ValueError("not Ed25519")  # noqa: TRY004 - of the same meaning as the others
    return key, texts


def _check_rsa(modulus: int, exponent: int) -> None:
    if modulus.bit_length() not in _RSA_BITS or not modulus & 1:
        raise ValueError("the modulus is too short, too long or even")
    if exponent not in _RSA_EXPONENTS or not exponent & 1:
        raise ValueError("the exponent is unusual")
