"""Credential reports on the wire: CSV in Base64, in pages. Rule: ram-limits §7; operations.md (paging).

The report is written within the call that asks for it, so the state that is answered is always `COMPLETED`.
"""

import base64
from dataclasses import dataclass

from gateway.api.action import AnyAction, Outcome, Work, ram_action
from gateway.api.paging import encode_marker, read_page
from gateway.api.parameters import Parameters, no_parameters
from gateway.api.targets import whole_account
from gateway.api.versions import IMS
from gateway.clock import wire_time
from gateway.directory import credential_report as directory
from gateway.directory.accounts import get_account
from gateway.directory.credential_report import CredentialReport, Draft
from gateway.directory.domains import default_domain
from gateway.errors import InputError, Reason

_MOST_LINES = 3501  # 3500 users and the account owner
_TOKEN_PARTS = 2


@dataclass(frozen=True, slots=True)
class ReportPage:
    size: int
    token: str  # empty for the first page


def _report_page(parameters: Parameters) -> ReportPage:
    page = read_page(parameters, default=_MOST_LINES, most=_MOST_LINES, marker="NextToken")
    return ReportPage(page.size, page.after)


def draft_report(work: Work, _request: None) -> Draft | None:
    """None where the report that is there is fresh."""
    if directory.is_fresh(directory.find_report(work.session, work.account_id), work.now):
        return None
    domain = default_domain(get_account(work.session, work.account_id), work.services.domain_suffix)
    return directory.draft_report(work.session, work.services.store.fleeting, work.account_id, domain, work.now)


def generate_report(work: Work, _request: None) -> Outcome:
    """Within four hours of the last report there is no other: the state is about that one."""
    if isinstance(work.prepared, Draft):
        directory.keep_report(work.session, work.account_id, work.prepared)
    return Outcome({"State": "COMPLETED"})


def get_report(work: Work, page: ReportPage) -> Outcome:
    """The last report, of whatever age: `GeneratedTime` says it. Each page begins with the names of the columns.

    Raises: NotFound, subject "CredentialReport"; InputError(PARAMETER_INVALID), subject "NextToken", also for the next
    page of a report that another one took the place of.
    """
    report = directory.get_report(work.session, work.account_id)
    start = _read_start(report, page.token)
    lines = directory.read_lines(work.session, work.account_id, start, page.size)
    content = directory.header_line() + "".join(lines)
    end = start + len(lines)
    answer = {
        "Content": base64.b64encode(content.encode()).decode("ascii"),
        "GeneratedTime": wire_time(report.generated_at),
    }
    if end >= report.line_count:
        return Outcome({**answer, "IsTruncated": "false"})
    return Outcome({**answer, "IsTruncated": "true", "NextToken": encode_marker(f"{_stamp(report)}/{end}")})


def _read_start(report: CredentialReport, token: str) -> int:
    if not token:
        return 0
    parts = token.split("/")
    known = len(parts) == _TOKEN_PARTS and parts[0] == _stamp(report)
    start = int(parts[1]) if known and parts[1].isascii() and parts[1].isdigit() and len(parts[1]) < 10 else 0  # noqa: PLR2004
    if not 0 < start < report.line_count:
        message = "NextToken does not belong to the report that is there"
        raise InputError(Reason.PARAMETER_INVALID, message, token[:40], subject="NextToken")
    return start


def _stamp(report: CredentialReport) -> str:
    return str(int(report.generated_at.timestamp() * 1000))


ACTIONS: tuple[AnyAction, ...] = (
    ram_action("GenerateCredentialReport", IMS, no_parameters, generate_report, whole_account, prepare=draft_report),
    ram_action("GetCredentialReport", IMS, _report_page, get_report, whole_account, reads=True),
)
