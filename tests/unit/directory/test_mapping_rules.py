"""Mapping rules in the directory: order, names, limits, and what they may say."""

from collections.abc import Callable

import pytest
from sqlalchemy.orm import Session

from gateway.directory.mapping_rules import (
    MOST_ROLES,
    MOST_RULES,
    RuleContent,
    create_rule,
    delete_rule,
    delete_rules_of,
    get_rule,
    list_rules,
    update_rule,
)
from gateway.directory.provider_keys import oidc_provider_key, saml_provider_key
from gateway.errors import GatewayError, Reason
from gateway.store.engine import Store
from tests.fake_clock import NOON
from tests.unit.directory.world import ACCOUNT

ROLE = f"acs:ram::{ACCOUNT}:role/reader"
KEY = oidc_provider_key(1)
CONTENT = RuleContent("{}", (ROLE,), "${oidc:sub}")


def refused(call: Callable[[Session], object], store: Store) -> tuple[Reason, str]:
    with pytest.raises(GatewayError) as caught, store.transaction() as session:
        call(session)
    return caught.value.reason, caught.value.subject


@pytest.mark.usefixtures("account")
def test_create_rule__several__kept_in_order_and_by_provider(store: Store) -> None:
    with store.transaction() as session:
        for name in ("b", "a"):
            create_rule(session, ACCOUNT, KEY, name, CONTENT, now=NOON)
        create_rule(session, ACCOUNT, saml_provider_key(1), "a", CONTENT, now=NOON)
    with store.transaction() as session:
        delete_rule(session, ACCOUNT, KEY, "B")
        create_rule(session, ACCOUNT, KEY, "c", CONTENT, now=NOON)
        content = RuleContent('{"StringEquals": {"oidc:sub": "x"}}', (ROLE,), "fixed", 900)
        update_rule(session, ACCOUNT, KEY, "A", content, now=NOON)
    with store.reading() as session:
        assert [rule.name for rule in list_rules(session, KEY)] == ["a", "c"]
        rule = get_rule(session, KEY, "a")
        assert (rule.role_arns, rule.session_name, rule.max_duration_s) == ((ROLE,), "fixed", 900)
    with store.transaction() as session:
        delete_rules_of(session, KEY)
    with store.reading() as session:
        assert list_rules(session, KEY) == []
        assert len(list_rules(session, saml_provider_key(1))) == 1


@pytest.mark.usefixtures("account")
def test_create_rule__name_taken_in_other_case__already_exists(store: Store) -> None:
    with store.transaction() as session:
        create_rule(session, ACCOUNT, KEY, "admins", CONTENT, now=NOON)
    assert refused(lambda session: create_rule(session, ACCOUNT, KEY, "Admins", CONTENT, now=NOON), store) == (
        Reason.ALREADY_EXISTS,
        "MappingRule",
    )


@pytest.mark.parametrize(
    ("content", "reason", "subject"),
    [
        (RuleContent("{", (ROLE,), "x"), Reason.POLICY_MALFORMED, "PolicyDocument"),
        (
            RuleContent('{"ForAnyValue:StringEquals": {"a:b": "c"}}', (ROLE,), "x"),
            Reason.POLICY_MALFORMED,
            "PolicyDocument",
        ),
        (RuleContent(" " * 2049, (ROLE,), "x"), Reason.POLICY_TOO_LONG, "PolicyDocument"),
        (RuleContent("{}", (), "x"), Reason.PARAMETER_INVALID, "RoleArn"),
        (RuleContent("{}", (ROLE,) * (MOST_ROLES + 1), "x"), Reason.PARAMETER_INVALID, "RoleArn"),
        (RuleContent("{}", (f"acs:ram::{ACCOUNT}:user/ann",), "x"), Reason.ARN_MALFORMED, "RoleArn"),
        (RuleContent("{}", (ROLE,), "x", 899), Reason.PARAMETER_INVALID, "MaxSessionDuration"),
        (RuleContent("{}", (ROLE,), "x", 43201), Reason.PARAMETER_INVALID, "MaxSessionDuration"),
    ],
)
@pytest.mark.usefixtures("account")
def test_create_rule__says_what_can_not_be__refused(
    store: Store, content: RuleContent, reason: Reason, subject: str
) -> None:
    assert refused(lambda session: create_rule(session, ACCOUNT, KEY, "r", content, now=NOON), store) == (
        reason,
        subject,
    )
    with store.transaction() as session:
        create_rule(session, ACCOUNT, KEY, "r", CONTENT, now=NOON)
    assert refused(lambda session: update_rule(session, ACCOUNT, KEY, "r", content, now=NOON), store) == (
        reason,
        subject,
    )


@pytest.mark.usefixtures("account")
def test_create_rule__as_many_as_there_may_be__limit(store: Store) -> None:
    with store.transaction() as session:
        for number in range(MOST_RULES):
            create_rule(session, ACCOUNT, KEY, f"r{number}", CONTENT, now=NOON)
    assert refused(lambda session: create_rule(session, ACCOUNT, KEY, "more", CONTENT, now=NOON), store) == (
        Reason.LIMIT_EXCEEDED,
        "MappingRule",
    )


@pytest.mark.usefixtures("account")
def test_rule__unknown__not_found(store: Store) -> None:
    for call in (
        lambda session: get_rule(session, KEY, "nobody"),
        lambda session: update_rule(session, ACCOUNT, KEY, "nobody", CONTENT, now=NOON),
        lambda session: delete_rule(session, ACCOUNT, KEY, "nobody\0"),
    ):
        assert refused(call, store) == (Reason.NOT_FOUND, "MappingRule")
