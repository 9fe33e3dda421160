"""Service-linked roles."""

import pytest

from gateway.directory import quotas
from gateway.directory.attachments import attach_policy, detach_policy, policies_of
from gateway.directory.revocations import find_revocation
from gateway.directory.roles import delete_role, find_role, get_role, update_role
from gateway.directory.service_roles import create_service_role, delete_service_role, get_template
from gateway.directory.tags import TagKind, set_tags, tags_of
from gateway.errors import AlreadyExists, Conflict, LimitExceeded, NotFound, Reason
from gateway.policy import SERVICE_ROLES, SYSTEM_POLICIES, parse_trust_policy
from gateway.store.engine import Store
from tests.fake_clock import NOON
from tests.unit.directory.world import refused, role, stamp

SERVICE, NAME = "polardb.aliyuncs.com", "AliyunServiceRoleForPolarDB"


@pytest.mark.parametrize("service", SERVICE_ROLES)
def test_get_template__every_service__has_a_name_a_policy_and_a_trust_policy(service: str) -> None:
    template = get_template(service.upper())
    assert template.service == service
    assert len(template.name) <= 64
    assert template.policy_name in SYSTEM_POLICIES
    assert template.policy_name != template.name
    (statement,) = parse_trust_policy(template.trust_document).statements
    assert [str(getattr(principal, "service", "")) for principal in statement.principals] == [service]


def test_create_service_role__twice_unknown_or_full__refused(
    store: Store, account: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with store.transaction() as session:
        create_service_role(session, account, SERVICE, NOON)
        with refused(AlreadyExists, Reason.ALREADY_EXISTS, "Role"):
            create_service_role(session, account, SERVICE, NOON)
        for unknown in ("unknown.aliyuncs.com", "", "a\0b", "x" * 5000):
            with refused(NotFound, Reason.NOT_FOUND, "ServiceLinkedRoleTemplate"):
                create_service_role(session, account, unknown, NOON)
        monkeypatch.setattr(quotas, "ROLES_PER_ACCOUNT", 1)
        with refused(LimitExceeded, Reason.LIMIT_EXCEEDED, "Role"):
            create_service_role(session, account, "nat.aliyuncs.com", NOON)
    with store.reading() as session:
        made = get_role(session, account, NAME)
        assert (made.service_name, made.max_session_duration_s, made.allow_console_login) == (SERVICE, 3600, False)
        assert [attached.policy_name for attached in policies_of(session, made)] == [get_template(SERVICE).policy_name]


def test_service_role__changed_by_hand__refused(store: Store, account: str) -> None:
    with store.transaction() as session:
        made = create_service_role(session, account, SERVICE, NOON)
        for change in (
            lambda: update_role(session, account, NAME, description="mine", now=NOON),
            lambda: delete_role(session, account, NAME),
            lambda: attach_policy(session, account, "System", "AdministratorAccess", made, NOON),
            lambda: detach_policy(session, account, "System", get_template(SERVICE).policy_name, made),
        ):
            with refused(Conflict, Reason.ROLE_SERVICE_LINKED, "Role"):
                change()
    with store.reading() as session:
        assert len(policies_of(session, get_role(session, account, NAME))) == 1


def test_delete_service_role__its_tokens_tags_and_attachments__go_with_it(store: Store, account: str) -> None:
    with store.transaction() as session:
        made = create_service_role(session, account, SERVICE, NOON)
        role_id = made.id
        set_tags(session, account, TagKind.ROLE, role_id, {"env": "prod"})
        before = stamp(session)
        assert delete_service_role(session, account, NAME.upper()).startswith(f"{NAME}/")
        assert stamp(session) != before
    with store.reading() as session:
        assert find_role(session, account, NAME) is None
        assert tags_of(session, account, TagKind.ROLE, role_id) == {}
        assert find_revocation(session, [("role", role_id)], NOON) == ("role", role_id)
    with store.transaction() as session:
        role(session, "ordinary")
        for name in ("ordinary", NAME):
            with refused(NotFound, Reason.NOT_FOUND, "Role"):
                delete_service_role(session, account, name)
        assert create_service_role(session, account, SERVICE, NOON).id != role_id
