"""Getting at objects past the gateway's decision: by what was not signed, signed for something else, or read twice."""

import base64
import hashlib
import secrets
import time
from email.utils import formatdate

import oss2
import pytest

from gateway.clock import SystemClock
from gateway.directory.access_keys import set_status
from tests.attacks.object_service.conftest import BUCKET, Target
from tests.object_service import MOST_BYTES, object_service

LENGTH = {"Content-Length": "1"}


def new_key() -> str:
    return "k-" + secrets.token_hex(6)


@pytest.mark.parametrize("auth", [oss2.Auth, oss2.AuthV4])
def test_control__signed_as_sent__done(target: Target, auth: type) -> None:
    key = new_key()
    headers = target.signed("PUT", key, auth)
    assert target.send(f"PUT /{BUCKET}/{key}", headers | LENGTH, b"x")[0] == 200
    assert target.content(key) == b"x"


@pytest.mark.parametrize("auth", [oss2.Auth, oss2.AuthV4])
def test_signature__for_something_else__refused(target: Target, auth: type) -> None:
    key = new_key()
    target.bucket().put_object(key, b"kept")
    get = target.signed("GET", key, auth)
    for line in (
        f"DELETE /{BUCKET}/{key}",
        f"PUT /{BUCKET}/{key}",
        f"GET /{BUCKET}/{key}2",
        f"GET /{BUCKET}2/{key}",
        f"GET /{BUCKET}/",
        f"GET /{BUCKET}/{key}?uploadId={'0' * 32}",
        f"GET /{BUCKET}/{key}?objectMeta",
    ):
        status, body = target.send(line, get)
        assert (status, "SignatureDoesNotMatch" in body) == (403, True), line
    assert target.content(key) == b"kept"


@pytest.mark.parametrize("auth", [oss2.Auth, oss2.AuthV4])
def test_header_that_counts__changed_or_added__refused(target: Target, auth: type) -> None:
    key = new_key()
    signed = target.signed("PUT", key, auth, headers={"x-oss-meta-by": "alice", "Content-Type": "text/plain"})
    for changes in (
        {"x-oss-meta-by": "mallory"},
        {"x-oss-meta-more": "1"},
        {"Content-Type": "text/html"},
        {"Content-MD5": base64.b64encode(hashlib.md5(b"x").digest()).decode()},
        {"x-oss-security-token": "CAIS"},
    ):
        names = {name.lower() for name in changes}
        kept = {name: value for name, value in signed.items() if name.lower() not in names}
        assert target.send(f"PUT /{BUCKET}/{key}", kept | changes | LENGTH, b"x")[0] == 403, changes
    assert target.content(key) is None


@pytest.mark.parametrize("auth", [oss2.Auth, oss2.AuthV4])
def test_change__replayed_with_another_body__refused(target: Target, auth: type) -> None:
    key = new_key()
    headers = target.signed("PUT", key, auth) | LENGTH
    assert target.send(f"PUT /{BUCKET}/{key}", headers, b"1")[0] == 200
    assert target.send(f"PUT /{BUCKET}/{key}", headers, b"2")[0] == 403
    delete = target.signed("DELETE", key, auth)
    assert target.send(f"DELETE /{BUCKET}/{key}", delete)[0] == 204
    target.bucket().put_object(key, b"3", headers={"x-oss-meta-n": "3"})  # or it is the first upload's signature
    assert target.send(f"DELETE /{BUCKET}/{key}", delete)[0] == 403
    assert target.content(key) == b"3"


def test_signed_body__is_the_body(target: Target) -> None:
    key = new_key()
    md5 = base64.b64encode(hashlib.md5(b"x").digest()).decode()
    headers = target.signed("PUT", key, headers={"Content-MD5": md5}) | LENGTH
    status, body = target.send(f"PUT /{BUCKET}/{key}", headers, b"y")
    assert (status, "InvalidDigest" in body) == (400, True)
    assert target.content(key) is None


def test_time__out_of_the_window__refused(target: Target) -> None:
    key = new_key()
    target.bucket().put_object(key, b"x")
    for shift in (-3600, 3600):
        request = oss2.http.Request("GET", "http://x/")
        real = oss2.utils.http_date
        oss2.utils.http_date = lambda timeval=None, s=shift: formatdate(time.time() + s, usegmt=True)
        try:
            oss2.Auth(*target.alice.key)._sign_request(request, BUCKET, key)
        finally:
            oss2.utils.http_date = real
        status, body = target.send(f"GET /{BUCKET}/{key}", {k: v for k, v in request.headers.items() if v})
        assert (status, "RequestTimeTooSkewed" in body) == (403, True)


@pytest.mark.parametrize(
    "path",
    [
        "/../../etc/passwd",
        f"/{BUCKET}/../../../etc/passwd",
        f"/{BUCKET}/%2e%2e/%2e%2e/etc/passwd",
        f"/{BUCKET}/..%2f..%2fetc%2fpasswd",
        f"/{BUCKET}//etc/passwd",
        f"/{BUCKET}/%2Fetc%2Fpasswd",
        f"/{BUCKET}/a%00b",
        f"/{BUCKET}/a%0d%0ab",
        f"/{BUCKET}/a%zz",
        f"/{BUCKET}/a%ff",
        f"/{BUCKET}/a%3Facl",
        f"/{BUCKET}/{'x' * 1025}",
        "/..%2fuploads/x",
        "/UPPER/x",
        f"//{BUCKET}/x",
        f"http://127.0.0.1/{BUCKET}/x",
        f"/{BUCKET}/x#y",
    ],
)
def test_path__that_leads_out_or_can_be_read_twice__refused_before_anybody_is_asked(target: Target, path: str) -> None:
    status, body = target.send(f"GET {path}", target.signed("GET", "x"))
    assert status == 400, body
    assert "root:" not in body


@pytest.mark.parametrize(
    ("line", "more", "status"),
    [
        ("PUT /pictures/{key}", [("Content-Length", "1"), ("Content-Length", "2")], 400),
        ("PUT /pictures/{key}", [("Content-Length", "1"), ("Transfer-Encoding", "chunked")], 400),
        ("PUT /pictures/{key}", [("Transfer-Encoding", "chunked, identity")], 400),
        ("PUT /pictures/{key}", [("Content-Length", "+1")], 411),
        ("PUT /pictures/{key}", [("Content-Length", "1_0")], 411),
        ("PUT /pictures/{key}", [("Content-Length", str(MOST_BYTES + 1))], 400),
        ("PUT /pictures/{key}", [("Content-Length", "9" * 30)], 400),
        ("PUT /pictures/{key}", [("Content-Length", "5")], 400),
        ("PUT /pictures/{key}", [("Transfer-Encoding", "chunked")], 400),
        ("PUT /pictures/{key}", [], 411),
        ("PUT /pictures/{key}", [("Content_Length", "1")], 400),
        ("PUT /pictures/{key}", [("X-HTTP-Method-Override", "DELETE"), ("Content-Length", "1")], 400),
        ("PUT /pictures/{key}", [("x-oss-copy-source", "/pictures/secret"), ("Content-Length", "1")], 501),
        ("PUT /pictures/{key}", [("x-oss-object-acl", "public-read"), ("Content-Length", "1")], 501),
        ("PUT /pictures/{key}", [("Authorization", "OSS a:b"), ("Content-Length", "1")], 400),
        ("PUT /pictures/{key}", [("x-oss-meta-a", "1"), ("X-OSS-META-A", "2"), ("Content-Length", "1")], 400),
        ("PUT /pictures/{key}", [("x-oss-meta-a", "1\r\n 2"), ("Content-Length", "1")], 400),
        ("PUT /pictures/{key}", [("x-oss-meta-a", "\u00e9"), ("Content-Length", "1")], 400),
        ("PUT /pictures/{key}", [("If-None-Match", "*"), ("Content-Length", "1")], 501),
        ("PUT /pictures/{key}", [("Range", "bytes=0-0"), ("Content-Length", "1")], 501),
        ("PUT /pictures/{key}?acl", [("Content-Length", "1")], 501),
        ("PUT /pictures/{key}?prefix=x", [("Content-Length", "1")], 501),
        ("PUT /pictures/{key}?partNumber=1&partNumber=2", [("Content-Length", "1")], 400),
        ("PATCH /pictures/{key}", [("Content-Length", "1")], 501),
        ("POST /pictures/?delete", [("Content-Length", "1")], 501),
    ],
)
def test_request__that_could_be_read_in_two_ways_or_is_not_known__refused(
    target: Target, line: str, more: list[tuple[str, str]], status: int
) -> None:
    key = new_key()
    signed = list(target.signed("PUT", key).items())
    assert target.send(line.format(key=key), [*signed, *more], b"x")[0] == status
    assert target.content(key) is None


def test_chunks__that_lie_about_their_size__refused(target: Target) -> None:
    for body in (
        b"2\r\nx\r\n0\r\n\r\n",
        b"x\r\n",
        b"-1\r\n",
        b"1\r\nx\r\n",
        b"1;a=b\r\nx\r\n0\r\n\r\n",
        b"fffffff\r\nx",
    ):
        key = new_key()
        headers = target.signed("PUT", key) | {"Transfer-Encoding": "chunked"}
        assert target.send(f"PUT /{BUCKET}/{key}", headers, body)[0] == 400, body
        assert target.content(key) is None


def test_pipelined__second_request__is_not_looked_at(target: Target) -> None:
    key = new_key()
    inner = target.signed("DELETE", key)
    target.bucket().put_object(key, b"kept")
    hidden = f"DELETE /{BUCKET}/{key} HTTP/1.1\r\n" + "".join(f"{n}: {v}\r\n" for n, v in inner.items()) + "\r\n"
    target.send(f"GET /{BUCKET}/{key}", target.signed("GET", key), hidden.encode())
    assert target.content(key) == b"kept"


def test_not_signed__or_in_two_ways__refused(target: Target) -> None:
    key = new_key()
    target.bucket().put_object(key, b"x")
    link = target.bucket().sign_url("GET", key, 60).partition("?")[2]
    for line, headers in (
        (f"GET /{BUCKET}/{key}", {}),
        (f"GET /{BUCKET}/{key}?{link}", target.signed("GET", key)),
        (f"GET /{BUCKET}/{key}?OSSAccessKeyId=x", {}),
        (f"GET /{BUCKET}/{key}?Expires=9999999999&OSSAccessKeyId=x&Signature=y", {}),
        (f"GET /{BUCKET}/{key}", {"Authorization": "Basic YTpi"}),
        (f"GET /{BUCKET}/{key}", {"Authorization": "OSS :"}),
    ):
        assert target.send(line, headers)[0] == 403, line


@pytest.mark.parametrize("expires", ["", "1e9", "-1", "9" * 30, "0x10", "1767225600 "])
def test_link__whose_end_is_no_time__refused(target: Target, expires: str) -> None:
    link = f"Expires={expires}&OSSAccessKeyId=x&Signature=y".replace(" ", "%20")
    assert target.send(f"GET /{BUCKET}/x?{link}", {})[0] == 403


def test_v4__other_region_day_or_product__refused(target: Target) -> None:
    key = new_key()
    target.bucket().put_object(key, b"x")
    signed = target.signed("GET", key, oss2.AuthV4)
    name = next(name for name in signed if name.lower() == "authorization")
    for old, new in (("cn-hangzhou", "cn-beijing"), ("/oss/", "/sts/"), ("/20", "/19"), ("Signature=", "Signature=00")):
        changed = signed | {name: signed[name].replace(old, new, 1)}
        assert target.send(f"GET /{BUCKET}/{key}", changed)[0] == 403, new
    with_headers = signed | {name: signed[name] + ", AdditionalHeaders=host"}
    assert target.send(f"GET /{BUCKET}/{key}", with_headers)[0] == 403


def test_switched_off_key__at_the_next_request__refused(target: Target) -> None:
    company, bob = target.company, target.company.new_user("AliyunOSSFullAccess")
    bucket = target.objects.bucket(oss2.Auth(*bob.key), BUCKET)
    bucket.list_objects()
    with company.services.store.transaction() as session:
        set_status(
            session,
            account_id=company.account_id,
            user_id=bob.user_id,
            access_key_id=bob.key_id,
            status="Inactive",
            now=SystemClock().now(),
        )
    with pytest.raises(oss2.exceptions.ServerError) as caught:
        bucket.list_objects()
    assert caught.value.code == "InvalidAccessKeyId"


def test_list_of_parts__with_entities_or_lies__refused(target: Target) -> None:
    bucket, key = target.bucket(), new_key()
    upload = bucket.init_multipart_upload(key).upload_id
    etag = bucket.upload_part(key, upload, 1, b"one").etag
    bomb = b'<!DOCTYPE a [<!ENTITY b "bbbb">]><CompleteMultipartUpload><Part>&b;</Part></CompleteMultipartUpload>'
    part = f"<Part><PartNumber>1</PartNumber><ETag>{etag}</ETag></Part>"
    for body in (
        bomb,
        b"<a",
        b"",
        b"<CompleteMultipartUpload/>",
        f"<C>{part}{part}</C>".encode(),
        f"<C>{part.replace(etag, '../../x')}</C>".encode(),
        f"<C>{part.replace(etag, '0' * 32)}</C>".encode(),
        f"<C>{part.replace('>1<', '>../1<')}</C>".encode(),
    ):
        signed = target.signed("POST", key, params={"uploadId": upload}, headers={"x-oss-meta-n": new_key()})
        status, answer = target.send(
            f"POST /{BUCKET}/{key}?uploadId={upload}", signed | {"Content-Length": str(len(body))}, body
        )
        assert status == 400, answer
    assert target.content(key) is None
    for wrong in ("../buckets", "0" * 32, upload[:-1], "%2e%2e"):
        signed = target.signed("POST", key, params={"uploadId": wrong}, headers={"x-oss-meta-n": new_key()})
        assert target.send(f"POST /{BUCKET}/{key}?uploadId={wrong}", signed | {"Content-Length": "0"})[0] in {403, 404}


def test_page__stored_as_an_object__is_no_page_of_the_service(target: Target) -> None:
    key = new_key()
    target.bucket().put_object(key, b"<script>", headers={"Content-Type": "text/html"})
    got = target.bucket().get_object(key).headers
    assert (got["Content-Disposition"], got["X-Content-Type-Options"]) == ("attachment", "nosniff")


def test_gateway_gone__nobody_is_let_in(target: Target, tmp_path_factory: pytest.TempPathFactory) -> None:
    config = target.company.config(*target.alice.key)
    config.endpoint = "127.0.0.1:9"
    with object_service(config, target.company.account_id, tmp_path_factory.mktemp("alone")) as objects:
        with pytest.raises(oss2.exceptions.ServerError) as caught:
            objects.bucket(oss2.Auth(*target.alice.key), BUCKET).get_object("x")
        assert (caught.value.status, caught.value.code) == (503, "ServiceUnavailable")


def test_service_without_its_own_right__nobody_is_let_in(
    target: Target, tmp_path_factory: pytest.TempPathFactory
) -> None:
    config = target.company.config(*target.company.new_user().key)
    with object_service(config, target.company.account_id, tmp_path_factory.mktemp("bare")) as objects:
        with pytest.raises(oss2.exceptions.ServerError) as caught:
            objects.bucket(oss2.Auth(*target.alice.key), BUCKET).get_object("x")
        assert (caught.value.status, caught.value.code) == (403, "AccessDenied")
