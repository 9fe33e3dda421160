"""Links from persons of a provider to users: by provider and subject and by nothing else."""

import pytest
from sqlalchemy.orm import Session

from gateway.directory.identity_links import (
    delete_links_of,
    find_linked_user,
    link_user,
    links_of,
    record_link_use,
    unlink_user,
)
from gateway.directory.provider_keys import oidc_provider_key
from gateway.directory.recycle_bin import delete_user
from gateway.directory.users import User
from gateway.errors import AlreadyExists, NotFound, Reason
from gateway.store.engine import Store
from tests.fake_clock import NOON
from tests.unit.directory.world import ACCOUNT, OTHER_ACCOUNT, user

KEY, OTHER_KEY = oidc_provider_key(1), oidc_provider_key(2)


def found(session: Session, subject: str, key: str = KEY, account_id: str = ACCOUNT) -> str | None:
    linked = find_linked_user(session, key, account_id, subject)
    return None if linked is None else linked.name


@pytest.fixture
def alice(store: Store, account: str) -> User:
    with store.transaction() as session:
        alice = user(session)
        link_user(session, KEY, "248289761001", alice, now=NOON)
    return alice


def test_find_linked_user__subject_letter_by_letter__of_this_provider_and_account_only(
    store: Store, alice: User
) -> None:
    with store.transaction() as session:
        record_link_use(session, KEY, "248289761001", NOON)
    with store.reading() as session:
        assert found(session, "248289761001") == "alice"
        assert found(session, "248289761001", OTHER_KEY) is None
        assert found(session, "248289761001", account_id=OTHER_ACCOUNT) is None
        assert found(session, "24828976100") is None
        assert found(session, "\0") is None
        (link,) = links_of(session, alice)
        assert link.last_login_at == NOON


@pytest.mark.parametrize(("key", "subject"), [(KEY, "other"), (OTHER_KEY, "248289761001")])
def test_link_user__user_whom_a_provider_knows_already__refused(
    store: Store, alice: User, key: str, subject: str
) -> None:
    with pytest.raises(AlreadyExists) as caught, store.transaction() as session:
        link_user(session, key, subject, alice, now=NOON)
    assert (caught.value.reason, caught.value.subject) == (Reason.ALREADY_EXISTS, "IdentityLink")
    with store.transaction() as session:
        link_user(session, KEY, "248289761001", alice, now=NOON)  # the same once more is no clash


def test_link_user__subject_that_is_somebody_else__refused(store: Store, alice: User) -> None:
    with store.transaction() as session:
        bob = user(session, "bob")
    with pytest.raises(AlreadyExists), store.transaction() as session:
        link_user(session, KEY, "248289761001", bob, now=NOON)
    with store.reading() as session:
        assert found(session, "248289761001") == "alice"
        assert links_of(session, bob) == []


def test_find_linked_user__user_deleted__nobody_and_free_for_another(store: Store, alice: User) -> None:
    with store.transaction() as session:
        delete_user(session, ACCOUNT, "alice", NOON)
    with store.transaction() as session:
        assert found(session, "248289761001") is None
        link_user(session, KEY, "248289761001", user(session, "carol"), now=NOON)
        assert found(session, "248289761001") == "carol"


def test_unlink_user__linked__free_again(store: Store, alice: User) -> None:
    with store.transaction() as session:
        unlink_user(session, alice, KEY)
        assert found(session, "248289761001") is None
        with pytest.raises(NotFound) as caught:
            unlink_user(session, alice, KEY)
        assert caught.value.subject == "IdentityLink"
        link_user(session, OTHER_KEY, "x", alice, now=NOON)


def test_delete_links_of__provider_gone__its_links_too(store: Store, alice: User) -> None:
    with store.transaction() as session:
        delete_links_of(session, KEY)
        assert found(session, "248289761001") is None
