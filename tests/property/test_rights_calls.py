"""Hostile values in the operations on policies, attachments, roles and tags.

Whatever is sent by a caller who may do everything: an answer or a reasoned refusal, and a refusal changes nothing.
"""

import json
from collections.abc import Iterator, Mapping

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from gateway.api.action import AnyAction
from gateway.api.actions import attachments, policies, policy_versions, roles, service_roles, tags
from gateway.directory.attachments import Attachment
from gateway.directory.groups import create_group
from gateway.directory.policies import Policy, PolicyVersion, create_policy
from gateway.directory.roles import Role, create_role
from gateway.directory.tags import Tag
from gateway.directory.users import create_user
from tests.fake_clock import NOON
from tests.property.hostile_calls import ACCOUNT, Company, check_answer, parameters_of

FAMILIES = (attachments, policies, policy_versions, roles, service_roles, tags)
ACTIONS: tuple[AnyAction, ...] = tuple(action for family in FAMILIES for action in family.ACTIONS)
TABLES = (Attachment, Policy, PolicyVersion, Role, Tag)
DOCUMENT = json.dumps({"Version": "1", "Statement": [{"Effect": "Allow", "Action": "oss:*", "Resource": "*"}]})
TRUST = json.dumps(
    {
        "Version": "1",
        "Statement": [
            {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"RAM": f"acs:ram::{ACCOUNT}:root"}}
        ],
    }
)
plausible: Mapping[str, tuple[str, ...]] = {
    "UserName": ("alice", "ALICE", "nobody"),
    "GroupName": ("staff",),
    "RoleName": ("reader", "READER", "new-role", "AliyunServiceRoleForPolarDB"),
    "PolicyName": ("reads", "READS", "new-policy", "ReadOnlyAccess"),
    "PolicyType": ("Custom", "System"),
    "PolicyDocument": (DOCUMENT, TRUST),
    "AssumeRolePolicyDocument": (TRUST, DOCUMENT),
    "NewAssumeRolePolicyDocument": (TRUST,),
    "Description": ("text",),
    "NewDescription": ("text", ""),
    "MaxSessionDuration": ("3600", "43201"),
    "NewMaxSessionDuration": ("7200",),
    "AllowConsoleLogin": ("true", "false"),
    "NewAllowConsoleLogin": ("false",),
    "VersionId": ("v1", "v2", "v0"),
    "SetAsDefault": ("true",),
    "RotateStrategy": ("None", "DeleteOldestNonDefaultVersionWhenLimitExceeded"),
    "CascadingDelete": ("true", "false"),
    "ResourceGroupId": (ACCOUNT, "rg-1"),
    "ServiceName": ("polardb.aliyuncs.com", "PolarDB.aliyuncs.com"),
    "CustomSuffix": ("x",),
    "ResourceType": ("role", "policy", "user"),
    "ResourceNames": ('["reader"]', '["reads"]', '["reader","nobody"]'),
    "ResourceNames.1": ("reader", "reads"),
    "ResourcePrincipalName.1": ("alice@acme.onaliyun.com", "nobody@acme"),
    "ResourceId.1": ("1",),
    "Tag": ('[{"Key":"env","Value":"prod"}]', '[{"Key":"Env"}]'),
    "Tag.1.Key": ("team",),
    "Tag.1.Value": ("a",),
    "TagKeys": ('["env"]',),
    "TagKey.1": ("env",),
    "All": ("true",),
    "Marker": ("U3lzdGVt", "Q3VzdG9tLw"),
    "MaxItems": ("1",),
    "NextToken": ("MQ", "CgoK"),
    "PageSize": ("1",),
}
parameters = parameters_of(plausible)


def seed(session: Session) -> None:
    create_user(session, ACCOUNT, "alice", now=NOON)
    create_group(session, ACCOUNT, "staff", now=NOON)
    create_role(session, ACCOUNT, "reader", trust_document=TRUST, tags={"env": "prod"}, now=NOON)
    create_policy(session, ACCOUNT, "reads", DOCUMENT, tags={"env": "prod"}, now=NOON)


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    company = Company(tmp_path_factory.mktemp("company") / "gateway.db", seed)
    yield company
    company.store.dispose()


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(action=st.sampled_from(ACTIONS), sent=parameters)
def test_run__hostile_values__answered_or_refused_and_a_refusal_changes_nothing(
    company: Company, action: AnyAction, sent: dict[str, str]
) -> None:
    check_answer(company, action, sent, TABLES)
