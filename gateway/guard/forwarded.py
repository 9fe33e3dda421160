"""What a resource service forwards for its client: the text that was signed, and the signature. Never a secret. Pure.

The service has read its client's request, and written down by the rules of its own protocol what must have been signed.
That the text is the right one for the request is the service's affair; whose signature it is, is decided here.
"""

import base64
import hmac
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum, unique

from gateway.clock import wire_time
from gateway.errors import CredentialError, InputError, Reason
from gateway.guard.proof import Proof, check_nonce, check_time
from gateway.secret import Secret

LONGEST_STRING_BYTES = 65_536
LONGEST_SIGNATURE = 256

_ACS3 = re.compile(rb"ACS3-HMAC-SHA256\n[0-9a-f]{64}")
_OSS4 = re.compile(
    rb"OSS4-HMAC-SHA256\n(([0-9]{8})T[0-9]{6}Z)\n(([0-9]{8})/([a-z0-9-]{1,64})/([a-z0-9-]{1,32})/aliyun_v4_request)\n"
    rb"[0-9a-f]{64}"
)
_RPC = re.compile(rb"(?:GET|POST)&%2F&[!-~]+")


@unique
class Method(StrEnum):
    """How a signature is made of a text and a secret.

    `HMAC-SHA1` is that of OSS signature V1 and of ROA APIs, `HMAC-SHA256` that of OSS V2: Base64, by the secret itself.
    `RPC-HMAC-SHA1` is that of RPC APIs: by the secret and an `&`. The others are in lower hex.
    """

    HMAC_SHA1 = "HMAC-SHA1"
    HMAC_SHA256 = "HMAC-SHA256"
    RPC_HMAC_SHA1 = "RPC-HMAC-SHA1"
    ACS3 = "ACS3-HMAC-SHA256"
    OSS4 = "OSS4-HMAC-SHA256"


@dataclass(frozen=True, slots=True)
class Forwarded:
    """Nothing in it is proven."""

    access_key_id: str
    security_token: str | None = field(repr=False)
    method: Method
    string_to_sign: bytes = field(repr=False)
    signature: str = field(repr=False)
    signed_at: str  # `2026-01-02T03:04:05Z`
    nonce: str | None = None
    client_address: str = ""


@dataclass(frozen=True, slots=True)
class ForwardedProof(Proof):
    nonce: str | None


def read_forwarded(forwarded: Forwarded, now: datetime) -> ForwardedProof:
    """Steps 1 and 2 of `guard.proof`.

    Refused: a text that can't be one of this method; a text of OSS V4 that was signed at another time than the service
    says, or for another day than its scope.
    Raises: InputError(PARAMETER_MISSING); CredentialError(SIGNATURE_INCOMPLETE), (TIMESTAMP_FORMAT),
    (TIMESTAMP_EXPIRED).
    """
    signed_at = check_time(forwarded.signed_at, now, subject="SignedAt")
    text, signature = forwarded.string_to_sign, forwarded.signature
    make = _MAKERS[forwarded.method](text, signed_at)

    def verify(secret: Secret) -> None:
        if not hmac.compare_digest(make(secret).encode(), signature.encode("utf-8", "surrogatepass")):
            raise CredentialError(Reason.SIGNATURE_MISMATCH, "Specified signature is not matched with our calculation.")

    return ForwardedProof(
        access_key_id=forwarded.access_key_id,
        security_token=forwarded.security_token,
        signed_at=signed_at,
        verify=verify,
        client_address=forwarded.client_address,
        nonce=None if forwarded.nonce is None else check_nonce(forwarded.nonce),
    )


def decode_string(text: str | None, encoded: str | None) -> bytes:
    """The signed text, which came as it is or in Base64: a text that is not UTF-8 can come no other way.

    Raises: InputError(PARAMETER_MISSING), InputError(PARAMETER_INVALID) for both at once and for what is not Base64,
    InputError(PARAMETER_TOO_LONG) beyond 65,536 bytes; subject "StringToSign".
    """
    if text is not None and encoded is not None:
        raise InputError(Reason.PARAMETER_INVALID, "the signed text is there twice", subject="StringToSign")
    if encoded is not None:
        try:
            signed = base64.b64decode(encoded.encode(), validate=True)
        except ValueError:
            raise InputError(Reason.PARAMETER_INVALID, "it is not Base64", subject="StringToSign") from None
    else:
        signed = (text or "").encode("utf-8", "surrogatepass")
    if not signed:
        raise InputError(Reason.PARAMETER_MISSING, "the signed text is missing", subject="StringToSign")
    if len(signed) > LONGEST_STRING_BYTES:
        raise InputError(Reason.PARAMETER_TOO_LONG, "the signed text is too long", subject="StringToSign")
    return signed


Make = Callable[[Secret], str]


def _plain(digest: str) -> Callable[[bytes, datetime], Make]:
    def prepare(text: bytes, _signed_at: datetime) -> Make:
        # What was signed in another way must not pass for this one, whatever a service takes for its client's text.
        if text.startswith((b"ACS3-", b"OSS4-")):
            raise _incomplete()
        return lambda secret: _base64(hmac.digest(secret.reveal().encode(), text, digest))

    return prepare


def _rpc(text: bytes, _signed_at: datetime) -> Make:
    if not _RPC.fullmatch(text):
        raise _incomplete()
    return lambda secret: _base64(hmac.digest(secret.reveal().encode() + b"&", text, "sha1"))


def _acs3(text: bytes, _signed_at: datetime) -> Make:
    if not _ACS3.fullmatch(text):
        raise _incomplete()
    return lambda secret: hmac.digest(secret.reveal().encode(), text, "sha256").hex()


def _oss4(text: bytes, signed_at: datetime) -> Make:
    """By a key that is derived from the secret for one day, region and product. Rule: OSS, signature version 4."""
    found = _OSS4.fullmatch(text)
    when = wire_time(signed_at).replace("-", "").replace(":", "").encode()
    if found is None or found[1] != when or found[4] != found[2]:
        raise _incomplete()
    steps = (found[4], found[5], found[6], b"aliyun_v4_request")

    def make(secret: Secret) -> str:
        key = b"aliyun_v4" + secret.reveal().encode()
        for step in steps:
            key = hmac.digest(key, step, "sha256")
        return hmac.digest(key, text, "sha256").hex()

    return make


_MAKERS: Mapping[Method, Callable[[bytes, datetime], Make]] = {
    Method.HMAC_SHA1: _plain("sha1"),
    Method.HMAC_SHA256: _plain("sha256"),
    Method.RPC_HMAC_SHA1: _rpc,
    Method.ACS3: _acs3,
    Method.OSS4: _oss4,
}


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _incomplete() -> CredentialError:
    return CredentialError(Reason.SIGNATURE_INCOMPLETE, "the signed text is not one of this signature method")
