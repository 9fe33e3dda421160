"""The modern Python clients over plain HTTP and over TLS, and what the scheme changes."""

import ssl

from alibabacloud_ims20190815.models import GetUserRequest as GetByPrincipalName
from alibabacloud_ram20150501.models import CreatePolicyRequest, CreateUserRequest, DeletePolicyRequest, GetUserRequest
from alibabacloud_sts20150401.models import AssumeRoleRequest

from tests.wire.names import new_name
from tests.wire.own_policy import give
from tests.wire.ram_role import new_ram_role
from tests.wire.refusal import refusal
from tests.wire.seed import Seed
from tests.wire.signed import SignedCall, send


def test_modern_clients__all_three__answered_and_refused(over: Seed) -> None:
    name = new_name()
    made = over.ram().create_user(CreateUserRequest(user_name=name, comments="é & =+ ~*")).body.user
    found = over.ims().get_user(GetByPrincipalName(user_id=made.user_id)).body.user
    assert (found.user_principal_name.partition("@")[0], found.comments) == (name, "é & =+ ~*")
    role, caller = new_ram_role(over), over.new_user("AliyunSTSAssumeRoleAccess")
    request = AssumeRoleRequest(role_arn=role, role_session_name="modern")
    session = over.client(*caller.key).assume_role(request).body.credentials
    key = session.access_key_id, session.access_key_secret, session.security_token
    assert over.client(*key).get_caller_identity().body.arn.endswith("/modern")
    assert refusal(over.ram(*key).get_user, GetUserRequest(user_name=name)).code == "NoPermission"
    assert refusal(over.ims().get_user, GetByPrincipalName(user_id="1")).code == "EntityNotExist.User"
    assert refusal(over.client(secret="wrong").get_caller_identity).code == "SignatureDoesNotMatch"


def test_modern_client__longest_policy__in_the_request_line(over: Seed) -> None:
    name = new_name()
    frame = '{"Version":"1","Statement":[{"Effect":"Allow","Action":"oss:*","Resource":"acs:oss:*:*:%s"}]}'
    document = frame.replace("%s", "/" * (6144 - len(frame) + 2))  # three times as long once it is encoded
    made = over.ram().create_policy(CreatePolicyRequest(policy_name=name, policy_document=document)).body.policy
    assert made.policy_name == name
    over.ram().delete_policy(DeletePolicyRequest(policy_name=name))


def test_secure_transport__condition__tells_the_schemes_apart(company: Seed, secure_company: Seed) -> None:
    caller = company.new_user()
    condition = {"Bool": {"acs:SecureTransport": "true"}}
    give(company, caller, {"Effect": "Allow", "Action": "ram:GetUser", "Resource": "*", "Condition": condition})
    request = GetUserRequest(user_name=caller.name)
    assert secure_company.ram(*caller.key).get_user(request).body.user.user_name == caller.name
    assert refusal(company.ram(*caller.key).get_user, request).code == "NoPermission"


def test_nonce__used_over_one_scheme__is_used_over_the_other(company: Seed, secure_company: Seed) -> None:
    """Two gateways on one database claim each nonce once between them."""
    request = SignedCall(company.owner_key).request()
    assert secure_company.trusted is not None
    context = ssl.create_default_context(cafile=str(secure_company.trusted))
    with company.gateway.connect() as plain, secure_company.gateway.connect() as raw:
        assert send(plain, request).status == 200
        with context.wrap_socket(raw, server_hostname="127.0.0.1") as encrypted:
            assert send(encrypted, request).code == "SignatureNonceUsed"


def test_host__rewritten_by_a_proxy__breaks_what_signs_it(company: Seed) -> None:
    """V3 signs Host: a proxy in front has to hand on what the client called. Rule: sdk-wire §5."""
    request = SignedCall(company.owner_key, host="sso.example.com").request()
    with company.gateway.connect() as connection:
        answer = send(connection, request.replace(b"host: sso.example.com", b"host: backend:8080"))
    assert (answer.status, answer.code) == (400, "SignatureDoesNotMatch")
