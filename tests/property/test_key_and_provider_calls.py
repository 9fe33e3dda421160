"""Hostile values in the operations on access keys, their policies, reports, providers and SSO settings.

Whatever is sent by a caller who may do everything: an answer or a reasoned refusal, and a refusal changes nothing.
"""

from collections.abc import Iterator, Mapping

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from gateway.api.action import AnyAction
from gateway.api.actions import (
    access_key_policies,
    access_keys,
    credential_report,
    oidc_providers,
    saml_providers,
    user_sso,
)
from gateway.directory.access_keys import AccessKeyRow
from gateway.directory.credential_report import CredentialReport
from gateway.directory.network_policies import NetworkPolicyRow
from gateway.directory.oidc_providers import OidcProvider
from gateway.directory.recycled_keys import RecycledAccessKey
from gateway.directory.saml_providers import SamlProvider
from gateway.directory.user_sso import UserSsoSettings
from gateway.directory.users import create_user
from tests.fake_clock import NOON
from tests.property.hostile_calls import ACCOUNT, Company, check_answer, parameters_of

FAMILIES = (access_key_policies, access_keys, credential_report, oidc_providers, saml_providers, user_sso)
ACTIONS: tuple[AnyAction, ...] = tuple(action for family in FAMILIES for action in family.ACTIONS)
TABLES = (
    AccessKeyRow,
    CredentialReport,
    NetworkPolicyRow,
    OidcProvider,
    RecycledAccessKey,
    SamlProvider,
    UserSsoSettings,
)
NETWORKS = '{"Status":"Active","Statements":[{"Type":"ClassicWhiteList","IPList":["192.0.2.0/24"]}]}'

plausible: Mapping[str, tuple[str, ...]] = {
    "UserName": ("alice", "ALICE", "nobody"),
    "UserPrincipalName": ("alice@acme.onaliyun.com", "alice@acme", "nobody@acme"),
    "UserAccessKeyId": ("LTAIalice", "LTAIowner", "LTAInone"),
    "Status": ("Active", "Inactive"),
    "AccessKeyPolicy": (NETWORKS, NETWORKS.replace("Active", "Inactive")),
    "OIDCProviderName": ("ci", "ci-2"),
    "IssuerUrl": ("https://ci.example", "https://ci-2.example/"),
    "ClientIds": ("app", "app,tool"),
    "ClientId": ("app", "tool"),
    "Fingerprints": ("aa", "aa,bb"),
    "Fingerprint": ("aa",),
    "IssuanceLimitTime": ("12",),
    "Description": ("text",),
    "NewDescription": ("text", ""),
    "SAMLProviderName": ("idp",),
    "EncodedSAMLMetadataDocument": ("PHgvPg==",),
    "NewEncodedSAMLMetadataDocument": ("PHgvPg==",),
    "MetadataDocument": ("PHgvPg==",),
    "AuthnSignAlgo": ("rsa-sha1",),
    "AuxiliaryDomain": ("example.com", ""),
    "SsoEnabled": ("true", "false"),
    "SsoLoginWithDomain": ("false",),
    "Marker": ("Y2k",),
    "MaxItems": ("1",),
    "NextToken": ("MS8y",),
}
parameters = parameters_of(plausible)


def seed(session: Session) -> None:
    """A user, and keys of known ids."""
    alice = create_user(session, ACCOUNT, "alice", now=NOON)
    for key_id, user_id in (("LTAIalice", alice.id), ("LTAIowner", None)):
        session.add(
            AccessKeyRow(
                id=key_id,
                account_id=ACCOUNT,
                user_id=user_id,
                sealed_secret=b"",
                status="Active",
                created_at=NOON,
                updated_at=NOON,
            )
        )
    session.flush()


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    company = Company(tmp_path_factory.mktemp("company") / "gateway.db", seed)
    yield company
    company.store.dispose()


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(action=st.sampled_from(ACTIONS), sent=parameters)
def test_run__hostile_values__answered_or_refused_and_a_refusal_changes_nothing(
    company: Company, action: AnyAction, sent: dict[str, str]
) -> None:
    check_answer(company, action, sent, TABLES)
