"""Whose provider may yield whose roles: the walls between accounts."""

import json
from typing import Any

import pytest
from sqlalchemy.orm import Session

from gateway.federation.mapping import (
    PROVIDER_REFUSED,
    ROLE_ELSEWHERE_REFUSED,
    ROLE_UNKNOWN,
    Refusal,
    RoleChoice,
    role_choices,
)
from gateway.store.engine import Store
from tests.company import Company, make_company, occasion
from tests.identities import ENTITY_ID, ROLE_RECIPIENT, fingerprint, make_identity, role_attributes


def choose(session: Session, value: str, **changes: Any) -> RoleChoice:
    identity = make_identity(attributes=role_attributes(value), **changes)
    (choice,) = role_choices(session, identity, occasion()).choices
    return choice


def trust(provider_arn: str, **conditions: dict[str, list[str]]) -> str:
    statement = {
        "Effect": "Allow",
        "Action": "sts:AssumeRole",
        "Principal": {"Federated": [provider_arn]},
        "Condition": {"StringEquals": {"saml:recipient": ROLE_RECIPIENT}} | conditions,
    }
    return json.dumps({"Version": "1", "Statement": [statement]})


def test_role_choices__own_provider_and_trusting_role__allowed(store: Store) -> None:
    with store.transaction() as session:
        acme = make_company(session)
        acme.role("Reader")
        choice = choose(session, acme.value("reader"))
    assert choice.allowed
    assert choice.raw == acme.value("reader")
    assert (choice.account_id, choice.account_alias, choice.role_name) == (acme.account.id, "acme", "Reader")
    assert choice.decision is not None
    assert choice.decision.allowed


def test_role_choices__names_in_another_case__are_the_same_names(store: Store) -> None:
    with store.transaction() as session:
        acme = make_company(session)
        acme.role("reader")
        value = acme.value("reader").replace("role/reader", "role/READER").replace("company", "COMPANY")
        assert choose(session, value).allowed


@pytest.fixture
def twins(sqlite_store: Store) -> tuple[Store, Company, Company]:
    """Two accounts that registered the same entity ID; `mallory` has a key of its own."""
    with sqlite_store.transaction() as session:
        acme = make_company(session, "acme", certificates=("idp",))
        acme.role("reader")
        mallory = make_company(session, "mallory", certificates=("mallory-key",))
        mallory.role("reader")
    return sqlite_store, acme, mallory


def test_role_choices__same_entity_id_with_a_foreign_key__opens_only_its_own_account(
    twins: tuple[Store, Company, Company],
) -> None:
    store, acme, mallory = twins
    with store.reading() as session:
        forged = choose(session, acme.value("reader"), certificate_fingerprint=fingerprint("mallory-key"))
        own = choose(session, mallory.value("reader"), certificate_fingerprint=fingerprint("mallory-key"))
        reverse = choose(session, mallory.value("reader"), certificate_fingerprint=fingerprint("idp"))
    assert forged.refusal is Refusal.PROVIDER
    assert own.allowed
    assert reverse.refusal is Refusal.PROVIDER


def test_role_choices__foreign_provider_that_the_role_does_not_name__refused(
    twins: tuple[Store, Company, Company],
) -> None:
    store, acme, mallory = twins
    value = acme.value("reader", provider_arn=mallory.provider_arn)
    with store.reading() as session:
        choice = choose(session, value, certificate_fingerprint=fingerprint("mallory-key"))
    assert choice.refusal is Refusal.TRUST
    assert choice.why == ROLE_ELSEWHERE_REFUSED
    assert choice.account_alias == ""


def test_role_choices__foreign_role_that_does_not_exist__looks_like_one_that_does_not_trust(
    twins: tuple[Store, Company, Company],
) -> None:
    store, acme, mallory = twins
    value = acme.value("no-such-role", provider_arn=mallory.provider_arn)
    with store.reading() as session:
        choice = choose(session, value, certificate_fingerprint=fingerprint("mallory-key"))
    assert choice.refusal is Refusal.ROLE
    assert choice.why == ROLE_ELSEWHERE_REFUSED


def test_role_choices__role_of_another_account_that_names_the_provider__allowed(sqlite_store: Store) -> None:
    with sqlite_store.transaction() as session:
        acme = make_company(session, "acme")
        globex = make_company(session, "globex", entity_id="https://globex.example/idp", certificates=("globex",))
        globex.role("auditor", provider_arn=acme.provider_arn)
        choice = choose(session, globex.value("auditor", provider_arn=acme.provider_arn))
    assert choice.allowed
    assert (choice.account_id, choice.account_alias) == (globex.account.id, "globex")


@pytest.mark.parametrize("wrong", ["missing", "issuer", "certificate"])
def test_role_choices__provider_does_not_vouch__one_public_answer(sqlite_store: Store, wrong: str) -> None:
    with sqlite_store.transaction() as session:
        acme = make_company(session)
        acme.role("reader")
        value = acme.value("reader", provider_arn=acme.provider_arn + ("x" if wrong == "missing" else ""))
        changes: dict[str, str] = {
            "missing": {},
            "issuer": {"issuer": ENTITY_ID + "/"},
            "certificate": {"certificate_fingerprint": "0" * 64},
        }[wrong]
        choice = choose(session, value, **changes)
    assert choice.refusal is Refusal.PROVIDER
    assert choice.why == PROVIDER_REFUSED
    assert choice.account_alias == ""


def test_role_choices__unknown_role_of_the_own_account__says_so(sqlite_store: Store) -> None:
    with sqlite_store.transaction() as session:
        acme = make_company(session)
        choice = choose(session, acme.value("reader"))
    assert (choice.refusal, choice.why) == (Refusal.ROLE, ROLE_UNKNOWN)


def test_role_choices__recipient_that_the_role_does_not_want__refused(sqlite_store: Store) -> None:
    with sqlite_store.transaction() as session:
        acme = make_company(session)
        acme.role("reader")
        choice = choose(session, acme.value("reader"), recipient="https://elsewhere.example/saml-role/sso")
    assert choice.refusal is Refusal.TRUST
    assert choice.decision is not None


@pytest.mark.parametrize(
    ("conditions", "allowed"),
    [
        ({"StringLike": {"saml:sub": ["*@example.com"]}}, True),
        ({"StringLike": {"saml:sub": ["*@example.org"]}}, False),
        ({"StringEquals": {"saml:iss": [ENTITY_ID], "saml:sub_type": ["persistent"]}}, True),
        ({"StringEquals": {"saml:sub_type": ["transient"]}}, False),
        ({"StringEquals": {"saml:attribute/department": ["research"]}}, True),
        ({"StringEquals": {"saml:attribute/department": ["sales"]}}, False),
        ({"StringEquals": {"saml:attribute/missing": [""]}}, False),
        ({"IpAddress": {"acs:SourceIp": ["192.0.2.0/24"]}}, True),
        ({"IpAddress": {"acs:SourceIp": ["198.51.100.0/24"]}}, False),
        ({"Bool": {"acs:SecureTransport": ["true"]}}, True),
        ({"DateLessThan": {"acs:CurrentTime": ["2026-03-04T12:00:01Z"]}}, True),
        ({"DateLessThan": {"acs:CurrentTime": ["2026-03-04T12:00:00Z"]}}, False),
    ],
)
def test_role_choices__trust_policy_asks_about_the_login__decides(
    sqlite_store: Store, conditions: dict[str, dict[str, list[str]]], allowed: bool
) -> None:
    with sqlite_store.transaction() as session:
        acme = make_company(session)
        acme.role("reader", trust=trust(acme.provider_arn, **conditions))
        attributes = {**role_attributes(acme.value("reader")), "department": ("research", "it")}
        identity = make_identity(attributes=attributes)
        (choice,) = role_choices(session, identity, occasion()).choices
    assert choice.allowed is allowed


def test_role_choices__request_that_claims_saml_keys__is_not_believed(sqlite_store: Store) -> None:
    with sqlite_store.transaction() as session:
        acme = make_company(session)
        acme.role("reader", trust=trust(acme.provider_arn, StringLike={"saml:sub": ["boss@*"]}))
        identity = make_identity(attributes=role_attributes(acme.value("reader")))
        forged = occasion(context={"SAML:Sub": "boss@example.com"})
        (choice,) = role_choices(session, identity, forged).choices
    assert choice.refusal is Refusal.TRUST


def test_role_choices__attribute_named_like_a_key__does_not_stand_in_for_it(sqlite_store: Store) -> None:
    with sqlite_store.transaction() as session:
        acme = make_company(session)
        acme.role("reader", trust=trust(acme.provider_arn, StringLike={"saml:sub": ["boss@*"]}))
        attributes = {**role_attributes(acme.value("reader")), "saml:sub": ("boss@example.com",)}
        (choice,) = role_choices(session, make_identity(attributes=attributes), occasion()).choices
    assert choice.refusal is Refusal.TRUST


def test_role_choices__two_values_of_two_accounts__each_by_its_own_provider(sqlite_store: Store) -> None:
    with sqlite_store.transaction() as session:
        acme, globex = make_company(session, "acme"), make_company(session, "globex")
        acme.role("reader")
        globex.role("writer")
        attributes = role_attributes(acme.value("reader"), globex.value("writer"))
        mapping = role_choices(session, make_identity(attributes=attributes), occasion())
    assert [choice.account_alias for choice in mapping.allowed] == ["acme", "globex"]
