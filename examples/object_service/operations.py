"""What a request asks for, as policies name it."""

from collections.abc import Mapping
from dataclasses import dataclass

from examples.object_service.answers import Refusal
from examples.object_service.request import LINK, LISTING, ObjectRequest


@dataclass(frozen=True)
class Operation:
    """`name` is OSS's for the operation, `action` the one that policies allow: parts are allowed as the object is."""

    name: str
    action: str


_ON_SERVICE = {"GET": "ListBuckets"}
_ON_BUCKET = {"GET": "ListObjects", "PUT": "PutBucket"}
_ON_OBJECT = {"GET": "GetObject", "HEAD": "HeadObject", "PUT": "PutObject", "DELETE": "DeleteObject"}
_ON_UPLOAD = {
    "PUT": "UploadPart",
    "POST": "CompleteMultipartUpload",
    "DELETE": "AbortMultipartUpload",
    "GET": "ListParts",
}
_ACTIONS = {
    "HeadObject": "GetObject",
    "InitiateMultipartUpload": "PutObject",
    "UploadPart": "PutObject",
    "CompleteMultipartUpload": "PutObject",
}


def read_operation(request: ObjectRequest) -> Operation:
    """Raises: Refusal(NotImplemented) for all others, and for parameters that have no meaning where they stand."""
    query = set(request.query) - LINK - {"encoding-type"}
    if not request.bucket:
        name, may = _ON_SERVICE.get(request.method), {"prefix", "marker", "max-keys"}
    elif not request.key:
        name, may = _ON_BUCKET.get(request.method), {*LISTING, "fetch-owner"} if request.method == "GET" else set()
    elif "uploads" in query:
        name, may = "InitiateMultipartUpload" if request.method == "POST" else None, {"uploads"}
    elif "uploadId" in query:
        name, may = _ON_UPLOAD.get(request.method), {"uploadId", "partNumber", "max-parts", "part-number-marker"}
    else:
        name, may = _ON_OBJECT.get(request.method), {"objectMeta"}
    if name is None or not query <= may:
        raise Refusal(501, "NotImplemented", "this service knows no such operation")
    return Operation(name, f"oss:{_ACTIONS.get(name, name)}")


def resource_of(request: ObjectRequest, region: str, account_id: str) -> str:
    below = f"{request.bucket}/{request.key}" if request.key else request.bucket or "*"
    return f"acs:oss:{region}:{account_id}:{below}"


def context_of(request: ObjectRequest, operation: Operation) -> Mapping[str, str | bool]:
    """What this service alone saw. The gateway knows the rest, and takes no one's word for it."""
    context: dict[str, str | bool] = {"acs:SourceIp": request.address, "acs:SecureTransport": request.secure}
    if operation.name in {"ListObjects", "ListBuckets"}:
        context |= {"oss:Prefix": request.query.get("prefix", ""), "oss:Delimiter": request.query.get("delimiter", "")}
    return context
