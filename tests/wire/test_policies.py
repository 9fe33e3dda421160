"""Policies, through the official client."""

import json
import secrets

import pytest
from alibabacloud_ram20150501.models import (
    AttachPolicyToUserRequest,
    CreatePolicyRequest,
    CreatePolicyRequestTag,
    CreatePolicyVersionRequest,
    DeletePolicyRequest,
    GetPolicyRequest,
    ListPoliciesRequest,
    ListPoliciesRequestTag,
    UpdatePolicyDescriptionRequest,
)

from tests.wire.refusal import refusal
from tests.wire.seed import Seed

READ = json.dumps({"Version": "1", "Statement": [{"Effect": "Allow", "Action": "oss:Get*", "Resource": "*"}]})


def new_policy(company: Seed, document: str = READ, **tags: str) -> str:
    name = "p-" + secrets.token_hex(4)
    tag = [CreatePolicyRequestTag(key=key, value=value) for key, value in tags.items()]
    request = CreatePolicyRequest(policy_name=name, policy_document=document, description="reads", tag=tag or None)
    company.ram().create_policy(request)
    return name


def test_create_policy__then_read__says_what_was_made(company: Seed) -> None:
    name = "p-" + secrets.token_hex(4)
    request = CreatePolicyRequest(policy_name=name, policy_document=READ, description="reads")
    made = company.ram().create_policy(request).body.policy
    assert (made.policy_name, made.policy_type, made.default_version) == (name, "Custom", "v1")
    assert (made.description, made.create_date[-1]) == ("reads", "Z")
    got = company.ram().get_policy(GetPolicyRequest(policy_name=name.upper(), policy_type="Custom")).body
    assert (got.policy.policy_name, got.policy.attachment_count, got.policy.policy_document) == (name, 0, READ)
    version = got.default_policy_version
    assert (version.version_id, version.is_default_version, version.policy_document) == ("v1", True, READ)


def test_get_policy__system__is_readable_and_counts_attachments(company: Seed) -> None:
    request = GetPolicyRequest(policy_name="aliyunossreadonlyaccess", policy_type="System")
    before = company.ram().get_policy(request).body.policy
    assert (before.policy_name, before.policy_type, before.default_version) == (
        "AliyunOSSReadOnlyAccess",
        "System",
        "v1",
    )
    assert json.loads(before.policy_document)["Version"] == "1"
    company.new_user("AliyunOSSReadOnlyAccess")
    assert company.ram().get_policy(request).body.policy.attachment_count == before.attachment_count + 1


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"policy_name": "a_b"}, "InvalidParameter.PolicyName.InvalidChars"),
        ({"policy_name": "p" * 129}, "InvalidParameter.PolicyName.Length"),
        ({"policy_document": "{}"}, "MalformedPolicyDocument"),
        ({"policy_document": "[" * 3000}, "MalformedPolicyDocument"),
        ({"policy_document": READ.replace("oss:Get*", "oss:" + "x" * 6144)}, "InvalidParameter.PolicyDocument.Length"),
        ({"description": "d" * 1025}, "InvalidParameter.Description.Length"),
        ({"policy_name": None}, "MissingParameter"),
        ({"policy_document": None}, "MissingParameter"),
        ({"tag": [CreatePolicyRequestTag(key="aliyun", value="x")]}, "InvalidParameter.TagKey"),
        ({"tag": [CreatePolicyRequestTag(key=str(n)) for n in range(21)]}, "InvalidParameter.Tag"),
    ],
)
def test_create_policy__outside_the_rules__refused(company: Seed, change: dict[str, object], code: str) -> None:
    values: dict[str, object] = {"policy_name": "p-" + secrets.token_hex(4), "policy_document": READ, **change}
    error = refusal(company.ram().create_policy, CreatePolicyRequest(**values))
    assert (error.status_code, error.code) == (400, code)


def test_create_policy__name_taken_in_other_case__refused(company: Seed) -> None:
    name = new_policy(company)
    request = CreatePolicyRequest(policy_name=name.upper(), policy_document=READ)
    error = refusal(company.ram().create_policy, request)
    assert (error.status_code, error.code) == (409, "EntityAlreadyExists.Policy")


def test_list_policies__both_types_in_pages__each_once_system_first(company: Seed) -> None:
    mine = {new_policy(company) for _ in range(3)}
    seen: list[tuple[str, str]] = []
    marker = None
    while True:
        page = company.ram().list_policies(ListPoliciesRequest(max_items=7, marker=marker)).body
        found = page.policies.policy
        assert len(found) <= 7
        seen += [(policy.policy_type, policy.policy_name) for policy in found]
        marker = page.marker
        if not page.is_truncated:
            break
    assert len(seen) == len(set(seen))
    types = [policy_type for policy_type, _ in seen]
    assert types == sorted(types, reverse=True)
    assert ("System", "AdministratorAccess") in seen
    assert mine <= {name for policy_type, name in seen if policy_type == "Custom"}


def test_list_policies__of_one_type__has_no_other(company: Seed) -> None:
    name = new_policy(company)
    for policy_type in ("System", "Custom"):
        request = ListPoliciesRequest(policy_type=policy_type, max_items=1000)
        policies = company.ram().list_policies(request).body.policies.policy
        assert {policy.policy_type for policy in policies} == {policy_type}
        assert (name in {policy.policy_name for policy in policies}) is (policy_type == "Custom")


def test_list_policies__by_tags__has_those_with_all_of_them(company: Seed) -> None:
    mark = secrets.token_hex(4)
    one, _other = new_policy(company, mark=mark, env="prod"), new_policy(company, mark=mark, env="dev")
    tags = [ListPoliciesRequestTag(key="mark", value=mark), ListPoliciesRequestTag(key="ENV", value="prod")]
    (found,) = company.ram().list_policies(ListPoliciesRequest(tag=tags)).body.policies.policy
    assert (found.policy_name, found.attachment_count, found.description) == (one, 0, "reads")
    assert {(tag.tag_key, tag.tag_value) for tag in found.tags.tag} == {("mark", mark), ("env", "prod")}


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"policy_type": "Session"}, "InvalidParameter.PolicyType"),
        ({"max_items": 0}, "InvalidParameter.MaxItems"),
        ({"max_items": 1001}, "InvalidParameter.MaxItems"),
        ({"marker": "!"}, "InvalidParameter.Marker"),
    ],
)
def test_list_policies__outside_the_rules__refused(company: Seed, change: dict[str, object], code: str) -> None:
    error = refusal(company.ram().list_policies, ListPoliciesRequest(**change))
    assert (error.status_code, error.code) == (400, code)


def test_list_policies__marker_of_ones_own_making__starts_somewhere_and_breaks_nothing(company: Seed) -> None:
    for marker in ("U3lzdGVt", "Q3VzdG9tLw", "eA", "Q3VzdG9tL_Cfkqk"):  # System, Custom/, x, Custom/ and an emoji
        assert company.ram().list_policies(ListPoliciesRequest(marker=marker)).status_code == 200


def test_update_policy_description__own__changed_and_dated(company: Seed) -> None:
    name = new_policy(company)
    request = UpdatePolicyDescriptionRequest(policy_name=name, new_description="reads and more")
    changed = company.ram().update_policy_description(request).body.policy
    assert (changed.description, changed.default_version) == ("reads and more", "v1")
    assert changed.update_date >= changed.create_date
    too_long = UpdatePolicyDescriptionRequest(policy_name=name, new_description="d" * 1025)
    assert refusal(company.ram().update_policy_description, too_long).code == "InvalidParameter.NewDescription.Length"


def test_update_and_delete_policy__system__do_not_exist_for_that(company: Seed) -> None:
    describe = UpdatePolicyDescriptionRequest(policy_name="AdministratorAccess", new_description="mine")
    error = refusal(company.ram().update_policy_description, describe)
    assert (error.status_code, error.code) == (404, "EntityNotExist.Policy")
    error = refusal(company.ram().delete_policy, DeletePolicyRequest(policy_name="AdministratorAccess"))
    assert (error.status_code, error.code, error.data["Message"]) == (
        404,
        "EntityNotExist.Policy",
        "The policy does not exist.",
    )


def test_delete_policy__attached_or_with_versions__refused_then_cascading(company: Seed) -> None:
    name, user = new_policy(company), company.new_user()
    ram = company.ram()
    ram.create_policy_version(CreatePolicyVersionRequest(policy_name=name, policy_document=READ))
    error = refusal(ram.delete_policy, DeletePolicyRequest(policy_name=name))
    assert (error.status_code, error.code) == (409, "DeleteConflict.Policy.Version")
    ram.delete_policy(DeletePolicyRequest(policy_name=name, cascading_delete=True))
    assert refusal(ram.get_policy, GetPolicyRequest(policy_name=name, policy_type="Custom")).status_code == 404
    name = new_policy(company)
    ram.attach_policy_to_user(AttachPolicyToUserRequest(policy_name=name, policy_type="Custom", user_name=user.name))
    error = refusal(ram.delete_policy, DeletePolicyRequest(policy_name=name, cascading_delete=True))
    assert (error.status_code, error.code) == (409, "DeleteConflict.Policy.User")
    assert error.data["Message"] == "The policy CAN NOT be attached to any user while deleting the policy."


def test_policies__user_without_rights__denied(company: Seed) -> None:
    name, nobody, reader = new_policy(company), company.new_user(), company.new_user("AliyunRAMReadOnlyAccess")
    get = GetPolicyRequest(policy_name=name, policy_type="Custom")
    delete = DeletePolicyRequest(policy_name=name)
    assert refusal(company.ram(*nobody.key).get_policy, get).code == "NoPermission"
    assert refusal(company.ram(*nobody.key).list_policies, ListPoliciesRequest()).code == "NoPermission"
    assert company.ram(*reader.key).get_policy(get).body.policy.policy_name == name
    assert refusal(company.ram(*reader.key).delete_policy, delete).code == "NoPermission"
    denied = refusal(company.ram(*reader.key).create_policy, CreatePolicyRequest(policy_name="x", policy_document=READ))
    assert denied.code == "NoPermission"
    assert company.ram().get_policy(get).status_code == 200


def test_policies__rights_on_one_policy__cover_no_other(company: Seed) -> None:
    mine, other = new_policy(company), new_policy(company)
    document = {
        "Version": "1",
        "Statement": [
            {"Effect": "Allow", "Action": "ram:*Policy*", "Resource": f"acs:ram:*:{company.account_id}:policy/{mine}"}
        ],
    }
    rights, keeper = new_policy(company, json.dumps(document)), company.new_user()
    attach = AttachPolicyToUserRequest(policy_name=rights, policy_type="Custom", user_name=keeper.name)
    company.ram().attach_policy_to_user(attach)
    ram = company.ram(*keeper.key)
    assert ram.get_policy(GetPolicyRequest(policy_name=mine.upper(), policy_type="Custom")).status_code == 200
    assert refusal(ram.get_policy, GetPolicyRequest(policy_name=other, policy_type="Custom")).code == "NoPermission"
    system = GetPolicyRequest(policy_name="ReadOnlyAccess", policy_type="System")
    assert refusal(ram.get_policy, system).code == "NoPermission"
    ram.delete_policy(DeletePolicyRequest(policy_name=mine))
    assert refusal(ram.delete_policy, DeletePolicyRequest(policy_name=other)).code == "NoPermission"


def test_create_policy__rights_by_request_tag__only_with_the_tag(company: Seed) -> None:
    document = {
        "Version": "1",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": "ram:CreatePolicy",
                "Resource": "*",
                "Condition": {"StringEquals": {"acs:RequestTag/team": "a"}},
            }
        ],
    }
    rights, maker = new_policy(company, json.dumps(document)), company.new_user()
    attach = AttachPolicyToUserRequest(policy_name=rights, policy_type="Custom", user_name=maker.name)
    company.ram().attach_policy_to_user(attach)
    ram = company.ram(*maker.key)
    for tag in (None, [CreatePolicyRequestTag(key="team", value="b")]):
        request = CreatePolicyRequest(policy_name="p-" + secrets.token_hex(4), policy_document=READ, tag=tag)
        assert refusal(ram.create_policy, request).code == "NoPermission"
    tagged = [CreatePolicyRequestTag(key="Team", value="a")]
    name = "p-" + secrets.token_hex(4)
    ram.create_policy(CreatePolicyRequest(policy_name=name, policy_document=READ, tag=tagged))
    found = company.ram().list_policies(ListPoliciesRequest(policy_type="Custom", max_items=1000)).body.policies.policy
    assert [tag.tag_value for policy in found if policy.policy_name == name for tag in policy.tags.tag] == ["a"]
