"""Dry logins under way: one administrator's, in one session, for one answer."""

from dataclasses import replace
from datetime import timedelta

import pytest

from gateway.directory.connection_tests import (
    ARMED_FOR,
    CAUGHT_FOR,
    ConnectionTestRow,
    Starter,
    arm_test,
    begin_run,
    catch_answer,
    delete_tests_of,
    end_run,
    find_armed,
    get_test,
    open_answer,
    sweep_tests,
)
from gateway.errors import NotFound
from gateway.keyring import KeyRing, new_master_key
from gateway.store.engine import Store
from tests.fake_clock import NOON

RING = KeyRing((new_master_key(),))
ADMIN = Starter("1", "acs:ram::1:user/admin", "handle-of-the-session")


def test_find_armed__cookie__finds_the_test_until_it_is_over(store: Store) -> None:
    with store.transaction() as session:
        test_id, handle = arm_test(session, ADMIN, "saml:1", NOON)
        found = find_armed(session, handle.reveal(), NOON)
        assert found is not None
        assert (found.id, found.account_id, found.provider_key) == (test_id, "1", "saml:1")
        assert find_armed(session, handle.reveal(), NOON + ARMED_FOR) is None
        assert find_armed(session, "another", NOON) is None
        assert find_armed(session, test_id, NOON) is None


@pytest.mark.parametrize(
    "other",
    [
        replace(ADMIN, handle="another-session"),
        replace(ADMIN, principal_arn="acs:ram::1:user/other"),
        replace(ADMIN, account_id="2"),
    ],
)
def test_get_test__somebody_else__is_not_found(store: Store, other: Starter) -> None:
    with store.transaction() as session:
        test_id, _ = arm_test(session, ADMIN, "saml:1", NOON)
        assert get_test(session, ADMIN, test_id, NOON).id == test_id
        with pytest.raises(NotFound):
            get_test(session, other, test_id, NOON)
        with pytest.raises(NotFound):
            get_test(session, ADMIN, "no-such-test", NOON)


def test_catch_answer__twice__the_first_stays(store: Store) -> None:
    with store.transaction() as session:
        test_id, handle = arm_test(session, ADMIN, "saml:1", NOON)
        assert catch_answer(session, RING, test_id, b"first", caught_by="R-1", now=NOON)
        assert not catch_answer(session, RING, test_id, b"second", caught_by="R-2", now=NOON)
        assert open_answer(session, RING, ADMIN, test_id, NOON) == b"first"
        assert find_armed(session, handle.reveal(), NOON) is None


def test_catch_answer__sealed__is_not_in_the_database_and_opens_for_this_test_only(store: Store) -> None:
    with store.transaction() as session:
        test_id, _ = arm_test(session, ADMIN, "saml:1", NOON)
        catch_answer(session, RING, test_id, b"a secret message", caught_by="R-1", now=NOON)
        row = session.get_one(ConnectionTestRow, test_id)
        assert row.sealed is not None
        assert b"secret" not in row.sealed
        moved = Starter("1", "acs:ram::1:user/other", "x")
        other_id, _ = arm_test(session, moved, "saml:1", NOON)
        session.get_one(ConnectionTestRow, other_id).sealed = row.sealed
        with pytest.raises(NotFound):
            open_answer(session, RING, moved, other_id, NOON)
        with pytest.raises(NotFound):
            open_answer(session, KeyRing((new_master_key(),)), ADMIN, test_id, NOON)


def test_open_answer__hour_over__is_gone_and_swept(store: Store) -> None:
    with store.transaction() as session:
        test_id, _ = arm_test(session, ADMIN, "saml:1", NOON)
        catch_answer(session, RING, test_id, b"x", caught_by="R-1", now=NOON)
        assert open_answer(session, RING, ADMIN, test_id, NOON + CAUGHT_FOR - timedelta(seconds=1))
        with pytest.raises(NotFound):
            open_answer(session, RING, ADMIN, test_id, NOON + CAUGHT_FOR)
        assert sweep_tests(session, NOON + CAUGHT_FOR + timedelta(seconds=1)) == 1


def test_arm_test__again__forgets_the_one_before(store: Store) -> None:
    with store.transaction() as session:
        first, _ = arm_test(session, ADMIN, "saml:1", NOON)
        second, _ = arm_test(session, ADMIN, "saml:2", NOON)
        with pytest.raises(NotFound):
            get_test(session, ADMIN, first, NOON)
        assert get_test(session, ADMIN, second, NOON).provider_key == "saml:2"


def test_begin_run__one_under_way__is_refused_until_it_ends_or_dies(store: Store) -> None:
    with store.transaction() as session:
        test_id, _ = arm_test(session, ADMIN, "saml:1", NOON)
        assert begin_run(session, ADMIN, test_id, NOON)
        assert not begin_run(session, ADMIN, test_id, NOON)
        end_run(session, test_id)
        assert begin_run(session, ADMIN, test_id, NOON)
        assert begin_run(session, ADMIN, test_id, NOON + timedelta(minutes=3))


def test_delete_tests_of__provider_deleted__takes_its_tests(store: Store) -> None:
    with store.transaction() as session:
        test_id, _ = arm_test(session, ADMIN, "saml:1", NOON)
        delete_tests_of(session, "saml:1")
        with pytest.raises(NotFound):
            get_test(session, ADMIN, test_id, NOON)
