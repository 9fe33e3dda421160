from datetime import timedelta

import pytest
from sqlalchemy import select

from gateway.directory.accounts import Account
from gateway.directory.users import create_user
from gateway.keyring import KeyRing, new_master_key
from gateway.principal import AccountOwner, Principal, RamUser
from gateway.store.engine import Store
from gateway.sts.revocation import check_live
from gateway.sts.sessions import BrowserSession, BrowserSessionRow, end_session, find_session, open_session
from gateway.sts.token import SessionToken
from tests.company import RING, make_company
from tests.fake_clock import NOON
from tests.sessions import make_token
from tests.statements import counted_queries


@pytest.fixture
def account(store: Store) -> Account:
    with store.transaction() as session:
        return make_company(session).account


def open_for(
    store: Store, principal: Principal, *, lifetime_s: float = 3600, token: SessionToken | None = None, at_s: float = 0
) -> str:
    now = NOON + timedelta(seconds=at_s)
    with store.transaction() as session:
        return open_session(
            session,
            RING,
            principal,
            token=token,
            provenance=None,
            expires_at=now + timedelta(seconds=lifetime_s),
            duration_cap="test",
            now=now,
        )


def find(store: Store, handle: str, *, after_s: float = 0, ring: KeyRing = RING) -> BrowserSession | None:
    with store.reading() as session:
        return find_session(session, ring, handle, NOON + timedelta(seconds=after_s))


def owner_of(account: Account) -> AccountOwner:
    return AccountOwner(account.id, account.owner_login)


def test_find_session__owner__found(store: Store, account: Account) -> None:
    found = find(store, open_for(store, owner_of(account)))
    assert found is not None
    assert found.principal == owner_of(account)
    assert (found.token, found.provenance, found.duration_cap) == (None, None, "test")


def test_find_session__user__found(store: Store, account: Account) -> None:
    with store.transaction() as session:
        user = create_user(session, account.id, "alice", now=NOON)
    principal = RamUser(account.id, user.id, "alice")
    found = find(store, open_for(store, principal))
    assert found is not None
    assert found.principal == principal


@pytest.mark.parametrize("handle", ["", "no-such-handle", "\0", "\ud800", "x" * 10000])
def test_find_session__unknown_handle__none(sqlite_store: Store, handle: str) -> None:
    assert find(sqlite_store, handle) is None


def test_find_session__at_the_end__none(store: Store, account: Account) -> None:
    handle = open_for(store, owner_of(account))
    assert find(store, handle, after_s=3599.999) is not None
    assert find(store, handle, after_s=3600) is None


def test_find_session__ended__none(store: Store, account: Account) -> None:
    handle, other = open_for(store, owner_of(account)), open_for(store, owner_of(account))
    with store.transaction() as session:
        end_session(session, handle, NOON)
        end_session(session, handle, NOON)
        end_session(session, "no-such-handle", NOON)
    assert find(store, handle) is None
    assert find(store, other) is not None


def test_find_session__user_that_never_was__none(store: Store, account: Account) -> None:
    assert find(store, open_for(store, RamUser(account.id, "200000000000000001", "ghost"))) is None


def test_find_session__role_that_never_was__none(store: Store, account: Account) -> None:
    token = make_token()
    assert find(store, open_for(store, token.principal, token=token)) is None


def test_find_session__any_live_session__two_queries(store: Store, account: Account) -> None:
    handle = open_for(store, owner_of(account))
    with store.reading() as session, counted_queries(session) as statements:
        assert find_session(session, RING, handle, NOON) is not None
    assert len(statements) == 2


def test_check_live__any_token__one_query(store: Store) -> None:
    with store.reading() as session, counted_queries(session) as statements:
        check_live(session, make_token(lineage=(("user", "1"), ("session", "2"))), NOON)
    assert len(statements) == 1


def test_open_session__stored_row__holds_neither_handle_nor_secret(store: Store, account: Account) -> None:
    with store.transaction() as session:
        role = make_company(session, "globex").role("reader")
    token = make_token(role_id=role.id, secret="the-secret-of-the-session")
    handle = open_for(store, token.principal, token=token)
    with store.reading() as session:
        row = session.scalars(select(BrowserSessionRow)).one()
    stored = " ".join(str(getattr(row, column)) for column in BrowserSessionRow.__table__.columns.keys())  # noqa: SIM118
    assert handle not in stored
    assert "the-secret-of-the-session" not in stored
    assert token.access_key_id not in stored


def test_open_session__role__never_outlives_its_token(store: Store, account: Account) -> None:
    token = make_token(lifetime_s=900)
    handle = open_for(store, token.principal, token=token, lifetime_s=3600)
    with store.reading() as session:
        assert session.scalars(select(BrowserSessionRow.expires_at)).one() == token.expires_at
    assert find(store, handle, after_s=901) is None


def test_open_session__token_of_another_principal__is_a_mistake_of_ours(store: Store, account: Account) -> None:
    token = make_token()
    for principal in (owner_of(account), make_token(role_id="1").principal):
        with pytest.raises(ValueError, match="token"):
            open_for(store, principal, token=token)
    with pytest.raises(ValueError, match="token"):
        open_for(store, token.principal)


def test_find_session__key_taken_out_of_the_ring__none(store: Store) -> None:
    with store.transaction() as session:
        company = make_company(session)
        role = company.role("reader")
    token = make_token(role_id=role.id)
    token = make_token_of(company.account.id, token)
    handle = open_for(store, token.principal, token=token)
    assert find(store, handle) is not None
    assert find(store, handle, ring=KeyRing((new_master_key(), *RING.keys))) is not None
    assert find(store, handle, ring=KeyRing((new_master_key(),))) is None


def make_token_of(account_id: str, token: SessionToken) -> SessionToken:
    from dataclasses import replace

    return replace(token, principal=replace(token.principal, account_id=account_id))


def test_open_session__expired_sessions__are_swept(store: Store, account: Account) -> None:
    open_for(store, owner_of(account), lifetime_s=60)
    kept = open_for(store, owner_of(account), lifetime_s=3600)
    open_for(store, owner_of(account), at_s=61)
    with store.reading() as session:
        assert len(session.scalars(select(BrowserSessionRow.handle_hash)).all()) == 2
    assert find(store, kept, after_s=61) is not None
