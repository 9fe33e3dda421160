"""A gateway in this process with one account, its owner's key to call it with, and values that nobody should send."""

import base64
import itertools
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlencode

from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from gateway.api.action import AnyAction
from gateway.api.call import WireRequest
from gateway.api.pipeline import run
from gateway.api.signature_v1 import sign, string_to_sign
from gateway.client import Client
from gateway.clock import wire_time
from gateway.directory.access_keys import NewAccessKey, create_access_key
from gateway.directory.accounts import Account
from gateway.directory.authorization import Authorizer
from gateway.directory.passwords import HashingLimit
from gateway.keyring import KeyRing, new_master_key
from gateway.oidc.key_cache import ProviderCache
from gateway.services import Services
from gateway.store.base import Base
from gateway.store.engine import Store
from gateway.store.migrate import upgrade
from tests.fake_clock import NOON, FakeClock
from tests.outbound import no_outbound
from tests.saml_factory import gateway_keys

ACCOUNT = "1234567890123456"

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | texts,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["Version", "Status", "Statements", "Type", "Value", "IPList", "Statement", "Key"]), inner
        )
    ),
    max_leaves=12,
)
hostile = (
    texts
    | json_values.map(json.dumps)
    | st.binary(max_size=60).map(lambda data: base64.b64encode(data).decode())
    | st.sampled_from(["", " ", "0", "-1", "9" * 400, "a" * 70_000, "[" * 9_000, "true", "%00", "a,b,,c", "../x", "*"])
)


def parameters_of(plausible: Mapping[str, tuple[str, ...]]) -> st.SearchStrategy[dict[str, str]]:
    """Any of these parameters, each with one of its own values or with a hostile one."""
    values = {name: st.sampled_from(own) | hostile for name, own in plausible.items()}
    return st.fixed_dictionaries({}, optional=values)


class Company:
    """A gateway in process, with one account, and its owner's key to call it with."""

    def __init__(self, path: Path, seed: Callable[[Session], None]) -> None:
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
            fetcher=no_outbound(),
            oidc_providers=ProviderCache(no_outbound(), self._clock),
            trusted_proxies=(),
        )
        self._key = self._found(seed)

    def _found(self, seed: Callable[[Session], None]) -> NewAccessKey:
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
            seed(session)
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

    def contents(self, tables: Sequence[type[Base]]) -> list[object]:
        """Everything in these tables, and what the account says of its domain."""
        with self.store.reading() as session:
            rows = [session.execute(select(*table.__table__.columns)).all() for table in tables]
            return [*rows, session.scalar(select(Account.auxiliary_domain))]


def check_answer(company: Company, action: AnyAction, sent: Mapping[str, str], tables: Sequence[type[Base]]) -> None:
    """An answer or a reasoned refusal, and a refusal changes nothing; neither does what only reads."""
    before = company.contents(tables)
    status, body = company.call(action, sent)
    assert status < 500, body
    if status != 200:
        assert body["Reason"]
        assert company.contents(tables) == before
    elif action.reads:
        assert company.contents(tables) == before
