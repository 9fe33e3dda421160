"""Receipts live and die with what they tell of."""

from dataclasses import replace

import pytest

from gateway.audit.receipts import Receipt, list_receipts, record
from gateway.secret import Secret
from gateway.store.engine import Store
from tests.fake_clock import NOON

RECEIPT = Receipt(
    at=NOON,
    request_id="R-1",
    account_id="1234567890123456",
    kind="RoleLogin",
    principal_arn="acs:ram::1234567890123456:assumed-role/reader/alice",
    outcome="Allow",
    details={"statement": "trust policy, Statement[0]", "duration_s": 3600, "groups": ["a", "b"], "mfa": None},
)


def test_record__committed__reads_back_newest_first(store: Store) -> None:
    second = replace(RECEIPT, request_id="R-2", account_id=None, principal_arn=None, reason="AccessDenied")
    with store.transaction() as session:
        record(session, RECEIPT)
        record(session, second)
    with store.reading() as session:
        assert list_receipts(session) == [second, RECEIPT]
        assert list_receipts(session, limit=1) == [second]
        assert list_receipts(session, account_id="1234567890123456") == [RECEIPT]
        assert list_receipts(session, request_id="R-2") == [second]


def test_record__transaction_rolled_back__is_not_there(store: Store) -> None:
    def fail() -> None:
        with store.transaction() as session:
            record(session, RECEIPT)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    with store.reading() as session:
        assert list_receipts(session) == []


def test_record__secret_or_nul_in_details__hidden_and_stored(store: Store) -> None:
    details = {"secret": str(Secret("hunter2")), "nul": "a\0b", "lone": "\ud800"}
    with store.transaction() as session:
        record(session, replace(RECEIPT, details=details))
    with store.reading() as session:
        assert list_receipts(session)[0].details == {"secret": "***", "nul": "a\0b", "lone": "\ud800"}
