"""Revocations."""

from datetime import timedelta

import pytest

from gateway.directory.revocations import find_revocation, revoke
from gateway.store.engine import Store
from tests.fake_clock import NOON
from tests.statements import counted_queries

SECOND = timedelta(seconds=1)


@pytest.mark.parametrize("kind", ["role", "user", "provider", "certificate"])
def test_find_revocation__issued_up_to_the_instant__revoked_and_later_ones_live(store: Store, kind: str) -> None:
    with store.transaction() as session:
        revoke(session, kind, "value", NOON)
    with store.reading() as session:
        assert find_revocation(session, [(kind, "value")], NOON - SECOND) == (kind, "value")
        assert find_revocation(session, [(kind, "value")], NOON) == (kind, "value")
        assert find_revocation(session, [(kind, "value")], NOON + SECOND) is None
        assert find_revocation(session, [(kind, "other")], NOON) is None
        assert find_revocation(session, [("other", "value")], NOON) is None


@pytest.mark.parametrize("kind", ["session", "assertion"])
def test_find_revocation__one_of_a_kind__revoked_whatever_the_times(store: Store, kind: str) -> None:
    with store.transaction() as session:
        revoke(session, kind, "value", NOON)
        assert find_revocation(session, [(kind, "value")], NOON + SECOND) == (kind, "value")


def test_revoke__again__moves_forward_and_never_back(store: Store) -> None:
    with store.transaction() as session:
        for instant in (NOON, NOON + 2 * SECOND, NOON + SECOND):
            revoke(session, "role", "value", instant)
        assert find_revocation(session, [("role", "value")], NOON + 2 * SECOND) == ("role", "value")
        assert find_revocation(session, [("role", "value")], NOON + 3 * SECOND) is None


def test_find_revocation__several_pairs__one_query_and_the_first_that_is_revoked(store: Store) -> None:
    pairs = [("session", "s"), ("role", "r"), ("provider", "p"), ("certificate", "c"), ("assertion", "\ud800" * 9000)]
    with store.transaction() as session:
        for pair in (pairs[4], pairs[2]):
            revoke(session, *pair, NOON)
    with store.reading() as session, counted_queries(session) as queries:
        assert find_revocation(session, pairs, NOON) == ("provider", "p")
        assert len(queries) == 1
        assert find_revocation(session, pairs, NOON + SECOND) == pairs[4]
        assert find_revocation(session, [], NOON) is None
