"""Abusing simulations: to see other accounts, to keep the gateway busy, to get more than a simulation."""

import itertools
import json
import time
from typing import Any

import pytest

from gateway.api.paging import encode_marker
from gateway.api.pipeline import run
from gateway.api.versions import RESOURCES
from gateway.directory.access_keys import NewAccessKey, create_access_key
from gateway.directory.attachments import attach_policy
from gateway.directory.policies import create_policy, create_policy_version
from gateway.directory.roles import create_role
from gateway.directory.users import create_user
from gateway.keyring import KeyRing, new_master_key
from gateway.simulation.varying import MOST
from gateway.store.engine import Store
from tests.fake_clock import NOON, FakeClock
from tests.in_process import bare_account, make_services, posted_form, signed_parameters
from tests.unit.simulation.world import document, statement, trust

OURS, THEIRS = "1234567890123456", "6543210987654321"
ALICE, READER = f"acs:ram::{OURS}:user/alice", f"acs:ram::{OURS}:role/reader"
EVERYTHING = document(statement("*"))


class Company:
    """Alice may simulate whatever there is of herself, and nothing else; the owner may everything."""

    def __init__(self, store: Store) -> None:
        self.store, self.clock = store, FakeClock()
        ring = KeyRing((new_master_key(),))
        self._services = make_services(store, self.clock, ring)
        self._nonces = itertools.count()
        own = document(statement("ram:SimulateCall", ALICE))
        with store.transaction() as session:
            session.add_all([bare_account(OURS, "acme"), bare_account(THEIRS, "other")])
            session.flush()
            alice = create_user(session, OURS, "alice", now=NOON)
            create_policy(session, OURS, "own", own, now=NOON)
            attach_policy(session, OURS, "Custom", "own", alice, NOON)
            create_role(session, OURS, "reader", trust_document=trust(ALICE), now=NOON)
            create_user(session, THEIRS, "secret", now=NOON)
            create_role(session, THEIRS, "hidden", trust_document=trust(f"acs:ram::{OURS}:root"), now=NOON)
            self.alice = create_access_key(session, ring, account_id=OURS, user_id=alice.id, now=NOON)
            self.owner = create_access_key(session, ring, account_id=OURS, user_id=None, now=NOON)

    def call(self, operation: str, by: NewAccessKey | None = None, /, **sent: str) -> tuple[int, dict[str, Any]]:
        parameters = {**sent, "Action": operation, "Version": RESOURCES, "Format": "JSON"}
        now = self.clock.now()
        signed = signed_parameters(by or self.owner, parameters, nonce=str(next(self._nonces)), now=now)
        reply = run(posted_form(signed), self._services)
        return reply.status, json.loads(reply.body)


@pytest.fixture
def company(store: Store) -> Company:
    return Company(store)


def test_simulate_call__principals_elsewhere__are_as_those_that_do_not_exist(company: Company) -> None:
    answers = [
        company.call("SimulateCall", PrincipalArn=arn, RequestAction="a:B", Resource="*")
        for arn in (f"acs:ram::{THEIRS}:user/secret", f"acs:ram::{THEIRS}:user/nobody", f"acs:ram::{OURS}:user/nobody")
    ]
    for _, answer in answers:
        answer.pop("RequestId", None)
    assert answers[0][0] == 404
    assert answers[0] == answers[1] == answers[2]


def test_simulate_call__role_elsewhere__tells_the_same_whether_it_is_there_or_not(company: Company) -> None:
    told = []
    for name in ("hidden", "nothing"):
        status, answer = company.call(
            "SimulateCall", PrincipalArn=ALICE, **{"RoleArns.1": f"acs:ram::{THEIRS}:role/{name}"}
        )
        assert status == 200
        told.append(json.dumps(answer["Steps"]).replace(name, "X"))
    assert told[0] == told[1]


def test_simulate_call__beyond_what_one_may_simulate__is_denied(company: Company) -> None:
    asked = {"RequestAction": "ram:GetUser", "Resource": ALICE}
    assert company.call("SimulateCall", company.alice, PrincipalArn=ALICE, **asked)[0] == 200
    for sent in (
        {"PrincipalArn": READER, **asked},
        {"PrincipalArn": ALICE, "RoleArns.1": READER, **asked},  # would tell what the role trusts
        {"PrincipalArn": f"acs:ram::{OURS}:root", **asked},
        {"PrincipalArn": f"acs:ram::{THEIRS}:user/secret", **asked},
    ):
        assert company.call("SimulateCall", company.alice, **sent)[0] == 403
    assert company.call("ListReachingPrincipals", company.alice, RoleName="reader")[0] == 403
    sent = {"ChangeType": "PolicyDocument", "PolicyName": "own", "PolicyDocument": EVERYTHING}
    assert company.call("DryRunPolicyChange", company.alice, **sent)[0] == 403
    denied = {"PrincipalArn": ALICE, "RequestAction": "ram:DeleteUser", "Resource": "*"}
    assert company.call("SimulateCall", company.alice, **denied)[1]["Allowed"] is False


def test_simulate_call__facts_of_the_gateway__are_supposed_and_change_no_real_answer(company: Company) -> None:
    context = json.dumps({"acs:MFAPresent": True, "acs:PrincipalARN": f"acs:ram::{OURS}:root"})
    status, answer = company.call(
        "SimulateCall", PrincipalArn=ALICE, RequestAction="a:B", Resource="*", Context=context
    )
    assert (status, answer["Allowed"]) == (200, False)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Context", json.dumps({f"x:k{number}": 1 for number in range(65)})),
        ("Context", json.dumps({"x:k": ["v"] * 65})),
        ("Context", json.dumps({"x:k": "v" * 20_000})),
        ("Context", "[" * 5000),
        ("Context", '{"x:k": "\\u0000"}'),
        (
            "Policy",
            json.dumps({"Version": "1", "Statement": [{"Effect": "Allow", "Action": "*" * 3000, "Resource": "*"}]}),
        ),
        ("Policy", "{" * 2000),
        ("RoleArns", json.dumps([READER] * 9)),
        ("PrincipalArn", "acs:ram::1234567890123456:user/" + "a" * 5000),
    ],
)
def test_simulate_call__bombs__are_refused_at_once(company: Company, name: str, value: str) -> None:
    sent = {"PrincipalArn": READER, "RequestAction": "a:B", "Resource": "*", name: value}
    begun = time.process_time()
    status, answer = company.call("SimulateCall", **sent)
    assert (status, "Code" in answer) == (400, True)
    assert time.process_time() - begun < 1


def test_list_reaching__conditions_that_multiply__are_bounded_and_said_to_be(company: Company) -> None:
    keys = {f"x:k{number}": [f"v{number}", f"w{number}"] for number in range(20)}
    bomb = document(statement("x:*", condition={"StringEquals": keys}), statement("y:*"))
    with company.store.transaction() as session:
        create_policy_version(session, OURS, "own", bomb, set_as_default=True, now=NOON)
    begun = time.process_time()
    status, answer = company.call("ListReachingPrincipals", RequestAction="x:Y", Resource="*")
    assert status == 200
    assert time.process_time() - begun < 5
    assert all(not each["Complete"] for each in answer["Principals"]["Principal"])
    assert MOST < 3**20


def test_list_reaching__pages_that_nobody_gave__are_refused_or_empty(company: Company) -> None:
    for token in ("user/zzz", "role/", "x", "user/' OR 1=1", "\u0fff/"):
        sent = {"RequestAction": "x:Y", "Resource": "*", "NextToken": encode_marker(token)}
        status, answer = company.call("ListReachingPrincipals", **sent)
        assert (status, answer["Principals"]) == (200, {"Principal": []})
        assert company.call("ListReachingPrincipals", **(sent | {"NextToken": token}))[0] == 400


def test_dry_run__beyond_its_bounds__is_refused(company: Company) -> None:
    sent = {"ChangeType": "PolicyDocument", "PolicyName": "own", "PolicyDocument": EVERYTHING}
    assert company.call("DryRunPolicyChange", **sent)[0] == 200
    for more in ({"MaxRecords": "50001"}, {"SinceHours": "721"}, {"NextToken": "-1"}, {"UserName": "alice"}):
        assert company.call("DryRunPolicyChange", **sent, **more)[0] == 400
    assert company.call("DryRunPolicyChange", **(sent | {"PolicyDocument": "{}"}))[0] == 400
    assert company.call("DryRunPolicyChange", **(sent | {"PolicyName": "other"}))[0] == 404
