"""Requests of another account: neither their story nor that there was one."""

from dataclasses import replace

import pytest

from gateway.audit.decisions import record_decision
from gateway.audit.packing import pack
from gateway.audit.receipts import record
from tests.receipt_world import DECISION, OTHER, RECEIPT
from tests.unit.web.site import Site, reason_of


@pytest.fixture
def foreign(site: Site) -> Site:
    """Another account has a receipt and decisions, packed and not."""
    store = site.services.store
    with store.transaction() as session:
        record(session, replace(RECEIPT, account_id=OTHER))
    record_decision(store, replace(DECISION, account_id=OTHER))
    pack(store, site.clock)
    record_decision(store, replace(DECISION, account_id=OTHER, request_id=DECISION.request_id[:-1] + "9"))
    return site


@pytest.mark.parametrize(
    "request_id",
    [RECEIPT.request_id, DECISION.request_id, DECISION.request_id[:-1] + "9", "7B5A0F0E-0000-4000-8000-00000000FFFF"],
)
def test_why__request_of_another_account__is_not_found_as_one_that_never_was(foreign: Site, request_id: str) -> None:
    page = foreign.signed_in(foreign.owner).get(f"/admin/why/{request_id}")
    assert (page.status_code, reason_of(page)) == (404, "NotFound")
    assert OTHER not in page.text


def test_why__list__has_own_receipts_only(foreign: Site) -> None:
    page = foreign.signed_in(foreign.owner).get("/admin/why")
    assert page.status_code == 200
    assert RECEIPT.request_id not in page.text


def test_why__user_without_rights__is_denied(site: Site) -> None:
    for path in ("/admin/why", f"/admin/why/{RECEIPT.request_id}"):
        page = site.signed_in(site.alice).get(path)
        assert (page.status_code, reason_of(page)) == (403, "AccessDenied")


def test_why__nobody_signed_in__is_sent_to_sign_in(site: Site) -> None:
    assert site.browser().get(f"/admin/why/{RECEIPT.request_id}").status_code == 303


def test_why__session_of_both_accounts__shows_related_receipts_of_ones_own_only(foreign: Site) -> None:
    with foreign.services.store.transaction() as session:
        own = replace(RECEIPT, account_id=foreign.account_id, request_id="7B5A0F0E-0000-4000-8000-0000000000AA")
        record(session, own)
    page = foreign.signed_in(foreign.owner).get(f"/admin/why/{own.request_id}")
    assert page.status_code == 200
    assert RECEIPT.request_id not in page.text
    assert OTHER not in page.text


def test_why__denial_of_a_user__tells_the_administrator_what_would_help(site: Site) -> None:
    denied = site.signed_in(site.alice).get("/admin/providers")
    assert denied.status_code == 403
    request_id = denied.headers["X-Request-Id"]
    assert f"/admin/why/{request_id}" in denied.text
    page = site.signed_in(site.owner).get(f"/admin/why/{request_id}")
    assert page.status_code == 200
    assert "What would help: attach a policy that allows `ram:ListSAMLProviders`" in page.text.replace("&#34;", '"')
