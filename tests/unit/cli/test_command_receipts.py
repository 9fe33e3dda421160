"""Whoever changes something by the command line leaves a receipt, as everybody else does."""

import getpass
import json

import pytest

from gateway.audit.keeping import keep_records
from gateway.audit.receipts import Receipt, list_receipts
from gateway.audit.stored import verify_database
from gateway.key_files import load_or_make_keys
from tests.unit.cli.conftest import OWNER_PASSWORD, Ramgate


def receipts_of(ramgate: Ramgate) -> list[Receipt]:
    """Of commands, oldest first; the chain is sound."""
    store = ramgate.store()
    try:
        ring = load_or_make_keys(ramgate.folder / "certs", ramgate.clock.now())[0]
        notary = keep_records(store, lambda: ring)
        with store.reading() as session:
            assert verify_database(session, notary).sound
            return [each for each in reversed(list_receipts(session)) if each.kind.startswith("cli:")]
    finally:
        store.dispose()


def test_command__changes__leaves_a_receipt_of_who_ran_it_on_what(ramgate: Ramgate) -> None:
    ramgate.ok("user", "create", "alice", "--display-name", "Alice.Person")
    receipt = receipts_of(ramgate)[-1]
    assert (receipt.kind, receipt.outcome, receipt.principal_arn) == ("cli:user create", "Done", None)
    assert receipt.account_id == ramgate.json("account", "show")["account_id"]
    details = receipt.details
    assert (details["operator"], details["named"]) == (getpass.getuser(), ["alice"])
    assert (details["options"], details["values"]) == (["--display-name"], ["--display-name Alice.Person"])


def test_init__done__leaves_the_first_receipt_without_the_password(ramgate: Ramgate) -> None:
    (receipt,) = receipts_of(ramgate)
    assert receipt.kind == "cli:init"
    assert receipt.account_id == ramgate.json("account", "show")["account_id"]
    assert OWNER_PASSWORD not in str(receipt)


@pytest.mark.parametrize(
    "words", [("user", "list"), ("account", "show"), ("key", "list"), ("keys", "list"), ("why",)], ids=" ".join
)
def test_command__reads__leaves_none(ramgate: Ramgate, words: tuple[str, ...]) -> None:
    ramgate.ok(*words)
    assert len(receipts_of(ramgate)) == 1


def test_command__refused__leaves_none(ramgate: Ramgate) -> None:
    assert ramgate.reason("user", "delete", "nobody") == "NotFound"
    assert len(receipts_of(ramgate)) == 1


def test_command__generates_a_password__keeps_it_nowhere(ramgate: Ramgate) -> None:
    made = ramgate.json("account", "set-owner-password", "--generate-password")
    last = receipts_of(ramgate)[-1]
    assert last.kind == "cli:account set-owner-password"
    assert made["owner_password"] not in str(last)
    made = ramgate.json("key", "create")
    assert made["access_key_secret"] not in str(receipts_of(ramgate)[-1])


def test_command__takes_a_file__names_its_digest(ramgate: Ramgate) -> None:
    document = {
        "Version": "1",
        "Statement": [{"Effect": "Allow", "Action": "oss:*", "Resource": "acs:oss:*:*:secret-bucket"}],
    }
    ramgate.ok("policy", "create", "readers", "-", stdin=json.dumps(document))
    receipt = receipts_of(ramgate)[-1]
    assert "secret-bucket" not in str(receipt)
    assert "sha256:" in str(receipt.details)


@pytest.mark.parametrize("words", [("keys", "next"), ("key", "rotate")], ids=" ".join)
def test_keys_command__changes_files__leaves_a_receipt_that_holds(ramgate: Ramgate, words: tuple[str, ...]) -> None:
    ramgate.ok(*words)
    ramgate.ok("user", "create", "alice")  # signed under the keys from now on
    assert [each.kind for each in receipts_of(ramgate)] == ["cli:init", f"cli:{' '.join(words)}", "cli:user create"]


def test_why__command_line__tells_it_in_plain_words(ramgate: Ramgate) -> None:
    ramgate.ok("user", "create", "alice", "--display-name", "Alice.Person")
    newest = ramgate.json("why")[0]
    assert newest["kind"] == "cli:user create"
    story = ramgate.ok("why", newest["request_id"])
    assert f"cli:user create by the command line of {getpass.getuser()}: Done." in story
    assert "on: alice" in story
    assert "Alice.Person" not in story


def test_revoke__assertion_with_address__address_is_not_shown(ramgate: Ramgate) -> None:
    ramgate.ok("revoke", "assertion", "https://idp.example.com#alice@example.com")
    story = ramgate.ok("why", ramgate.json("why")[0]["request_id"])
    assert "cli:revoke" in story
    assert "alice@example.com" not in story
