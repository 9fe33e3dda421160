"""Roles."""

from datetime import timedelta

import pytest

from gateway.directory import quotas
from gateway.directory.attachments import attach_policy, detach_policy
from gateway.directory.revocations import find_revocation
from gateway.directory.roles import (
    create_role,
    delete_role,
    find_role,
    find_role_by_id,
    get_role,
    list_roles,
    update_role,
)
from gateway.errors import AlreadyExists, Conflict, InputError, LimitExceeded, NotFound, Reason
from gateway.store.engine import Store
from tests.fake_clock import NOON
from tests.unit.directory.world import OTHER_ACCOUNT, TRUST, policy, refused, role


def test_create_role__found_in_any_case_in_its_account_only(store: Store, account: str) -> None:
    with store.transaction() as session:
        made = create_role(session, account, "Log-Reader", trust_document=TRUST, description="reads logs", now=NOON)
        with refused(AlreadyExists, Reason.ALREADY_EXISTS, "Role"):
            role(session, "log-reader")
    with store.reading() as session:
        found = get_role(session, account, "LOG-READER")
        assert (found.id, found.name, found.trust_document) == (made.id, "Log-Reader", TRUST)
        assert (found.max_session_duration_s, found.description) == (3600, "reads logs")
        assert found.arn == f"acs:ram::{account}:role/log-reader"
        assert find_role(session, OTHER_ACCOUNT, "Log-Reader") is None
        assert find_role(session, account, "log-reader\0") is None
        by_id = find_role_by_id(session, made.id)
        assert by_id is not None
        assert by_id.id == made.id
        assert [each.id for each in list_roles(session, account)] == [made.id]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("", Reason.NAME_LENGTH),
        ("r" * 65, Reason.NAME_LENGTH),
        ("log_reader", Reason.NAME_INVALID_CHARS),
        ("log reader", Reason.NAME_INVALID_CHARS),
        ("log,reader", Reason.NAME_INVALID_CHARS),
    ],
)
def test_create_role__malformed_name__refused(store: Store, account: str, name: str, reason: Reason) -> None:
    with refused(InputError, reason, "RoleName"), store.transaction() as session:
        role(session, name)


@pytest.mark.parametrize(("seconds", "accepted"), [(3599, False), (3600, True), (43200, True), (43201, False)])
def test_create_role__max_session_duration__3600_to_43200(
    store: Store, account: str, seconds: int, accepted: bool
) -> None:
    with store.transaction() as session:
        role(session, "other")
        if accepted:
            create_role(session, account, "r", trust_document=TRUST, max_session_duration_s=seconds, now=NOON)
            update_role(session, account, "other", max_session_duration_s=seconds, now=NOON)
            assert get_role(session, account, "other").max_session_duration_s == seconds
        else:
            with refused(InputError, Reason.PARAMETER_INVALID, "MaxSessionDuration"):
                create_role(session, account, "r", trust_document=TRUST, max_session_duration_s=seconds, now=NOON)
            with refused(InputError, Reason.PARAMETER_INVALID, "MaxSessionDuration"):
                update_role(session, account, "other", max_session_duration_s=seconds, now=NOON)


def test_create_role__no_trust_policy__refused(store: Store, account: str) -> None:
    with store.transaction() as session:
        role(session)
        for document in ("", "{}", policy()):
            with pytest.raises(InputError) as caught:
                create_role(session, account, "other", trust_document=document, now=NOON)
            assert caught.value.reason is Reason.POLICY_MALFORMED
            with pytest.raises(InputError) as caught:
                update_role(session, account, "reader", trust_document=document, now=NOON)
            assert caught.value.reason is Reason.POLICY_MALFORMED


def test_create_role__description_too_long_or_account_full__refused(
    store: Store, account: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert quotas.ROLES_PER_ACCOUNT == 1000
    monkeypatch.setattr(quotas, "ROLES_PER_ACCOUNT", 1)
    with store.transaction() as session:
        with refused(InputError, Reason.PARAMETER_TOO_LONG, "Description"):
            create_role(session, account, "reader", trust_document=TRUST, description="x" * 1025, now=NOON)
        role(session)
        with refused(InputError, Reason.PARAMETER_TOO_LONG, "NewDescription"):
            update_role(session, account, "reader", description="x" * 1025, now=NOON)
        with refused(LimitExceeded, Reason.LIMIT_EXCEEDED, "Role"):
            role(session, "second")


def test_update_role__what_is_given__changes(store: Store, account: str) -> None:
    later = NOON + timedelta(hours=1)
    with store.transaction() as session:
        role(session)
        changed = TRUST.replace("company", "another")
        update_role(session, account, "READER", trust_document=changed, description="new", now=later)
    with store.reading() as session:
        found = get_role(session, account, "reader")
        assert (found.trust_document, found.description, found.updated_at) == (changed, "new", later)
        assert found.max_session_duration_s == 3600


def test_delete_role__policy_attached__refused_then_deleted_and_revoked(store: Store, account: str) -> None:
    with store.transaction() as session:
        made = role(session)
        attach_policy(session, account, "System", "ReadOnlyAccess", made, NOON)
        with refused(Conflict, Reason.DELETE_CONFLICT, "Role.Policy"):
            delete_role(session, account, "reader")
        detach_policy(session, account, "System", "ReadOnlyAccess", made)
        delete_role(session, account, "Reader")
        with refused(NotFound, Reason.NOT_FOUND, "Role"):
            delete_role(session, account, "reader")
        again = role(session)
    with store.reading() as session:
        assert find_revocation(session, [("role", made.id)], NOON) == ("role", made.id)
        assert find_revocation(session, [("role", again.id)], NOON) is None
