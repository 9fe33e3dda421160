"""Instances: registered, enrolled once, renewed as others, forgotten for good."""

from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from gateway.directory import quotas
from gateway.directory.instances import (
    ENROLMENT_LIFE,
    check_public_key,
    deregister_instance,
    enrol_instance,
    find_enrolment,
    find_instance,
    get_instance,
    page_instances,
    register_instance,
    renew_enrolment,
    role_of_instance,
)
from gateway.directory.revocations import find_revocation
from gateway.directory.roles import create_role
from gateway.errors import AlreadyExists, InputError, LimitExceeded, NotFound, Reason
from gateway.store.engine import Store
from gateway.store.paging import Page
from tests.fake_clock import NOON
from tests.in_process import bare_account
from tests.instances import ACCOUNT, OTHER, trust

KEY = "0f" * 32


@pytest.fixture
def seeded(store: Store) -> Store:
    with store.transaction() as session:
        session.add_all([bare_account(ACCOUNT, "ours"), bare_account(OTHER, "theirs")])
        session.flush()
        create_role(session, ACCOUNT, "app", trust_document=trust("ecs.aliyuncs.com"), now=NOON)
    return store


def registered(session: Session, name: str = "web-1") -> str:
    return register_instance(session, ACCOUNT, name, "app", NOON).token.reveal()


def test_register_instance__and_enrol__found_by_id_name_and_page(seeded: Store) -> None:
    with seeded.transaction() as session:
        token = registered(session)
        registered(session, "Web-2")
        instance = enrol_instance(session, token, KEY, NOON)
        assert (instance.public_key, instance.enrolled_at, instance.token_hash) == (KEY, NOON, None)
        assert instance.arn == f"acs:ram::{ACCOUNT}:instance/{instance.id}"
        assert role_of_instance(session, instance).name == "app"
        assert get_instance(session, ACCOUNT, "WEB-1") is get_instance(session, ACCOUNT, instance.id)
        assert find_instance(session, ACCOUNT, instance.id) is instance
        assert find_instance(session, OTHER, instance.id) is None
        assert find_instance(session, ACCOUNT, "\x00") is None
        first = page_instances(session, ACCOUNT, Page(1))
        assert [row.name for row in first.rows] == ["web-1"]


def test_register_instance__name_taken_role_missing_or_too_many__refused(
    seeded: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    with seeded.transaction() as session:
        registered(session)
        with pytest.raises(AlreadyExists):
            registered(session, "WEB-1")
        with pytest.raises(NotFound) as caught:
            register_instance(session, ACCOUNT, "web-2", "nobody", NOON)
        assert caught.value.subject == "Role"
        with pytest.raises(NotFound):
            register_instance(session, OTHER, "web-2", "app", NOON)
        for name in ("", "a b", "a\x00", "-a", "x" * 65, "\u00e9"):
            with pytest.raises(InputError):
                registered(session, name)
        monkeypatch.setattr(quotas, "INSTANCES_PER_ACCOUNT", 1)
        with pytest.raises(LimitExceeded):
            registered(session, "web-2")


def test_find_enrolment__until_its_end__and_not_after_use(seeded: Store) -> None:
    with seeded.transaction() as session:
        token = registered(session)
        almost = NOON + ENROLMENT_LIFE - timedelta(microseconds=1)
        assert find_enrolment(session, token, almost).name == "web-1"
        for told, now in ((token, NOON + ENROLMENT_LIFE), (token + "x", NOON), ("", NOON)):
            with pytest.raises(NotFound) as caught:
                find_enrolment(session, told, now)
            assert (caught.value.reason, caught.value.subject) == (Reason.NOT_FOUND, "EnrolmentToken")
        enrol_instance(session, token, KEY, NOON)
        with pytest.raises(NotFound):
            enrol_instance(session, token, KEY, NOON)


def test_renew_and_deregister__old_id__is_revoked_for_ever(seeded: Store) -> None:
    with seeded.transaction() as session:
        token = registered(session)
        old = get_instance(session, ACCOUNT, "web-1").id
        later = NOON + timedelta(days=400)
        renewed = renew_enrolment(session, ACCOUNT, "web-1", NOON).instance
        assert renewed.id != old
        assert find_revocation(session, [("instance", old)], later) == ("instance", old)
        assert find_revocation(session, [("instance", renewed.id)], NOON) is None
        with pytest.raises(NotFound):
            find_enrolment(session, token, NOON)
        gone = deregister_instance(session, ACCOUNT, "web-1").id
        assert find_revocation(session, [("instance", gone)], later) == ("instance", gone)
        with pytest.raises(NotFound):
            get_instance(session, ACCOUNT, "web-1")
        with pytest.raises(NotFound):
            deregister_instance(session, OTHER, "web-1")


@pytest.mark.parametrize("text", ["", "0f" * 31, "0F" * 32, "0g" * 32, "0f" * 33, "\u0660" * 64])
def test_check_public_key__anything_else__refused(text: str) -> None:
    with pytest.raises(InputError) as caught:
        check_public_key(text)
    assert caught.value.subject == "PublicKey"
