"""A request, read in one way only. What could be read in two ways is refused before anybody asks whose it is."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from examples.object_service.answers import Refusal, malformed

_BUCKET = re.compile(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]")
_LONGEST_KEY_BYTES = 1023
# Everything that may stand in a query; what is not here has a meaning that this service does not know.
LISTING = frozenset({"prefix", "marker", "max-keys", "delimiter", "list-type", "start-after", "continuation-token"})
UPLOADS = frozenset({"uploads", "uploadId", "partNumber"})
LINK = frozenset({"OSSAccessKeyId", "Expires", "Signature", "security-token"})
_KNOWN = LISTING | UPLOADS | LINK | {"encoding-type", "fetch-owner", "objectMeta", "max-parts", "part-number-marker"}
_OSS_HEADERS = frozenset({"x-oss-date", "x-oss-content-sha256", "x-oss-security-token", "x-oss-storage-class"})
_CONDITIONS = frozenset({"range", "if-match", "if-none-match", "if-modified-since", "if-unmodified-since", "if-range"})
META = "x-oss-meta-"


@dataclass(frozen=True)
class ObjectRequest:
    """`bucket` and `key` are empty where the request is not about one. Header names are in lower case."""

    method: str
    bucket: str
    key: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    address: str
    secure: bool

    def header(self, name: str) -> str:
        return self.headers.get(name, "")


def read_request(
    method: str, target: str, headers: Iterable[tuple[str, str]], address: str, *, secure: bool
) -> ObjectRequest:
    """Refused: a header or parameter twice; one of OSS's that has a meaning we do not know; bodies without a length;
    control characters; names that are no UTF-8; and a `?` in a key, which signature V1 can't tell from a query.
    """
    if not target.startswith("/") or target.startswith("//") or "#" in target:
        raise malformed("the target of a request is a path")
    path, _, query = target.partition("?")
    bucket, _, key = path[1:].partition("/")
    bucket, key = _text(bucket), _text(key)
    if bucket and not _BUCKET.fullmatch(bucket):
        raise Refusal(400, "InvalidBucketName", "a bucket has 3 to 63 lower-case letters, digits and hyphens")
    if len(key.encode()) > _LONGEST_KEY_BYTES or key.startswith(("/", "\\")) or "?" in key:
        raise Refusal(400, "InvalidObjectName", "an object has 1 to 1023 bytes, without a `?`, and no slash in front")
    if any(part in {".", ".."} for part in key.split("/")):
        raise Refusal(400, "InvalidObjectName", "`.` and `..` are no parts of a name")
    return ObjectRequest(method, bucket, key, _query(query), _headers(headers), address, secure)


def _query(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for part in text.split("&") if text else ():
        name, _, value = part.partition("=")
        name = _text(name)
        if name not in _KNOWN:
            raise Refusal(501, "NotImplemented", f"this service knows no parameter {name[:64]}")
        if name in found:
            raise malformed(f"the parameter {name} is there twice")
        found[name] = _text(value.replace("+", "%20"))
    return found


def _headers(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for given, value in pairs:
        name = given.lower()
        if name in found or "_" in name:
            raise malformed(f"the header {name[:64]} is there twice, or could be taken for another")
        if not value.isascii() or not value.isprintable():
            raise malformed(f"the header {name[:64]} has a character that is no printable ASCII")
        if name.startswith("x-oss-") and name not in _OSS_HEADERS and not name.startswith(META):
            raise Refusal(501, "NotImplemented", f"this service knows no header {name[:64]}")
        found[name] = value.strip()
    if asked := sorted(_CONDITIONS & set(found)):  # whoever asks for a part must not take the whole for it
        raise Refusal(501, "NotImplemented", f"this service knows no header {asked[0]}")
    if found.get("transfer-encoding", "chunked") != "chunked" or {"transfer-encoding", "content-length"} <= set(found):
        raise malformed("a body comes by its length or in chunks, and not in both ways")
    if any(name.startswith(("x-http-method", "x-method")) for name in found):
        raise malformed("a request has one method")
    return found


def _text(encoded: str) -> str:
    if re.search(r"%(?![0-9A-Fa-f]{2})", encoded):
        raise malformed("a name is not percent-encoded")
    try:
        text = unquote_to_bytes(encoded.encode("latin-1")).decode()
    except ValueError:
        raise malformed("a name is not UTF-8") from None
    if any(ord(character) < 0x20 or character == "\x7f" for character in text):  # noqa: PLR2004 - control characters
        raise malformed("a name has a control character")
    return text
