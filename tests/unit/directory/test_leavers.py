"""What a deleted user leaves behind and can do: rights, sessions, resources, links to identity providers."""

from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from gateway.directory.attachments import attach_policy
from gateway.directory.authorization import Authorizer
from gateway.directory.claimed_groups import claimed_groups, replace_claimed_groups
from gateway.directory.groups import add_user
from gateway.directory.identity_links import find_linked_user, link_user, links_of
from gateway.directory.recycle_bin import (
    purge_user,
    recycle_user,
    restore_user,
)
from gateway.directory.resources import NewResource, Search, list_resources, register_resource, tags_of_resource
from gateway.directory.revocations import find_revocation
from gateway.directory.users import get_user
from gateway.keyring import KeyRing, new_master_key
from gateway.principal import RamUser
from gateway.store.engine import Store
from gateway.store.paging import Page
from gateway.sts.sessions import find_session, open_session
from tests.fake_clock import NOON, FakeClock
from tests.unit.directory.world import group, user

RING = KeyRing((new_master_key(),))
LATER = NOON + timedelta(days=1)
EVERYTHING = Page(size=100)
BIN = timedelta(days=30)


def test_restore_user__sessions_of_before__stay_dead_and_later_ones_live(store: Store, account: str) -> None:
    with store.transaction() as session:
        alice = user(session)
        recycle_user(session, account, alice.id, NOON)
        pair = ("user", alice.id)
        assert find_revocation(session, [pair], LATER + BIN) == pair
        restore_user(session, account, alice.id, LATER)
        assert find_revocation(session, [pair], LATER) == pair
        assert find_revocation(session, [pair], LATER + timedelta(seconds=1)) is None
        recycle_user(session, account, alice.id, LATER)
        assert find_revocation(session, [pair], LATER + BIN) == pair


def test_authorizer__user_deleted_and_restored__loses_all_rights_and_has_them_again(store: Store, account: str) -> None:
    authorizer = Authorizer(FakeClock())
    with store.transaction() as session:
        alice, staff = user(session), group(session)
        add_user(session, staff, alice, NOON)
        attach_policy(session, account, "System", "AliyunRAMReadOnlyAccess", staff, NOON)
    caller, arn = RamUser(account, alice.id, "alice"), f"acs:ram:*:{account}:user/*"

    def allowed() -> bool:
        with store.reading() as session:
            return authorizer.decide(session, caller, "ram:ListUsers", arn, {}).allowed

    assert allowed()
    with store.transaction() as session:
        recycle_user(session, account, alice.id, NOON)
    assert not allowed()
    with store.transaction() as session:
        user(session, "alice")  # somebody else of this name has nothing to do with it
    assert not allowed()
    with store.transaction() as session:
        recycle_user(session, account, get_user(session, account, "alice").id, NOON)
        restore_user(session, account, alice.id, LATER)
    assert allowed()


def test_recycle_user__resources_it_registered__stay_and_wait_for_an_owner(store: Store, account: str) -> None:
    arn = f"acs:oss::{account}:bucket"
    with store.transaction() as session:
        alice = user(session)
        new = NewResource(arn, "oss:bucket", "", {"team": "blue"})
        register_resource(session, RamUser(account, alice.id, "alice"), new, NOON)
        recycle_user(session, account, alice.id, NOON)
        assert tags_of_resource(session, account, arn) == {"team": "blue"}
        gone = list_resources(session, account, Search(owner_gone=True), EVERYTHING).rows
        assert [(kept.arn, kept.creator_id) for kept in gone] == [(arn, alice.id)]
        restore_user(session, account, alice.id, LATER)
        assert list_resources(session, account, Search(owner_gone=True), EVERYTHING).rows == []
        recycle_user(session, account, alice.id, LATER)
        purge_user(session, account, alice.id, LATER)
        [kept] = list_resources(session, account, Search(owner_gone=True), EVERYTHING).rows
        assert (kept.creator_id, kept.creator_name) == (alice.id, "alice")


def test_find_session__user_deleted_and_restored__only_sessions_of_afterwards_live(store: Store, account: str) -> None:
    def sign_in(session: Session, now: datetime) -> str:
        return open_session(
            session,
            RING,
            RamUser(account, alice.id, "alice"),
            token=None,
            provenance=None,
            expires_at=now + timedelta(hours=6),
            duration_cap="",
            now=now,
        )

    with store.transaction() as session:
        alice = user(session)
        handle = sign_in(session, NOON)
        assert find_session(session, RING, handle, NOON) is not None
        recycle_user(session, account, alice.id, NOON)
        assert find_session(session, RING, handle, NOON) is None
        later = NOON + timedelta(hours=1)
        restore_user(session, account, alice.id, later)
        assert find_session(session, RING, handle, later) is None
        again = sign_in(session, later + timedelta(seconds=1))
        assert find_session(session, RING, again, later + timedelta(seconds=1)) is not None


def test_recycle_user__known_to_a_provider__the_link_waits_and_claimed_groups_are_over(
    store: Store, account: str
) -> None:
    with store.transaction() as session:
        alice, _staff = user(session), group(session)
        link_user(session, "provider", "subject", alice, now=NOON)
        replace_claimed_groups(session, alice, "provider", {"staff": NOON + BIN})
        recycle_user(session, account, alice.id, NOON)
        assert find_linked_user(session, "provider", account, "subject") is None
        back = restore_user(session, account, alice.id, LATER).user
        assert claimed_groups(session, back.id, LATER) == ((), None)
        assert find_linked_user(session, "provider", account, "subject") is back
        recycle_user(session, account, alice.id, LATER)
        purge_user(session, account, alice.id, LATER)
        assert links_of(session, alice) == []
