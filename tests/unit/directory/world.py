"""Short ways to say what a test needs in the directory."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy.orm import Session

from gateway.directory.accounts import get_account
from gateway.directory.groups import Group, create_group
from gateway.directory.roles import Role, create_role
from gateway.directory.users import User, create_user
from gateway.errors import GatewayError, Reason
from tests.fake_clock import NOON

ACCOUNT = "1234567890123456"
OTHER_ACCOUNT = "6543210987654321"
TRUST = json.dumps(
    {
        "Version": "1",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": "sts:AssumeRole",
                "Principal": {"Federated": [f"acs:ram::{ACCOUNT}:saml-provider/company"]},
                "Condition": {"StringEquals": {"saml:recipient": "https://sso.example.com/saml-role/sso"}},
            }
        ],
    }
)


def policy(effect: str = "Allow", action: str = "*", resource: str = "*") -> str:
    return json.dumps({"Version": "1", "Statement": [{"Effect": effect, "Action": action, "Resource": resource}]})


def user(session: Session, name: str = "alice", account_id: str = ACCOUNT) -> User:
    return create_user(session, account_id, name, now=NOON)


def group(session: Session, name: str = "staff", account_id: str = ACCOUNT) -> Group:
    return create_group(session, account_id, name, now=NOON)


def role(session: Session, name: str = "reader", account_id: str = ACCOUNT) -> Role:
    return create_role(session, account_id, name, trust_document=TRUST, now=NOON)


def stamp(session: Session, account_id: str = ACCOUNT) -> int:
    return get_account(session, account_id).policy_stamp


@contextmanager
def refused(kind: type[GatewayError], reason: Reason, subject: str) -> Iterator[None]:
    """The block is refused for this reason, about this subject."""
    with pytest.raises(kind) as caught:
        yield
    assert (caught.value.reason, caught.value.subject) == (reason, subject)
    assert type(caught.value) is kind
