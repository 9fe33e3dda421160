"""What a simulation foresees is what the call then gets, on policies that nobody thought of."""

import itertools
import json
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.api.pipeline import run
from gateway.directory.access_keys import NewAccessKey, create_access_key
from gateway.directory.attachments import attach_policy
from gateway.directory.policies import create_policy, create_policy_version
from gateway.directory.users import create_user
from gateway.keyring import KeyRing, new_master_key
from gateway.simulation.call import Stage, Supposed, simulate_call
from gateway.simulation.circumstances import read_circumstances
from gateway.store.engine import Store
from gateway.store.migrate import upgrade
from tests.fake_clock import NOON, FakeClock
from tests.in_process import bare_account, make_services, posted_form, signed_parameters

ACCOUNT = "1234567890123456"
NOTHING = '{"Version":"1","Statement":[{"Effect":"Deny","Action":"x:y","Resource":"*"}]}'
ALICE = f"acs:ram::{ACCOUNT}:user/alice"
# The client of the calls in process comes from 192.0.2.7, over TLS, at noon.
CONDITIONS = (
    None,
    {"IpAddress": {"acs:SourceIp": "192.0.2.0/24"}},
    {"NotIpAddress": {"acs:SourceIp": "192.0.2.7"}},
    {"Bool": {"acs:SecureTransport": "false"}},
    {"Bool": {"acs:MFAPresent": "true"}},
    {"StringEquals": {"acs:PrincipalARN": ALICE}},
    {"StringNotLike": {"acs:PrincipalArn": "*user/a*"}},
    {"DateLessThan": {"acs:CurrentTime": "2020-01-01T00:00:00Z"}},
)
statements = st.builds(
    lambda effect, action, resource, condition: {
        "Effect": effect,
        "Action": action,
        "Resource": resource,
        **({} if condition is None else {"Condition": condition}),
    },
    st.sampled_from(["Allow", "Allow", "Deny"]),
    st.sampled_from(["*", "ram:*", "ram:GetUser", "ram:List*", "RAM:getuser", "oss:*"]),
    st.sampled_from(["*", f"acs:ram:*:{ACCOUNT}:user/*", f"acs:ram::{ACCOUNT}:user/bob", "acs:ram:*:*:user/ALICE"]),
    st.sampled_from(CONDITIONS),
)
calls = st.sampled_from(
    [
        ("GetUser", {"UserName": "bob"}, "ram:GetUser", f"acs:ram::{ACCOUNT}:user/bob"),
        ("GetUser", {"UserName": "alice"}, "ram:GetUser", ALICE),
        ("ListUsers", {}, "ram:ListUsers", f"acs:ram:*:{ACCOUNT}:user/*"),
    ]
)


class Company:
    def __init__(self, store: Store) -> None:
        self.store, self.clock = store, FakeClock()
        ring = KeyRing((new_master_key(),))
        self.services = make_services(store, self.clock, ring)
        self.nonces = itertools.count()
        with store.transaction() as session:
            session.add(bare_account(ACCOUNT, "acme"))
            session.flush()
            alice = create_user(session, ACCOUNT, "alice", now=NOON)
            create_user(session, ACCOUNT, "bob", now=NOON)
            create_policy(session, ACCOUNT, "own", NOTHING, now=NOON)
            attach_policy(session, ACCOUNT, "Custom", "own", alice, NOON)
            self.key: NewAccessKey = create_access_key(session, ring, account_id=ACCOUNT, user_id=alice.id, now=NOON)

    def change(self, written: list[dict[str, object]]) -> None:
        text = json.dumps({"Version": "1", "Statement": written})
        with self.store.transaction() as session:
            create_policy_version(session, ACCOUNT, "own", text, set_as_default=True, rotate=True, now=NOON)

    def call(self, name: str, parameters: dict[str, str]) -> bool:
        sent = {**parameters, "Action": name, "Version": "2015-05-01", "Format": "JSON"}
        now = self.clock.now()
        reply = run(
            posted_form(signed_parameters(self.key, sent, nonce=str(next(self.nonces)), now=now)), self.services
        )
        assert reply.status in {200, 403}, reply.body
        return reply.status == 200

    def foresee(self, action: str, resource: str) -> bool:
        now = self.clock.now()
        text = json.dumps({"acs:SourceIp": "192.0.2.7", "acs:SecureTransport": True})
        with self.store.reading() as session:
            stage = Stage(session, self.services.authorizer, ACCOUNT, now)
            supposed = Supposed(ALICE, action=action, resource=resource)
            return simulate_call(stage, supposed, read_circumstances(text, now)).allowed


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    store = Store(f"sqlite:///{tmp_path_factory.mktemp('simulation') / 'gateway.db'}")
    upgrade(store)
    yield Company(store)
    store.dispose()


@given(written=st.lists(statements, min_size=1, max_size=5), asked=calls)
def test_simulate_call__any_policy__is_what_the_call_gets(
    company: Company, written: list[dict[str, object]], asked: tuple[str, dict[str, str], str, str]
) -> None:
    company.change(written)
    name, parameters, action, resource = asked
    assert company.foresee(action, resource) is company.call(name, parameters)
