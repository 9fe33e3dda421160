"""Traces: bounded by the hour, kept for a week, and found by the account that they concern."""

from datetime import timedelta

import pytest

from gateway.directory.login_traces import (
    KEPT_FOR,
    MOST_PER_HOUR,
    MOST_PER_PROVIDER,
    Evidence,
    NewTrace,
    TraceKind,
    all_traces_of,
    delete_traces_of,
    get_traces,
    has_room,
    keep_trace,
    page_traces,
    sweep_traces,
)
from gateway.errors import NotFound
from gateway.store.engine import Store
from gateway.store.paging import Page
from tests.fake_clock import NOON

HOUR = timedelta(hours=1)


def new(
    request_id: str = "R-1", account_id: str = "1", key: str = "saml:1", evidence: Evidence = Evidence.NONE, at: int = 0
) -> NewTrace:
    return NewTrace(
        request_id=request_id,
        account_id=account_id,
        provider_key=key,
        kind=TraceKind.FAILED,
        consumer="role-sso",
        evidence=evidence,
        reason="SamlExpired",
        body="{}",
        at=NOON + timedelta(seconds=at),
    )


def test_get_traces__two_accounts_concerned__each_gets_its_own(store: Store) -> None:
    with store.transaction() as session:
        keep_trace(session, new(account_id="1", key="saml:1"))
        keep_trace(session, new(account_id="2", key="saml:2"))
    with store.reading() as session:
        assert [row.provider_key for row in get_traces(session, "1", "R-1", NOON)] == ["saml:1"]
        assert [row.provider_key for row in get_traces(session, "2", "R-1", NOON)] == ["saml:2"]
        assert len(all_traces_of(session, "R-1", NOON)) == 2
        with pytest.raises(NotFound) as caught:
            get_traces(session, "3", "R-1", NOON)
        assert caught.value.subject == "LoginTrace"


def test_get_traces__nobodys__is_found_by_no_account(store: Store) -> None:
    with store.transaction() as session:
        keep_trace(session, new(account_id="", key=""))
    with store.reading() as session, pytest.raises(NotFound):
        get_traces(session, "", "R-1", NOON)


def test_get_traces__week_over__is_gone_before_it_is_swept(store: Store) -> None:
    with store.transaction() as session:
        keep_trace(session, new())
    with store.reading() as session:
        assert get_traces(session, "1", "R-1", NOON + KEPT_FOR - timedelta(seconds=1))
        with pytest.raises(NotFound):
            get_traces(session, "1", "R-1", NOON + KEPT_FOR)


def test_sweep_traces__week_over__deletes_those_and_no_others(store: Store) -> None:
    with store.transaction() as session:
        keep_trace(session, new("R-1"))
        keep_trace(session, new("R-2", at=60))
    with store.transaction() as session:
        assert sweep_traces(session, NOON + KEPT_FOR) == 1
        assert sweep_traces(session, NOON + KEPT_FOR) == 0
        assert all_traces_of(session, "R-2", NOON)


def test_has_room__provider_full__others_and_better_evidence_have(store: Store) -> None:
    with store.transaction() as session:
        for _ in range(MOST_PER_PROVIDER):
            assert has_room(session, "saml:1", Evidence.NONE, NOON)
            keep_trace(session, new())
        assert not has_room(session, "saml:1", Evidence.NONE, NOON)
        assert has_room(session, "saml:2", Evidence.NONE, NOON)
        assert has_room(session, "saml:1", Evidence.BEGUN, NOON)
        assert has_room(session, "saml:1", Evidence.PROVEN, NOON)
        assert has_room(session, "saml:1", Evidence.NONE, NOON + HOUR)


def test_has_room__all_providers_together_full__better_evidence_has(store: Store) -> None:
    with store.transaction() as session:
        for number in range(MOST_PER_HOUR):
            keep_trace(session, new(key=f"saml:{number}"))
        assert not has_room(session, "saml:9999", Evidence.NONE, NOON)
        assert has_room(session, "saml:9999", Evidence.PROVEN, NOON)


def test_page_traces__several__newest_first_each_once(store: Store) -> None:
    with store.transaction() as session:
        for number in range(7):
            keep_trace(session, new(f"R-{number}", key=f"saml:{number % 2}"))
        keep_trace(session, new("R-other", account_id="2"))
    seen: list[str] = []
    after: str | None = ""
    with store.reading() as session:
        while after is not None:
            found = page_traces(session, Page(3, after), NOON, account_id="1")
            seen += [row.request_id for row in found.rows]
            after = found.next_after
        assert seen == [f"R-{number}" for number in reversed(range(7))]
        only = page_traces(session, Page(10), NOON, account_id="1", provider_key="saml:1")
        assert [row.request_id for row in only.rows] == ["R-5", "R-3", "R-1"]
        assert len(page_traces(session, Page(100), NOON).rows) == 8


@pytest.mark.parametrize("after", ["x", "-1", "9" * 40, "\u0663"])
def test_page_traces__made_up_place__is_an_empty_page(store: Store, after: str) -> None:
    with store.transaction() as session:
        keep_trace(session, new())
        assert page_traces(session, Page(3, after), NOON, account_id="1").rows == []


def test_delete_traces_of__provider_deleted__leaves_nothing_for_the_next(store: Store) -> None:
    with store.transaction() as session:
        keep_trace(session, new(key="saml:1"))
        keep_trace(session, new(key="saml:2"))
        delete_traces_of(session, "saml:1")
        assert [row.provider_key for row in all_traces_of(session, "R-1", NOON)] == ["saml:2"]
