"""Sessions of applications hang on the gateway's."""

from datetime import timedelta

from gateway.directory.users import create_user
from gateway.principal import RamUser
from gateway.store.engine import Store
from gateway.store.hashed_key import hash_key
from gateway.sts.app_sessions import end_app_session, find_app_session, open_app_session
from gateway.sts.sessions import end_session, open_session
from tests.company import RING, make_company
from tests.fake_clock import NOON

HOST = "wiki.example.com"


def test_find__of_its_host_while_the_gateways_session_lives(store: Store) -> None:
    later = NOON + timedelta(hours=1)
    with store.transaction() as session:
        company = make_company(session)
        alice = RamUser(company.account.id, create_user(session, company.account.id, "alice", now=NOON).id, "alice")
        handle = open_session(
            session, RING, alice, token=None, provenance=None, expires_at=later, duration_cap="test", now=NOON
        )
        here = open_app_session(session, HOST, hash_key(handle), later, NOON)
        there = open_app_session(session, "other.example.com", hash_key(handle), later, NOON)
    with store.reading() as session:
        found = find_app_session(session, RING, HOST, here, NOON)
        assert found is not None
        assert found.principal == alice
        assert find_app_session(session, RING, HOST, there, NOON) is None
        assert find_app_session(session, RING, "other.example.com", here, NOON) is None
        assert find_app_session(session, RING, HOST, handle, NOON) is None
        assert find_app_session(session, RING, HOST, here, later) is None
    with store.transaction() as session:
        end_app_session(session, HOST, there)  # of another host: ends nothing
        assert find_app_session(session, RING, "other.example.com", there, NOON) is not None
        end_app_session(session, HOST, here)
        assert find_app_session(session, RING, HOST, here, NOON) is None
        end_session(session, handle, NOON)
        assert find_app_session(session, RING, "other.example.com", there, NOON) is None
