"""A dry login foresees what a real one does, in a reading transaction, which the database itself holds it to."""

from typing import Any

import pytest

from gateway.directory.attachments import attach_policy
from gateway.directory.groups import create_group
from gateway.directory.oidc_providers import create_oidc_provider
from gateway.directory.provider_keys import oidc_provider_key
from gateway.directory.provider_logins import LoginSettings, Use, set_login_settings
from gateway.directory.roles import create_role
from gateway.directory.security_preference import SecurityChange, set_security_preference
from gateway.directory.user_sso import set_user_sso
from gateway.directory.users import create_user
from gateway.federation.dry_login import DryLogin, try_oidc_login, try_role_login, try_user_login
from gateway.federation.mapping import Refusal
from gateway.identity import VerifiedIdentity
from gateway.oidc.id_token import verify_id_token
from gateway.store.engine import Store
from tests.company import Company, make_company, occasion
from tests.fake_clock import NOON
from tests.identities import idp_metadata, make_identity, role_attributes
from tests.oidc_factory import CLIENT, ISSUER, Spec, expectation, key_set

SUFFIX = "onaliyun.com"


def with_company(store: Store, *roles: str, alias: str = "acme") -> Company:
    with store.transaction() as session:
        company = make_company(session, alias)
        for name in roles:
            company.role(name)
        return company


def test_try_role_login__allowed_and_refused__tells_each_with_its_rights(store: Store) -> None:
    company = with_company(store, "dev")
    with store.transaction() as session:
        attach_policy(session, company.account.id, "System", "ReadOnlyAccess", company.roles["dev"], NOON)
    identity = make_identity(attributes=role_attributes(company.value("dev"), company.value("none"), "garbage"))
    with store.reading() as session:
        dry = try_role_login(session, identity, company.provider_arn, occasion())
    assert dry.would_sign_in
    dev, none, bad = dry.roles
    assert (dev.choice.allowed, [grant.policy_name for grant in dev.grants]) == (True, ["ReadOnlyAccess"])
    assert dev.duration is not None
    assert (none.choice.refusal, bad.choice.refusal) == (Refusal.ROLE, Refusal.MALFORMED)
    assert none.grants == ()


def test_try_role_login__role_through_another_provider__is_no_part_of_the_test(store: Store) -> None:
    company, other = with_company(store, "dev"), with_company(store, "ops", alias="lab")
    identity = make_identity(attributes=role_attributes(company.value("dev"), other.value("ops")))
    with store.reading() as session:
        dry = try_role_login(session, identity, company.provider_arn, occasion())
    assert [role.choice.allowed for role in dry.roles] == [True, False]
    assert "no part of this test" in dry.roles[1].choice.why


def test_try_role_login__nothing_can_be_taken__is_an_obstacle(store: Store) -> None:
    company = with_company(store)
    identity = make_identity(attributes=role_attributes(company.value("none")))
    with store.reading() as session:
        dry = try_role_login(session, identity, company.provider_arn, occasion())
    assert not dry.would_sign_in
    assert "None of the roles" in dry.obstacles[0]


def test_try_role_login__ill_formed_attributes__say_what_is_missing(store: Store) -> None:
    company = with_company(store, "dev")
    with store.reading() as session:
        dry = try_role_login(session, make_identity(), company.provider_arn, occasion())
    assert "Role attribute is missing" in dry.obstacles[0]


@pytest.mark.parametrize(("enabled", "works"), [(True, True), (False, False)])
def test_try_user_login__turned_on_or_off__finds_the_user(store: Store, enabled: bool, works: bool) -> None:
    company = with_company(store)
    with store.transaction() as session:
        set_user_sso(session, company.account.id, enabled=enabled, metadata_xml=idp_metadata(), now=NOON)
        create_user(session, company.account.id, "alice", now=NOON)
    identity = make_identity(subject="alice@acme.onaliyun.com", in_response_to="_x")
    with store.reading() as session:
        dry = try_user_login(session, identity, company.account.id, suffix=SUFFIX, occasion=occasion())
    assert dry.user is not None
    assert (dry.user.name, dry.user.exists, dry.would_sign_in) == ("alice", True, works)


def test_try_user_login__network_not_allowed__is_an_obstacle(store: Store) -> None:
    company = with_company(store)
    with store.transaction() as session:
        set_user_sso(session, company.account.id, enabled=True, metadata_xml=idp_metadata(), now=NOON)
        create_user(session, company.account.id, "alice", now=NOON)
        set_security_preference(session, company.account.id, SecurityChange(login_network_masks="10.0.0.0/8"))
    identity = make_identity(subject="alice@acme.onaliyun.com", in_response_to="_x")
    with store.reading() as session:
        dry = try_user_login(session, identity, company.account.id, suffix=SUFFIX, occasion=occasion())
    assert not dry.would_sign_in
    assert len(dry.obstacles) == 1


def oidc(store: Store, company: Company, settings: LoginSettings, **claims: Any) -> DryLogin:
    with store.transaction() as session:
        provider = create_oidc_provider(session, company.account.id, "op", ISSUER, client_ids=(CLIENT,), now=NOON)
        set_login_settings(session, company.account.id, oidc_provider_key(provider.id), settings, now=NOON)
        trust = (
            f'{{"Version":"1","Statement":[{{"Effect":"Allow","Action":"sts:AssumeRole","Principal":'
            f'{{"Federated":["{provider.arn}"]}},"Condition":{{"StringEquals":{{"oidc:iss":"{ISSUER}","oidc:aud":"{CLIENT}"}}}}}}]}}'
        )
        create_role(session, company.account.id, "reader", trust_document=trust, now=NOON)
        arn = provider.arn
    identity: VerifiedIdentity = verify_id_token(Spec(claims).token(), expectation(provider=arn), key_set(), NOON)
    with store.reading() as session:
        return try_oidc_login(session, identity, suffix=SUFFIX, occasion=occasion())


def test_try_oidc_login__user_to_be_made__is_foreseen_and_not_made(store: Store) -> None:
    company = with_company(store)
    with store.transaction() as session:
        group = create_group(session, company.account.id, "ops", now=NOON)
        attach_policy(session, company.account.id, "System", "ReadOnlyAccess", group, NOON)
    settings = LoginSettings(
        use=Use.USER,
        logon_name_key="oidc:claim/preferred_username",
        login_with_domain=False,
        creates_users=True,
        groups_key="oidc:claim/groups",
    )
    dry = oidc(store, company, settings, preferred_username="bob", groups=["ops"])
    assert dry.user is not None
    assert (dry.user.name, dry.user.exists, dry.user.said_groups) == ("bob", False, ("ops",))
    assert [grant.through for grant in dry.user.grants] == ["group ops"]
    assert dry.would_sign_in


def test_try_oidc_login__for_exchange_only__says_so_and_foresees_all_the_same(store: Store) -> None:
    settings = LoginSettings(use=Use.EXCHANGE_ONLY, roles_key="oidc:claim/roles", session_name="${oidc:sub}")
    dry = oidc(store, with_company(store), settings, roles="reader", sub="alice")
    assert not dry.would_sign_in
    assert "turned off" in dry.obstacles[0]
    assert [role.choice.allowed for role in dry.roles] == [True]


def test_try_oidc_login__both__falls_back_to_roles(store: Store) -> None:
    settings = LoginSettings(
        use=Use.BOTH,
        logon_name_key="oidc:claim/preferred_username",
        login_with_domain=False,
        roles_key="oidc:claim/roles",
        session_name="${oidc:sub}",
    )
    dry = oidc(store, with_company(store), settings, preferred_username="nobody", roles="reader", sub="alice")
    assert dry.user is None
    assert dry.would_sign_in
