"""Chains to be checked: some receipts, some decisions, and what a check says of them."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import text
from sqlalchemy.orm import Session

from gateway.audit.decisions import Condition, DecisionRecord, record_decision
from gateway.audit.findings import Report
from gateway.audit.notary import notary_of
from gateway.audit.packing import pack
from gateway.audit.receipts import Receipt, record
from gateway.audit.stored import verify_database
from gateway.policy import Effect, PolicyType, StatementRef
from gateway.store.engine import Store
from tests.fake_clock import NOON, FakeClock

ACCOUNT = "1234567890123456"
OTHER = "6543210987654321"
ALICE = f"acs:ram::{ACCOUNT}:user/alice"
RECEIPT = Receipt(
    at=NOON,
    request_id="7B5A0F0E-0000-4000-8000-000000000001",
    account_id=ACCOUNT,
    kind="CreateUser",
    principal_arn=ALICE,
    outcome="Allow",
    details={"client": "203.0.113.9", "targets": ["acs:ram::1:user/bob"], "session_id": "S-1"},
)
STATEMENT = StatementRef("readers", PolicyType.CUSTOM, "v2", 1, Effect.ALLOW, ALICE, "User")
DECISION = DecisionRecord(
    NOON,
    "7B5A0F0E-0000-4000-8000-000000000002",
    ACCOUNT,
    "User",
    "200000000000000001",
    ALICE,
    None,
    "ListUsers",
    "ram:ListUsers",
    f"acs:ram:*:{ACCOUNT}:user/*",
    {"acs:SourceIp": ("203.0.113.9",), "acs:SecureTransport": ("true",), "acs:PrincipalARN": (ALICE,)},
    "Allow",
    "AccountLevelIdentityBasedPolicy",
    STATEMENT,
    None,
    (Condition("IpAddress", "acs:SourceIp", ("203.0.113.0/24",), met=True),),
    "",
)


def request_id(number: int) -> str:
    return f"7B5A0F0E-0000-4000-8000-{number:012}"


def write_receipts(store: Store, count: int, *, account_id: str = ACCOUNT, first: int = 100) -> None:
    with store.transaction() as session:
        for number in range(first, first + count):
            at = NOON + timedelta(seconds=number)
            record(session, replace(RECEIPT, at=at, request_id=request_id(number), account_id=account_id))


def write_decisions(store: Store, count: int, *, first: int = 1000, at: datetime = NOON) -> list[DecisionRecord]:
    """Handed to the journal, and not packed."""
    made = [
        replace(DECISION, at=at + timedelta(milliseconds=number), request_id=request_id(number))
        for number in range(first, first + count)
    ]
    for each in made:
        record_decision(store, each)
    return made


def fill(store: Store) -> None:
    """Five receipts, and two batches of three decisions."""
    write_receipts(store, 5)
    for first in (1000, 2000):
        write_decisions(store, 3, first=first)
        pack(store, FakeClock())


def check(store: Store) -> Report:
    with store.reading() as session:
        return verify_database(session, notary_of(session))


@contextmanager
def tampering(store: Store) -> Iterator[Session]:
    """Somebody who can write the database, and has no keys."""
    with store.transaction() as session:
        yield session


def run_sql(store: Store, statement: str, **values: object) -> None:
    with tampering(store) as session:
        session.execute(text(statement), values)


def told(report: Report) -> str:
    return json.dumps([str(each) for each in report.breaks])
