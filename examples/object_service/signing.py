"""What the client must have signed, written down from the request as it came: OSS signatures V1 and V4.

Nothing is verified here: only the gateway has the secrets.
Rule: OSS, "Include a V1 signature in the header", "... in the URL", "Include a V4 signature in the header".
"""

import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

from examples.object_service.answers import Refusal
from examples.object_service.request import LINK, UPLOADS, ObjectRequest

LONGEST_LINK = timedelta(minutes=15)  # as long as the gateway remembers that a signature was used

_V1 = re.compile(r"OSS ([A-Za-z0-9.]{1,128}):([A-Za-z0-9+/=]{1,64})")
_V4 = re.compile(
    r"OSS4-HMAC-SHA256 Credential=([A-Za-z0-9.]{1,128})/([0-9]{8})/([a-z0-9-]+)/oss/aliyun_v4_request, ?"
    r"(?:AdditionalHeaders=([a-z0-9;-]+), ?)?Signature=([0-9a-f]{64})(?:, ?AdditionalHeaders=([a-z0-9;-]+))?"
)
_V1_SIGNED_QUERY = UPLOADS | {"objectMeta", "continuation-token", "security-token"}
_V4_SIGNED_HEADERS = frozenset({"content-type", "content-md5"})


@dataclass(frozen=True)
class Signed:
    """What VerifyRequest wants to know of a signature."""

    access_key_id: str
    security_token: str
    method: str
    text: bytes
    signature: str
    signed_at: str  # 2026-01-02T03:04:05Z


def read_signature(request: ObjectRequest, region: str, now: datetime) -> Signed:
    """Raises: Refusal(AccessDenied) for a request that is not signed, or in two ways, or by a link that is over."""
    authorization, linked = request.header("authorization"), not LINK.isdisjoint(request.query)
    if bool(authorization) is linked:
        raise _unsigned("the request is signed in two ways" if linked else "the request is not signed")
    if linked:
        return _link(request, now)
    if found := _V1.fullmatch(authorization):
        date = request.header("x-oss-date") or request.header("date")
        text = _v1_text(request, date)
        return Signed(found[1], request.header("x-oss-security-token"), "HMAC-SHA1", text, found[2], _wire(_http(date)))
    if found := _V4.fullmatch(authorization):
        return _v4(request, region, found)
    raise _unsigned("this service takes OSS signatures V1 and V4")


def _link(request: ObjectRequest, now: datetime) -> Signed:
    """A link that was signed in advance. It does not say when, so it is good for as long only as it can be told whether
    it was used for a change already.
    """
    query, expires = request.query, request.query.get("Expires", "")
    if not re.fullmatch(r"[0-9]{1,11}", expires) or request.method not in {"GET", "HEAD", "PUT"} or not request.key:
        raise _unsigned("links are for reading and writing one object, and say when they expire")
    until = datetime.fromtimestamp(int(expires), UTC)
    if not now < until <= now + LONGEST_LINK:
        raise _unsigned("the link has expired, or is for more than 15 minutes")
    return Signed(
        query.get("OSSAccessKeyId", ""),
        query.get("security-token", ""),
        "HMAC-SHA1",
        _v1_text(request, expires),
        query.get("Signature", ""),
        _wire(now),
    )


def _v1_text(request: ObjectRequest, date: str) -> bytes:
    headers = "".join(
        f"{name}:{value}\n" for name, value in sorted(request.headers.items()) if name.startswith("x-oss-")
    )
    names = sorted(set(request.query) & _V1_SIGNED_QUERY)
    query = "&".join(f"{name}={request.query[name]}" if request.query[name] else name for name in names)
    resource = f"/{request.bucket}/{request.key}" if request.bucket else "/"
    lines = (request.method, request.header("content-md5"), request.header("content-type"), date)
    return "\n".join((*lines, f"{headers}{resource}{'?' if query else ''}{query}")).encode()


def _v4(request: ObjectRequest, region: str, found: re.Match[str]) -> Signed:
    key_id, day, signed_region, before, signature, after = found.groups()
    payload, when = request.header("x-oss-content-sha256"), request.header("x-oss-date")
    if signed_region != region or (before and after):
        raise _unsigned(f"this service is in {region}")
    if payload != "UNSIGNED-PAYLOAD" and not re.fullmatch(r"[0-9a-f]{64}", payload):
        raise _unsigned("x-oss-content-sha256 is UNSIGNED-PAYLOAD, or the SHA-256 of the body")
    also = (before or after or "").split(";") if before or after else []
    if also != sorted(set(also)) or not set(also) <= set(request.headers):
        raise _unsigned("a header that is said to be signed is not there")
    headers = "".join(
        f"{name}:{value}\n"
        for name, value in sorted(request.headers.items())
        if name.startswith("x-oss-") or name in _V4_SIGNED_HEADERS or name in also
    )
    encoded = sorted((quote(name, safe=""), quote(value, safe="")) for name, value in request.query.items())
    query = "&".join(f"{name}={value}" if value else name for name, value in encoded)
    path = quote(f"/{request.bucket}/{request.key}" if request.bucket else "/", safe="/")
    canonical = "\n".join((request.method, path, query, headers, ";".join(also), payload))
    scope = f"{day}/{region}/oss/aliyun_v4_request"
    text = f"OSS4-HMAC-SHA256\n{when}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    token = request.header("x-oss-security-token")
    return Signed(key_id, token, "OSS4-HMAC-SHA256", text.encode(), signature, _wire(_basic(when)))


def _http(text: str) -> datetime:
    return _instant(text, "%a, %d %b %Y %H:%M:%S GMT")


def _basic(text: str) -> datetime:
    return _instant(text, "%Y%m%dT%H%M%SZ")


def _instant(text: str, form: str) -> datetime:
    try:
        return datetime.strptime(text, form).replace(tzinfo=UTC)
    except ValueError:
        raise _unsigned("the date of the request is missing or malformed") from None


def _wire(instant: datetime) -> str:
    return instant.strftime("%Y-%m-%dT%H:%M:%SZ")


def _unsigned(message: str) -> Refusal:
    return Refusal(403, "AccessDenied", message)
