"""`ramgate simulate`, `reach` and `--dry-run`: they tell, and save nothing."""

import json

from gateway.audit.decisions import decision_record, record_decision
from gateway.audit.keeping import keep_records
from gateway.audit.packing import pack
from gateway.directory.accounts import list_accounts
from gateway.directory.authorization import Authorizer
from gateway.directory.users import get_user
from gateway.errors import Reason
from gateway.key_files import load_or_make_keys
from gateway.principal import RamUser
from tests.fake_clock import NOON
from tests.unit.cli.conftest import Ramgate
from tests.unit.simulation.world import INSIDE, document, statement, trust


def set_up(ramgate: Ramgate) -> str:
    """Alice may get objects from inside, and is trusted by role reader; she got one from inside at noon. Her ARN."""
    with ramgate.store().reading() as session:
        account_id = list_accounts(session)[0].id
    arn = f"acs:ram::{account_id}:user/alice"
    ramgate.ok("user", "create", "alice")
    reads = document(statement("oss:Get*", condition=INSIDE), statement("sts:AssumeRole"))
    ramgate.ok("policy", "create", "reads", "-", stdin=reads)
    ramgate.ok("policy", "attach", "reads", "--user", "alice")
    ramgate.ok("role", "create", "reader", "--trust", "-", stdin=trust(arn))
    store = ramgate.store()
    keep_records(store, lambda: load_or_make_keys(ramgate.folder / "certs", NOON)[0])
    with store.reading() as session:
        alice = RamUser(account_id, get_user(session, account_id, "alice").id, "alice")
        context = {"acs:SourceIp": ("10.0.0.1",)}
        decision = Authorizer(ramgate.clock).decide(
            session, alice, "oss:GetObject", f"acs:oss:*:{account_id}:b/k", context
        )
    kept = decision_record(decision, alice, at=NOON, request_id="REQUEST-1", operation="GetObject")
    record_decision(store, kept)
    pack(store, ramgate.clock)
    return arn


def test_simulate_call__steps__are_told_and_the_exit_code_says_whether(ramgate: Ramgate) -> None:
    arn = set_up(ramgate)
    role = arn.replace("user/alice", "role/reader")
    told = ramgate.json("simulate", "call", arn, "--role", role)
    assert (told["allowed"], [step["step"] for step in told["steps"]]) == (
        True,
        ["AssumeRolePermission", "TrustPolicy"],
    )
    get = ("simulate", "call", arn, "oss:GetObject", "acs:oss:*:*:b/k")
    assert "allowed" in ramgate.ok(*get, "--context", '{"acs:SourceIp": "10.0.0.1"}')
    denied = ramgate(*get, "--context", '{"acs:SourceIp": "192.0.2.1"}')
    assert (denied.exit_code, "What would help: the nearest statement" in denied.stdout) == (1, True)
    assert ramgate.reason(*get, "--context", "nothing") == Reason.PARAMETER_INVALID


def test_reach__role_and_resource__name_alice(ramgate: Ramgate) -> None:
    arn = set_up(ramgate)
    (found,) = ramgate.json("reach", "role", "reader")
    assert (found["principal"], found["reaches"]) == (arn, "Always")
    (found,) = ramgate.json("reach", "resource", "oss:GetObject", "acs:oss:*:*:b/k")
    assert (found["reaches"], found["such_as"]) == ("If", ["acs:sourceip=10.0.0.0"])
    assert ramgate.json("reach", "resource", "oss:PutObject", "acs:oss:*:*:b/k") == []


def test_dry_run__every_command_that_has_it__tells_flips_and_saves_nothing(ramgate: Ramgate) -> None:
    arn = set_up(ramgate)
    other = document(statement("oss:Put*"))
    before = ramgate.json("policy", "versions", "reads")
    told = ramgate.json("policy", "add-version", "reads", "-", "--dry-run", stdin=other)
    assert (told["allow_to_deny"], told["flips"][0]["principal"]) == (1, arn)
    assert "nothing was saved" in ramgate.ok(
        "policy", "detach", "reads", "--user", "alice", "--dry-run", "--since", "2d"
    )
    ramgate.ok("policy", "attach", "AliyunOSSFullAccess", "--system", "--user", "alice", "--dry-run")
    told = ramgate.json("role", "update", "reader", "--dry-run", "--trust", "-", stdin=trust(f"{arn}2"))
    assert told["change"] == "trust policy of role reader"
    assert ramgate.json("policy", "versions", "reads") == before
    assert [row["name"] for row in ramgate.json("policy", "attached", "--user", "alice")] == ["reads"]
    assert json.loads(ramgate.json("role", "show", "reader")["trust_policy"]) == json.loads(trust(arn))
    assert ramgate("policy", "add-version", "reads", "-", "--dry-run", "--since", "soon", stdin=other).exit_code == 2
    assert ramgate("role", "update", "reader", "--dry-run").exit_code == 2


def test_dry_run__mapping_rules__are_not_saved_either(ramgate: Ramgate) -> None:
    set_up(ramgate)
    ramgate.ok("oidc", "create", "issuer", "https://issuer.example.com", "--client-id", "sts")
    role = "acs:ram::1234567890123456:role/reader"
    words = ("rule", "create", "r", "--oidc", "issuer", "--role", role, "--session-name", "${oidc:sub}")
    assert ramgate.json(*words, "--dry-run")["logins"]["asked"] == 0
    assert ramgate.json("rule", "list", "--oidc", "issuer") == []
    ramgate.ok(*words)
    ramgate.ok("rule", "delete", "r", "--oidc", "issuer", "--dry-run")
    ramgate.ok("rule", "update", "r", "--oidc", "issuer", "--session-name", "${oidc:iss}x", "--dry-run")
    (row,) = ramgate.json("rule", "list", "--oidc", "issuer")
    assert row["session_name"] == "${oidc:sub}"
