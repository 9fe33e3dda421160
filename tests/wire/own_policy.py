"""A policy of its own for one user, for tests of what exactly a right reaches."""

import json
from datetime import UTC, datetime

from gateway.directory.attachments import attach_policy
from gateway.directory.policies import create_policy
from gateway.directory.users import get_user
from tests.wire.names import new_name
from tests.wire.seed import Caller, Seed


def give(company: Seed, caller: Caller, *statements: dict[str, object]) -> None:
    """Let these statements count for a user, beside what it has."""
    name, now = new_name("policy"), datetime.now(UTC)
    with company.services.store.transaction() as session:
        create_policy(session, company.account_id, name, json.dumps({"Version": "1", "Statement": statements}), now=now)
        user = get_user(session, company.account_id, caller.name)
        attach_policy(session, company.account_id, "Custom", name, user, now)
