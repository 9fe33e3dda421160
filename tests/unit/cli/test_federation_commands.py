"""`ramgate federation`, from the first command to the last."""

from datetime import timedelta
from pathlib import Path

import pytest

from gateway.errors import Reason
from tests.aggregates import aggregate, federation_entity
from tests.fake_clock import NOON
from tests.live_issuer import issuer_server, publish
from tests.saml_factory import instant, signing_key
from tests.signed_metadata import ANCHOR, signed
from tests.unit.cli.conftest import Ramgate

ENTITY = "https://idp1.example.org/idp"


@pytest.fixture
def anchor(tmp_path: Path) -> str:
    path = tmp_path / "anchor.pem"
    path.write_text(ANCHOR.certificate_pem)
    return str(path)


def uploaded(tmp_path: Path, *numbers: int, key: str = "federation") -> str:
    path = tmp_path / "aggregate.xml"
    path.write_bytes(aggregate([federation_entity(number) for number in numbers], key=signing_key(key)))
    return str(path)


def test_federation__uploaded_aggregate__is_searched_adopted_from_and_removed(
    ramgate: Ramgate, tmp_path: Path, anchor: str
) -> None:
    made = ramgate.json("federation", "add", "edu", "--anchor", anchor)
    assert (made["kind"], made["anchors"]) == ("aggregate", [ANCHOR.trusted.fingerprint])
    assert ramgate.json("federation", "refresh", "edu", "--file", uploaded(tmp_path, 1, 2))["outcome"] == "Refreshed"
    (listed,) = ramgate.json("federation", "list")
    assert (listed["providers"], listed["next_refresh_at"]) == (2, None)
    (found,) = ramgate.json("federation", "search", "edu", "universite", "1")
    assert (found["entity_id"], found["display_name"]) == (ENTITY, "University 1")
    assert ramgate.json("federation", "search", "edu", "--broken") == []
    other = tmp_path / "other.pem"
    other.write_text(ANCHOR.certificate_pem + signing_key("federation-next").certificate_pem)
    assert len(ramgate.json("federation", "set", "edu", "--anchor", str(other))["anchors"]) == 2
    assert ramgate.json("federation", "adopt", "edu", ENTITY, "uni")["entity_id"] == ENTITY
    assert ramgate.json("provider", "show", "uni")["entity_id"] == ENTITY
    assert ramgate.reason("federation", "remove", "edu") == Reason.DELETE_CONFLICT
    ramgate.ok("provider", "delete", "uni")
    ramgate.ok("federation", "remove", "edu")
    assert ramgate.json("federation", "list") == []


def test_federation__without_an_anchor__is_refused(ramgate: Ramgate, tmp_path: Path) -> None:
    empty = tmp_path / "empty.pem"
    empty.write_text("")

    assert ramgate("federation", "add", "edu").exit_code == 2
    assert ramgate.reason("federation", "add", "edu", "--anchor", str(empty)) == Reason.PARAMETER_MISSING


def test_federation__aggregate_of_a_stranger__is_refused_and_leaves_what_is_there(
    ramgate: Ramgate, tmp_path: Path, anchor: str
) -> None:
    ramgate.ok("federation", "add", "edu", "--anchor", anchor)
    ramgate.ok("federation", "refresh", "edu", "--file", uploaded(tmp_path, 1))

    forged = uploaded(tmp_path, 2, key="stranger")

    assert ramgate.reason("federation", "refresh", "edu", "--file", forged) == Reason.METADATA_SIGNATURE
    assert [row["entity_id"] for row in ramgate.json("federation", "search", "edu")] == [ENTITY]
    assert ramgate.reason("federation", "adopt", "edu", "https://idp2.example.org/idp", "uni") == Reason.NOT_FOUND


def test_federation__url_of_another_network__is_refused_at_once(ramgate: Ramgate, anchor: str) -> None:
    words = ("federation", "add", "edu", "--anchor", anchor, "--url")

    assert ramgate.reason(*words, "http://federation.example.org/") == Reason.FETCH_URL
    assert ramgate.reason(*words, "https://federation.example.org/?x", "--mdq") == Reason.PARAMETER_INVALID


def test_federation__query_service__adopts_one_entity(ramgate: Ramgate, anchor: str) -> None:
    from dataclasses import replace

    from tests.saml_metadata_document import Document

    local = replace(ramgate, base_url="http://127.0.0.1:8000")
    limit = f'validUntil="{instant(NOON + timedelta(days=7))}"'
    with issuer_server() as server:
        issuer = server.new_issuer()
        body = signed(Document(entity_id=ENTITY, entity_attributes=limit).xml())
        issuer.pages["/entities/https%3A%2F%2Fidp1.example.org%2Fidp"] = publish(body)
        local.ok("federation", "add", "edu", "--mdq", "--url", issuer.url, "--anchor", anchor)

        assert local.json("federation", "adopt", "edu", ENTITY, "uni")["entity_id"] == ENTITY
        assert local.reason("federation", "adopt", "edu", "https://other.example.org", "x") == Reason.NOT_FOUND
        assert local.reason("federation", "refresh", "edu") == Reason.PARAMETER_INVALID
