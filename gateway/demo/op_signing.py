"""Keys and signatures of the demo company's OpenID Provider, by joserfc."""

import secrets
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from typing import Any

from joserfc import jwt
from joserfc.jwk import RSAKey

_BITS = 2048


class OpSigner:
    """One key, made anew at each start: whoever verifies asks for it when they meet it first."""

    def __init__(self) -> None:
        self._key = RSAKey.generate_key(_BITS, {"kid": secrets.token_hex(6), "use": "sig", "alg": "RS256"})

    def key_set(self) -> dict[str, Any]:
        return {"keys": [self._key.as_dict(private=False)]}

    def sign(self, claims: Mapping[str, object], kind: str = "JWT") -> str:
        """`kind` is the `typ` of the token."""
        header = {"alg": "RS256", "kid": self._key.kid, "typ": kind}
        return jwt.encode(header, dict(claims), self._key)

    def read(self, token: str) -> Mapping[str, Any]:
        """The claims of a token that was signed here, however old. Raises: joserfc.errors.JoseError, ValueError."""
        return jwt.decode(token, self._key, algorithms=["RS256"]).claims


def encode(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()
