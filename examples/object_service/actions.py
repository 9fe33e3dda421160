"""Doing what was allowed."""

import base64
import hmac
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from io import BufferedIOBase
from pathlib import Path
from urllib.parse import quote
from xml.etree import ElementTree as ET

from examples.object_service.answers import Answer, Element, Refusal, malformed, xml
from examples.object_service.bodies import read_body
from examples.object_service.request import META, ObjectRequest
from examples.object_service.storage import Body, Storage, Stored

_MOST_LISTED = 1000
_MOST_PARTS = 10_000
_LONGEST_LIST = 1024 * 1024
_ETAG = re.compile(r"[0-9A-Fa-f]{32}")
_PLAIN = "application/octet-stream"

Perform = Callable[["Actions", ObjectRequest, BufferedIOBase], Answer]


class Actions:
    def __init__(self, storage: Storage, *, account_id: str, region: str, most_bytes: int) -> None:
        self._storage = storage
        self._account_id, self._region = account_id, region
        self._most_bytes = most_bytes

    def perform(self, name: str, request: ObjectRequest, stream: BufferedIOBase) -> Answer:
        """Raises: Refusal."""
        return _PERFORM[name](self, request, stream)

    def list_buckets(self, request: ObjectRequest, _stream: BufferedIOBase) -> Answer:
        prefix = request.query.get("prefix", "")
        buckets: list[Element] = [
            (
                "Bucket",
                [
                    ("Name", name),
                    ("CreationDate", made_at),
                    ("Location", f"oss-{self._region}"),
                    ("ExtranetEndpoint", ""),
                    ("IntranetEndpoint", ""),
                    ("StorageClass", "Standard"),
                ],
            )
            for name, made_at in self._storage.buckets()
            if name.startswith(prefix)
        ]
        owner: Element = ("Owner", [("ID", self._account_id), ("DisplayName", self._account_id)])
        return xml("ListAllMyBucketsResult", [owner, ("IsTruncated", "false"), ("Buckets", buckets)])

    def put_bucket(self, request: ObjectRequest, _stream: BufferedIOBase) -> Answer:
        self._storage.make_bucket(request.bucket)
        return Answer(200)

    def list_objects(self, request: ObjectRequest, _stream: BufferedIOBase) -> Answer:
        query, second = request.query, request.query.get("list-type") == "2"
        prefix, delimiter = query.get("prefix", ""), query.get("delimiter", "")
        after = (query.get("continuation-token") or query.get("start-after", "")) if second else query.get("marker", "")
        write = _encoder(request)
        contents: dict[str, Element] = {}
        for stored in self._storage.objects(request.bucket):
            if not stored.key.startswith(prefix):
                continue
            head, mark, _ = stored.key[len(prefix) :].partition(delimiter) if delimiter else (stored.key, "", "")
            name = prefix + head + mark if mark else stored.key
            if name.encode() > after.encode():
                contents[name] = ("CommonPrefixes", [("Prefix", write(name))]) if mark else _content(stored, write)
        names = sorted(contents, key=str.encode)
        most = _listed(query.get("max-keys", "100"))
        shown, more = names[:most], len(names) > most
        elements: list[Element] = [("Name", request.bucket), ("Prefix", write(prefix)), ("MaxKeys", str(most))]
        elements += [("Delimiter", write(delimiter)), ("IsTruncated", "true" if more else "false")]
        elements += [("EncodingType", "url")] if "encoding-type" in query else []
        elements += [("NextContinuationToken" if second else "NextMarker", write(shown[-1]))] if more and shown else []
        return xml("ListBucketResult", elements + [contents[name] for name in shown])

    def get_object(self, request: ObjectRequest, _stream: BufferedIOBase) -> Answer:
        stored, file = self._storage.open(request.bucket, request.key)
        with file:
            return Answer(200, file.read(), _object_headers(stored))

    def head_object(self, request: ObjectRequest, _stream: BufferedIOBase) -> Answer:
        stored, file = self._storage.open(request.bucket, request.key)
        file.close()
        return Answer(200, b"", _object_headers(stored) | {"Content-Length": str(stored.size)})

    def put_object(self, request: ObjectRequest, stream: BufferedIOBase) -> Answer:
        body = self._receive(request, stream)
        kind = request.header("content-type") or _PLAIN
        stored = self._storage.put(request.bucket, request.key, body, kind, _meta(request))
        return Answer(200, b"", {"ETag": f'"{stored.etag}"'})

    def delete_object(self, request: ObjectRequest, _stream: BufferedIOBase) -> Answer:
        self._storage.delete(request.bucket, request.key)
        return Answer(204)

    def initiate(self, request: ObjectRequest, _stream: BufferedIOBase) -> Answer:
        kind = request.header("content-type") or _PLAIN
        upload_id = self._storage.begin_upload(request.bucket, request.key, kind, _meta(request))
        write = _encoder(request)
        elements: list[Element] = [("Bucket", request.bucket), ("Key", write(request.key)), ("UploadId", upload_id)]
        return xml("InitiateMultipartUploadResult", elements)

    def upload_part(self, request: ObjectRequest, stream: BufferedIOBase) -> Answer:
        folder = self._upload(request)
        number = request.query.get("partNumber", "")
        if not number.isdecimal() or not number.isascii() or not 0 < int(number[:6]) <= _MOST_PARTS:
            raise malformed(f"parts are numbered 1 to {_MOST_PARTS}")
        body = self._receive(request, stream)
        self._storage.put_part(folder, int(number), body)
        return Answer(200, b"", {"ETag": f'"{body.md5.hex().upper()}"'})

    def list_parts(self, request: ObjectRequest, _stream: BufferedIOBase) -> Answer:
        found = [path for path in self._upload(request).iterdir() if path.name != "upload.json"]
        parts: list[Element] = [
            (
                "Part",
                [
                    ("PartNumber", path.name.partition("-")[0]),
                    ("ETag", f'"{path.name.partition("-")[2].upper()}"'),
                    ("Size", str(path.stat().st_size)),
                    ("LastModified", "2026-01-01T00:00:00.000Z"),
                ],
            )
            for path in sorted(found, key=lambda path: int(path.name.partition("-")[0]))
        ]
        return xml("ListPartsResult", [("IsTruncated", "false"), ("NextPartNumberMarker", "0"), *parts])

    def complete(self, request: ObjectRequest, stream: BufferedIOBase) -> Answer:
        folder = self._upload(request)
        body = self._receive(request, stream, _LONGEST_LIST)
        text = body.path.read_bytes()
        body.path.unlink()
        stored = self._storage.finish_upload(folder, _parts(text))
        elements: list[Element] = [("Bucket", request.bucket), ("Key", request.key), ("ETag", f'"{stored.etag}"')]
        answer = xml("CompleteMultipartUploadResult", elements)
        return Answer(200, answer.body, {**answer.headers, "ETag": f'"{stored.etag}"'})

    def abort(self, request: ObjectRequest, _stream: BufferedIOBase) -> Answer:
        self._storage.abort_upload(self._upload(request))
        return Answer(204)

    def _upload(self, request: ObjectRequest) -> Path:
        return self._storage.upload(request.bucket, request.key, request.query.get("uploadId", ""))

    def _receive(self, request: ObjectRequest, stream: BufferedIOBase, most: int = 0) -> Body:
        """The body, which is what was signed if it was: by Content-MD5, or by its SHA-256 in signature V4.

        Refused: a body that is not, over a connection on which others could change it.
        """
        md5, sha256 = request.header("content-md5"), request.header("x-oss-content-sha256")
        signed = md5 or (sha256 and sha256 != "UNSIGNED-PAYLOAD")
        if not signed and not request.secure and not request.address.startswith("127."):
            raise Refusal(403, "AccessDenied", "sign the body by Content-MD5, or send it over HTTPS")
        body = self._storage.receive(read_body(request, stream, most or self._most_bytes))
        right = not md5 or hmac.compare_digest(base64.b64encode(body.md5), md5.encode())
        if signed and sha256 and sha256 != "UNSIGNED-PAYLOAD":
            right = right and hmac.compare_digest(body.sha256, sha256)
        if not right:
            body.path.unlink()
            raise Refusal(400, "InvalidDigest", "the body is not the one that was signed")
        return body


_PERFORM: Mapping[str, Perform] = {
    "ListBuckets": Actions.list_buckets,
    "PutBucket": Actions.put_bucket,
    "ListObjects": Actions.list_objects,
    "GetObject": Actions.get_object,
    "HeadObject": Actions.head_object,
    "PutObject": Actions.put_object,
    "DeleteObject": Actions.delete_object,
    "InitiateMultipartUpload": Actions.initiate,
    "UploadPart": Actions.upload_part,
    "ListParts": Actions.list_parts,
    "CompleteMultipartUpload": Actions.complete,
    "AbortMultipartUpload": Actions.abort,
}


def _meta(request: ObjectRequest) -> dict[str, str]:
    return {name: value for name, value in request.headers.items() if name.startswith(META)}


def _object_headers(stored: Stored) -> dict[str, str]:
    """A browser must never take an object for a page of this service."""
    return {
        **stored.meta,
        "ETag": f'"{stored.etag}"',
        "Content-Type": stored.content_type,
        "Content-Disposition": "attachment",
        "Last-Modified": _http_date(stored.modified_at),
        "x-oss-object-type": "Normal",
    }


def _http_date(text: str) -> str:
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.000Z").replace(tzinfo=UTC).strftime("%a, %d %b %Y %H:%M:%S GMT")


def _content(stored: Stored, write: Callable[[str], str]) -> Element:
    return (
        "Contents",
        [
            ("Key", write(stored.key)),
            ("LastModified", stored.modified_at),
            ("ETag", f'"{stored.etag}"'),
            ("Type", "Normal"),
            ("Size", str(stored.size)),
            ("StorageClass", "Standard"),
        ],
    )


def _encoder(request: ObjectRequest) -> Callable[[str], str]:
    return quote if request.query.get("encoding-type") == "url" else str


def _listed(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or not 0 < int(text[:5]) <= _MOST_LISTED:
        raise malformed(f"max-keys is 1 to {_MOST_LISTED}")
    return int(text)


def _parts(text: bytes) -> list[tuple[int, str]]:
    if b"<!" in text:  # no declarations, and so no entities
        raise Refusal(400, "MalformedXML", "the list of parts is XML without declarations")
    try:
        root = ET.fromstring(text)  # noqa: S314 - without declarations, see above
        found = [
            (int(part.findtext("PartNumber", "")), part.findtext("ETag", "").strip('"'))
            for part in root.findall("Part")
        ]
    except (ET.ParseError, ValueError):
        raise Refusal(400, "MalformedXML", "the list of parts is not well-formed") from None
    if not all(_ETAG.fullmatch(etag) for _, etag in found):
        raise Refusal(400, "InvalidPart", "an ETag has 32 hex digits")
    return found
