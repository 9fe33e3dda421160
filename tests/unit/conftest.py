"""An account to work in."""

import pytest

from gateway.directory.accounts import Account
from gateway.store.engine import Store
from tests.fake_clock import NOON
from tests.unit.directory.world import ACCOUNT, OTHER_ACCOUNT


@pytest.fixture
def account(store: Store) -> str:
    """The id of an account, beside which there is another one. Their owners have no password: hashing is slow."""
    with store.transaction() as session:
        for number, account_id in enumerate((ACCOUNT, OTHER_ACCOUNT)):
            session.add(
                Account(
                    id=account_id,
                    alias=("company", "other")[number],
                    display_name="",
                    owner_login=f"owner{number}@example.com",
                    owner_password_hash="",
                    login_session_duration_h=6,
                    policy_stamp=number,
                    created_at=NOON,
                )
            )
    return ACCOUNT
