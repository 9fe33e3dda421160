from datetime import timedelta
from pathlib import Path

import pytest
from lxml import etree

from gateway.errors import Reason
from tests.unit.cli.conftest import Ramgate

ENTITY_ID = "https://idp.example.com/metadata"


def test_provider__from_a_metadata_file__can_be_replaced_and_deleted(ramgate: Ramgate, idp_xml: Path) -> None:
    made = ramgate.json("provider", "create", "CompanyIdP", str(idp_xml), "--description", "ours")
    assert made["entity_id"] == ENTITY_ID
    assert len(ramgate.json("provider", "show", "CompanyIdP")["certificates"]) == 1
    assert ramgate.ok("provider", "metadata", "CompanyIdP").strip() == idp_xml.read_text().strip()
    moved = idp_xml.read_text().replace(ENTITY_ID, "https://new.example.com/metadata")
    assert ramgate.json("provider", "update", "CompanyIdP", "--algorithm", "rsa-sha1")["algorithm"] == "rsa-sha1"
    changed = ramgate.json("provider", "update", "CompanyIdP", "--metadata", "-", stdin=moved)
    assert (changed["entity_id"], changed["metadata"]) == (ENTITY_ID, "Staged")
    assert ramgate.json("provider", "promote", "CompanyIdP")["entity_id"] == "https://new.example.com/metadata"
    assert ramgate.json("provider", "show", "CompanyIdP")["entity_id"] == "https://new.example.com/metadata"
    ramgate.ok("provider", "delete", "CompanyIdP")
    assert ramgate.json("provider", "list") == []


def test_provider__unreadable_metadata__is_refused(ramgate: Ramgate) -> None:
    assert ramgate.reason("provider", "create", "CompanyIdP", "-", stdin="<html/>") == Reason.METADATA_MALFORMED
    assert ramgate("provider", "create", "CompanyIdP", "/no/such/file").exit_code == 2


def test_sso__enable_and_disable__keep_the_metadata(ramgate: Ramgate, idp_xml: Path) -> None:
    assert ramgate.reason("sso", "enable") == Reason.PARAMETER_MISSING
    account_id = ramgate.json("account", "show")["account_id"]
    shown = ramgate.json("sso", "enable", "--metadata", str(idp_xml))
    assert (shown["enabled"], shown["idp_entity_id"]) == (True, ENTITY_ID)
    assert shown["our_entity_id"] == f"https://sso.example.com/{account_id}/saml/SSO"
    changed = ramgate.json("sso", "set", "--bare-name", "--idp-initiated", "--algorithm", "rsa-sha1")
    assert (changed["name_id_with_domain"], changed["idp_initiated"]) == (False, True)
    assert changed["algorithm"] == "rsa-sha1"
    assert ramgate.json("sso", "disable")["enabled"] is False
    assert ramgate.json("sso", "show")["idp_entity_id"] == ENTITY_ID


@pytest.mark.parametrize("kind", ["user-sso", "role-sso"])
def test_metadata__ours__names_the_entity(kind: str, ramgate: Ramgate) -> None:
    account_id = ramgate.json("account", "show")["account_id"]
    wanted = {"user-sso": f"https://sso.example.com/{account_id}/saml/SSO", "role-sso": "urn:alibaba:cloudcomputing"}
    assert etree.fromstring(ramgate.ok("metadata", kind).encode()).get("entityID") == wanted[kind]


def test_metadata_check__theirs__says_what_is_in_it(bare: Ramgate, idp_xml: Path) -> None:
    found = bare.json("metadata", "check", str(idp_xml))
    assert (found["entity_id"], found["warnings"]) == (ENTITY_ID, [])
    assert found["sso_redirect_url"] == "https://idp.example.com/sso"
    bare.clock.advance(timedelta(days=5000).total_seconds())
    assert len(bare.json("metadata", "check", str(idp_xml))["warnings"]) == 1
