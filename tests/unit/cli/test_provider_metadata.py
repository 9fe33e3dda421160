"""`ramgate provider source|refresh|staged|approve|promote|discard|rollback`."""

from pathlib import Path

import pytest

from gateway.audit.receipts import list_receipts
from gateway.errors import Reason
from tests.metadata_documents import NEW, OLD, document, print_of
from tests.saml_factory import signing_key
from tests.unit.cli.conftest import Ramgate


@pytest.fixture
def corp(ramgate: Ramgate) -> Ramgate:
    ramgate.ok("provider", "create", "corp", "-", stdin=document().decode())
    return ramgate


def stage(ramgate: Ramgate, *keys: str) -> None:
    made = ramgate.json("provider", "update", "corp", "--metadata", "-", stdin=document(*keys).decode())
    assert made["metadata"] == "Staged"


def in_force(ramgate: Ramgate) -> list[str]:
    source = ramgate.json("provider", "source", "corp")
    return [each["fingerprint"] for each in source["certificates"] if each["state"] == "active"]


def test_staged__new_certificate__says_what_it_changes_and_how_risky_that_is(corp: Ramgate) -> None:
    stage(corp, NEW)
    (row,) = corp.json("provider", "staged", "corp")
    assert (row["state"], row["risk"], row["brought_by"]) == ("staged", "high", "the command line")
    assert print_of(NEW) in row["changes"][0]
    assert in_force(corp) == [print_of(OLD)]
    assert "staged" in corp.ok("provider", "staged", "corp")


def test_promote_and_rollback__by_hand__there_and_back_again(corp: Ramgate) -> None:
    stage(corp, NEW)
    assert corp.json("provider", "promote", "corp")["certificates_in_force"] == [print_of(NEW)]
    assert in_force(corp) == [print_of(NEW)]
    assert corp.json("provider", "rollback", "corp")["certificates_in_force"] == [print_of(OLD)]
    assert [row["state"] for row in corp.json("provider", "staged", "corp")] == ["waiting"]
    corp.ok("provider", "approve", "corp")
    assert [row["state"] for row in corp.json("provider", "staged", "corp")] == ["staged"]
    corp.ok("provider", "discard", "corp")
    assert corp.json("provider", "staged", "corp") == []
    store = corp.store()
    with store.reading() as session:
        receipts = list_receipts(session)
    store.dispose()
    by_commands = [each for each in receipts if each.kind.startswith("cli:provider ")]
    requests = {each.request_id: each.kind for each in by_commands}
    for kind in ("MetadataDiscarded", "MetadataApproved", "MetadataRolledBack", "MetadataPromoted"):
        assert next(each.request_id for each in receipts if each.kind == kind) in requests
    assert [each.kind for each in receipts if not each.kind.startswith("cli:")] == [
        "MetadataDiscarded",
        "MetadataApproved",
        "MetadataRolledBack",
        "MetadataPromoted",
        "MetadataStaged",
    ]


@pytest.mark.parametrize("command", ["promote", "rollback", "approve", "discard"])
def test_decision__nothing_to_decide__refused(corp: Ramgate, command: str) -> None:
    assert corp.reason("provider", command, "corp") == Reason.NOT_FOUND
    assert corp.reason("provider", command, "nobody") == Reason.NOT_FOUND
    assert corp.reason("provider", command, "--user-sso") == Reason.NOT_FOUND
    assert corp.reason("provider", command) == Reason.PARAMETER_INVALID
    assert corp.reason("provider", command, "corp", "--user-sso") == Reason.PARAMETER_INVALID


def test_source__url_with_an_anchor__is_kept_and_can_be_taken_back(corp: Ramgate, tmp_path: Path) -> None:
    anchor = tmp_path / "anchor.pem"
    anchor.write_text(signing_key("federation").certificate_pem)
    url = "https://idp.example.com/metadata"
    made = corp.json("provider", "source", "corp", "--url", url, "--anchor", str(anchor))
    assert (made["kind"], made["url"], made["trust_tls"]) == ("url", url, False)
    assert made["anchors"] == [print_of("federation")]
    assert made["next_attempt"] is not None
    taken = corp.json("provider", "source", "corp", "--none")
    assert (taken["kind"], taken["url"], taken["anchors"], taken["next_attempt"]) == ("pasted", "", [], None)
    assert corp.reason("provider", "refresh", "corp") == Reason.NOT_FOUND


def test_source__bad_url_or_anchor__refused(corp: Ramgate, tmp_path: Path) -> None:
    bad = tmp_path / "bad.pem"
    bad.write_text("-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n")
    url = "https://idp.example.com/metadata"
    assert corp.reason("provider", "source", "corp", "--url", url, "--anchor", str(bad)) == Reason.PARAMETER_INVALID
    for wrong in ("http://idp.example.com/metadata", "file:///etc/passwd", "https://a b/"):
        assert corp.reason("provider", "source", "corp", "--url", wrong) == Reason.FETCH_URL
    assert corp.json("provider", "source", "corp")["kind"] == "pasted"


def test_sso__second_document__is_staged(ramgate: Ramgate, tmp_path: Path) -> None:
    first, second = tmp_path / "first.xml", tmp_path / "second.xml"
    first.write_bytes(document())
    second.write_bytes(document(NEW))
    ramgate.ok("sso", "enable", "--metadata", str(first))
    ramgate.ok("sso", "set", "--metadata", str(second))
    (row,) = ramgate.json("provider", "staged", "--user-sso")
    assert row["state"] == "staged"
    assert ramgate.json("provider", "promote", "--user-sso")["certificates_in_force"] == [print_of(NEW)]
