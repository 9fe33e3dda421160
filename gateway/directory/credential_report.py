"""Credential reports: one line for each user of an account about its password, second factor and access keys.

A report is written at once, when it is asked for, and kept until the next one; for four hours nobody gets another.
It is kept in parts of 500 lines, so that a page of it costs the same however many users there are. No secrets in it.
Columns and `TRUE`, `FALSE`, `-` and `N/A` are those of the platform's page on the report. ASSUMPTION, where that page
says nothing: `-` is what is not there or never happened, `N/A` what does not apply or is not recorded.
"""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ForeignKey, delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from gateway.clock import wire_time
from gateway.directory import quotas
from gateway.directory.access_keys import AccessKeyRow, AccessKeyStatus, is_idle, list_access_keys
from gateway.directory.accounts import Account, get_account, lock_account
from gateway.directory.login_profiles import LoginProfile, LoginProfileStatus, login_status
from gateway.directory.mfa_devices import MfaDevice, find_device_of
from gateway.directory.password_policy import get_password_policy
from gateway.directory.passwords import PasswordPolicy
from gateway.directory.security_preference import SecurityPreference, get_security_preference
from gateway.directory.users import User
from gateway.errors import NotFound, Reason
from gateway.store.base import Base
from gateway.store.fleeting import Fleeting, LastUse
from gateway.store.paging import Page, read_row_slice

FRESH_FOR = timedelta(hours=4)  # ASSUMPTION: from memory
LINES_PER_PART = 500
ADDITIONAL_KEYS = 3  # the platform has columns for more keys of an owner than any owner has here

_ABSENT, _UNKNOWN = "-", "N/A"
_KEY_COLUMNS = ("exist", "active", "last_rotated", "last_used")
_KEYS = (
    *(f"access_key_{number}" for number in range(1, quotas.ACCESS_KEYS_PER_USER + 1)),
    *(f"additional_access_key_{number}" for number in range(1, ADDITIONAL_KEYS + 1)),
)
COLUMNS = (
    "user",
    "user_creation_time",
    "user_last_logon",
    "password_exist",
    "password_active",
    "password_last_changed",
    "password_next_rotation",
    "mfa_active",
    *(f"{key}_{column}" for key in _KEYS for column in _KEY_COLUMNS),
)


class CredentialReport(Base):
    __tablename__ = "credential_reports"

    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"), primary_key=True)
    generated_at: Mapped[datetime]
    line_count: Mapped[int]


class CredentialReportPart(Base):
    __tablename__ = "credential_report_parts"

    account_id: Mapped[str] = mapped_column(ForeignKey("credential_reports.account_id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)  # from 0 on
    text: Mapped[str]  # up to 500 lines of CSV


@dataclass(frozen=True, slots=True)
class Draft:
    """A report that is written and not kept yet."""

    lines: tuple[str, ...]
    generated_at: datetime


def find_report(session: Session, account_id: str) -> CredentialReport | None:
    return session.get(CredentialReport, account_id, populate_existing=True)


def get_report(session: Session, account_id: str) -> CredentialReport:
    """Raises: NotFound, subject "CredentialReport"."""
    report = find_report(session, account_id)
    if report is None:
        message = "no credential report was generated yet"
        raise NotFound(Reason.NOT_FOUND, message, subject="CredentialReport")
    return report


def is_fresh(report: CredentialReport | None, now: datetime) -> bool:
    """Whether a report is so young that there is to be no other."""
    return report is not None and now - report.generated_at < FRESH_FOR


def draft_report(session: Session, fleeting: Fleeting, account_id: str, domain: str, now: datetime) -> Draft:
    """Write a report of what is true now; `domain` is what users' names end in. Takes a while with 5000 users: call it
    in `Store.reading()`.
    """
    account = get_account(session, account_id)
    writer = _Writer(
        fleeting, get_security_preference(session, account_id), get_password_policy(session, account_id), now
    )
    lines = [writer.owner_line(session, account)]
    after: str | None = ""
    while after is not None:
        page = Page(LINES_PER_PART, after)
        query = (
            select(User, LoginProfile, MfaDevice.id)
            .outerjoin(LoginProfile, LoginProfile.user_id == User.id)
            .outerjoin(MfaDevice, MfaDevice.user_id == User.id)
            .where(User.account_id == account_id)
        )
        found = read_row_slice(session, query, User.name_key, page, lambda row: str(row[0].name_key))
        lines += writer.user_lines(session, found.rows, domain)
        after = found.next_after
    return Draft(tuple(lines), now)


def keep_report(session: Session, account_id: str, draft: Draft) -> None:
    """Put a report in the place of the one before, unless somebody else's came meanwhile and is fresh."""
    lock_account(session, account_id)
    if is_fresh(find_report(session, account_id), draft.generated_at):
        return
    session.execute(delete(CredentialReportPart).where(CredentialReportPart.account_id == account_id))
    session.execute(delete(CredentialReport).where(CredentialReport.account_id == account_id))
    report = CredentialReport(account_id=account_id, generated_at=draft.generated_at, line_count=len(draft.lines))
    session.add(report)
    session.flush()
    for number, start in enumerate(range(0, len(draft.lines), LINES_PER_PART)):
        text = "".join(draft.lines[start : start + LINES_PER_PART])
        session.add(CredentialReportPart(account_id=account_id, number=number, text=text))
    session.flush()


def read_lines(session: Session, account_id: str, start: int, count: int) -> Sequence[str]:
    """`count` lines of the report from line `start` on, each with its line end; the column names are no line."""
    first, last = start // LINES_PER_PART, (start + count - 1) // LINES_PER_PART
    query = (
        select(CredentialReportPart.text)
        .where(CredentialReportPart.account_id == account_id, CredentialReportPart.number.between(first, last))
        .order_by(CredentialReportPart.number)
    )
    lines = [line for text in session.scalars(query) for line in text.splitlines(keepends=True)]
    return lines[start - first * LINES_PER_PART :][:count]


def header_line() -> str:
    return _line(COLUMNS)


@dataclass(frozen=True, slots=True)
class _Writer:
    """What all lines of a report are written from."""

    fleeting: Fleeting
    preference: SecurityPreference
    policy: PasswordPolicy
    now: datetime

    def owner_line(self, session: Session, account: Account) -> str:
        """The account owner always has a password; when it was set or used is not recorded."""
        keys = list_access_keys(session, account.id, None)
        uses = self.fleeting.last_uses_of([key.id for key in keys])
        facts = ("<root>", wire_time(account.created_at), _UNKNOWN, _flag(True), _UNKNOWN, _UNKNOWN, _UNKNOWN)
        mfa = _flag(find_device_of(session, account) is not None)
        return _line((*facts, mfa, *self._key_cells(keys, uses)))

    def user_lines(
        self, session: Session, rows: Sequence[tuple[User, LoginProfile | None, str | None]], domain: str
    ) -> Iterator[str]:
        keys = self._keys_of(session, [user.id for user, _, _ in rows])
        uses = self.fleeting.last_uses_of([key.id for mine in keys.values() for key in mine])
        for user, profile, device in rows:
            logon = _ABSENT if user.last_login_at is None else wire_time(user.last_login_at)
            yield _line(
                (
                    f"{user.name}@{domain}",
                    wire_time(user.created_at),
                    logon,
                    *self._password_cells(profile),
                    _flag(device is not None),
                    *self._key_cells(keys.get(user.id, ()), uses),
                )
            )

    def _keys_of(self, session: Session, user_ids: Sequence[str]) -> Mapping[str, Sequence[AccessKeyRow]]:
        query = (
            select(AccessKeyRow)
            .where(AccessKeyRow.user_id.in_(user_ids))
            .order_by(AccessKeyRow.created_at, AccessKeyRow.id)
        )
        keys: dict[str, list[AccessKeyRow]] = {}
        for key in session.scalars(query):
            keys.setdefault(key.user_id or "", []).append(key)
        return keys

    def _password_cells(self, profile: LoginProfile | None) -> tuple[str, ...]:
        if profile is None:
            return _flag(False), _UNKNOWN, _UNKNOWN, _UNKNOWN
        active = login_status(profile, self.preference, self.now) == LoginProfileStatus.ACTIVE
        age = self.policy.max_age_days
        rotation = wire_time(profile.password_set_at + timedelta(days=age)) if age else _ABSENT
        return _flag(True), _flag(active), wire_time(profile.password_set_at), rotation

    def _key_cells(self, keys: Sequence[AccessKeyRow], uses: Mapping[str, LastUse]) -> Iterator[str]:
        for number in range(len(_KEYS)):
            if number >= len(keys):
                yield from (_flag(False), *(_ABSENT,) * (len(_KEY_COLUMNS) - 1))
                continue
            key = keys[number]
            use = uses.get(key.id)
            days = self.preference.max_idle_days_for_access_keys
            idle = is_idle(key.created_at, key.updated_at, use, days, self.now)
            yield _flag(True)
            yield _flag(key.status == AccessKeyStatus.ACTIVE and not idle)
            yield wire_time(key.created_at)  # a secret never changes: rotating is making another key
            yield _ABSENT if use is None else wire_time(use.at)


def _flag(value: bool) -> str:
    return "TRUE" if value else "FALSE"


def _line(cells: Sequence[str]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue()
