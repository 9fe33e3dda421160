"""The official JavaScript clients, unmodified, in Node: signature V3, V1 by pop-core, and the credentials provider."""

from typing import Any

import pytest

from tests.wire.names import new_name
from tests.wire.node_clients import NodeClients, NodeRefusal
from tests.wire.ram_role import new_ram_role
from tests.wire.seed import Caller, Seed


def refused(node: NodeClients, *call: Any, **config: Any) -> NodeRefusal:
    with pytest.raises(NodeRefusal) as caught:
        node.call(*call, **config)
    return caught.value


def key_of(caller: Caller) -> dict[str, str]:
    return {"accessKeyId": caller.key_id, "accessKeySecret": caller.secret}


def test_ram__user_made_renamed_deleted(over: Seed, node: NodeClients) -> None:
    name = new_name()
    made = node.call(over, "ram", "createUser", {"userName": name, "comments": "é & =+ ~*"})["user"]
    assert (made["userName"], made["comments"]) == (name, "é & =+ ~*")
    node.call(over, "ram", "updateUser", {"userName": name, "newUserName": f"{name}-2"})
    assert node.call(over, "ram", "getUser", {"userName": f"{name}-2"})["user"]["userId"] == made["userId"]
    node.call(over, "ram", "deleteUser", {"userName": f"{name}-2"})
    error = refused(node, over, "ram", "getUser", {"userName": name})
    assert (error.code, error.status) == ("EntityNotExist.User", 404)
    assert "The user does not exist." in error.message


def test_ram__policies_attached_and_listed(over: Seed, node: NodeClients) -> None:
    user = over.new_user()
    attachment = {"policyType": "System", "policyName": "AliyunOSSReadOnlyAccess", "userName": user.name}
    node.call(over, "ram", "attachPolicyToUser", attachment)
    error = refused(node, over, "ram", "attachPolicyToUser", attachment)
    assert (error.code, error.status) == ("EntityAlreadyExists.User.Policy", 409)
    policies = node.call(over, "ram", "listPoliciesForUser", {"userName": user.name})["policies"]["policy"]
    assert [policy["policyName"] for policy in policies] == ["AliyunOSSReadOnlyAccess"]


def test_ram__user_without_rights__denied_in_detail(over: Seed, node: NodeClients) -> None:
    error = refused(node, over, "ram", "listUsers", {}, **key_of(over.new_user()))
    assert (error.name, error.code, error.status) == ("ClientError", "NoPermission", 403)
    assert error.data["AccessDeniedDetail"]["AuthAction"] == "ram:ListUsers"


def test_ims__user_by_principal_name(over: Seed, node: NodeClients) -> None:
    domain = node.call(over, "ims", "getDefaultDomain", {})["defaultDomainName"]
    name = f"{new_name()}@{domain}"
    made = node.call(over, "ims", "createUser", {"userPrincipalName": name, "displayName": "Zoë"})["user"]
    assert (made["userPrincipalName"], made["displayName"]) == (name, "Zoë")
    node.call(over, "ims", "deleteUser", {"userPrincipalName": name})
    assert refused(node, over, "ims", "getUser", {"userPrincipalName": name}).code == "EntityNotExist.User"


def test_sts__role_assumed__session_named(over: Seed, node: NodeClients) -> None:
    role, caller = new_ram_role(over), over.new_user("AliyunSTSAssumeRoleAccess")
    assert node.call(over, "sts", "getCallerIdentity")["identityType"] == "Account"
    request = {"roleArn": role, "roleSessionName": "node", "durationSeconds": 900}
    credentials = node.call(over, "sts", "assumeRole", request, **key_of(caller))["credentials"]
    session = {name: credentials[name] for name in ("accessKeyId", "accessKeySecret", "securityToken")}
    identity = node.call(over, "sts", "getCallerIdentity", **session)
    assert (identity["identityType"], identity["arn"].rpartition("/")[2]) == ("AssumedRoleUser", "node")
    denied = refused(node, over, "sts", "assumeRole", request, **key_of(over.new_user()))
    assert (denied.code, denied.status) == ("NoPermission", 403)


def test_sts__wrong_secret__signature_does_not_match(over: Seed, node: NodeClients) -> None:
    error = refused(node, over, "sts", "getCallerIdentity", accessKeySecret="wrong")
    assert (error.code, error.status) == ("SignatureDoesNotMatch", 400)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_pop__query_or_form_signed_with_v1(over: Seed, node: NodeClients, method: str) -> None:
    config = {"apiVersion": "2015-05-01", "method": method}
    name = new_name()
    made = node.call(over, "pop", "CreateUser", {"UserName": name, "Comments": "a+b c&d=é*~"}, **config)
    assert (made["User"]["UserName"], made["User"]["Comments"]) == (name, "a+b c&d=é*~")
    node.call(over, "pop", "DeleteUser", {"UserName": name}, **config)
    error = refused(node, over, "pop", "GetUser", {"UserName": name}, **config)
    assert (error.name, error.code) == ("EntityNotExist.UserError", "EntityNotExist.User")


def test_pop__lists__flattened_by_the_client(over: Seed, node: NodeClients) -> None:
    arn = f"acs:oss::{over.account_id}:{new_name('bucket')}"
    config = {"apiVersion": "2026-11-01", "method": "POST"}
    tags = [{"Key": "env", "Value": "prod"}, {"Key": "team", "Value": ""}]
    made = node.call(over, "pop", "RegisterResource", {"ResourceArn": arn, "Tag": tags}, **config)
    assert made["Resource"]["Tags"]["Tag"] == tags
    node.call(over, "pop", "DeregisterResource", {"ResourceArn": arn}, **config)


def test_credentials__ram_role_arn_over_tls__session(secure_company: Seed, node: NodeClients) -> None:
    # This provider knows no plain HTTP. It sends system parameters in the query and the others in the form.
    role, caller = new_ram_role(secure_company), secure_company.new_user("AliyunSTSAssumeRoleAccess")
    request = {"type": "ram_role_arn", "roleArn": role, "roleSessionName": "provider"}
    found = node.call(secure_company, "credentials", "", request, **key_of(caller))
    session = {name: found[name] for name in ("accessKeyId", "accessKeySecret", "securityToken")}
    assert node.call(secure_company, "sts", "getCallerIdentity", **session)["arn"].endswith("/provider")
    unknown = {**request, "roleArn": f"{role}-unknown"}
    assert "EntityNotExist.Role" in refused(node, secure_company, "credentials", "", unknown, **key_of(caller)).message
