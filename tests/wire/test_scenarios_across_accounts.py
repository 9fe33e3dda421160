"""Company A lets company B work on its objects: the page does what it says, and both sides have receipts."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import oss2
import pytest
from sqlalchemy import select

from gateway.audit.receipts import ReceiptRow
from gateway.directory.attachments import attach_policy
from gateway.directory.policies import create_policy
from gateway.directory.resource_services import register_service
from gateway.directory.users import get_user
from tests.object_service import GUARD_POLICY, ObjectService, object_service
from tests.wire.fresh_company import fresh_company
from tests.wire.scenario_page import printed_on, run_page
from tests.wire.seed import Seed


@pytest.fixture
def owning(company: Seed) -> Seed:
    return fresh_company(company)


@pytest.fixture
def objects(owning: Seed, tmp_path: Path) -> Iterator[ObjectService]:
    """A's service may ask about callers of every account, so that those of others are told what they lack."""
    company, now = owning, datetime.now(UTC)
    guard = company.new_user()
    with company.services.store.transaction() as session:
        create_policy(session, company.account_id, "Guard", GUARD_POLICY, now=now)
        user = get_user(session, company.account_id, guard.name)
        attach_policy(session, company.account_id, "Custom", "Guard", user, now)
        register_service(session, user.arn, ["oss"], now)
    with object_service(company.config(*guard.key), company.account_id, tmp_path / "objects") as running:
        admin = company.new_user("AliyunOSSFullAccess")
        running.bucket(oss2.Auth(*admin.key), "pictures").create_bucket()
        yield running


def test_page__run_as_it_stands__prints_what_it_says_and_both_have_receipts(
    company: Seed, owning: Seed, objects: ObjectService, tmp_path: Path
) -> None:
    hired = fresh_company(company)
    folder = tmp_path / "page"
    folder.mkdir()
    told = run_page("across-accounts.md", owning, folder, OBJECTS_URL=objects.url, ACCOUNT_B=hired.account_id)
    lines = [
        line for line in told.splitlines() if re.match(r"bea reads|without the role|\w+ is refused|bea's session", line)
    ]
    assert lines == printed_on("across-accounts.md")
    ours, _, theirs = told.partition("what A knows:")[2].partition("what B knows:")
    assert f"acs:ram::{hired.account_id}:user/bea" in ours
    assert f"acs:ram::{owning.account_id}:role/picture-keeper" in ours
    assert f"acs:ram::{hired.account_id}:user/bea" in theirs
    with company.services.store.reading() as session:
        kept = session.scalars(select(ReceiptRow).where(ReceiptRow.kind == "AssumeRole")).all()
    bea = f"acs:ram::{hired.account_id}:user/bea"
    assert {row.account_id for row in kept if row.principal_arn == bea} == {hired.account_id, owning.account_id}
