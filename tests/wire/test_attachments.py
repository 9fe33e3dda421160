"""Attaching policies, through the official client."""

import json
import secrets
from typing import Any

import pytest
from alibabacloud_ram20150501 import models

from gateway.directory.groups import create_group
from gateway.federation.trust_document import saml_trust_document
from gateway.saml.names import role_sso_recipient
from tests.wire.refusal import refusal
from tests.wire.seed import Seed
from tests.wire.test_policies import READ, new_policy

KINDS = ("User", "Group", "Role")
READ_ONLY = {"policy_name": "AliyunRAMReadOnlyAccess", "policy_type": "System"}


def new_role(company: Seed) -> str:
    name = "role-" + secrets.token_hex(4)
    trust = saml_trust_document(company.provider_arn, role_sso_recipient(company.gateway.base_url))
    request = models.CreateRoleRequest(role_name=name, assume_role_policy_document=trust, description="r")
    company.ram().create_role(request)
    return name


def new_group(company: Seed) -> str:
    name = "group-" + secrets.token_hex(4)
    with company.services.store.transaction() as session:
        create_group(session, company.account_id, name, comments="c", now=company.services.clock.now())
    return name


def new_holder(company: Seed, kind: str) -> str:
    if kind == "User":
        return company.new_user().name
    return new_group(company) if kind == "Group" else new_role(company)


def named(kind: str, name: str) -> dict[str, str]:
    return {f"{kind.lower()}_name": name}


def attach(ram: Any, kind: str, **values: object) -> Any:
    request = getattr(models, f"AttachPolicyTo{kind}Request")(**values)
    return getattr(ram, f"attach_policy_to_{kind.lower()}")(request)


def detach(ram: Any, kind: str, **values: object) -> Any:
    request = getattr(models, f"DetachPolicyFrom{kind}Request")(**values)
    return getattr(ram, f"detach_policy_from_{kind.lower()}")(request)


def listed(ram: Any, kind: str, name: str) -> list[Any]:
    request = getattr(models, f"ListPoliciesFor{kind}Request")(**named(kind, name))
    answer = getattr(ram, f"list_policies_for_{kind.lower()}")(request)
    return list(answer.body.policies.policy)


@pytest.mark.parametrize("kind", KINDS)
def test_attach_policy__both_types__listed_from_both_sides_until_detached(company: Seed, kind: str) -> None:
    ram, policy, holder = company.ram(), new_policy(company), new_holder(company, kind)
    attach(ram, kind, policy_name=policy.upper(), policy_type="Custom", **named(kind, holder.upper()))
    attach(ram, kind, **READ_ONLY, **named(kind, holder), resource_group_id=company.account_id)
    own, system = listed(ram, kind, holder)
    assert (own.policy_name, own.policy_type, own.default_version, own.description) == (policy, "Custom", "v1", "reads")
    assert (system.policy_name, system.policy_type, system.attach_date[-1]) == (*READ_ONLY.values(), "Z")
    request = models.ListEntitiesForPolicyRequest(policy_name=policy, policy_type="Custom")
    found = ram.list_entities_for_policy(request).body
    names = {
        "User": [user.user_name for user in found.users.user],
        "Group": [group.group_name for group in found.groups.group],
        "Role": [role.role_name for role in found.roles.role],
    }
    assert names == {each: [holder] if each == kind else [] for each in KINDS}
    detach(ram, kind, policy_name=policy, policy_type="Custom", **named(kind, holder))
    assert [each.policy_name for each in listed(ram, kind, holder)] == ["AliyunRAMReadOnlyAccess"]


@pytest.mark.parametrize("kind", KINDS)
def test_attach_and_detach_policy__twice_or_unknown__refused(company: Seed, kind: str) -> None:
    ram, holder = company.ram(), new_holder(company, kind)
    values = {**READ_ONLY, **named(kind, holder)}
    error = refusal(detach, ram, kind, **values)
    assert (error.status_code, error.code) == (404, f"EntityNotExist.{kind}.Policy")
    attach(ram, kind, **values)
    error = refusal(attach, ram, kind, **{**values, "policy_name": "aliyunramreadonlyaccess"})
    assert (error.status_code, error.code) == (409, f"EntityAlreadyExists.{kind}.Policy")
    for change in (attach, detach):
        error = refusal(change, ram, kind, **{**values, "policy_name": "NoSuchAccess"})
        assert (error.status_code, error.code) == (404, "EntityNotExist.Policy")
        error = refusal(change, ram, kind, **{**values, **named(kind, "no-such")})
        assert (error.status_code, error.code) == (404, f"EntityNotExist.{kind}")
        error = refusal(change, ram, kind, **{**values, "policy_type": "Trust"})
        assert (error.status_code, error.code) == (400, "InvalidParameter.PolicyType")
        error = refusal(change, ram, kind, **{**values, **named(kind, "no/such")})
        assert (error.status_code, error.code) == (400, f"InvalidParameter.{kind}Name.InvalidChars")
        error = refusal(change, ram, kind, **{**values, "resource_group_id": "rg-acfmxazb4ph6aiy"})
        assert (error.status_code, error.code) == (404, "EntityNotExist.ResourceGroup")


@pytest.mark.parametrize("kind", KINDS)
def test_attach_policy__beyond_the_quota__refused(company: Seed, kind: str) -> None:
    ram, holder = company.ram(), new_holder(company, kind)
    for _ in range(10):
        attach(ram, kind, policy_name=new_policy(company), policy_type="Custom", **named(kind, holder))
    error = refusal(attach, ram, kind, policy_name=new_policy(company), policy_type="Custom", **named(kind, holder))
    assert (error.status_code, error.code) == (409, f"LimitExceeded.{kind}.Policy")
    attach(ram, kind, **READ_ONLY, **named(kind, holder))


@pytest.mark.parametrize("kind", KINDS)
def test_attach_policy__rights_on_holder_or_policy_alone__denied(company: Seed, kind: str) -> None:
    holder, other = new_holder(company, kind), new_holder(company, kind)
    policy, other_policy = new_policy(company), new_policy(company)
    arn = f"acs:ram:*:{company.account_id}:"
    resources = {"holder": [f"{arn}{kind.lower()}/{holder}"], "policy": [f"{arn}policy/{policy}"]}
    resources["both"] = resources["holder"] + resources["policy"]
    outcomes: dict[str, str] = {}
    for which, allowed in resources.items():
        statement = {"Effect": "Allow", "Action": ["ram:AttachPolicy*", "ram:DetachPolicy*"], "Resource": allowed}
        rights = new_policy(company, json.dumps({"Version": "1", "Statement": [statement]}))
        user = company.new_user()
        attach(company.ram(), "User", policy_name=rights, policy_type="Custom", user_name=user.name)
        ram = company.ram(*user.key)
        values = {"policy_name": policy, "policy_type": "Custom", **named(kind, holder)}
        if which == "both":
            attach(ram, kind, **values)
            detach(ram, kind, **values)
            outcomes[which] = "done"
            for change in (attach, detach):
                assert refusal(change, ram, kind, **{**values, **named(kind, other)}).code == "NoPermission"
                assert refusal(change, ram, kind, **{**values, "policy_name": other_policy}).code == "NoPermission"
                assert refusal(change, ram, kind, **{**READ_ONLY, **named(kind, holder)}).code == "NoPermission"
        else:
            outcomes[which] = refusal(attach, ram, kind, **values).code
    assert outcomes == {"holder": "NoPermission", "policy": "NoPermission", "both": "done"}


def test_detach_policy__from_a_user_and_its_group__acts_at_once(company: Seed) -> None:
    ram, user = company.ram(), company.new_user()
    mine, listing = company.ram(*user.key), models.ListRolesRequest()

    def check_denied() -> None:
        assert refusal(mine.list_roles, listing).code == "NoPermission"

    check_denied()
    attach(ram, "User", **READ_ONLY, user_name=user.name)
    assert mine.list_roles(listing).status_code == 200
    detach(ram, "User", **READ_ONLY, user_name=user.name)
    check_denied()
    group = new_group(company)
    ram.add_user_to_group(models.AddUserToGroupRequest(user_name=user.name, group_name=group))
    attach(ram, "Group", **READ_ONLY, group_name=group)
    assert mine.list_roles(listing).status_code == 200
    detach(ram, "Group", **READ_ONLY, group_name=group)
    check_denied()


def test_policy_version__changed_default__acts_at_once_on_who_has_it(company: Seed) -> None:
    ram, user = company.ram(), company.new_user()
    rights = new_policy(company, READ.replace("oss:Get*", "ram:ListRoles"))
    attach(ram, "User", policy_name=rights, policy_type="Custom", user_name=user.name)
    mine = company.ram(*user.key)
    assert mine.list_roles(models.ListRolesRequest()).status_code == 200
    version = models.CreatePolicyVersionRequest(policy_name=rights, policy_document=READ, set_as_default=True)
    ram.create_policy_version(version)
    assert refusal(mine.list_roles, models.ListRolesRequest()).code == "NoPermission"


def test_list_policies_for__rights_on_one__cover_no_other(company: Seed) -> None:
    user, other, reader = company.new_user(), company.new_user(), company.new_user("AliyunRAMReadOnlyAccess")
    resource = f"acs:ram:*:{company.account_id}:user/{user.name}"
    statement = {"Effect": "Allow", "Action": "ram:ListPoliciesForUser", "Resource": resource}
    rights = new_policy(company, json.dumps({"Version": "1", "Statement": [statement]}))
    attach(company.ram(), "User", policy_name=rights, policy_type="Custom", user_name=user.name)
    assert [each.policy_name for each in listed(company.ram(*user.key), "User", user.name)] == [rights]
    assert refusal(listed, company.ram(*user.key), "User", other.name).code == "NoPermission"
    assert listed(company.ram(*reader.key), "User", other.name) == []
    for kind in KINDS:
        error = refusal(listed, company.ram(*reader.key), kind, "no-such")
        assert (error.status_code, error.code) == (404, f"EntityNotExist.{kind}")
    entities = models.ListEntitiesForPolicyRequest(policy_name="NoSuchAccess", policy_type="System")
    assert refusal(company.ram().list_entities_for_policy, entities).code == "EntityNotExist.Policy"
    assert refusal(company.ram(*user.key).list_entities_for_policy, entities).code == "NoPermission"


def test_attach_policy__to_oneself_without_rights__denied(company: Seed) -> None:
    """Acting on itself lets nobody raise its own rights."""
    user = company.new_user()
    admin = {"policy_name": "AdministratorAccess", "policy_type": "System", "user_name": user.name}
    error = refusal(attach, company.ram(*user.key), "User", **admin)
    assert error.code == "NoPermission"
    assert error.data["AccessDeniedDetail"]["AuthAction"] == "ram:AttachPolicyToUser"
