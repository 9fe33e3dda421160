"""A role that the users of the company may assume."""

import json
from datetime import UTC, datetime

from gateway.directory.attachments import attach_policy
from gateway.directory.roles import create_role
from tests.wire.names import new_name
from tests.wire.seed import Seed


def new_ram_role(company: Seed, *policies: str) -> str:
    """The ARN of a new role with these system policies, which trusts the whole account."""
    trusted = {"RAM": [f"acs:ram::{company.account_id}:root"]}
    statement = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": trusted}
    document = json.dumps({"Version": "1", "Statement": [statement]})
    now = datetime.now(UTC)
    with company.services.store.transaction() as session:
        role = create_role(session, company.account_id, new_name("role"), trust_document=document, now=now)
        for policy in policies:
            attach_policy(session, company.account_id, "System", policy, role, now)
        return role.arn
