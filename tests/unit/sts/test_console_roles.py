"""Roles that are not for the browser."""

from dataclasses import replace
from datetime import timedelta

import pytest

from gateway.directory.roles import update_role
from gateway.errors import AuthenticationError, Reason
from gateway.store.engine import Store
from gateway.sts.sessions import find_session, open_session
from gateway.sts.token import SessionToken
from tests.company import RING, make_company
from tests.fake_clock import NOON
from tests.sessions import make_token


def sign_in(store: Store, token: SessionToken) -> str:
    with store.transaction() as session:
        return open_session(
            session,
            RING,
            token.principal,
            token=token,
            provenance=None,
            expires_at=NOON + timedelta(seconds=900),
            duration_cap="test",
            now=NOON,
        )


def test_open_session__role_not_for_the_browser__refused_from_then_on(store: Store) -> None:
    with store.transaction() as session:
        company = make_company(session)
        role = company.role("reader")
        account_id = company.account.id
    token = make_token(role_id=role.id)
    token = replace(token, principal=replace(token.principal, account_id=account_id))
    handle = sign_in(store, token)
    with store.transaction() as session:
        update_role(session, account_id, "reader", allow_console_login=False, now=NOON)
    with pytest.raises(AuthenticationError) as caught:
        sign_in(store, replace(token, session_id="SESSION-2"))
    assert caught.value.reason is Reason.ROLE_NO_CONSOLE
    with store.reading() as session:
        assert find_session(session, RING, handle, NOON) is not None
    with store.transaction() as session:
        update_role(session, account_id, "reader", allow_console_login=True, now=NOON)
    assert sign_in(store, replace(token, session_id="SESSION-3"))
