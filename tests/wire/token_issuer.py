"""An OpenID Provider of workloads on loopback: publishes its keys over TLS, and signs ID tokens."""

import json
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from gateway.directory.oidc_providers import create_oidc_provider
from gateway.directory.roles import create_role
from tests.local_servers import LocalServer, ok
from tests.oidc_factory import Spec, key_set_json, private_key, public_jwk
from tests.wire.names import new_name
from tests.wire.seed import Seed

AUDIENCE = "workloads"


@dataclass(frozen=True)
class TokenIssuer:
    """Registered with the company under `name`."""

    name: str
    url: str

    def provider_arn(self, company: Seed) -> str:
        return f"acs:ram::{company.account_id}:oidc-provider/{self.name}"

    def token(self, **claims: object) -> str:
        now = int(time.time())
        usual = {"iss": self.url, "aud": AUDIENCE, "sub": "job-7", "iat": now, "exp": now + 300, "nonce": None}
        return Spec(claims={**usual, "at_hash": None, **claims}).token()


@contextmanager
def token_issuer(company: Seed) -> Iterator[TokenIssuer]:
    """Runs until the block ends; it stays registered."""
    assert company.authority is not None
    server = LocalServer(lambda connection: _answer(server, connection), company.authority.server_context("127.0.0.1"))
    with server:
        issuer = TokenIssuer(new_name("issuer"), f"https://127.0.0.1:{server.port}")
        with company.services.store.transaction() as session:
            now = datetime.now(UTC)
            create_oidc_provider(session, company.account_id, issuer.name, issuer.url, client_ids=(AUDIENCE,), now=now)
        yield issuer


def workload_role(company: Seed, issuer: TokenIssuer, subject: str = "job-7") -> str:
    """The ARN of a new role for what the issuer says of this subject."""
    statement = {
        "Effect": "Allow",
        "Action": "sts:AssumeRole",
        "Principal": {"Federated": [issuer.provider_arn(company)]},
        "Condition": {"StringEquals": {"oidc:iss": issuer.url, "oidc:aud": AUDIENCE, "oidc:sub": subject}},
    }
    document = json.dumps({"Version": "1", "Statement": [statement]})
    with company.services.store.transaction() as session:
        name = new_name("role")
        return create_role(session, company.account_id, name, trust_document=document, now=datetime.now(UTC)).arn


def _answer(server: LocalServer, connection: socket.socket) -> None:
    path = server.heard[-1].split(b" ")[1]
    url = f"https://127.0.0.1:{server.port}"
    if path == b"/.well-known/openid-configuration":
        document = {
            "issuer": url,
            "jwks_uri": f"{url}/keys",
            "authorization_endpoint": f"{url}/authorize",
            "token_endpoint": f"{url}/token",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
        }
        connection.sendall(ok(json.dumps(document).encode()))
    else:
        connection.sendall(ok(key_set_json(public_jwk(private_key(), kid="k1"))))
