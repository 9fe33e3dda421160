"""Hostile values in the operations on access keys, their policies, reports, providers and SSO settings.

Whatever is sent by a caller who may do everything: an answer or a reasoned refusal, and a refusal changes nothing.
"""

import base64
import itertools
import json
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from gateway.api.action import AnyAction
from gateway.api.actions import (
    access_key_policies,
    access_keys,
    credential_report,
    oidc_providers,
    saml_providers,
    user_sso,
)
from gateway.api.call import WireRequest
from gateway.api.pipeline import run
from gateway.api.signature_v1 import sign, string_to_sign
from gateway.client import Client
from gateway.clock import wire_time
from gateway.directory.access_keys import AccessKeyRow, NewAccessKey, create_access_key
from gateway.directory.accounts import Account
from gateway.directory.authorization import Authorizer
from gateway.directory.credential_report import CredentialReport
from gateway.directory.network_policies import NetworkPolicyRow
from gateway.directory.oidc_providers import OidcProvider
from gateway.directory.passwords import HashingLimit
from gateway.directory.recycled_keys import RecycledAccessKey
from gateway.directory.saml_providers import SamlProvider
from gateway.directory.user_sso import UserSsoSettings
from gateway.directory.users import create_user
from gateway.keyring import KeyRing, new_master_key
from gateway.services import Services
from gateway.store.engine import Store
from gateway.store.migrate import upgrade
from tests.fake_clock import NOON, FakeClock
from tests.saml_factory import gateway_keys

ACCOUNT = "1234567890123456"
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

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | texts,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["Version", "Status", "Statements", "Type", "Value", "IPList"]), inner)
    ),
    max_leaves=12,
)
hostile = (
    texts
    | json_values.map(json.dumps)
    | st.binary(max_size=60).map(lambda data: base64.b64encode(data).decode())
    | st.sampled_from(["", " ", "0", "-1", "9" * 400, "a" * 70_000, "[" * 9_000, "true", "%00", "a,b,,c", "../x", "*"])
)
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
parameters = st.fixed_dictionaries(
    {}, optional={name: st.sampled_from(values) | hostile for name, values in plausible.items()}
)


class Company:
    """A gateway in process, with one account, and its owner's key to call it with."""

    def __init__(self, path: Path) -> None:
        self.store = Store(f"sqlite:///{path}")
        upgrade(self.store)
        self._ring = KeyRing((new_master_key(),))
        self._clock = FakeClock()
        self._nonces = itertools.count()
        self._services = Services(
            store=self.store,
            ring=self._ring,
            clock=self._clock,
            authorizer=Authorizer(self._clock),
            hashing=HashingLimit(),
            sp_keys=gateway_keys(),
            base_url="https://sso.example.com",
            role_sso_urn="urn:alibaba:cloudcomputing",
            domain_suffix="onaliyun.com",
            relay_hosts=(),
            skew=timedelta(seconds=120),
            trusted_proxies=(),
        )
        self._key = self._found()

    def _found(self) -> NewAccessKey:
        with self.store.transaction() as session:
            account = Account(
                id=ACCOUNT,
                alias="acme",
                display_name="",
                owner_login="owner@acme.example",
                owner_password_hash="",
                login_session_duration_h=6,
                policy_stamp=1,
                created_at=NOON,
            )
            session.add(account)
            session.flush()
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
            return create_access_key(session, self._ring, account_id=ACCOUNT, user_id=None, now=NOON)

    def call(self, action: AnyAction, sent: Mapping[str, str]) -> tuple[int, dict[str, object]]:
        self._clock.advance(1)
        signed = {
            **sent,
            "AccessKeyId": self._key.access_key_id,
            "Action": action.name,
            "Version": action.version,
            "SignatureMethod": "HMAC-SHA1",
            "SignatureNonce": str(next(self._nonces)),
            "Timestamp": wire_time(self._clock.now()),
        }
        signed["Signature"] = sign(self._key.secret, string_to_sign("POST", signed))
        headers = {"host": "sso.example.com", "content-type": "application/x-www-form-urlencoded"}
        wire = WireRequest("R", "POST", "", headers, urlencode(signed).encode(), Client("192.0.2.7", secure=True))
        reply = run(wire, self._services)
        return reply.status, json.loads(reply.body)

    def contents(self) -> list[object]:
        with self.store.reading() as session:
            tables = [session.execute(select(*table.__table__.columns)).all() for table in TABLES]
            return [*tables, session.scalar(select(Account.auxiliary_domain))]


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    company = Company(tmp_path_factory.mktemp("company") / "gateway.db")
    yield company
    company.store.dispose()


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(action=st.sampled_from(ACTIONS), sent=parameters)
def test_run__hostile_values__answered_or_refused_and_a_refusal_changes_nothing(
    company: Company, action: AnyAction, sent: dict[str, str]
) -> None:
    before = company.contents()
    status, body = company.call(action, sent)
    assert status < 500, body
    if status != 200:
        assert body["Reason"]
        assert company.contents() == before
    elif action.reads:
        assert company.contents() == before
