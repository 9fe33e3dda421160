"""What an account lets its users do to themselves, and control policies above the account do not."""

import json
from datetime import UTC, datetime

import pytest
from alibabacloud_ram20150501 import models as ram

from gateway.directory.accounts import create_account
from gateway.directory.control_policies import attach_control_policy, create_control_policy, detach_control_policy
from gateway.directory.resource_directory import add_member, create_directory, enable_controls, get_directory
from gateway.secret import Secret
from gateway.services import Services
from tests.unit.web.signing_in import NEW_PASSWORD, post
from tests.unit.web.site import PASSWORD, Site, reason_of
from tests.unit.web.test_signin import give_password
from tests.wire.refusal import refusal
from tests.wire.second_company import second_company
from tests.wire.seed import Seed


def put_under_control(services: Services, account_id: str, now: datetime, *, allowed: str) -> None:
    """The account may do `allowed` at most: nothing is denied, and nothing else is let through."""
    document = {"Version": "1", "Statement": [{"Effect": "Allow", "Action": allowed, "Resource": "*"}]}
    with services.store.transaction() as session:
        alias = f"head-{account_id[-6:]}"
        head = create_account(
            session,
            alias=alias,
            display_name="",
            owner_login=f"owner@{alias}.example",
            owner_password=Secret(PASSWORD),
            now=now,
        )
        create_directory(session, head.id, now)
        directory = get_directory(session, head.id)
        add_member(session, directory, account_id, directory.root_id, now)
        create_control_policy(session, directory, "only", json.dumps(document), now=now)
        attach_control_policy(session, directory, "only", account_id, now)
        detach_control_policy(session, directory, "FullAliyunAccess", account_id)
        enable_controls(session, directory, enabled=True)


@pytest.mark.parametrize("allowed", ["oss:*", "ram:ChangePassword"])
def test_own_password__not_let_through_from_above__is_not_changed(site: Site, allowed: str) -> None:
    give_password(site)
    put_under_control(site.services, site.account_id, site.clock.now(), allowed=allowed)
    sent = {"old_password": PASSWORD, "new_password": NEW_PASSWORD, "repeated": NEW_PASSWORD}
    answer = post(site.signed_in(site.alice), "/security/password", **sent)
    if allowed == "oss:*":
        assert reason_of(answer) == "AccessDenied"
    else:
        assert answer.status_code == 303


def test_own_device__not_let_through_from_above__is_refused_on_the_wire(company: Seed) -> None:
    other = second_company(company)
    request = ram.UnbindMFADeviceRequest(user_name="zoe")
    before = refusal(company.ram(*other.user.key).unbind_mfadevice, request)
    assert before.code != "NoPermission"
    put_under_control(company.services, other.account_id, datetime.now(UTC), allowed="oss:*")
    assert refusal(company.ram(*other.user.key).unbind_mfadevice, request).code == "NoPermission"
