"""How the gateway proves to a provider which client it is. Three ways; public clients are not offered.

Rule: OpenID Connect Core 1.0 §9; RFC 6749 §2.3.1; RFC 7523 §2.2, §3.
"""

import json
from base64 import b64encode
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum, unique
from urllib.parse import quote_plus

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

from gateway.errors import InputError, Reason
from gateway.oidc.algorithms import BY_KIND
from gateway.oidc.base64url import encode_base64url
from gateway.secret import Secret

_ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_ASSERTION_LIFETIME_S = 60
_MIN_RSA_BITS = 2048
CLIENT_KEY_ALGORITHM = "ES256"  # of the keys that we make
_PUBLIC_MEMBERS = frozenset({"kty", "crv", "x", "y", "n", "e"})

SigningKey = RSAKey | ECKey | OKPKey


@unique
class ClientMethod(StrEnum):
    """The values are those of `token_endpoint_auth_method`."""

    BASIC = "client_secret_basic"
    POST = "client_secret_post"
    PRIVATE_KEY = "private_key_jwt"


@dataclass(frozen=True, slots=True)
class ClientKey:
    """A private key that signs client assertions. Its public half is registered with the provider under `kid`."""

    kid: str
    algorithm: str
    jose: SigningKey = field(repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class ClientCredentials:
    """Made by `client_with_secret` and `client_with_key`. INVARIANT: `secret` for two of the methods, else `key`."""

    client_id: str
    method: ClientMethod
    secret: Secret | None = None
    key: ClientKey | None = None


@dataclass(frozen=True, slots=True)
class Proof:
    """What one request to the provider carries: a header, or members of the form, which are secret too."""

    authorization: Secret | None
    form: tuple[tuple[str, str], ...] = field(repr=False)


def client_with_secret(client_id: str, method: ClientMethod, secret: Secret) -> ClientCredentials:
    """Raises: InputError(PARAMETER_INVALID) for the method that takes a key."""
    if method is ClientMethod.PRIVATE_KEY:
        raise InputError(Reason.PARAMETER_INVALID, "this way of signing in takes a key", subject="ClientSecret")
    return ClientCredentials(client_id, method, secret=secret)


def client_with_key(client_id: str, key: ClientKey) -> ClientCredentials:
    return ClientCredentials(client_id, ClientMethod.PRIVATE_KEY, key=key)


def load_client_key(pem: Secret, kid: str, algorithm: str) -> ClientKey:
    """A private key in PEM, of a kind that may use `algorithm`.

    Raises: InputError(PARAMETER_INVALID) for a text that is no private key, a key of another kind, or RSA below 2048
    bits.
    """
    try:
        native = load_pem_private_key(pem.reveal().encode(), password=None)
        key = _as_jose(native)
        kind = "RSA" if isinstance(key, RSAKey) else key.curve_name
    except (JoseError, KeyError, ValueError, TypeError, UnsupportedAlgorithm) as exc:  # KeyError: an exotic curve
        raise _unusable() from exc
    if algorithm not in BY_KIND.get(kind, frozenset()):
        raise _unusable()
    return ClientKey(kid, algorithm, key)


def public_jwk(key: ClientKey) -> dict[str, str]:
    """The public half, as it is published for the provider to find. Rule: RFC 7517 §4."""
    members = {name: str(value) for name, value in key.jose.as_dict(private=False).items() if name in _PUBLIC_MEMBERS}
    return {**members, "kid": key.kid, "alg": key.algorithm, "use": "sig"}


def _as_jose(native: object) -> SigningKey:
    if isinstance(native, rsa.RSAPrivateKey) and native.key_size >= _MIN_RSA_BITS:
        return RSAKey.import_key(native)
    if isinstance(native, ec.EllipticCurvePrivateKey):
        return ECKey.import_key(native)
    if isinstance(native, ed25519.Ed25519PrivateKey):
        return OKPKey.import_key(native)
    raise _unusable()


def _unusable() -> InputError:
    return InputError(Reason.PARAMETER_INVALID, "the client key can't be used", subject="ClientKey")


def prove_client(client: ClientCredentials, audience: str, now: datetime, token_id: str) -> Proof:
    """What proves `client` to the provider.

    `audience` is the provider's issuer (or token endpoint, where a provider insists), `token_id` a new random text.
    With `client_secret_basic` id and secret are form-encoded before they are joined, which most clients forget.
    """
    if client.method is ClientMethod.PRIVATE_KEY:
        return Proof(None, (("client_id", client.client_id), *_assertion(client, audience, now, token_id)))
    secret = client.secret.reveal() if client.secret is not None else ""
    if client.method is ClientMethod.POST:
        return Proof(None, (("client_id", client.client_id), ("client_secret", secret)))
    pair = f"{quote_plus(client.client_id)}:{quote_plus(secret)}"
    return Proof(Secret("Basic " + b64encode(pair.encode()).decode()), ())


def sign_jwt(claims: dict[str, str | int], key: ClientKey) -> str:
    """A compact JWS of ours."""
    header = {"alg": key.algorithm, "kid": key.kid, "typ": "JWT"}
    model = JWSRegistry.algorithms[key.algorithm]
    data = ".".join(encode_base64url(json.dumps(each, separators=(",", ":")).encode()) for each in (header, claims))
    return f"{data}.{encode_base64url(model.sign(data.encode(), key.jose))}"


def _assertion(
    client: ClientCredentials, audience: str, now: datetime, token_id: str
) -> tuple[tuple[str, str], tuple[str, str]]:
    if client.key is None:
        raise ValueError("a client by private_key_jwt has a key")
    issued = int(now.timestamp())
    claims: dict[str, str | int] = {
        "iss": client.client_id,
        "sub": client.client_id,
        "aud": audience,
        "jti": token_id,
        "iat": issued,
        "exp": issued + _ASSERTION_LIFETIME_S,
    }
    return ("client_assertion_type", _ASSERTION_TYPE), ("client_assertion", sign_jwt(claims, client.key))
