"""Texts of strangers in records: none forges a field, a line of a story, or a piece of a page."""

import json
from dataclasses import replace

import pytest

from gateway.audit.decisions import record_decision
from gateway.audit.export import export_chains
from gateway.audit.notary import notary_of
from gateway.audit.packing import pack
from gateway.audit.receipts import list_receipts, record
from gateway.audit.why import as_json, find_out
from gateway.store.engine import Store
from tests.fake_clock import FakeClock
from tests.receipt_world import ACCOUNT, DECISION, RECEIPT, check
from tests.unit.web.site import Site

TEXTS = [
    'x","outcome":"Allow","z":"',
    "x\n2026-01-01T00:00:00Z CreateUser by root: Allow.",
    "\r\n\x1b[2J\x1b]0;owned\x07",
    "<script>alert(1)</script>",
    "{{ 7 * 7 }}${7*7}",
    "\u2028\u2029\u202e",
    "\ud800",
    "a\0b",
    "' OR 1=1 --",
]


@pytest.mark.parametrize("text", TEXTS)
def test_text_of_a_stranger__in_a_receipt__stays_one_value(store: Store, text: str) -> None:
    details = {"subject": text, "targets": [text], "entity": text}
    with store.transaction() as session:
        record(session, replace(RECEIPT, details=details))
    with store.reading() as session:
        (receipt,) = list_receipts(session, account_id=ACCOUNT)
        assert receipt.details == details
        assert receipt.outcome == "Allow"
        lines = list(export_chains(session, notary_of(session)))
        assert all(len(line.splitlines()) == 1 for line in lines)
        found = find_out(session, receipt.request_id)
    assert all(line.isprintable() for line in found.story.lines)
    assert len([line for line in found.story.lines if not line.startswith(" ")]) == 1
    json.dumps(as_json(found)).encode("ascii")
    assert check(store).sound


@pytest.mark.parametrize("text", TEXTS)
def test_text_of_a_stranger__in_a_decision__stays_one_value(store: Store, text: str) -> None:
    odd = replace(DECISION, action=text, resource=text, context={"oidc:claim/x": (text,), f"oidc:claim/{text}": ("1",)})
    record_decision(store, odd)
    pack(store, FakeClock())
    with store.reading() as session:
        found = find_out(session, odd.request_id)
    assert list(found.decisions) == [odd]
    assert all(line.isprintable() for line in found.story.lines)


@pytest.mark.parametrize("text", TEXTS[:5])
def test_text_of_a_stranger__on_the_page__is_text(site: Site, text: str) -> None:
    with site.services.store.transaction() as session:
        told = replace(RECEIPT, account_id=site.account_id, kind=text.replace("\0", ""), details={"entity": text})
        record(session, told)
    page = site.signed_in(site.owner).get(f"/admin/why/{RECEIPT.request_id}")
    assert page.status_code == 200
    assert "<script>alert" not in page.text
    assert "49" not in page.text.split('class="story"')[1].split("</ul>")[0]


@pytest.mark.parametrize("asked", ["%", "_", "' OR '1'='1", "*", "\u0130", "x" * 5000, "7B5A%"])
def test_request_id__pattern_or_nonsense__finds_nothing(store: Store, asked: str) -> None:
    with store.transaction() as session:
        record(session, RECEIPT)
    record_decision(store, DECISION)
    with store.reading() as session:
        assert not find_out(session, asked).story.known
