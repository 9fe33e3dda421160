"""Service-linked roles, through the official client. One account can have one role of a service: each test its own."""

import json

import pytest
from alibabacloud_ram20150501.models import (
    AttachPolicyToRoleRequest,
    CreateServiceLinkedRoleRequest,
    DeleteRoleRequest,
    DeleteServiceLinkedRoleRequest,
    DetachPolicyFromRoleRequest,
    GetPolicyRequest,
    GetRoleRequest,
    GetServiceLinkedRoleTemplateRequest,
    ListPoliciesForRoleRequest,
    UpdateRoleRequest,
)

from tests.wire.refusal import refusal
from tests.wire.seed import Seed
from tests.wire.test_roles import new_role, user_with


def create(company: Seed, service: str) -> str:
    request = CreateServiceLinkedRoleRequest(service_name=service)
    return str(company.ram().create_service_linked_role(request).body.role.role_name)


def test_create_service_linked_role__known_service__is_what_the_template_says(company: Seed) -> None:
    ram, service = company.ram(), "polardb.aliyuncs.com"
    request = GetServiceLinkedRoleTemplateRequest(service_name=service)
    template = ram.get_service_linked_role_template(request).body.service_linked_role_template
    assert (template.service_name, template.multiple_roles_allowed) == (service, False)
    assert template.role_name_prefix == "AliyunServiceRoleForPolarDB"
    made = ram.create_service_linked_role(CreateServiceLinkedRoleRequest(service_name=service)).body.role
    assert (made.role_name, made.is_service_linked_role) == (template.role_name_prefix, True)
    assert made.arn == f"acs:ram::{company.account_id}:role/aliyunserviceroleforpolardb"
    (description,) = template.role_descriptions.role_description
    assert (made.description, description.language) == (description.description, "en")
    (statement,) = json.loads(made.assume_role_policy_document)["Statement"]
    assert statement["Principal"] == {"Service": [service]}
    got = ram.get_role(GetRoleRequest(role_name=made.role_name)).body.role
    assert (got.is_service_linked_role, got.role_id) == (True, made.role_id)
    assert (got.max_session_duration, got.allow_console_login) == (3600, False)
    (attached,) = ram.list_policies_for_role(ListPoliciesForRoleRequest(role_name=made.role_name)).body.policies.policy
    assert (attached.policy_name, attached.policy_type) == (template.system_policy_name, "System")
    policy = GetPolicyRequest(policy_name=template.system_policy_name, policy_type="System")
    assert ram.get_policy(policy).body.policy.attachment_count == 1
    error = refusal(ram.create_service_linked_role, CreateServiceLinkedRoleRequest(service_name=service))
    assert (error.status_code, error.code) == (409, "EntityAlreadyExists.Role")


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"service_name": "unknown.aliyuncs.com"}, 404, "EntityNotExist.ServiceLinkedRoleTemplate"),
        ({"service_name": None}, 400, "MissingParameter"),
        ({"custom_suffix": "Example"}, 400, "InvalidParameter.CustomSuffix.NotAllowed"),
        ({"description": "mine"}, 400, "InvalidParameter.Description.NotAllowed"),
    ],
)
def test_create_service_linked_role__outside_the_rules__refused(
    company: Seed, change: dict[str, str | None], status: int, code: str
) -> None:
    request = CreateServiceLinkedRoleRequest(**{"service_name": "nat.aliyuncs.com", **change})
    error = refusal(company.ram().create_service_linked_role, request)
    assert (error.status_code, error.code) == (status, code)


def test_get_service_linked_role_template__unknown_service__refused(company: Seed) -> None:
    request = GetServiceLinkedRoleTemplateRequest(service_name="unknown.aliyuncs.com")
    error = refusal(company.ram().get_service_linked_role_template, request)
    assert (error.status_code, error.code) == (404, "EntityNotExist.ServiceLinkedRoleTemplate")


def test_service_linked_role__ordinary_operations__can_neither_change_nor_delete_it(company: Seed) -> None:
    ram, name = company.ram(), create(company, "ess.aliyuncs.com")
    policy = {"policy_type": "System", "role_name": name}
    own = "AliyunServiceRolePolicyForAutoScaling"
    for call, request in (
        (ram.update_role, UpdateRoleRequest(role_name=name, new_description="mine")),
        (ram.update_role, UpdateRoleRequest(role_name=name, new_max_session_duration=7200)),
        (ram.delete_role, DeleteRoleRequest(role_name=name)),
        (ram.attach_policy_to_role, AttachPolicyToRoleRequest(policy_name="AdministratorAccess", **policy)),
        (ram.detach_policy_from_role, DetachPolicyFromRoleRequest(policy_name=own, **policy)),
    ):
        error = refusal(call, request)
        assert (error.status_code, error.data["Reason"]) == (400, "RoleServiceLinked")
        assert error.code == "NotSupport.ServiceLinkedRole"
    (attached,) = ram.list_policies_for_role(ListPoliciesForRoleRequest(role_name=name)).body.policies.policy
    assert attached.policy_name == own


def test_delete_service_linked_role__then_made_anew__is_another_role(company: Seed) -> None:
    ram, name = company.ram(), create(company, "cen.aliyuncs.com")
    role_id = ram.get_role(GetRoleRequest(role_name=name)).body.role.role_id
    delete = DeleteServiceLinkedRoleRequest(role_name=name)
    task_id = ram.delete_service_linked_role(delete).body.deletion_task_id
    assert task_id.startswith(f"{name}/")
    assert len(task_id) == len(name) + 1 + 36
    assert refusal(ram.get_role, GetRoleRequest(role_name=name)).code == "EntityNotExist.Role"
    assert refusal(ram.delete_service_linked_role, delete).code == "EntityNotExist.Role"
    create(company, "cen.aliyuncs.com")
    assert ram.get_role(GetRoleRequest(role_name=name)).body.role.role_id != role_id


def test_delete_service_linked_role__ordinary_role__does_not_exist_for_that(company: Seed) -> None:
    name = new_role(company)
    error = refusal(company.ram().delete_service_linked_role, DeleteServiceLinkedRoleRequest(role_name=name))
    assert (error.status_code, error.code) == (404, "EntityNotExist.Role")
    assert company.ram().get_role(GetRoleRequest(role_name=name)).status_code == 200


def test_service_linked_roles__rights_for_one_service__cover_no_other(company: Seed) -> None:
    service, other = "nat.aliyuncs.com", "vpcendpoint.ga.aliyuncs.com"
    statement = {
        "Effect": "Allow",
        "Action": ["ram:CreateServiceLinkedRole", "ram:DeleteServiceLinkedRole"],
        "Resource": "*",
        "Condition": {"StringEquals": {"ram:ServiceName": service}},
    }
    user, nobody = user_with(company, statement), company.new_user()
    ram = company.ram(*user.key)
    name = ram.create_service_linked_role(CreateServiceLinkedRoleRequest(service_name=service)).body.role.role_name
    error = refusal(ram.create_service_linked_role, CreateServiceLinkedRoleRequest(service_name=other))
    assert error.code == "NoPermission"
    others, ordinary = create(company, other), new_role(company)
    for role in (others, ordinary, "no-such-role"):
        error = refusal(ram.delete_service_linked_role, DeleteServiceLinkedRoleRequest(role_name=role))
        assert error.code == "NoPermission"
    assert ram.delete_service_linked_role(DeleteServiceLinkedRoleRequest(role_name=name)).status_code == 200
    template = GetServiceLinkedRoleTemplateRequest(service_name=service)
    assert refusal(company.ram(*nobody.key).get_service_linked_role_template, template).code == "NoPermission"
