"""Credential reports, through the official client."""

import base64
import csv
import io
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from alibabacloud_ims20190815.models import GetCredentialReportRequest
from sqlalchemy import delete, update

from gateway.directory.credential_report import CredentialReport, CredentialReportPart
from tests.wire.refusal import refusal
from tests.wire.seed import Seed


def read(company: Seed, **fields: Any) -> Any:
    return company.ims().get_credential_report(GetCredentialReportRequest(**fields)).body


def rows(body: Any) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(base64.b64decode(body.content, validate=True).decode())))


def age(company: Seed) -> None:
    """Make the report old enough for the next one."""
    with company.services.store.transaction() as session:
        old = datetime.now(UTC) - timedelta(hours=4)
        session.execute(
            update(CredentialReport).where(CredentialReport.account_id == company.account_id).values(generated_at=old)
        )


def generate(company: Seed) -> None:
    age(company)
    assert company.ims().generate_credential_report().body.state == "COMPLETED"


def test_get_credential_report__none_was_generated__not_found(company: Seed) -> None:
    with company.services.store.transaction() as session:
        for table in (CredentialReportPart, CredentialReport):
            session.execute(delete(table).where(table.account_id == company.account_id))
    error = refusal(read, company)
    assert (error.status_code, error.code) == (404, "EntityNotExist.CredentialReport")


def test_generate_credential_report__account_with_users__tells_the_truth_about_them(company: Seed) -> None:
    user = company.new_user()
    company.client(*user.key).get_caller_identity()
    generate(company)
    body = read(company)
    assert body.is_truncated == "false"
    assert body.next_token is None
    generated = datetime.strptime(body.generated_time, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    assert datetime.now(UTC) - generated < timedelta(minutes=1)
    found = {row["user"]: row for row in rows(body)}
    assert next(iter(found)) == "<root>"
    mine = found[f"{user.name}@acme.onaliyun.com"]
    assert (mine["password_exist"], mine["mfa_active"]) == ("FALSE", "FALSE")
    assert (mine["access_key_1_exist"], mine["access_key_1_active"], mine["access_key_2_exist"]) == (
        "TRUE",
        "TRUE",
        "FALSE",
    )
    assert mine["access_key_1_last_used"] >= mine["access_key_1_last_rotated"]
    assert found["<root>"]["access_key_1_active"] == "TRUE"


def test_generate_credential_report__again_at_once__keeps_the_fresh_one(company: Seed) -> None:
    generate(company)
    before = read(company)
    user = company.new_user()
    assert company.ims().generate_credential_report().body.state == "COMPLETED"
    after = read(company)
    assert (after.content, after.generated_time) == (before.content, before.generated_time)
    assert user.name not in str(rows(after))


def test_get_credential_report__in_pages__gives_each_line_once_under_the_columns(company: Seed) -> None:
    for _ in range(3):
        company.new_user()
    generate(company)
    whole = rows(read(company))
    seen: list[dict[str, str]] = []
    token: str | None = None
    while True:
        body = read(company, max_items="2", next_token=token)
        page = rows(body)
        assert len(page) <= 2
        seen += page
        token = body.next_token
        if body.is_truncated == "false":
            break
    assert token is None
    assert seen == whole


@pytest.mark.parametrize(
    ("fields", "subject"),
    [
        ({"max_items": "0"}, "MaxItems"),
        ({"max_items": "3502"}, "MaxItems"),
        ({"max_items": "many"}, "MaxItems"),
        ({"next_token": "!"}, "NextToken"),
        ({"next_token": base64.urlsafe_b64encode(b"1/2").decode()}, "NextToken"),
        ({"next_token": base64.urlsafe_b64encode("1/²".encode()).decode()}, "NextToken"),
    ],
)
def test_get_credential_report__strange_page__refused(company: Seed, fields: dict[str, str], subject: str) -> None:
    generate(company)
    error = refusal(read, company, **fields)
    assert (error.status_code, error.code) == (400, f"InvalidParameter.{subject}")


def test_get_credential_report__token_of_the_report_before__refused(company: Seed) -> None:
    company.new_user()
    generate(company)
    token = read(company, max_items="1").next_token
    generate(company)
    assert refusal(read, company, next_token=token).code == "InvalidParameter.NextToken"


def test_credential_report__user_without_rights__denied(company: Seed) -> None:
    generate(company)
    nobody, reader = company.new_user(), company.new_user("AliyunRAMReadOnlyAccess")
    ims = company.ims(*nobody.key)
    assert refusal(ims.generate_credential_report).code == "NoPermission"
    assert refusal(ims.get_credential_report, GetCredentialReportRequest()).code == "NoPermission"
    assert refusal(company.ims(*reader.key).generate_credential_report).code == "NoPermission"


def test_governance_reports__not_offered__are_not_found(company: Seed) -> None:
    ims = company.ims()
    for call in (ims.get_account_security_practice_report, ims.get_governance_report_status):
        error = refusal(call)
        assert (error.status_code, error.code) == (404, "InvalidAction.NotFound")
