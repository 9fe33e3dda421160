"""A custom policy may be called like a system policy. It never is that one, whatever becomes of its documents."""

from datetime import UTC, datetime

from alibabacloud_ram20150501 import models as ram
from sqlalchemy import delete

from gateway.directory.attachments import attach_policy
from gateway.directory.policies import Policy, PolicyVersion, create_policy
from gateway.directory.users import get_user
from tests.wire.refusal import refusal
from tests.wire.seed import Seed

NOTHING = '{"Version":"1","Statement":[{"Effect":"Allow","Action":"oss:GetObject","Resource":"*"}]}'
NAME = "AdministratorAccess"


def test_custom_policy__called_like_a_system_policy__grants_what_it_says(company: Seed) -> None:
    caller, client = company.new_user(), company.ram()
    client.create_policy(ram.CreatePolicyRequest(policy_name=NAME, policy_document=NOTHING))
    attached = ram.AttachPolicyToUserRequest(user_name=caller.name, policy_name=NAME, policy_type="Custom")
    client.attach_policy_to_user(attached)
    assert refusal(company.ram(*caller.key).get_account_alias).code == "NoPermission"
    client.detach_policy_from_user(
        ram.DetachPolicyFromUserRequest(user_name=caller.name, policy_name=NAME, policy_type="Custom")
    )
    client.delete_policy(ram.DeletePolicyRequest(policy_name=NAME))


def test_custom_policy__its_documents_are_lost__is_not_the_system_policy_of_that_name(company: Seed) -> None:
    caller, now = company.new_user(), datetime.now(UTC)
    with company.services.store.transaction() as session:
        policy = create_policy(session, company.account_id, NAME, NOTHING, now=now)
        user = get_user(session, company.account_id, caller.name)
        attachment = attach_policy(session, company.account_id, "Custom", NAME, user, now)
        session.execute(delete(PolicyVersion).where(PolicyVersion.policy_id == policy.id))
    assert refusal(company.ram(*caller.key).get_account_alias).code == "NoPermission"
    with company.services.store.transaction() as session:
        session.delete(session.merge(attachment))
        session.flush()
        session.execute(delete(Policy).where(Policy.id == policy.id))
