"""Applications on an instance: the official credentials library against the agent, as it is."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from http.client import HTTPConnection
from pathlib import Path

import pytest
from alibabacloud_credentials.exceptions import CredentialException
from alibabacloud_credentials.http import HttpOptions
from alibabacloud_credentials.provider.ecs_ram_role import EcsRamRoleCredentialsProvider
from alibabacloud_credentials.provider.uri import URLCredentialsProvider
from alibabacloud_ram20150501.models import CreateUserRequest, ListUsersRequest

from gateway.clock import SystemClock
from gateway.directory.attachments import attach_policy
from gateway.directory.instances import deregister_instance, get_instance, register_instance
from gateway.directory.roles import create_role
from gateway.fetch import Fetcher
from gateway.instance.calls import NOT_KNOWN, RefusedByGateway, fetch_credentials
from gateway.instance.calls import enrol as enrol_by
from gateway.instance.identity import new_identity
from gateway.outbound import OutboundRules
from gateway.secret import Secret
from tests.wire.instance_agent import enrol, forward_proxy, running_agent
from tests.wire.names import new_name
from tests.wire.refusal import refusal
from tests.wire.seed import Seed

TRUST_ECS = json.dumps(
    {
        "Version": "1",
        "Statement": [
            {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": ["ecs.aliyuncs.com"]}},
        ],
    }
)


@dataclass(frozen=True)
class Machine:
    name: str
    role: str
    state: Path
    port: int

    def get(self, path: str, **headers: str) -> tuple[int, bytes]:
        return self.ask("GET", path, **headers)

    def ask(self, method: str, path: str, **headers: str) -> tuple[int, bytes]:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=10)
        connection.request(method, path, headers={k.replace("_", "-"): v for k, v in headers.items()})
        answer = connection.getresponse()
        found = answer.status, answer.read()
        connection.close()
        return found


def registered(company: Seed, trust: str = TRUST_ECS) -> tuple[str, str, str]:
    """Name of the instance, its role, and its enrolment token."""
    now, name, role_name = datetime.now(UTC), new_name("vm"), new_name("app")
    with company.services.store.transaction() as session:
        role = create_role(session, company.account_id, role_name, trust_document=trust, now=now)
        attach_policy(session, company.account_id, "System", "AliyunRAMReadOnlyAccess", role, now)
        made = register_instance(session, company.account_id, name, role_name, now)
    return name, role_name, made.token.reveal()


@pytest.fixture(scope="module")
def machine(company: Seed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    name, role, token = registered(company)
    state = tmp_path_factory.mktemp("machine") / "instance"
    enrol(company.gateway.base_url, state, token)
    with running_agent(state) as port:
        yield Machine(name, role, state, port)


def test_ecs_ram_role_provider__unmodified__gets_the_role_and_nothing_more(company: Seed, machine: Machine) -> None:
    with forward_proxy(machine.port) as proxy:
        provider = EcsRamRoleCredentialsProvider(
            http_options=HttpOptions(proxy=proxy), disable_imds_v1=True, async_update_enabled=False
        )
        found = provider.get_credentials()
    key = (found.get_access_key_id(), found.get_access_key_secret(), found.get_security_token())
    identity = company.client(*key).get_caller_identity().body
    instance = get_instance_of(company, machine)
    assert identity.arn == f"acs:ram::{company.account_id}:assumed-role/{machine.role}/{instance}"
    assert company.ram(*key).list_users(ListUsersRequest()).body.users.user
    denied = refusal(company.ram(*key).create_user, CreateUserRequest(user_name="eve"))
    assert (denied.status_code, denied.code) == (403, "NoPermission")


def test_uri_provider__address_of_the_agent__gets_the_same(company: Seed, machine: Machine) -> None:
    uri = (machine.state / "credentials-uri").read_text().strip()
    found = URLCredentialsProvider(uri=uri).get_credentials()
    key = (found.get_access_key_id(), found.get_access_key_secret(), found.get_security_token())
    assert company.client(*key).get_caller_identity().body.arn.endswith(get_instance_of(company, machine))
    with pytest.raises(CredentialException):
        URLCredentialsProvider(uri=uri[:-1]).get_credentials()


def test_metadata__as_the_platform_writes_it(machine: Machine) -> None:
    path = "/latest/meta-data/ram/security-credentials/"
    assert machine.get(path)[0] == 401  # a request alone, such as somebody's service can be talked into, gets nothing
    status, token = machine.ask("PUT", "/latest/api/token", X_aliyun_ecs_metadata_token_ttl_seconds="60")
    assert status == 200
    with_token = {"X_aliyun_ecs_metadata_token": token.decode()}
    assert machine.get(path, **with_token) == (200, machine.role.encode())
    told = json.loads(machine.get(path + machine.role, **with_token)[1])
    assert told.keys() == {
        "Code",
        "AccessKeyId",
        "AccessKeySecret",
        "SecurityToken",
        "Expiration",
        "LastUpdated",
    }
    assert (told["Code"], told["AccessKeyId"][:4]) == ("Success", "STS.")
    assert machine.get(path + "other", **with_token)[0] == 404


def test_deregistered__at_once__credentials_die_and_no_new_ones_come(company: Seed) -> None:
    name, _, token = registered(company)
    fetcher = Fetcher(OutboundRules(development=True))
    identity = enrol_by(fetcher, new_identity(company.gateway.base_url), Secret(token))
    found = fetch_credentials(fetcher, identity, SystemClock())
    key = (found.access_key_id, found.access_key_secret.reveal(), found.security_token)
    company.client(*key).get_caller_identity()
    with company.services.store.transaction() as session:
        deregister_instance(session, company.account_id, name)
    assert refusal(company.client(*key).get_caller_identity).data["Reason"] == "TokenRevoked"
    with pytest.raises(RefusedByGateway) as caught:
        fetch_credentials(fetcher, identity, SystemClock())
    assert caught.value.said == NOT_KNOWN


def get_instance_of(company: Seed, machine: Machine) -> str:
    with company.services.store.reading() as session:
        return get_instance(session, company.account_id, machine.name).id
