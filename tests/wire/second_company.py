"""Another account in the same gateway, with one user and a key of it."""

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime

from gateway.directory.access_keys import create_access_key
from gateway.directory.accounts import create_account
from gateway.directory.attachments import attach_policy
from gateway.directory.users import create_user
from gateway.secret import Secret
from tests.wire.seed import Caller, Seed


@dataclass(frozen=True)
class SecondCompany:
    account_id: str
    user: Caller


def second_company(company: Seed, *policies: str) -> SecondCompany:
    """The user has these system policies."""
    now, alias = datetime.now(UTC), "other-" + secrets.token_hex(4)
    with company.services.store.transaction() as session:
        account = create_account(
            session,
            alias=alias,
            display_name="Other",
            owner_login=f"owner@{alias}.example",
            owner_password=Secret("Correct-Horse-7-Battery"),
            now=now,
        )
        user = create_user(session, account.id, "zoe", now=now)
        for policy in policies:
            attach_policy(session, account.id, "System", policy, user, now)
        key = create_access_key(session, company.services.ring, account_id=account.id, user_id=user.id, now=now)
    return SecondCompany(account.id, Caller("zoe", user.id, key.access_key_id, key.secret.reveal()))
