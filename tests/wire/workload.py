"""A workload outside of the company: an issuer that the company registered, and a role that lets its tokens in."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from alibabacloud_sts20150401.models import AssumeRoleWithOIDCRequest

from gateway.arn import oidc_provider_arn, role_arn
from gateway.directory.attachments import attach_policy
from gateway.directory.oidc_providers import create_oidc_provider
from gateway.directory.roles import create_role
from tests.live_issuer import CLIENT, LiveIssuer
from tests.wire.names import new_name
from tests.wire.seed import Seed

Conditions = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Workload:
    company: Seed
    issuer: LiveIssuer
    name: str  # of the provider and of the role

    @property
    def provider_arn(self) -> str:
        return oidc_provider_arn(self.company.account_id, self.name)

    @property
    def role_arn(self) -> str:
        return role_arn(self.company.account_id, self.name)

    def parameters(self, **changes: Any) -> dict[str, Any]:
        """Those of a call that passes, by the names of the wire."""
        usual = {
            "OIDCProviderArn": self.provider_arn,
            "RoleArn": self.role_arn,
            "OIDCToken": changes.get("OIDCToken") or self.issuer.token(),
            "RoleSessionName": "ci",
        }
        return {name: value for name, value in {**usual, **changes}.items() if value is not None}

    def exchange(self, **changes: Any) -> Any:
        """The answer to the call by the official client, which knows no key."""
        request = AssumeRoleWithOIDCRequest().from_map(self.parameters(**changes))
        return self.company.client().assume_role_with_oidc(request).body

    def identity(self, answer: Any) -> Any:
        """Who the official client is with the credentials of an answer."""
        return self.client(answer).get_caller_identity().body

    def client(self, answer: Any) -> Any:
        return self.company.client(*session_of(answer))


def session_of(answer: Any) -> tuple[str, str, str]:
    found = answer.credentials
    return found.access_key_id, found.access_key_secret, found.security_token


def new_workload(
    company: Seed,
    issuer: LiveIssuer,
    conditions: Conditions | None = None,
    *,
    client_ids: Iterable[str] = (CLIENT,),
    audiences: Iterable[str] = (CLIENT,),
    fingerprints: Iterable[str] = (),
    issuance_limit_h: int = 12,
    policies: Iterable[str] = (),
    max_session_s: int = 3600,
) -> Workload:
    """A provider and a role of a name of their own; the role asks for issuer and audience, and for `conditions`."""
    name, now = new_name("ci"), datetime.now(UTC)
    with company.services.store.transaction() as session:
        provider = create_oidc_provider(
            session,
            company.account_id,
            name,
            issuer.url,
            client_ids=client_ids,
            fingerprints=fingerprints,
            issuance_limit_h=issuance_limit_h,
            development=True,  # a gateway that is not in development never fetches from it all the same
            now=now,
        )
        role = create_role(
            session,
            company.account_id,
            name,
            trust_document=oidc_trust(provider.arn, issuer.url, audiences, conditions or {}),
            max_session_duration_s=max_session_s,
            now=now,
        )
        for policy in policies:
            attach_policy(session, company.account_id, "System", policy, role, now)
    return Workload(company, issuer, name)


def oidc_trust(provider: str, issuer: str, audiences: Iterable[str], conditions: Conditions) -> str:
    equals = {"oidc:iss": issuer, "oidc:aud": list(audiences), **conditions.get("StringEquals", {})}
    statement = {
        "Effect": "Allow",
        "Action": "sts:AssumeRole",
        "Principal": {"Federated": [provider]},
        "Condition": {**conditions, "StringEquals": equals},
    }
    return json.dumps({"Version": "1", "Statement": [statement]})
