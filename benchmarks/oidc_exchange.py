"""How many ID tokens a second become credentials of a role over HTTP, on one worker: AssumeRoleWithOIDC.

    python -m benchmarks.oidc_exchange [--seconds 4] [--rounds 3]

Beside it a Flask hello-world on the same front, and AssumeRole signed with V3. The issuer is asked for its keys once.
64 workloads of 8 providers call in turn with tokens of 1 KB, RSA-2048. A ratio is the median of the rounds' own ones.
"""

import argparse
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from urllib.parse import urlencode

from benchmarks.api_calls import HELLO, ONE_WORKER, PLAIN, Caller, address, make_callers, signed
from benchmarks.load import CONNECTIONS, rate, repeated
from gateway.directory.accounts import create_account
from gateway.directory.oidc_providers import create_oidc_provider
from gateway.directory.roles import create_role
from gateway.federation.trust_document import oidc_trust_document
from gateway.secret import Secret
from gateway.services import Services
from tests.live_gateway import LiveGateway, live_gateway
from tests.live_issuer import CLIENT, IssuerServer, LiveIssuer, issuer_server
from tests.wire.signed import send

PROVIDERS, WORKLOADS_EACH = 8, 8


@dataclass(frozen=True)
class Workload:
    provider_arn: str
    role_arn: str
    token: str

    def request(self) -> bytes:
        query = urlencode(
            {
                "Action": "AssumeRoleWithOIDC",
                "Version": "2015-04-01",
                "Format": "JSON",
                "OIDCProviderArn": self.provider_arn,
                "RoleArn": self.role_arn,
                "OIDCToken": self.token,
                "RoleSessionName": "bench",
            }
        )
        return f"POST /?{query} HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n".encode()


def make_workloads(services: Services, issuers: IssuerServer) -> list[Workload]:
    found = []
    for number in range(PROVIDERS):
        issuer, now = issuers.new_issuer(), datetime.now(UTC)
        with services.store.transaction() as session:
            account = create_account(
                session,
                alias=f"works-{number}",
                display_name="Works",
                owner_login=f"owner@works-{number}.example",
                owner_password=Secret("Correct-Horse-7-Battery"),
                now=now,
            )
            provider = create_oidc_provider(
                session, account.id, "ci", issuer.url, client_ids=(CLIENT,), development=True, now=now
            )
            trust = oidc_trust_document(provider.arn, issuer.url, (CLIENT,))
            role = create_role(session, account.id, "worker", trust_document=trust, now=now)
            found += [Workload(provider.arn, role.arn, token_of(issuer)) for _ in range(WORKLOADS_EACH)]
    return found


def token_of(issuer: LiveIssuer) -> str:
    """As a forge signs one for a job."""
    return issuer.token(
        sub=f"repo:acme/site-{secrets.token_hex(4)}:ref:refs/heads/main",
        jti=secrets.token_hex(16),
        repository="acme/site",
        ref="refs/heads/main",
        workflow="deploy",
        actor="alice",
        environment="production",
        run_id="17231423423",
        sha=secrets.token_hex(20),
        groups=["builders", "deployers"],
        exp=int(datetime.now(UTC).timestamp()) + 3600,
    )


@dataclass(frozen=True)
class Servers:
    hello: LiveGateway
    gateway: LiveGateway
    workloads: list[Workload]
    callers: list[Caller]


@contextmanager
def servers(directory: Path) -> Iterator[Servers]:
    for name in ("hello", "gateway"):
        (directory / name).mkdir()
    with (
        issuer_server() as issuers,
        live_gateway(directory / "hello", program=HELLO, environ=ONE_WORKER) as hello,
        live_gateway(directory / "gateway", environ=ONE_WORKER) as gateway,
    ):
        services = gateway.services()
        workloads, callers = make_workloads(services, issuers), make_callers(services)
        services.store.dispose()
        for workload in workloads[::WORKLOADS_EACH]:  # one at a time: each provider is asked for its keys here
            with gateway.connect() as connection:
                assert send(connection, workload.request()).status == 200
        yield Servers(hello, gateway, workloads, callers)


def run(at: Servers, seconds: float) -> dict[str, float]:
    """Answers a second of one round."""
    hello = rate(address(at.hello), repeated(PLAIN), seconds)
    enough = (int(hello * seconds) + CONNECTIONS) // len(at.workloads) + 1
    exchange = [workload.request() for workload in at.workloads] * enough
    return {
        "hello-world": hello,
        "AssumeRoleWithOIDC": rate(address(at.gateway), exchange, seconds),
        "AssumeRole": rate(address(at.gateway), signed(at.callers, "AssumeRole", len(exchange)), seconds),
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, servers(Path(name)) as at:
        rounds = [run(at, options.seconds) for _ in range(options.rounds)]
    for called in rounds[0]:
        ratio = median(each[called] / each["hello-world"] for each in rounds)
        print(f"{called:20} {median(each[called] for each in rounds):7.0f}/s, {ratio:.2f} of hello-world")


if __name__ == "__main__":
    main()
