"""The older official SDK (`aliyun-python-sdk-core` with `-ram` and `-sts`), unmodified: signature V1, GET and POST."""

import json
from typing import Any

import pytest
from aliyunsdkcore.acs_exception.exceptions import ServerException
from aliyunsdkcore.auth.credentials import StsTokenCredential
from aliyunsdkcore.client import AcsClient
from aliyunsdkcore.http import protocol_type
from aliyunsdkcore.request import CommonRequest
from aliyunsdkram.request.v20150501.CreatePolicyRequest import CreatePolicyRequest
from aliyunsdkram.request.v20150501.CreateUserRequest import CreateUserRequest
from aliyunsdkram.request.v20150501.DeleteUserRequest import DeleteUserRequest
from aliyunsdkram.request.v20150501.GetPolicyVersionRequest import GetPolicyVersionRequest
from aliyunsdkram.request.v20150501.GetUserRequest import GetUserRequest
from aliyunsdkram.request.v20150501.ListUsersRequest import ListUsersRequest
from aliyunsdksts.request.v20150401.AssumeRoleRequest import AssumeRoleRequest
from aliyunsdksts.request.v20150401.AssumeRoleWithSAMLRequest import AssumeRoleWithSAMLRequest
from aliyunsdksts.request.v20150401.GetCallerIdentityRequest import GetCallerIdentityRequest

from tests.wire.names import new_name
from tests.wire.ram_role import new_ram_role
from tests.wire.seed import Seed

# The SDK brings an old HTTP library along, which does TLS by deprecated names.
pytestmark = [
    pytest.mark.filterwarnings("ignore:ssl.PROTOCOL_TLS is deprecated:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:ssl.match_hostname.. is deprecated:DeprecationWarning"),
]


def client(company: Seed, key_id: str = "", secret: str = "", token: str | None = None) -> AcsClient:
    """TLS is trusted by `verify`: the SDK brings its own HTTP library, which reads no common variable."""
    key_id = key_id or company.owner_key.access_key_id
    secret = secret or company.owner_key.secret.reveal()
    more = {"credential": StsTokenCredential(key_id, secret, token)} if token else {"ak": key_id, "secret": secret}
    trusted = None if company.trusted is None else str(company.trusted)
    return AcsClient(region_id="cn-hangzhou", verify=trusted, **more)


def protocol(company: Seed) -> str:
    """One of the SDK's own two texts: it compares them by identity, and takes any other `https` for `http`."""
    found: str = protocol_type.HTTP if company.trusted is None else protocol_type.HTTPS
    return found


def ask(company: Seed, request: Any, by: AcsClient | None = None) -> Any:
    request.set_endpoint(company.gateway.endpoint)
    request.set_protocol_type(protocol(company))
    return json.loads((by or client(company)).do_action_with_exception(request))


def refused(company: Seed, request: Any, by: AcsClient | None = None) -> ServerException:
    with pytest.raises(ServerException) as caught:
        ask(company, request, by)
    return caught.value


def filled(request: Any, **values: object) -> Any:
    for name, value in values.items():
        getattr(request, f"set_{name}")(value)
    return request


def test_users__made_found_listed_deleted(over: Seed) -> None:
    name = new_name()
    made = ask(over, filled(CreateUserRequest(), UserName=name, DisplayName="Zoë_1", Comments="a b+c&d=e ~*"))
    assert (made["User"]["UserName"], made["User"]["DisplayName"]) == (name, "Zoë_1")
    found = ask(over, filled(GetUserRequest(), UserName=name))["User"]
    assert (found["UserId"], found["Comments"]) == (made["User"]["UserId"], "a b+c&d=e ~*")
    page = ask(over, filled(ListUsersRequest(), MaxItems=1))
    assert (len(page["Users"]["User"]), page["IsTruncated"]) == (1, True)
    following = ask(over, filled(ListUsersRequest(), MaxItems=1, Marker=page["Marker"]))
    assert following["Users"]["User"] != page["Users"]["User"]
    ask(over, filled(DeleteUserRequest(), UserName=name))
    error = refused(over, filled(GetUserRequest(), UserName=name))
    assert (error.get_http_status(), error.get_error_code()) == (404, "EntityNotExist.User")
    assert error.get_error_msg() == "The user does not exist."
    assert error.get_request_id()


def test_policies__document_in_the_query__kept_to_the_letter(over: Seed) -> None:
    name = new_name()
    document = json.dumps(
        {"Version": "1", "Statement": [{"Effect": "Allow", "Action": ["oss:Get*", "oss:List*"], "Resource": "*"}]},
        indent=2,
    )
    ask(over, filled(CreatePolicyRequest(), PolicyName=name, PolicyDocument=document))
    version = ask(over, filled(GetPolicyVersionRequest(), PolicyType="Custom", PolicyName=name, VersionId="v1"))
    assert version["PolicyVersion"]["PolicyDocument"] == document


def test_get_caller_identity__key_and_token__both_signed_with_v1(over: Seed) -> None:
    assert ask(over, GetCallerIdentityRequest())["IdentityType"] == "Account"
    role, caller = new_ram_role(over), over.new_user("AliyunSTSAssumeRoleAccess")
    request = filled(AssumeRoleRequest(), RoleArn=role, RoleSessionName="batch")
    answer = ask(over, request, client(over, *caller.key))
    credentials = answer["Credentials"]
    key = credentials["AccessKeyId"], credentials["AccessKeySecret"]
    identity = ask(over, GetCallerIdentityRequest(), client(over, *key, credentials["SecurityToken"]))
    name = role.rpartition("/")[2]
    assert identity["Arn"] == f"acs:ram::{over.account_id}:assumed-role/{name}/batch"
    forged = client(over, *key, "CAIS" + "A" * 400)
    assert refused(over, GetCallerIdentityRequest(), forged).get_error_code() == "InvalidSecurityToken.Malformed"


def test_assume_role_with_saml__signed_all_the_same__credentials(company: Seed) -> None:
    request = filled(
        AssumeRoleWithSAMLRequest(),
        SAMLAssertion=company.assertion(),
        SAMLProviderArn=company.provider_arn,
        RoleArn=company.role_arn(),
    )
    assert ask(company, request)["SAMLAssertionInfo"]["Subject"] == "alice@example.onaliyun.com"
    assert refused(company, request).get_error_code() == "AuthenticationFail.SAMLAssertion.Invalid"


def test_assume_role__owner__no_permission(over: Seed) -> None:
    request = filled(AssumeRoleRequest(), RoleArn=over.role_arn(), RoleSessionName="batch")
    error = refused(over, request)
    assert (error.get_http_status(), error.get_error_code()) == (403, "NoPermission")


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_common_request__query_and_form__answered(over: Seed, method: str) -> None:
    request = CommonRequest(domain=over.gateway.endpoint, version="2015-05-01", action_name="GetUser")
    request.set_protocol_type(protocol(over))
    request.set_method(method)
    if method == "GET":
        request.add_query_param("UserName", "alice")
    else:
        request.add_body_params("UserName", "alice")
    answer = json.loads(client(over).do_action_with_exception(request))
    assert answer["User"]["UserId"] == over.user_id


def test_wrong_secret__signed_text_is_ours__invalid_access_key_secret(over: Seed) -> None:
    # The SDK says so only if the text that the gateway signed is, letter by letter, the text that it signed itself.
    error = refused(over, GetCallerIdentityRequest(), client(over, secret="wrong"))
    assert (error.get_http_status(), error.get_error_code()) == (400, "InvalidAccessKeySecret")


def test_blank_values_and_system_parameters__are_part_of_the_signed_text(over: Seed) -> None:
    name = new_name()
    made = ask(over, filled(CreateUserRequest(), UserName=name, Comments="", DisplayName=""))
    assert made["User"]["UserName"] == name
    ask(over, filled(DeleteUserRequest(), UserName=name))
