"""Roles, through the official client."""

import json
import secrets
from collections.abc import Mapping
from typing import Any

import pytest
from alibabacloud_ram20150501.client import Client as RamClient
from alibabacloud_ram20150501.models import (
    AttachPolicyToRoleRequest,
    AttachPolicyToUserRequest,
    CreateRoleRequest,
    CreateRoleRequestTag,
    DeleteRoleRequest,
    DetachPolicyFromRoleRequest,
    GetRoleRequest,
    ListRolesRequest,
    ListRolesRequestTag,
    UpdateRoleRequest,
)
from alibabacloud_sts20150401.models import AssumeRoleWithSAMLRequest

from gateway.federation.trust_document import saml_trust_document
from gateway.saml.names import role_sso_recipient
from tests.wire.refusal import refusal
from tests.wire.seed import ROLE, SESSION_NAME, Caller, Seed
from tests.wire.test_policies import new_policy


def trust_of(kind: str, *names: str) -> str:
    statement = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {kind: list(names)}}
    return json.dumps({"Version": "1", "Statement": [statement]})


def saml_trust(company: Seed) -> str:
    return saml_trust_document(company.provider_arn, role_sso_recipient(company.gateway.base_url))


def new_role(company: Seed, ram: RamClient | None = None, **values: Any) -> str:
    name = str(values.pop("role_name", "role-" + secrets.token_hex(4)))
    values = {"assume_role_policy_document": saml_trust(company), **values}
    (ram or company.ram()).create_role(CreateRoleRequest(role_name=name, **values))
    return name


def user_with(company: Seed, *statements: Mapping[str, object]) -> Caller:
    rights = new_policy(company, json.dumps({"Version": "1", "Statement": list(statements)}))
    user = company.new_user()
    request = AttachPolicyToUserRequest(policy_name=rights, policy_type="Custom", user_name=user.name)
    company.ram().attach_policy_to_user(request)
    return user


def assume(company: Seed, name: str) -> Any:
    attributes = ((ROLE, (f"{company.role_arn(name)},{company.provider_arn}",)), (SESSION_NAME, ("alice",)))
    request = AssumeRoleWithSAMLRequest(
        samlprovider_arn=company.provider_arn,
        role_arn=company.role_arn(name),
        samlassertion=company.assertion(attributes=attributes),
    )
    return company.client().assume_role_with_saml(request).body.credentials


def test_create_role__then_read__says_what_was_made(company: Seed) -> None:
    name, trust = "Role.A-" + secrets.token_hex(4), saml_trust(company)
    request = CreateRoleRequest(
        role_name=name, assume_role_policy_document=trust, description="reads logs", max_session_duration=7200
    )
    made = company.ram().create_role(request).body.role
    assert (made.role_name, made.description, made.max_session_duration) == (name, "reads logs", 7200)
    assert (made.assume_role_policy_document, made.allow_console_login) == (trust, True)
    assert made.arn == f"acs:ram::{company.account_id}:role/{name.lower()}"
    got = company.ram().get_role(GetRoleRequest(role_name=name.upper())).body.role
    assert (got.role_id, got.role_name, got.is_service_linked_role) == (made.role_id, name, False)
    assert (got.create_date, got.update_date) == (made.create_date, made.create_date)
    assert got.role_principal_name == f"{name}@role.acme.onaliyunservice.com"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"role_name": "a_b"}, "InvalidParameter.RoleName.InvalidChars"),
        ({"role_name": "r" * 65}, "InvalidParameter.RoleName.Length"),
        ({"role_name": None}, "MissingParameter"),
        ({"assume_role_policy_document": None}, "MissingParameter"),
        ({"assume_role_policy_document": "{}"}, "MalformedPolicyDocument"),
        ({"assume_role_policy_document": trust_of("RAM", "*")}, "MalformedPolicyDocument"),
        (
            {"assume_role_policy_document": trust_of("Service", "a.aliyuncs.com") + " " * 2048},
            "InvalidParameter.AssumeRolePolicyDocument.Length",
        ),
        ({"description": "d" * 1025}, "InvalidParameter.Description.Length"),
        ({"max_session_duration": 3599}, "InvalidParameter.MaxSessionDuration"),
        ({"max_session_duration": 43201}, "InvalidParameter.MaxSessionDuration"),
        ({"max_session_duration": "1h"}, "InvalidParameter.MaxSessionDuration"),
        ({"allow_console_login": "maybe"}, "InvalidParameter.AllowConsoleLogin"),
        ({"tag": [CreateRoleRequestTag(key="acs:x", value="v")]}, "InvalidParameter.TagKey"),
        ({"tag": [CreateRoleRequestTag(key="k", value="http://v")]}, "InvalidParameter.TagValue"),
    ],
)
def test_create_role__outside_the_rules__refused(company: Seed, change: dict[str, Any], code: str) -> None:
    name = "role-" + secrets.token_hex(4)
    values = {"role_name": name, "assume_role_policy_document": saml_trust(company), **change}
    error = refusal(company.ram().create_role, CreateRoleRequest(**values))
    assert (error.status_code, error.code) == (400, code)
    assert refusal(company.ram().get_role, GetRoleRequest(role_name=name)).code == "EntityNotExist.Role"


def test_create_role__name_taken_in_other_case__refused(company: Seed) -> None:
    name = new_role(company)
    request = CreateRoleRequest(role_name=name.upper(), assume_role_policy_document=saml_trust(company))
    error = refusal(company.ram().create_role, request)
    assert (error.status_code, error.code) == (409, "EntityAlreadyExists.Role")


def test_list_roles__in_pages_and_by_tags__each_once(company: Seed) -> None:
    mark = secrets.token_hex(4)
    tags = [CreateRoleRequestTag(key="mark", value=mark)]
    mine = {new_role(company, tag=[*tags, CreateRoleRequestTag(key="n", value=str(n))]) for n in range(3)}
    seen: list[str] = []
    marker = None
    while True:
        page = company.ram().list_roles(ListRolesRequest(max_items=2, marker=marker)).body
        assert len(page.roles.role) <= 2
        seen += [role.role_name for role in page.roles.role]
        marker = page.marker
        if not page.is_truncated:
            break
    assert len(seen) == len(set(seen))
    assert mine <= set(seen)
    by_mark = ListRolesRequest(tag=[ListRolesRequestTag(key="mark", value=mark)])
    assert {role.role_name for role in company.ram().list_roles(by_mark).body.roles.role} == mine
    both = [ListRolesRequestTag(key="mark", value=mark), ListRolesRequestTag(key="n", value="1")]
    (found,) = company.ram().list_roles(ListRolesRequest(tag=both)).body.roles.role
    assert {tag.tag_key: tag.tag_value for tag in found.tags.tag} == {"mark": mark, "n": "1"}
    assert (found.max_session_duration, found.arn[-len(found.role_name) :]) == (3600, found.role_name)
    assert refusal(company.ram().list_roles, ListRolesRequest(marker="?")).code == "InvalidParameter.Marker"


def test_update_role__each_setting__changes_it_alone(company: Seed) -> None:
    name, update = new_role(company, description="old"), company.ram().update_role
    changed = update(UpdateRoleRequest(role_name=name, new_description="new")).body.role
    assert (changed.description, changed.max_session_duration) == ("new", 3600)
    update(UpdateRoleRequest(role_name=name, new_max_session_duration=43200))
    trust = trust_of("Service", "ecs.aliyuncs.com")
    update(UpdateRoleRequest(role_name=name, new_assume_role_policy_document=trust))
    update(UpdateRoleRequest(role_name=name, new_allow_console_login=False))
    got = company.ram().get_role(GetRoleRequest(role_name=name)).body.role
    assert (got.description, got.max_session_duration) == ("new", 43200)
    assert (got.assume_role_policy_document, got.allow_console_login) == (trust, False)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"new_description": "d" * 1025}, "InvalidParameter.NewDescription.Length"),
        ({"new_max_session_duration": 43201}, "InvalidParameter.NewMaxSessionDuration"),
        ({"new_assume_role_policy_document": "{}"}, "MalformedPolicyDocument"),
        (
            {"new_assume_role_policy_document": trust_of("Service", "a.aliyuncs.com") + " " * 2048},
            "InvalidParameter.NewAssumeRolePolicyDocument.Length",
        ),
        ({"role_name": "no-such-role"}, "EntityNotExist.Role"),
    ],
)
def test_update_role__outside_the_rules__refused_and_nothing_changed(
    company: Seed, change: dict[str, Any], code: str
) -> None:
    name = new_role(company, description="old")
    values = {"role_name": name, "new_description": "new", **change}
    assert refusal(company.ram().update_role, UpdateRoleRequest(**values)).code == code
    assert company.ram().get_role(GetRoleRequest(role_name=name)).body.role.description == "old"


def test_update_role__trust_policy__counts_at_the_next_login(company: Seed) -> None:
    name = new_role(company)
    assert assume(company, name).security_token
    closed = trust_of("Service", "ecs.aliyuncs.com")
    company.ram().update_role(UpdateRoleRequest(role_name=name, new_assume_role_policy_document=closed))
    assert refusal(assume, company, name).data["Reason"] == "TrustPolicyDenied"


def test_delete_role__with_a_policy__refused_until_detached(company: Seed) -> None:
    name, ram = new_role(company), company.ram()
    policy = {"policy_name": "ReadOnlyAccess", "policy_type": "System", "role_name": name}
    ram.attach_policy_to_role(AttachPolicyToRoleRequest(**policy))
    error = refusal(ram.delete_role, DeleteRoleRequest(role_name=name))
    assert (error.status_code, error.code) == (409, "DeleteConflict.Role.Policy")
    ram.detach_policy_from_role(DetachPolicyFromRoleRequest(**policy))
    ram.delete_role(DeleteRoleRequest(role_name=name))
    for call, request in (
        (ram.get_role, GetRoleRequest(role_name=name)),
        (ram.delete_role, DeleteRoleRequest(role_name=name)),
    ):
        error = refusal(call, request)
        assert (error.status_code, error.code) == (404, "EntityNotExist.Role")
        assert error.data["Message"] == "The specified Role not exists ."


def test_delete_role__its_tokens__die_and_a_role_of_the_same_name_does_not_revive_them(company: Seed) -> None:
    name, ram = new_role(company), company.ram()
    policy = {"policy_name": "AliyunRAMReadOnlyAccess", "policy_type": "System", "role_name": name}
    ram.attach_policy_to_role(AttachPolicyToRoleRequest(**policy))
    credentials = assume(company, name)
    held = (credentials.access_key_id, credentials.access_key_secret, credentials.security_token)
    assert company.ram(*held).list_roles(ListRolesRequest()).status_code == 200
    assert company.client(*held).get_caller_identity().body.identity_type == "AssumedRoleUser"
    ram.detach_policy_from_role(DetachPolicyFromRoleRequest(**policy))
    assert refusal(company.ram(*held).list_roles, ListRolesRequest()).code == "NoPermission"
    ram.delete_role(DeleteRoleRequest(role_name=name))
    assert refusal(company.client(*held).get_caller_identity).data["Reason"] == "TokenRevoked"
    new_role(company, role_name=name)
    ram.attach_policy_to_role(AttachPolicyToRoleRequest(**policy))
    assert refusal(company.ram(*held).list_roles, ListRolesRequest()).data["Reason"] == "TokenRevoked"
    assert refusal(company.client(*held).get_caller_identity).data["Reason"] == "TokenRevoked"


def test_roles__user_without_rights__denied(company: Seed) -> None:
    name, nobody, reader = new_role(company), company.new_user(), company.new_user("AliyunRAMReadOnlyAccess")
    stranger, ram = company.ram(*nobody.key), company.ram(*reader.key)
    assert refusal(stranger.get_role, GetRoleRequest(role_name=name)).code == "NoPermission"
    assert refusal(stranger.get_role, GetRoleRequest(role_name="no-such-role")).code == "NoPermission"
    assert refusal(stranger.list_roles, ListRolesRequest()).code == "NoPermission"
    assert ram.get_role(GetRoleRequest(role_name=name)).body.role.role_name == name
    assert refusal(ram.delete_role, DeleteRoleRequest(role_name=name)).code == "NoPermission"
    assert refusal(ram.update_role, UpdateRoleRequest(role_name=name, new_description="x")).code == "NoPermission"
    assert refusal(new_role, company, ram).code == "NoPermission"


def test_create_role__rights_on_some_names__cover_no_other(company: Seed) -> None:
    mark = secrets.token_hex(4)
    resource = f"acs:ram:*:{company.account_id}:role/{mark}-*"
    maker = user_with(company, {"Effect": "Allow", "Action": "ram:CreateRole", "Resource": resource})
    ram = company.ram(*maker.key)
    new_role(company, ram, role_name=f"{mark.upper()}-app")
    assert refusal(new_role, company, ram).code == "NoPermission"


@pytest.mark.parametrize("update", [False, True])
def test_trust_policy__only_services_allowed__refused_with_a_stranger_beside_them(company: Seed, update: bool) -> None:
    statement = {
        "Effect": "Allow",
        "Action": ["ram:CreateRole", "ram:UpdateRole"],
        "Resource": "*",
        "Condition": {"StringEquals": {"ram:TrustedPrincipalTypes": "Service", "ram:ServiceNames": "ecs.aliyuncs.com"}},
    }
    maker, existing = user_with(company, statement), new_role(company)
    ram = company.ram(*maker.key)

    def set_trust(document: str) -> None:
        if update:
            ram.update_role(UpdateRoleRequest(role_name=existing, new_assume_role_policy_document=document))
        else:
            new_role(company, ram, assume_role_policy_document=document)

    ecs = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "ecs.aliyuncs.com"}}
    own = f"acs:ram::{company.account_id}:root"
    strangers: list[dict[str, object]] = [
        {**ecs, "Principal": {"RAM": own}},
        {**ecs, "Principal": {"Federated": company.provider_arn}},
        {**ecs, "Principal": {"Service": "fc.aliyuncs.com"}},
        {**ecs, "Principal": {"Service": ["ecs.aliyuncs.com", "fc.aliyuncs.com"]}},
        {**ecs, "Principal": {"Service": "ecs.aliyuncs.com", "RAM": own}},
    ]
    set_trust(json.dumps({"Version": "1", "Statement": [ecs]}))
    for stranger in strangers:
        document = json.dumps({"Version": "1", "Statement": [ecs, stranger]})
        assert refusal(set_trust, document).code == "NoPermission"
    denying = {**ecs, "Effect": "Deny", "Principal": {"RAM": own}}
    set_trust(json.dumps({"Version": "1", "Statement": [ecs, denying]}))


def test_roles__by_resource_tag__only_those_that_have_it(company: Seed) -> None:
    statement = {
        "Effect": "Allow",
        "Action": ["ram:GetRole", "ram:DeleteRole"],
        "Resource": "*",
        "Condition": {"StringEquals": {"acs:ResourceTag/team": "a"}},
    }
    keeper = user_with(company, statement)
    ram = company.ram(*keeper.key)
    mine = new_role(company, tag=[CreateRoleRequestTag(key="Team", value="a")])
    other = new_role(company, tag=[CreateRoleRequestTag(key="team", value="b")])
    assert ram.get_role(GetRoleRequest(role_name=mine)).body.role.role_name == mine
    assert refusal(ram.get_role, GetRoleRequest(role_name=other)).code == "NoPermission"
    assert refusal(ram.get_role, GetRoleRequest(role_name="no-such-role")).code == "NoPermission"
    ram.delete_role(DeleteRoleRequest(role_name=mine))
    new_role(company, role_name=mine)
    assert refusal(ram.get_role, GetRoleRequest(role_name=mine)).code == "NoPermission"
