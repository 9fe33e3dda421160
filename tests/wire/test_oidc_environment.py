"""The official credentials library as a pod has it: environment variables, a token file, and nothing in code.

Only the region can be set there, so the library calls `sts.<region>.aliyuncs.com` on port 443. In the child process this
name resolves to the gateway, as it would by a hosts file; the certificate for it is of our throw-away authority, which
`SSL_CERT_FILE` names. The library itself is as it is published. Rule: sdk-wire §4.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from tests.live_gateway import live_gateway
from tests.live_issuer import issuer_server
from tests.local_servers import Authority
from tests.wire.seed import Seed
from tests.wire.workload import Workload, new_workload

REGION = "cn-hangzhou"
HOST = f"sts.{REGION}.aliyuncs.com"
POD = f"""
import json, socket, sys
real = socket.getaddrinfo

def resolve(host, port, *rest, **more):
    if (host, port) == ("{HOST}", 443):
        host, port = "127.0.0.1", int(sys.argv[1])
    return real(host, port, *rest, **more)

socket.getaddrinfo = resolve
from alibabacloud_credentials.client import Client
found = Client().get_credential()
print(json.dumps([found.access_key_id, found.access_key_secret, found.security_token, found.provider_name]))
"""


@dataclass
class _ForThatName(Authority):
    """Gives servers a certificate for the published name too."""

    def server_file(self, *names: str) -> Path:
        return super().server_file(*names, HOST)


@pytest.fixture(scope="module")
def workload(company: Seed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workload]:
    authority = _ForThatName(tmp_path_factory.mktemp("named"))
    shared = {
        "RAMGATE_VAR_DIR": str(company.gateway.settings.var_dir),
        "RAMGATE_CERTS_DIR": str(company.gateway.settings.certs_dir),
        "RAMGATE_OUTBOUND_CA_FILE": str(authority.ca_file),
        "RAMGATE_OUTBOUND_NETWORKS": "127.0.0.0/8",
    }
    with (
        live_gateway(tmp_path_factory.mktemp("as-published"), environ=shared, authority=authority) as gateway,
        issuer_server(authority.server_context("127.0.0.1")) as issuers,
    ):
        yield new_workload(replace(company, gateway=gateway, trusted=authority.ca_file), issuers.new_issuer())


def in_a_pod(workload: Workload, token_file: Path) -> "subprocess.CompletedProcess[str]":
    others = ("ALIBABA_", "HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy")
    clean = {name: value for name, value in os.environ.items() if not name.startswith(others)}
    environ = {
        "ALIBABA_CLOUD_ROLE_ARN": workload.role_arn,
        "ALIBABA_CLOUD_OIDC_PROVIDER_ARN": workload.provider_arn,
        "ALIBABA_CLOUD_OIDC_TOKEN_FILE": str(token_file),
        "ALIBABA_CLOUD_ROLE_SESSION_NAME": "pod",
        "ALIBABA_CLOUD_STS_REGION": REGION,
        "ALIBABA_CLOUD_ECS_METADATA_DISABLED": "true",
        "SSL_CERT_FILE": str(workload.company.trusted),
        "HOME": str(token_file.parent),
    }
    port = str(workload.company.gateway.settings.port)
    command = [sys.executable, "-c", POD, port]
    return subprocess.run(command, env=clean | environ, capture_output=True, text=True, timeout=60, check=False)


def test_environment__token_in_a_file__credentials_of_the_role(workload: Workload, tmp_path: Path) -> None:
    (tmp_path / "token").write_text(workload.issuer.token())
    done = in_a_pod(workload, tmp_path / "token")
    assert done.returncode == 0, done.stderr
    *key, provider = json.loads(done.stdout)
    assert provider == "default/oidc_role_arn"
    identity = workload.company.client(*key).get_caller_identity().body
    assert identity.arn.endswith(f"assumed-role/{workload.name}/pod")


def test_environment__token_for_somebody_else__refused(workload: Workload, tmp_path: Path) -> None:
    (tmp_path / "token").write_text(workload.issuer.token(aud="somebody-else"))
    done = in_a_pod(workload, tmp_path / "token")
    assert done.returncode != 0
    assert "AuthenticationFail.OIDCToken.AudienceNotMatch" in done.stdout + done.stderr
