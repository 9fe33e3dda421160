"""Another account in the same gateway with nothing in it, for tests of everything that an account has."""

import secrets
from dataclasses import replace
from datetime import UTC, datetime

from gateway.directory.access_keys import create_access_key
from gateway.directory.accounts import create_account
from gateway.secret import Secret
from tests.wire.seed import Seed


def fresh_company(company: Seed) -> Seed:
    """Its owner has a key, and nobody else is there."""
    now, alias = datetime.now(UTC), "fresh-" + secrets.token_hex(4)
    with company.services.store.transaction() as session:
        account = create_account(
            session,
            alias=alias,
            display_name="Fresh",
            owner_login=f"owner@{alias}.example",
            owner_password=Secret("Correct-Horse-7-Battery"),
            now=now,
        )
        key = create_access_key(session, company.services.ring, account_id=account.id, user_id=None, now=now)
    return replace(company, account_id=account.id, user_id="", owner_key=key, user_key=key)
