"""A gateway in this process: its services, accounts whose owners have no password, and calls signed by hand."""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import urlencode

from gateway.api.call import WireRequest
from gateway.audit.keeping import keep_records
from gateway.client import Client
from gateway.clock import wire_time
from gateway.directory.access_keys import NewAccessKey
from gateway.directory.accounts import Account
from gateway.directory.authorization import Authorizer
from gateway.directory.passwords import HashingLimit
from gateway.guard.signature_v1 import sign, string_to_sign
from gateway.keyring import KeyRing
from gateway.oidc.key_cache import ProviderCache
from gateway.own_keys import OwnKeyState
from gateway.saml.certificates import ServiceProviderKeys
from gateway.services import Services
from gateway.store.engine import Store
from tests.fake_clock import NOON, FakeClock
from tests.outbound import no_outbound
from tests.saml_factory import gateway_keys


@dataclass(frozen=True, slots=True)
class FixedKeys:
    """Keys of ours that never change."""

    keys: ServiceProviderKeys

    def at(self, now: datetime) -> ServiceProviderKeys:
        return self.keys

    def states(self, now: datetime) -> tuple[OwnKeyState, ...]:
        return ()


def make_services(store: Store, clock: FakeClock, ring: KeyRing) -> Services:
    """They reach nothing outside."""
    kept = store.stamps.journal
    keep_records(
        store, lambda: ring, Path(tempfile.gettempdir()) / "ramgate-tests" if kept is None else kept.directory.parent
    )
    return Services(
        store=store,
        ring=ring,
        clock=clock,
        authorizer=Authorizer(clock),
        hashing=HashingLimit(),
        own_keys=FixedKeys(gateway_keys()),
        base_url="https://sso.example.com",
        role_sso_urn="urn:alibaba:cloudcomputing",
        domain_suffix="onaliyun.com",
        relay_hosts=(),
        skew=timedelta(seconds=120),
        fetcher=no_outbound(),
        oidc_providers=ProviderCache(no_outbound(), clock),
        trusted_proxies=(),
    )


def bare_account(account_id: str, alias: str) -> Account:
    """Its owner can't sign in: hashing a password is slow."""
    return Account(
        id=account_id,
        alias=alias,
        display_name="",
        owner_login=f"owner@{alias}.example",
        owner_password_hash="",
        login_session_duration_h=6,
        policy_stamp=1,
        created_at=NOON,
    )


def signed_parameters(key: NewAccessKey, parameters: Mapping[str, str], *, nonce: str, now: datetime) -> dict[str, str]:
    """A call by signature V1; what `parameters` say of the signature itself goes before what is made up here."""
    call = {
        "AccessKeyId": key.access_key_id,
        "SignatureMethod": "HMAC-SHA1",
        "SignatureNonce": nonce,
        "Timestamp": wire_time(now),
        **parameters,
    }
    return {**call, "Signature": sign(key.secret, string_to_sign("POST", call))}


def posted_form(parameters: Mapping[str, str]) -> WireRequest:
    headers = {"host": "sso.example.com", "content-type": "application/x-www-form-urlencoded"}
    body = urlencode(parameters).encode()
    return WireRequest("REQUEST-1", "POST", "", headers, body, Client("192.0.2.7", secure=True))
