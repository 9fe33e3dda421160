"""An application on an instance: the page does what it says."""

from pathlib import Path

from sqlalchemy import select

from gateway.audit.receipts import ReceiptRow
from tests.wire.fresh_company import fresh_company
from tests.wire.scenario_page import run_page
from tests.wire.seed import Seed


def test_page__run_as_it_stands__prints_what_it_says(company: Seed, tmp_path: Path) -> None:
    own_company = fresh_company(company)
    told = run_page("instance.md", own_company, tmp_path).splitlines()
    assert "the application is assumed-role/report-writer" in told
    assert next(line for line in told if line.startswith("web-1 ")).split()[2] == "report-writer"
    assert told[-1].endswith("is no instance any more, and its credentials have ended")
    with own_company.services.store.reading() as session:
        kept = session.scalars(select(ReceiptRow.kind).where(ReceiptRow.account_id == own_company.account_id)).all()
    assert {"EnrolInstance", "AssumeInstanceRole"} <= set(kept)
