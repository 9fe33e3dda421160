"""Versions of policies, through the official client."""

import json

import pytest
from alibabacloud_ram20150501.models import (
    CreatePolicyVersionRequest,
    DeletePolicyVersionRequest,
    GetPolicyRequest,
    GetPolicyVersionRequest,
    ListPolicyVersionsRequest,
    SetDefaultPolicyVersionRequest,
)

from tests.wire.refusal import refusal
from tests.wire.seed import Seed
from tests.wire.test_policies import READ, new_policy

WRITE = json.dumps({"Version": "1", "Statement": [{"Effect": "Allow", "Action": "oss:Put*", "Resource": "*"}]})
ROTATE = "DeleteOldestNonDefaultVersionWhenLimitExceeded"


def versions(company: Seed, name: str) -> list[tuple[str, bool]]:
    request = ListPolicyVersionsRequest(policy_name=name, policy_type="Custom")
    found = company.ram().list_policy_versions(request).body.policy_versions.policy_version
    return [(version.version_id, version.is_default_version) for version in found]


def add(company: Seed, name: str, **more: object) -> str:
    request = CreatePolicyVersionRequest(policy_name=name, policy_document=WRITE, **more)
    return str(company.ram().create_policy_version(request).body.policy_version.version_id)


def test_create_policy_version__as_default_or_not__listed_and_readable(company: Seed) -> None:
    name = new_policy(company)
    assert add(company, name) == "v2"
    assert versions(company, name) == [("v1", True), ("v2", False)]
    assert add(company, name, set_as_default=True) == "v3"
    assert versions(company, name) == [("v1", False), ("v2", False), ("v3", True)]
    policy = company.ram().get_policy(GetPolicyRequest(policy_name=name, policy_type="Custom")).body
    assert (policy.policy.default_version, policy.policy.policy_document) == ("v3", WRITE)
    request = GetPolicyVersionRequest(policy_name=name, policy_type="Custom", version_id="v1")
    first = company.ram().get_policy_version(request).body.policy_version
    assert (first.version_id, first.is_default_version, first.policy_document) == ("v1", False, READ)


def test_create_policy_version__sixth__refused_or_rotated_and_numbers_never_reused(company: Seed) -> None:
    name = new_policy(company)
    for _ in range(4):
        add(company, name)
    request = CreatePolicyVersionRequest(policy_name=name, policy_document=WRITE, rotate_strategy="None")
    error = refusal(company.ram().create_policy_version, request)
    assert (error.status_code, error.code) == (409, "LimitExceeded.Policy.Version")
    assert add(company, name, rotate_strategy=ROTATE) == "v6"
    assert [version for version, _ in versions(company, name)] == ["v1", "v3", "v4", "v5", "v6"]
    company.ram().delete_policy_version(DeletePolicyVersionRequest(policy_name=name, version_id="v6"))
    assert add(company, name) == "v7"


def test_set_default_policy_version__older__is_in_force_again(company: Seed) -> None:
    name = new_policy(company)
    add(company, name, set_as_default=True)
    company.ram().set_default_policy_version(SetDefaultPolicyVersionRequest(policy_name=name, version_id="v1"))
    assert versions(company, name) == [("v1", True), ("v2", False)]


def test_delete_policy_version__default_missing_or_malformed__refused(company: Seed) -> None:
    name = new_policy(company)
    delete = company.ram().delete_policy_version
    error = refusal(delete, DeletePolicyVersionRequest(policy_name=name, version_id="v1"))
    assert (error.status_code, error.code) == (409, "DeleteConflict.Policy.Version.Default")
    assert error.data["Message"] == "The default version of the policy CAN NOT be deleted."
    error = refusal(delete, DeletePolicyVersionRequest(policy_name=name, version_id="v2"))
    assert (error.status_code, error.code) == (404, "EntityNotExist.Policy.Version")
    for malformed in ("1", "v0", "v" + "9" * 5000, "v1\u00b2"):
        error = refusal(delete, DeletePolicyVersionRequest(policy_name=name, version_id=malformed))
        assert (error.status_code, error.code) == (400, "InvalidParameter.VersionId.Format")


def test_get_and_list_policy_versions__system__one_that_is_default(company: Seed) -> None:
    name = "AliyunSTSAssumeRoleAccess"
    request = ListPolicyVersionsRequest(policy_name=name, policy_type="System")
    (only,) = company.ram().list_policy_versions(request).body.policy_versions.policy_version
    assert (only.version_id, only.is_default_version) == ("v1", True)
    get = GetPolicyVersionRequest(policy_name=name, policy_type="System", version_id="v1")
    assert "sts:AssumeRole" in company.ram().get_policy_version(get).body.policy_version.policy_document
    other = GetPolicyVersionRequest(policy_name=name, policy_type="System", version_id="v2")
    assert refusal(company.ram().get_policy_version, other).code == "EntityNotExist.Policy.Version"


def test_policy_versions__of_system_policies__cannot_be_changed(company: Seed) -> None:
    ram, name = company.ram(), "ReadOnlyAccess"
    for call, request in (
        (ram.create_policy_version, CreatePolicyVersionRequest(policy_name=name, policy_document=WRITE)),
        (ram.set_default_policy_version, SetDefaultPolicyVersionRequest(policy_name=name, version_id="v1")),
        (ram.delete_policy_version, DeletePolicyVersionRequest(policy_name=name, version_id="v1")),
    ):
        error = refusal(call, request)
        assert (error.status_code, error.code) == (404, "EntityNotExist.Policy")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"policy_document": '{"Version":"1"}'}, "MalformedPolicyDocument"),
        ({"rotate_strategy": "Never"}, "InvalidParameter.RotateStrategy"),
        ({"policy_name": "no-such-policy"}, "EntityNotExist.Policy"),
        ({"policy_document": None}, "MissingParameter"),
    ],
)
def test_create_policy_version__outside_the_rules__refused(company: Seed, change: dict[str, object], code: str) -> None:
    name = new_policy(company)
    values: dict[str, object] = {"policy_name": name, "policy_document": WRITE, **change}
    assert refusal(company.ram().create_policy_version, CreatePolicyVersionRequest(**values)).code == code
    assert versions(company, name) == [("v1", True)]


def test_policy_versions__reader__reads_and_changes_nothing(company: Seed) -> None:
    name, reader, nobody = new_policy(company), company.new_user("AliyunRAMReadOnlyAccess"), company.new_user()
    listing = ListPolicyVersionsRequest(policy_name=name, policy_type="Custom")
    get = GetPolicyVersionRequest(policy_name=name, policy_type="Custom", version_id="v1")
    ram, stranger = company.ram(*reader.key), company.ram(*nobody.key)
    assert ram.list_policy_versions(listing).status_code == ram.get_policy_version(get).status_code == 200
    assert refusal(stranger.list_policy_versions, listing).code == "NoPermission"
    assert refusal(stranger.get_policy_version, get).code == "NoPermission"
    for call, request in (
        (ram.create_policy_version, CreatePolicyVersionRequest(policy_name=name, policy_document=WRITE)),
        (ram.set_default_policy_version, SetDefaultPolicyVersionRequest(policy_name=name, version_id="v1")),
        (ram.delete_policy_version, DeletePolicyVersionRequest(policy_name=name, version_id="v1")),
    ):
        assert refusal(call, request).code == "NoPermission"
