import json
from pathlib import Path

from gateway.directory.access_keys import find_access_key
from gateway.directory.accounts import check_owner_password
from gateway.directory.password_login import check_user_password
from gateway.errors import Reason
from gateway.key_files import load_or_make_keys
from gateway.secret import Secret
from tests.fake_clock import NOON
from tests.unit.cli.conftest import Ramgate

POLICY = json.dumps({"Version": "1", "Statement": [{"Effect": "Allow", "Action": "oss:*", "Resource": "*"}]})


def test_account__names_and_domains__can_be_changed(ramgate: Ramgate) -> None:
    ramgate.ok("account", "set-alias", "trading")
    ramgate.ok("account", "set-session-hours", "12")
    ramgate.ok("account", "add-domain", "example.com")
    ramgate.ok("account", "auxiliary-domain", "example.org")
    shown = ramgate.json("account", "show")
    assert shown["default_domain"] == "trading.onaliyun.com"
    assert shown["domain_aliases"] == ["example.com"]
    assert (shown["auxiliary_domain"], shown["login_session_hours"]) == ("example.org", 12)
    ramgate.ok("account", "remove-domain", "example.com")
    ramgate.ok("account", "auxiliary-domain")
    ramgate.ok("account", "set-alias")
    shown = ramgate.json("account", "show")
    assert (shown["domain_aliases"], shown["auxiliary_domain"]) == ([], None)
    assert shown["alias"] == shown["account_id"]


def test_account_set_owner_password__lost_password__is_replaced(ramgate: Ramgate) -> None:
    password = ramgate.json("account", "set-owner-password", "--generate-password")["owner_password"]
    store = ramgate.store()
    with store.reading() as session:
        assert check_owner_password(session, "owner", Secret(password)).owner_login == "owner"
    store.dispose()


def test_user__whole_life__leaves_nothing(ramgate: Ramgate) -> None:
    account_id = ramgate.json("account", "show")["account_id"]
    ramgate.ok("user", "create", "alice", "--display-name", "Alice")
    assert ramgate.reason("user", "create", "ALICE") == Reason.ALREADY_EXISTS
    password = ramgate.json("user", "set-password", "alice", "--generate-password")["password"]
    ramgate.ok("user", "set-password", "alice", "--password-stdin", stdin="Another-Horse-7\n")
    store = ramgate.store()
    with store.reading() as session:
        known = check_user_password(session, account_id, "alice", Secret("Another-Horse-7"), NOON)
        assert known.user.name == "alice"
    store.dispose()
    assert password != "Another-Horse-7"
    assert ramgate.json("user", "update", "alice", "--comments", "on leave")["comments"] == "on leave"
    assert ramgate.json("user", "update", "alice", "--name", "alina")["name"] == "alina"
    assert ramgate.json("user", "update", "alina", "--name", "alice")["comments"] == "on leave"
    ramgate.ok("user", "sign-out", "alice")
    assert ramgate.json("user", "show", "alice")["has_password"] is True
    assert ramgate.reason("user", "delete", "alice") == Reason.DELETE_CONFLICT
    ramgate.ok("user", "remove-password", "alice")
    ramgate.ok("user", "delete", "alice")
    assert ramgate.json("user", "list") == []


def test_group__members_and_policies__come_and_go(ramgate: Ramgate) -> None:
    ramgate.ok("user", "create", "bob")
    ramgate.ok("group", "create", "developers", "--comments", "who build things")
    ramgate.ok("group", "add-user", "developers", "bob")
    ramgate.ok("policy", "attach", "ReadOnlyAccess", "--system", "--group", "developers")
    shown = ramgate.json("group", "show", "developers")
    assert (shown["members"], shown["policies"]) == (["bob"], ["ReadOnlyAccess"])
    assert ramgate.json("user", "show", "bob")["groups"] == ["developers"]
    assert ramgate.reason("group", "delete", "developers") == Reason.DELETE_CONFLICT
    ramgate.ok("group", "remove-user", "developers", "bob")
    ramgate.ok("policy", "detach", "ReadOnlyAccess", "--system", "--group", "developers")
    ramgate.ok("group", "delete", "developers")
    assert ramgate.json("group", "list") == []


def test_policy__versions__can_be_managed(ramgate: Ramgate) -> None:
    ramgate.ok("policy", "create", "team", "-", stdin=POLICY)
    narrower = POLICY.replace("oss:*", "oss:GetObject")
    assert ramgate.json("policy", "add-version", "team", "-", "--default", stdin=narrower)["version"] == "v2"
    assert json.loads(ramgate.ok("policy", "show", "team")) == json.loads(narrower)
    assert json.loads(ramgate.ok("policy", "show", "team", "--version", "v1")) == json.loads(POLICY)
    assert [row["default"] for row in ramgate.json("policy", "versions", "team")] == [False, True]
    ramgate.ok("policy", "set-default", "team", "v1")
    assert ramgate.json("policy", "list")[0]["default_version"] == "v1"
    assert ramgate.reason("policy", "delete", "team") == Reason.DELETE_CONFLICT
    ramgate.ok("policy", "delete-version", "team", "v2")
    ramgate.ok("policy", "delete", "team")
    assert ramgate.json("policy", "list") == []


def test_policy_check__malformed__is_refused_without_storing(ramgate: Ramgate) -> None:
    assert ramgate.json("policy", "check", "-", stdin=POLICY) == {"well_formed": True, "findings": []}
    assert ramgate.reason("policy", "check", "-", stdin="{}") == Reason.POLICY_MALFORMED
    assert ramgate.reason("policy", "create", "team", "-", stdin="{}") == Reason.POLICY_MALFORMED
    assert ramgate.json("policy", "list") == []


def test_policy_create__not_utf_8__is_refused_in_json(ramgate: Ramgate) -> None:
    file = ramgate.folder / "policy.json"
    assert "No such file" in ramgate("policy", "check", str(file)).stderr
    for words in (("policy", "create", "team", str(file)), ("role", "create", "reader", "--trust", str(file))):
        file.write_bytes(POLICY.encode("utf-16"))
        result = ramgate(*words, "--json")
        assert (result.exit_code, result.stdout) == (2, "")
        assert "not in UTF-8" in json.loads(result.stderr)["error"]["message"]
    file.write_bytes(b"\xef\xbb\xbf" + POLICY.encode())
    ramgate.ok("policy", "create", "team", str(file))
    assert ramgate.json("policy", "show", "team")["document"] == POLICY


def test_policy_system__listed_and_shown__as_they_come(ramgate: Ramgate) -> None:
    names = [row["name"] for row in ramgate.json("policy", "list", "--system")]
    assert "AdministratorAccess" in names
    assert "Statement" in json.loads(ramgate.ok("policy", "show", "AdministratorAccess", "--system"))
    assert ramgate.reason("policy", "show", "NoSuchAccess", "--system") == Reason.NOT_FOUND


def test_policy_attach__no_or_two_targets__is_wrong_usage(ramgate: Ramgate) -> None:
    for words in ((), ("--user", "a", "--role", "b")):
        assert ramgate("policy", "attach", "ReadOnlyAccess", "--system", *words).exit_code == 2


def test_role__for_a_provider__trusts_it_for_our_consumer_url(ramgate: Ramgate, idp_xml: Path) -> None:
    ramgate.ok("provider", "create", "CompanyIdP", str(idp_xml))
    ramgate.ok("role", "create", "reader", "--provider", "companyidp", "--max-session", "7200")
    ramgate.ok("policy", "attach", "ReadOnlyAccess", "--system", "--role", "reader")
    shown = ramgate.json("role", "show", "reader")
    statement = json.loads(shown["trust_policy"])["Statement"][0]
    provider_arn = ramgate.json("provider", "show", "CompanyIdP")["arn"]
    assert statement["Principal"] == {"Federated": [provider_arn]}
    assert statement["Condition"] == {"StringEquals": {"saml:recipient": "https://sso.example.com/saml-role/sso"}}
    assert (shown["max_session_seconds"], shown["policies"]) == (7200, ["ReadOnlyAccess"])
    assert ramgate.json("policy", "attached", "--role", "reader")[0]["type"] == "System"
    ramgate.ok("role", "update", "reader", "--max-session", "3600", "--trust", "-", stdin=shown["trust_policy"])
    ramgate.ok("role", "sign-out", "reader")
    ramgate.ok("policy", "detach", "ReadOnlyAccess", "--system", "--role", "reader")
    ramgate.ok("role", "delete", "reader")
    assert ramgate.json("role", "list") == []


def test_role__without_or_with_unusable_trust__is_refused(ramgate: Ramgate) -> None:
    assert ramgate("role", "create", "reader").exit_code == 2
    assert ramgate.reason("role", "create", "reader", "--provider", "nobody") == Reason.NOT_FOUND
    assert ramgate.reason("role", "create", "reader", "--trust", "-", stdin="{}") == Reason.POLICY_MALFORMED


def test_key__whole_life__follows_status(ramgate: Ramgate) -> None:
    ramgate.ok("user", "create", "bob")
    key = ramgate.json("key", "create", "--user", "bob")
    key_id = key["access_key_id"]
    assert key["access_key_secret"] not in ramgate.ok("key", "list", "--user", "bob")
    ramgate.ok("key", "disable", key_id, "--user", "bob")
    assert ramgate.json("key", "list", "--user", "bob")[0]["status"] == "Inactive"
    ramgate.ok("key", "enable", key_id, "--user", "bob")
    assert ramgate.json("key", "list", "--user", "bob")[0]["status"] == "Active"
    assert ramgate.reason("key", "delete", key_id) == Reason.NOT_FOUND  # it is not the owner's
    ramgate.ok("key", "delete", key_id, "--user", "bob")
    assert ramgate.json("key", "list", "--user", "bob") == []


def test_key_rotate__old_secrets__still_open(ramgate: Ramgate) -> None:
    key = ramgate.json("key", "create")
    before, _ = load_or_make_keys(ramgate.folder / "certs", ramgate.clock.now())
    assert ramgate.json("key", "rotate") == {"master_keys": 2}
    after, _ = load_or_make_keys(ramgate.folder / "certs", ramgate.clock.now())
    assert after.keys[0] not in before.keys
    assert after.keys[1:] == before.keys
    store = ramgate.store()
    with store.reading() as session:
        found = find_access_key(session, after, key["access_key_id"])
    store.dispose()
    assert found is not None
    assert found.secret == Secret(key["access_key_secret"])
