"""Another account of the same gateway, with a user in it who may do everything there."""

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime

from gateway.directory.access_keys import create_access_key
from gateway.directory.accounts import create_account
from gateway.directory.attachments import attach_policy
from gateway.directory.roles import create_role
from gateway.directory.users import create_user
from gateway.secret import Secret
from tests.wire.seed import Seed


@dataclass(frozen=True)
class Neighbour:
    account_id: str
    user_name: str
    key: tuple[str, str]


def new_neighbour(company: Seed) -> Neighbour:
    now, alias, services = datetime.now(UTC), "other-" + secrets.token_hex(4), company.services
    with services.store.transaction() as session:
        account = create_account(
            session,
            alias=alias,
            display_name="Other",
            owner_login=f"owner@{alias}.example",
            owner_password=Secret("Correct-Horse-7-Battery"),
            now=now,
        )
        user = create_user(session, account.id, "mallory", now=now)
        attach_policy(session, account.id, "System", "AdministratorAccess", user, now)
        key = create_access_key(session, services.ring, account_id=account.id, user_id=user.id, now=now)
    return Neighbour(account.id, "mallory", (key.access_key_id, key.secret.reveal()))


def new_role_of(company: Seed, account_id: str, trust: str, *policies: str) -> str:
    """The ARN of a role of its own name, with these system policies."""
    name, now = "role-" + secrets.token_hex(6), datetime.now(UTC)
    with company.services.store.transaction() as session:
        role = create_role(session, account_id, name, trust_document=trust, now=now)
        for policy in policies:
            attach_policy(session, account_id, "System", policy, role, now)
        return role.arn
