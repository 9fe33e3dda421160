"""A mobile app: credentials for one user's folder, used by the official client on the object service of the example."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import oss2
import pytest

from gateway.directory.attachments import attach_policy
from gateway.directory.policies import create_policy
from gateway.directory.users import get_user
from gateway.sts.token import open_token, seal_token
from tests.object_service import GUARD_POLICY, ObjectService, object_service
from tests.wire.by_name import call_by_name
from tests.wire.fresh_company import fresh_company
from tests.wire.scenario_page import printed_on, run_page
from tests.wire.seed import Seed


@pytest.fixture(scope="module")
def app_company(company: Seed) -> Seed:
    return fresh_company(company)


@pytest.fixture(scope="module")
def objects(app_company: Seed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ObjectService]:
    company, now = app_company, datetime.now(UTC)
    guard = company.new_user()
    with company.services.store.transaction() as session:
        create_policy(session, company.account_id, "Guard", GUARD_POLICY, now=now)
        attach_policy(
            session, company.account_id, "Custom", "Guard", get_user(session, company.account_id, guard.name), now
        )
    with object_service(company.config(*guard.key), company.account_id, tmp_path_factory.mktemp("objects")) as running:
        admin = company.new_user("AliyunOSSFullAccess")
        running.bucket(oss2.Auth(*admin.key), "app-uploads").create_bucket()
        yield running


@pytest.fixture(scope="module")
def page(app_company: Seed, objects: ObjectService, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """What the page prints, and the folder that it was run in."""
    folder = tmp_path_factory.mktemp("page")
    return run_page("mobile-app.md", app_company, folder, OBJECTS_URL=objects.url), folder


def test_page__run_as_it_stands__prints_what_it_says(page: tuple[str, Path]) -> None:
    told = [line for line in page[0].splitlines() if line.startswith(("alice has", "AccessDenied", "SecurityToken"))]
    assert told == printed_on("mobile-app.md")


def test_expired__by_the_phone__refused_with_the_explanation(
    app_company: Seed, objects: ObjectService, page: tuple[str, Path]
) -> None:
    phone = json.loads((page[1] / "phone.json").read_text())
    ring = app_company.services.ring
    token = open_token(ring, phone["token"])
    over = replace(token, expires_at=datetime.now(UTC) - timedelta(seconds=1))
    auth = oss2.StsAuth(phone["key"], phone["secret"], seal_token(ring, over))
    with pytest.raises(oss2.exceptions.ServerError) as caught:
        objects.bucket(auth, "app-uploads").get_object("alice/cat.jpg")
    assert (caught.value.status, caught.value.code) == (403, "SecurityTokenExpired")
    assert "expired" in caught.value.details["Explanation"]


@pytest.mark.parametrize("version", ["v1", "v4"])
def test_new_phone__of_another_user__keeps_to_its_folder(
    app_company: Seed, objects: ObjectService, page: tuple[str, Path], version: str
) -> None:
    own = json.loads((page[1] / "app-server.json").read_text())
    policy = {
        "Version": "1",
        "Statement": [{"Effect": "Allow", "Action": "oss:*", "Resource": "acs:oss:*:*:app-uploads/bob/*"}],
    }
    asked = {
        "RoleArn": app_company.role_arn("app-uploader"),
        "RoleSessionName": "bob",
        "Policy": json.dumps(policy),
    }
    client = app_company.client(own["access_key_id"], own["access_key_secret"])
    given = call_by_name(client, "2015-04-01", "AssumeRole", asked)["Credentials"]
    auth = oss2.StsAuth(given["AccessKeyId"], given["AccessKeySecret"], given["SecurityToken"], version)
    bucket = objects.bucket(auth, "app-uploads")
    bucket.put_object("bob/dog.jpg", b"a dog")
    assert bucket.get_object("bob/dog.jpg").read() == b"a dog"
    for key in ("alice/cat.jpg", "bob", "bobby/x", "bob/../alice/cat.jpg"):
        with pytest.raises(oss2.exceptions.ServerError) as caught:
            bucket.put_object(key, b"x")
        assert caught.value.status in {400, 403}
