"""The official `oss2` client against the example's object service, which asks the gateway about every request."""

import json
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import oss2
import pytest
import requests
from alibabacloud_sts20150401.models import AssumeRoleRequest

from gateway.clock import SystemClock
from gateway.directory.revocations import revoke
from tests.object_service import ObjectService, object_service
from tests.wire.own_policy import give
from tests.wire.ram_role import new_ram_role
from tests.wire.second_company import second_company
from tests.wire.seed import Caller, Seed

AUTHS = {"V1": oss2.Auth, "V4": oss2.AuthV4}
MAY_ASK: dict[str, object] = {"Effect": "Allow", "Action": "ram:VerifyRequest", "Resource": "acs:ram:*:*:service/oss"}


@pytest.fixture(scope="module")
def objects(company: Seed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ObjectService]:
    guard = company.new_user()
    give(company, guard, MAY_ASK)
    with object_service(company.config(*guard.key), company.account_id, tmp_path_factory.mktemp("objects")) as running:
        yield running


@pytest.fixture(params=AUTHS)
def auth(request: pytest.FixtureRequest) -> Any:
    return AUTHS[request.param]


def made(objects: ObjectService, company: Seed, auth: Any = oss2.Auth) -> tuple[oss2.Bucket, Caller]:
    """A bucket, and one who may do everything with it."""
    alice = company.new_user("AliyunOSSFullAccess")
    bucket = objects.bucket(auth(*alice.key), "b-" + secrets.token_hex(6))
    bucket.create_bucket()
    return bucket, alice


def refused(call: Any, *args: Any, **more: Any) -> oss2.exceptions.ServerError:
    with pytest.raises(oss2.exceptions.ServerError) as caught:
        call(*args, **more)
    return caught.value


def test_objects__whole_life__by_both_signatures(objects: ObjectService, company: Seed, auth: Any) -> None:
    bucket, _ = made(objects, company, auth)
    key = "photos/2026/ö & +%.jpg"
    bucket.put_object(key, b"first", headers={"x-oss-meta-by": "alice", "Content-Type": "image/jpeg"})
    got = bucket.get_object(key)
    assert (got.read(), got.headers["x-oss-meta-by"], got.content_type) == (b"first", "alice", "image/jpeg")
    head = bucket.head_object(key)
    assert (head.content_length, head.etag) == (5, "8B04D5E3775D298E78455EFC5CA404D5")
    assert bucket.get_object_meta(key).content_length == 5
    assert bucket.object_exists(key)
    bucket.put_object("photos/b", b"")
    bucket.put_object("c", b"c")
    assert [found.key for found in bucket.list_objects(prefix="photos/").object_list] == [key, "photos/b"]
    listed = bucket.list_objects_v2(delimiter="/")
    assert ([each.key for each in listed.object_list], listed.prefix_list) == (["c"], ["photos/"])
    assert [found.key for found in oss2.ObjectIterator(bucket, max_keys=1)] == ["c", key, "photos/b"]
    assert [found.key for found in oss2.ObjectIteratorV2(bucket, max_keys=2)] == ["c", key, "photos/b"]
    assert bucket.bucket_name in {each.name for each in objects.service(bucket.auth).list_buckets().buckets}
    bucket.delete_object(key)
    assert refused(bucket.get_object, key).code == "NoSuchKey"


def test_uploads__in_parts__by_both_signatures(
    objects: ObjectService, company: Seed, auth: Any, tmp_path: Path
) -> None:
    bucket, _ = made(objects, company, auth)
    data = secrets.token_bytes(350_000)
    (tmp_path / "film").write_bytes(data)
    store = oss2.ResumableStore(root=str(tmp_path))
    oss2.resumable_upload(
        bucket, "film", str(tmp_path / "film"), store=store, multipart_threshold=100_000, part_size=102_400
    )
    assert bucket.get_object("film").read() == data
    upload = bucket.init_multipart_upload("other").upload_id
    bucket.upload_part("other", upload, 1, b"one")
    assert [part.part_number for part in bucket.list_parts("other", upload).parts] == [1]
    assert refused(bucket.upload_part, "film", upload, 1, b"x").code == "NoSuchUpload"
    bucket.abort_multipart_upload("other", upload)
    assert refused(bucket.upload_part, "other", upload, 2, b"x").code == "NoSuchUpload"


def test_denied__error__carries_the_explanation(objects: ObjectService, company: Seed, auth: Any) -> None:
    bucket, _ = made(objects, company)
    bucket.put_object("a", b"a")
    reader = company.new_user("AliyunOSSReadOnlyAccess")
    theirs = objects.bucket(auth(*reader.key), bucket.bucket_name)
    assert theirs.get_object("a").read() == b"a"
    error = refused(theirs.put_object, "a", b"b")
    assert (error.status, error.code) == (403, "AccessDenied")
    assert "no statement of the policies attached" in error.details["Explanation"]
    assert refused(theirs.delete_object, "a").code == "AccessDenied"
    everything_but: dict[str, object] = {
        "Effect": "Deny",
        "Action": "oss:GetObject",
        "Resource": f"acs:oss:*:*:{bucket.bucket_name}/secret*",
    }
    give(company, reader, everything_but)
    assert "is denied by Statement[0] (Deny)" in refused(theirs.get_object, "secret").details["Explanation"]
    assert bucket.get_object("a").read() == b"a"


def test_prefix__as_the_policy_has_it__and_no_other(objects: ObjectService, company: Seed) -> None:
    bucket, _ = made(objects, company)
    bob = company.new_user()
    give(
        company,
        bob,
        {
            "Effect": "Allow",
            "Action": "oss:ListObjects",
            "Resource": f"acs:oss:*:*:{bucket.bucket_name}",
            "Condition": {"StringLike": {"oss:Prefix": "bob/*"}},
        },
    )
    theirs = objects.bucket(oss2.Auth(*bob.key), bucket.bucket_name)
    assert theirs.list_objects(prefix="bob/").object_list == []
    for prefix in ("", "alice/", "bo"):
        assert refused(theirs.list_objects, prefix=prefix).code == "AccessDenied"


@pytest.mark.parametrize("version", ["v1", "v4"])
def test_role_session__until_it_is_revoked(objects: ObjectService, company: Seed, version: str) -> None:
    bucket, _ = made(objects, company)
    taker, role = company.new_user("AliyunSTSAssumeRoleAccess"), new_ram_role(company, "AliyunOSSFullAccess")
    request = AssumeRoleRequest(role_arn=role, role_session_name="batch")
    answer = company.client(*taker.key).assume_role(request).body
    taken = answer.credentials
    auth = oss2.StsAuth(taken.access_key_id, taken.access_key_secret, taken.security_token, version)
    theirs = objects.bucket(auth, bucket.bucket_name)
    theirs.put_object("a", b"a")
    link = theirs.sign_url("GET", "a", 60)
    if version == "v1":  # links by V4 are not taken
        assert requests.get(link, timeout=5).content == b"a"
    with company.services.store.transaction() as session:
        revoke(session, "role", answer.assumed_role_user.assumed_role_id.partition(":")[0], SystemClock().now())
    error = refused(theirs.get_object, "a")
    assert (error.status, error.code) == (403, "SecurityTokenRevoked")
    assert requests.get(link, timeout=5).status_code in {403, 501}
    without = objects.bucket(oss2.Auth(taken.access_key_id, taken.access_key_secret), bucket.bucket_name)
    assert refused(without.get_object, "a").code == "InvalidSecurityToken"


def test_signature__wrong_or_of_nobody__refused(objects: ObjectService, company: Seed, auth: Any) -> None:
    bucket, alice = made(objects, company)
    wrong = objects.bucket(auth(alice.key_id, "x" * 30), bucket.bucket_name)
    assert refused(wrong.get_object, "a").code == "SignatureDoesNotMatch"
    nobody = objects.bucket(auth("LTAInobody", "x" * 30), bucket.bucket_name)
    assert refused(nobody.get_object, "a").code == "InvalidAccessKeyId"
    anonymous = objects.bucket(oss2.AnonymousAuth(), bucket.bucket_name)
    assert refused(anonymous.get_object, "a").code == "AccessDenied"


def test_other_account__even_its_own_administrator__needs_a_role_here(objects: ObjectService, company: Seed) -> None:
    bucket, _ = made(objects, company)
    other = second_company(company, "AdministratorAccess")
    theirs = objects.bucket(oss2.Auth(*other.user.key), bucket.bucket_name)
    error = refused(theirs.get_object, "a")
    assert (error.status, error.code) == (403, "AccessDenied")


def test_link__signed_in_advance__until_it_expires(objects: ObjectService, company: Seed) -> None:
    bucket, _ = made(objects, company)
    bucket.put_object("a b", b"linked")
    link = bucket.sign_url("GET", "a b", 60)
    assert requests.get(link, timeout=5).content == b"linked"
    assert requests.get(link, timeout=5).content == b"linked"
    assert requests.delete(link, timeout=5).status_code == 403
    assert requests.get(link.replace("Expires=1", "Expires=2"), timeout=5).status_code == 403
    assert requests.get(bucket.sign_url("GET", "a b", -1), timeout=5).status_code == 403
    assert requests.get(bucket.sign_url("GET", "a b", 3600), timeout=5).status_code == 403
    upload = bucket.sign_url("PUT", "new", 60)
    assert requests.put(upload, data=b"1", timeout=5).status_code == 200
    assert requests.put(upload, data=b"2", timeout=5).status_code == 403  # a link for a change is good for one
    assert bucket.get_object("new").read() == b"1"


def test_service__sees_no_secret_and_keeps_none(objects: ObjectService, company: Seed) -> None:
    bucket, alice = made(objects, company)
    bucket.put_object("a", b"a")
    assert json.dumps(alice.secret)[1:-1] not in objects.files()
