"""`ramgate receipts` and `ramgate why`: what an auditor and an administrator type."""

import json
from dataclasses import replace
from pathlib import Path

from sqlalchemy import text

from gateway.audit.decisions import record_decision
from gateway.audit.keeping import keep_records
from gateway.audit.packing import pack
from gateway.audit.receipts import record
from gateway.key_files import load_or_make_keys
from gateway.store.engine import Store
from tests.fake_clock import NOON
from tests.receipt_world import DECISION, RECEIPT
from tests.unit.cli.conftest import Ramgate


def kept(ramgate: Ramgate) -> Store:
    """A store with two receipts and a denial, under the gateway's own keys."""
    store = ramgate.store()
    ring, *_ = load_or_make_keys(ramgate.folder / "certs", NOON)
    keep_records(store, lambda: ring)
    with store.transaction() as session:
        record(session, RECEIPT)
        record(session, replace(RECEIPT, request_id="7B5A0F0E-0000-4000-8000-000000000003"))
    denied = replace(DECISION, outcome="ImplicitDeny", statement=None, conditions=())
    record_decision(store, denied)
    pack(store, ramgate.clock)
    return store


def test_verify__all_is_there__says_so(ramgate: Ramgate) -> None:
    kept(ramgate).dispose()
    assert "All is there and unchanged: 3 receipts and 1 decisions" in ramgate.ok("receipts", "verify")
    assert ramgate.json("receipts", "verify")["sound"] is True


def test_verify__entry_changed__exit_code_1_and_the_place(ramgate: Ramgate) -> None:
    store = kept(ramgate)
    with store.transaction() as session:
        session.execute(text("UPDATE receipts SET outcome = 'Denied' WHERE sequence = 2"))
    store.dispose()
    result = ramgate("receipts", "verify")
    assert result.exit_code == 1
    assert "00, entry 2: altered" in result.stdout
    found = json.loads(ramgate("receipts", "verify", "--json").stdout)
    assert found["breaks"][0]["sequence"] == 2


def test_verify__heads_kept_elsewhere__find_a_database_that_was_turned_back(ramgate: Ramgate, tmp_path: Path) -> None:
    store = kept(ramgate)
    database = ramgate.folder / "var" / "ramgate.sqlite3"
    with store.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    earlier = database.read_bytes()
    with store.transaction() as session:
        record(session, RECEIPT)
    store.dispose()
    heads = str(tmp_path / "heads.json")
    ramgate.ok("receipts", "verify", "--export-heads", heads)
    assert ramgate("receipts", "verify", "--heads", heads).exit_code == 0
    database.write_bytes(earlier)
    for name in ("-wal", "-shm"):
        database.with_name(database.name + name).unlink(missing_ok=True)
    assert ramgate("receipts", "verify").exit_code == 0
    assert ramgate("receipts", "verify", "--heads", heads).exit_code == 1


def test_export__checked_elsewhere__needs_public_keys_only(ramgate: Ramgate, tmp_path: Path) -> None:
    kept(ramgate).dispose()
    keys, lines = tmp_path / "keys.json", tmp_path / "chains.jsonl"
    ramgate.ok("receipts", "verify", "--export-keys", str(keys))
    ramgate.ok("receipts", "export", "--output", str(lines))
    assert ramgate("receipts", "verify", "--file", str(lines), "--keys", str(keys)).exit_code == 0
    whole = lines.read_text().splitlines(keepends=True)
    lines.write_text("".join(whole[:-1]))
    assert ramgate("receipts", "verify", "--file", str(lines), "--keys", str(keys)).exit_code == 1
    assert "203.0.113.9" not in "".join(whole)


def test_verify__file_without_keys_or_not_there__is_refused(ramgate: Ramgate, tmp_path: Path) -> None:
    assert ramgate.reason("receipts", "verify", "--file", str(tmp_path / "none")) == "ParameterMissing"
    keys = tmp_path / "keys.json"
    keys.write_text("{}")
    refused = ("receipts", "verify", "--file", str(tmp_path / "none"), "--keys", str(keys))
    assert ramgate.reason(*refused) == "ParameterInvalid"
    keys.write_text("[1]")
    assert ramgate.reason(*refused) == "ParameterInvalid"
    assert ramgate.reason("receipts", "verify", "--since", "yesterday") == "ParameterInvalid"


def test_why__change__tells_who_and_on_what_without_the_address(ramgate: Ramgate) -> None:
    kept(ramgate).dispose()
    story = ramgate.ok("why", RECEIPT.request_id)
    assert "CreateUser by acs:ram::1234567890123456:user/alice: Allow." in story
    assert "acs:ram::1:user/bob" in story
    assert "203.0.113.9" not in story
    assert "an IPv4 address" in story
    assert "7B5A0F0E-0000-4000-8000-000000000003" in story  # of the same session


def test_why__denial__tells_what_would_help(ramgate: Ramgate) -> None:
    kept(ramgate).dispose()
    story = ramgate.ok("why", DECISION.request_id.lower())
    assert "was denied: nothing in the policies attached for the whole account allows it" in story
    assert "What would help: attach a policy that allows `ram:ListUsers`" in story
    told = ramgate.json("why", DECISION.request_id)
    assert told["decisions"][0]["outcome"] == "ImplicitDeny"
    assert "203.0.113.9" not in json.dumps(told)


def test_why__nothing_known__says_so(ramgate: Ramgate) -> None:
    kept(ramgate).dispose()
    assert ramgate.reason("why", "7B5A0F0E-0000-4000-8000-00000000FFFF") == "NotFound"
    assert ramgate.reason("why", RECEIPT.request_id, "--account", "example") == "NotFound"
