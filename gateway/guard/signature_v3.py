"""Signature V3, `ACS3-HMAC-SHA256`: what was signed, and whether it was signed with this secret. Pure.

Not checked here, and owed by `authenticate`: that the key exists and is active, the time window, and that the nonce
was not used before. Rule: sts-contract §5; sdk-wire §2.7, §6.
"""

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass

from gateway.errors import CredentialError, Reason
from gateway.percent import percent_encoded
from gateway.secret import Secret

ALGORITHM = "ACS3-HMAC-SHA256"
FAMILY = "ACS3-"
NO_MATCH = "Specified signature is not matched with our calculation. server string to sign is:"

_MAX_LENGTH = 8192
_HASH_OF_NOTHING = hashlib.sha256(b"").hexdigest()
_AUTHORIZATION = re.compile(
    r"ACS3-HMAC-SHA256 +Credential=([A-Za-z0-9._-]{1,128}), *SignedHeaders=([a-z0-9;_.-]+), *Signature=([0-9a-f]{64})"
)
_ALWAYS_SIGNED = frozenset(
    {"host", "x-acs-action", "x-acs-content-sha256", "x-acs-date", "x-acs-signature-nonce", "x-acs-version"}
)
_SIGNED_IF_SENT = frozenset({"x-acs-security-token", "x-acs-accesskey-id"})


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """The parts of an HTTP request that V3 signs. Header names in lower case; the values as they were sent.

    `path` as it came, still encoded: the gateway's own wire has one only, other services have more.
    """

    method: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    path: str = "/"


@dataclass(frozen=True, slots=True)
class Authorization:
    access_key_id: str
    signed_headers: tuple[str, ...]  # sorted, no name twice
    signature: str  # lower hex


def parse_authorization(header: str) -> Authorization:
    """Read an `Authorization` header of the ACS3 family.

    Raises: CredentialError(SIGNATURE_METHOD) for another algorithm of the family; CredentialError
    (SIGNATURE_INCOMPLETE) for anything that is not exactly Credential, SignedHeaders and Signature, for a header
    name in upper case and for one named twice.
    """
    if not header.startswith(ALGORITHM + " "):
        raise CredentialError(Reason.SIGNATURE_METHOD, "the signature algorithm is not supported", header[:40])
    match = _AUTHORIZATION.fullmatch(header) if len(header) <= _MAX_LENGTH else None
    if match is None:
        raise _incomplete("the Authorization header is malformed")
    names = match[2].split(";")
    if not all(names) or len(set(names)) != len(names):
        raise _incomplete("SignedHeaders has an empty name or a name twice")
    return Authorization(access_key_id=match[1], signed_headers=tuple(sorted(names)), signature=match[3])


def check_signed_headers(authorization: Authorization, request: SignedRequest) -> None:
    """Refuse a list that leaves out anything the gateway acts upon, or that names what was not sent.

    `content-type` decides how a body is read, so a body may not come without it being signed.
    Raises: CredentialError(SIGNATURE_INCOMPLETE).
    """
    signed = set(authorization.signed_headers)
    owed = _ALWAYS_SIGNED | (_SIGNED_IF_SENT & request.headers.keys())
    if request.body:
        owed |= {"content-type"}
    if missing := owed - signed:
        raise _incomplete(f"SignedHeaders lacks {', '.join(sorted(missing))}")
    if absent := signed - request.headers.keys():
        raise _incomplete(f"signed but not sent: {', '.join(sorted(absent))}")


def canonical_request(request: SignedRequest, signed_headers: tuple[str, ...]) -> bytes:
    """The text whose hash is signed. The payload hash is taken from the body itself, not from what a header claims.

    An empty query value is written `name=`. Headers keep the bytes they were sent with, trimmed.
    """
    query = "&".join(
        [f"{percent_encoded(name)}={percent_encoded(value)}" for name, value in sorted(request.query.items())]
    )
    headers = "".join([f"{name}:{request.headers[name].strip()}\n" for name in signed_headers])
    payload = body_hash(request)
    text = f"{request.method}\n{request.path}\n{query}\n{headers}\n{';'.join(signed_headers)}\n{payload}"
    return text.encode("utf-8", "surrogateescape")


def body_hash(request: SignedRequest) -> str:
    return hashlib.sha256(request.body).hexdigest() if request.body else _HASH_OF_NOTHING


def string_to_sign(canonical: bytes) -> str:
    return f"{ALGORITHM}\n{hashlib.sha256(canonical).hexdigest()}"


def sign(secret: Secret, text: str) -> str:
    return hmac.digest(secret.reveal().encode(), text.encode(), "sha256").hex()


def verify_signature(request: SignedRequest, authorization: Authorization, secret: Secret) -> None:
    """Refuse a request that was not signed with this secret, or whose body is not the one that was signed.

    Raises: CredentialError(SIGNATURE_INCOMPLETE) from `check_signed_headers`; CredentialError(SIGNATURE_MISMATCH),
    whose public text carries our string to sign: clients compare it with theirs to tell a wrong secret from a
    wrong encoding.
    """
    text = text_of(request, authorization)
    body_matches = is_body_signed(request)
    if not hmac.compare_digest(sign(secret, text), authorization.signature) or not body_matches:
        detail = "wrong signature" if body_matches else "x-acs-content-sha256 is not the hash of the body"
        raise CredentialError(Reason.SIGNATURE_MISMATCH, NO_MATCH + text, detail)


def text_of(request: SignedRequest, authorization: Authorization) -> str:
    """The string to sign of a request. Raises: CredentialError(SIGNATURE_INCOMPLETE) from `check_signed_headers`."""
    check_signed_headers(authorization, request)
    return string_to_sign(canonical_request(request, authorization.signed_headers))


def is_body_signed(request: SignedRequest) -> bool:
    """Whether the body is the one whose hash stands in the headers."""
    claimed = request.headers["x-acs-content-sha256"].strip()
    return hmac.compare_digest(claimed.encode("utf-8", "surrogateescape"), body_hash(request).encode())


def _incomplete(detail: str) -> CredentialError:
    return CredentialError(Reason.SIGNATURE_INCOMPLETE, detail, detail)
