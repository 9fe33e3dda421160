"""An account to work in."""

import pytest

from gateway.store.engine import Store
from tests.in_process import bare_account
from tests.unit.directory.world import ACCOUNT, OTHER_ACCOUNT


@pytest.fixture
def account(store: Store) -> str:
    """The id of an account, beside which there is another one. Their owners have no password: hashing is slow."""
    with store.transaction() as session:
        session.add_all([bare_account(ACCOUNT, "company"), bare_account(OTHER_ACCOUNT, "other")])
    return ACCOUNT
