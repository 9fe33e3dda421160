"""`ramgate key networks`: the way back in for whoever a network policy shut out."""

import json

from gateway.directory.access_key_policies import set_account_policy, set_key_policy
from gateway.directory.network_policies import NO_POLICY, parse_network_policy
from gateway.errors import Reason
from tests.unit.cli.conftest import Ramgate

DOCUMENT = '{"Version":1,"Status":"Active","Statements":[{"Type":"ClassicWhiteList","IPList":["192.0.2.0/24"]}]}'


def test_key_networks__policies_of_key_and_account__are_shown_and_lifted(ramgate: Ramgate) -> None:
    account_id = ramgate.json("account", "show")["account_id"]
    key_id = ramgate.json("key", "create")["access_key_id"]
    store = ramgate.store()
    with store.transaction() as session:
        policy = parse_network_policy(DOCUMENT)
        set_account_policy(session, account_id, policy)
        set_key_policy(session, account_id=account_id, user_id=None, access_key_id=key_id, policy=policy)
    store.dispose()
    nothing = json.loads(NO_POLICY.render())
    for of in ((), (key_id,)):
        assert json.loads(ramgate.json("key", "networks", *of)["policy"]) == json.loads(DOCUMENT)
        assert json.loads(ramgate.json("key", "networks", *of, "--lift")["policy"]) == nothing
        assert json.loads(ramgate.json("key", "networks", *of)["policy"]) == nothing


def test_key_networks__key_of_somebody_else__not_found(ramgate: Ramgate) -> None:
    ramgate.ok("user", "create", "alice")
    key_id = ramgate.json("key", "create")["access_key_id"]
    assert ramgate.reason("key", "networks", key_id, "--user", "alice") == Reason.NOT_FOUND
