"""`acs:MFAPresent` on the wire: told by security tokens, and absent for lasting AccessKeys."""

import json
import secrets
from datetime import UTC, datetime

import pytest
from alibabacloud_ram20150501.models import GetUserRequest
from alibabacloud_sts20150401.models import AssumeRoleRequest

from gateway.directory.attachments import attach_policy
from gateway.directory.policies import create_policy
from gateway.directory.roles import Role, create_role
from gateway.directory.users import get_user
from gateway.principal import RamUser
from gateway.sts.assume import assume_as_caller
from gateway.sts.credentials import Credentials
from tests.wire.refusal import refusal
from tests.wire.seed import Seed

READS = {"Effect": "Allow", "Action": "ram:GetUser", "Resource": "*"}


def document(*statements: object) -> str:
    return json.dumps({"Version": "1", "Statement": list(statements)})


def mfa(value: str) -> dict[str, object]:
    return {"Bool": {"acs:MFAPresent": value}}


def role_with(company: Seed, *statements: object) -> Role:
    """A role that every user of the account may take, with one policy."""
    name, now = "mfa-" + secrets.token_hex(4), datetime.now(UTC)
    trust = {
        "Effect": "Allow",
        "Action": "sts:AssumeRole",
        "Principal": {"RAM": [f"acs:ram::{company.account_id}:root"]},
    }
    with company.services.store.transaction() as session:
        role = create_role(session, company.account_id, name, trust_document=document(trust), now=now)
        create_policy(session, company.account_id, name, document(*statements), now=now)
        attach_policy(session, company.account_id, "Custom", name, role, now)
    return role


def session_from_browser(company: Seed, role: Role, *, mfa_present: bool, age: str | None = None) -> Credentials:
    """What a user takes along who changed to the role at the browser."""
    now = datetime.now(UTC)
    with company.services.store.transaction() as session:
        grant = assume_as_caller(
            session,
            ring=company.services.ring,
            caller=RamUser(company.account_id, company.user_id, "alice"),
            role=role,
            session_name="alice",
            context={"acs:MFAPresent": ("true" if mfa_present else "false",)} | ({"acs:MFAAge": (age,)} if age else {}),
            duration_s=None,
            session_policy=None,
            now=now,
        )
    return grant.credentials


def read(company: Seed, key_id: str, secret: str, token: str | None = None) -> None:
    company.ram(key_id, secret, token).get_user(GetUserRequest(user_name="alice"))


def read_with(company: Seed, credentials: Credentials) -> None:
    read(company, credentials.access_key_id, credentials.access_key_secret.reveal(), credentials.security_token)


@pytest.mark.parametrize(("mfa_present", "wanted"), [(True, "true"), (False, "false")])
def test_token__policy_wants_what_it_tells__allowed(company: Seed, mfa_present: bool, wanted: str) -> None:
    role = role_with(company, READS | {"Condition": mfa(wanted)})
    read_with(company, session_from_browser(company, role, mfa_present=mfa_present))
    other = session_from_browser(company, role, mfa_present=not mfa_present)
    assert refusal(read_with, company, other).code == "NoPermission"


def test_token__denied_without_a_second_factor__by_a_guard(company: Seed) -> None:
    role = role_with(company, READS, READS | {"Effect": "Deny", "Condition": mfa("false")})
    read_with(company, session_from_browser(company, role, mfa_present=True))
    without = session_from_browser(company, role, mfa_present=False)
    assert refusal(read_with, company, without).code == "NoPermission"


def test_token__assumed_with_it_on_the_wire__tells_the_same(company: Seed) -> None:
    takes = {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"}
    first, second = role_with(company, takes), role_with(company, READS | {"Condition": mfa("true")})
    for mfa_present in (True, False):
        held = session_from_browser(company, first, mfa_present=mfa_present)
        sts = company.client(held.access_key_id, held.access_key_secret.reveal(), held.security_token)
        got = sts.assume_role(AssumeRoleRequest(role_arn=second.arn, role_session_name="chained")).body.credentials
        call = (company, got.access_key_id, got.access_key_secret, got.security_token)
        if mfa_present:
            read(*call)
        else:
            assert refusal(read, *call).code == "NoPermission"


def test_token__policy_wants_a_fresh_second_factor__age_counts_on_from_the_sign_in(company: Seed) -> None:
    takes = {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"}
    fresh = {"NumericLessThan": {"acs:MFAAge": "300"}}
    role, chained = (
        role_with(company, takes, READS | {"Condition": fresh}),
        role_with(company, READS | {"Condition": fresh}),
    )
    for age, allowed in (("10", True), ("290", True), ("301", False), (None, False)):
        held = session_from_browser(company, role, mfa_present=True, age=age)
        sts = company.client(held.access_key_id, held.access_key_secret.reveal(), held.security_token)
        got = sts.assume_role(AssumeRoleRequest(role_arn=chained.arn, role_session_name="chained")).body.credentials
        call = (company, got.access_key_id, got.access_key_secret, got.security_token)
        if allowed:
            read_with(company, held)
            read(*call)
        else:
            assert refusal(read_with, company, held).code == "NoPermission"
            assert refusal(read, *call).code == "NoPermission"


def test_access_key__neither_true_nor_false__key_is_absent(company: Seed) -> None:
    caller, now = company.new_user(), datetime.now(UTC)
    name = "mfa-" + secrets.token_hex(4)
    either = [READS | {"Condition": mfa("true")}, READS | {"Condition": mfa("false")}]
    with company.services.store.transaction() as session:
        create_policy(session, company.account_id, name, document(*either), now=now)
        user = get_user(session, company.account_id, caller.name)
        attach_policy(session, company.account_id, "Custom", name, user, now)
    assert refusal(read, company, *caller.key).code == "NoPermission"
