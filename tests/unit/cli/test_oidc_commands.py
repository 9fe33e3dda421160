"""`ramgate oidc` and `ramgate rule`."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.directory.accounts import list_accounts
from gateway.directory.identity_links import link_user
from gateway.directory.oidc_providers import get_oidc_provider
from gateway.directory.oidc_sign_in import find_oidc_sign_in
from gateway.directory.users import get_user
from gateway.errors import Reason
from gateway.federation.registered import get_registered
from gateway.identity import Protocol
from gateway.key_files import load_or_make_keys
from tests.fake_clock import NOON
from tests.openid_provider import OpenIdProvider
from tests.unit.cli.conftest import Ramgate

ISSUER = "https://op.example.com"
SECRET = "a-very-secret-text"


def make(ramgate: Ramgate) -> str:
    made = ramgate.json("oidc", "create", "corp", ISSUER, "--client-id", "sts", "--description", "ours")
    assert (made["use"], made["sign_in"], made["client_ids"]) == ("none", None, ["sts"])
    return str(made["arn"])


def set_up(ramgate: Ramgate) -> None:
    make(ramgate)
    ramgate.ok("oidc", "sign-in", "corp", "--client-id", "web", "--client-secret-stdin", stdin=SECRET + "\n")


def test_oidc__created_changed_and_deleted(ramgate: Ramgate) -> None:
    arn = make(ramgate)
    account_id = arn.split(":")[3]
    shown = ramgate.json("oidc", "show", "corp")
    assert shown["redirect_uri"] == f"https://sso.example.com/oidc/callback/{account_id}/corp"
    changed = ramgate.json("oidc", "update", "corp", "--add-fingerprint", "ab" * 20, "--issuance-limit", "24")
    assert (changed["fingerprints"], changed["issuance_limit_h"], changed["client_ids"]) == (["ab" * 20], 24, ["sts"])
    assert ramgate.json("oidc", "update", "corp", "--remove-fingerprint", "AB" * 20)["fingerprints"] == []
    assert [row["name"] for row in ramgate.json("oidc", "list")] == ["corp"]
    ramgate.ok("oidc", "delete", "corp")
    assert ramgate.json("oidc", "list") == []


def test_oidc_create__plain_http__is_refused_outside_development(ramgate: Ramgate) -> None:
    assert ramgate.reason("oidc", "create", "corp", "http://127.0.0.1:1") == Reason.PARAMETER_INVALID
    assert ramgate.reason("oidc", "discover", "http://127.0.0.1:1") == Reason.PARAMETER_INVALID


def test_oidc_discover__on_this_machine__needs_development(ramgate: Ramgate) -> None:
    with OpenIdProvider(ramgate.clock) as op:
        assert ramgate.reason("oidc", "discover", op.issuer) == Reason.PARAMETER_INVALID
        local = replace(ramgate, base_url="http://127.0.0.1:8080")
        found = {row["topic"]: row for row in local.json("oidc", "discover", op.issuer)}
        assert found["PKCE"]["found"] == "S256"
        assert found["Pushed requests"]["lacks"]
        op.answers = {"/.well-known/openid-configuration": lambda: (404, {})}
        assert local.reason("oidc", "discover", op.issuer) == Reason.OIDC_UNAVAILABLE


def test_oidc_sign_in__secret__is_read_from_standard_input_and_never_shown(ramgate: Ramgate) -> None:
    set_up(ramgate)
    changed = ("--acr", "gold", "--acr", "silver", "--max-age", "60", "--user-info", "--prompt", "login")
    ramgate.ok("oidc", "sign-in", "corp", *changed)
    shown = ramgate.json("oidc", "show", "corp")
    assert SECRET not in json.dumps(shown)
    assert shown["sign_in"] == {
        "client_id": "web",
        "method": "client_secret_basic",
        "secret_expires_at": None,
        "scopes": ["openid", "profile", "email"],
        "acr_values": ["gold", "silver"],
        "prompt": ["login"],
        "max_age_s": 60,
        "user_info": True,
    }
    store = ramgate.store()
    ring, _ = load_or_make_keys(ramgate.folder / "certs", NOON)
    with store.reading() as session:
        account = list_accounts(session)[0]
        found = find_oidc_sign_in(session, ring, get_oidc_provider(session, account.id, "corp"))
    store.dispose()
    assert found is not None
    assert found.client.secret is not None
    assert found.client.secret.reveal() == SECRET


def test_oidc_sign_in__new_client_without_what_it_needs__is_refused(ramgate: Ramgate) -> None:
    make(ramgate)
    assert ramgate.reason("oidc", "sign-in", "corp", "--client-id", "web") == Reason.PARAMETER_MISSING
    assert ramgate.reason("oidc", "sign-in", "corp", "--method", "private_key_jwt") == Reason.PARAMETER_MISSING
    empty = ramgate.reason("oidc", "sign-in", "corp", "--client-id", "web", "--client-secret-stdin", stdin="\n")
    assert empty == Reason.PARAMETER_INVALID
    ramgate.ok("oidc", "sign-in", "corp", "--client-id", "web", "--method", "private_key_jwt")
    ramgate.ok("oidc", "no-sign-in", "corp")
    assert ramgate.json("oidc", "show", "corp")["sign_in"] is None
    assert ramgate.reason("oidc", "no-sign-in", "corp") == Reason.NOT_FOUND


def test_oidc_login__what_is_not_given__stays(ramgate: Ramgate) -> None:
    set_up(ramgate)
    ramgate.ok("group", "create", "newcomers")
    given = ("--logon-name", "oidc:claim/email", "--create-users", "--new-user-group", "newcomers")
    ramgate.ok(
        "oidc", "login", "corp", "--use", "both", *given, "--second-factor", "mfa", "--session-name", "${oidc:sub}"
    )
    ramgate.ok("oidc", "login", "corp", "--use", "user", "--no-second-factor")
    shown = ramgate.json("oidc", "show", "corp")
    assert shown["use"] == "user"
    assert shown["login"]["creates_users"] is True
    assert (shown["login"]["session_name"], shown["login"]["second_factors"]) == ("${oidc:sub}", [])


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("--use", "user"), Reason.PARAMETER_INVALID),
        (("--session-name", "a b"), Reason.PARAMETER_INVALID),
        (("--new-user-group", "ghosts"), Reason.NOT_FOUND),
        (("--second-factor", "pwd"), Reason.PARAMETER_INVALID),
    ],
)
def test_oidc_login__bad_setting__is_refused(ramgate: Ramgate, words: tuple[str, ...], reason: Reason) -> None:
    set_up(ramgate)
    assert ramgate.reason("oidc", "login", "corp", *words) == reason


def test_oidc_links__user__is_listed_and_unlinked(ramgate: Ramgate) -> None:
    make(ramgate)
    ramgate.ok("user", "create", "alice")
    store = ramgate.store()
    with store.transaction() as session:
        account = list_accounts(session)[0]
        registered = get_registered(session, account.id, Protocol.OIDC, "corp")
        link_user(session, registered.key, "77", get_user(session, account.id, "alice"), now=NOON)
    store.dispose()
    assert [row["user"] for row in ramgate.json("oidc", "links", "corp")] == ["alice"]
    ramgate.ok("oidc", "unlink", "corp", "alice")
    assert ramgate.json("oidc", "links", "corp") == []
    assert ramgate.reason("oidc", "unlink", "corp", "alice") == Reason.NOT_FOUND


def test_rule__created_changed_moved_tried_and_deleted(ramgate: Ramgate, tmp_path: Path) -> None:
    arn = make(ramgate)
    role = f"acs:ram::{arn.split(':')[3]}:role/reader"
    condition = tmp_path / "condition.json"
    condition.write_text('{"StringEquals": {"oidc:claim/groups": ["admins"]}}')
    usual = ("--oidc", "corp", "--role", role, "--session-name", "${oidc:sub}")
    ramgate.ok("rule", "create", "admins", *usual, "--condition", str(condition), "--max-duration", "900")
    ramgate.ok("rule", "create", "everybody", *usual)
    ramgate.ok("rule", "move", "everybody", "1", "--oidc", "corp")
    assert [row["name"] for row in ramgate.json("rule", "list", "--oidc", "corp")] == ["everybody", "admins"]
    changed = ramgate.json("rule", "update", "admins", "--oidc", "corp", "--max-duration", "0")
    assert (changed["max_duration_s"], changed["condition"]) == (None, condition.read_text())
    tried = ramgate.json("rule", "try", "-", "--oidc", "corp", stdin='{"sub": "77", "groups": "Admins"}')
    assert [(row["name"], row["met"]) for row in tried] == [("everybody", True), ("admins", False)]
    assert tried[1]["why"]
    ramgate.ok("rule", "delete", "admins", "--oidc", "corp")
    assert len(ramgate.json("rule", "list", "--oidc", "corp")) == 1


def test_rule__of_a_saml_provider__is_its_own(ramgate: Ramgate, idp_xml: Path) -> None:
    arn = ramgate.json("provider", "create", "corp", str(idp_xml))["arn"]
    role = f"acs:ram::{arn.split(':')[3]}:role/reader"
    ramgate.ok("rule", "create", "all", "--saml", "corp", "--role", role, "--session-name", "${saml:sub}")
    tried = ramgate.json("rule", "try", "-", "--saml", "corp", stdin='{"NameID": "alice"}')
    assert tried[0]["session_name"] == "alice"


def test_rule__bad_words__are_refused(ramgate: Ramgate) -> None:
    arn = make(ramgate)
    role = f"acs:ram::{arn.split(':')[3]}:role/reader"
    assert ramgate.reason("rule", "list") == Reason.PARAMETER_MISSING
    assert ramgate.reason("rule", "list", "--oidc", "corp", "--saml", "corp") == Reason.PARAMETER_MISSING
    assert ramgate.reason("rule", "list", "--oidc", "ghost") == Reason.NOT_FOUND
    new = ("rule", "create", "a", "--oidc", "corp", "--role", role, "--session-name")
    assert ramgate.reason(*new, "a b") == Reason.PARAMETER_INVALID
    assert ramgate.reason(*new, "abc", "--condition", "-", stdin="{]") == Reason.POLICY_MALFORMED
    assert ramgate.reason("rule", "try", "-", "--oidc", "corp", stdin="[]") == Reason.PARAMETER_INVALID


def test_oidc_sign_in__asked_for_the_secret__hides_it(ramgate: Ramgate) -> None:
    make(ramgate)
    said = ramgate.ok("oidc", "sign-in", "corp", "--client-id", "web", "--ask-client-secret", stdin=SECRET + "\n")
    assert SECRET not in said
    both = ("oidc", "sign-in", "corp", "--ask-client-secret", "--client-secret-stdin")
    assert ramgate.reason(*both, stdin=SECRET) == Reason.PARAMETER_INVALID
