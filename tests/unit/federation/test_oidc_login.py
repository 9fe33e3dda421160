"""The browser login through an OpenID Provider, from a verified identity on: user, role, or whichever it is."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session

from gateway.arn import parse_ram_arn
from gateway.directory.mapping_rules import RuleContent, create_rule
from gateway.directory.oidc_providers import create_oidc_provider, get_oidc_provider
from gateway.directory.provider_keys import oidc_provider_key
from gateway.directory.provider_logins import LoginSettings, Use, set_login_settings
from gateway.directory.revocations import revoke
from gateway.directory.roles import create_role
from gateway.directory.security_preference import SecurityChange, set_security_preference
from gateway.errors import GatewayError, Reason
from gateway.federation.login import RoleOffer, RoleSignedIn
from gateway.federation.oidc_exchange import Wanted, exchange_oidc_for_role
from gateway.federation.oidc_login import complete_oidc_login
from gateway.federation.step_up import StepUp
from gateway.federation.user_session import UserLogin
from gateway.identity import VerifiedIdentity
from gateway.oidc.id_token import verify_id_token
from gateway.store.engine import Store
from gateway.sts.revocation import provider_value
from gateway.sts.sessions import find_session
from tests.company import BROWSER, RING, occasion
from tests.fake_clock import NOON
from tests.oidc_factory import CLIENT, ISSUER, PROVIDER, Spec, expectation, key_set
from tests.unit.directory.world import ACCOUNT, user

BY_NAME = LoginSettings(use=Use.USER, logon_name_key="oidc:claim/preferred_username", login_with_domain=False)
BY_CLAIM = LoginSettings(use=Use.ROLE, roles_key="oidc:claim/roles", session_name="${oidc:claim/preferred_username}")
BOTH = replace(BY_NAME, use=Use.BOTH, roles_key="oidc:claim/roles")
TRUST = {
    "Version": "1",
    "Statement": [
        {
            "Effect": "Allow",
            "Action": "sts:AssumeRole",
            "Principal": {"Federated": [PROVIDER]},
            "Condition": {"StringEquals": {"oidc:iss": ISSUER, "oidc:aud": CLIENT}},
        }
    ],
}
MFA_TRUST = json.loads(json.dumps(TRUST))
MFA_TRUST["Statement"][0]["Condition"]["Bool"] = {"acs:MFAPresent": "true"}
MFA_TRUST["Statement"][0]["Condition"]["NumericLessThan"] = {"acs:MFAAge": "600"}

pytestmark = pytest.mark.usefixtures("account")


@pytest.fixture
def session(store: Store) -> Iterator[Session]:
    with store.transaction() as opened:
        create_oidc_provider(opened, ACCOUNT, "company", ISSUER, client_ids=(CLIENT,), now=NOON)
        user(opened)
        for name, trust in (("reader", TRUST), ("writer", TRUST), ("careful", MFA_TRUST)):
            create_role(opened, ACCOUNT, name, trust_document=json.dumps(trust), now=NOON)
        yield opened


def identity(**claims: Any) -> VerifiedIdentity:
    said = {"preferred_username": "alice", **claims}
    return verify_id_token(Spec(said).token(), expectation(), key_set(), NOON)


def key(session: Session) -> str:
    return oidc_provider_key(get_oidc_provider(session, ACCOUNT, "company").id)


def complete(
    session: Session, settings: LoginSettings | None, verified: VerifiedIdentity
) -> UserLogin | RoleSignedIn | RoleOffer | StepUp:
    if settings is not None:
        set_login_settings(session, ACCOUNT, key(session), settings, now=NOON)
    return complete_oidc_login(
        session, RING, identity=verified, browser=BROWSER, target="/t", suffix="onaliyun.com", occasion=occasion()
    )


def reason(session: Session, settings: LoginSettings | None, verified: VerifiedIdentity) -> Reason:
    with pytest.raises(GatewayError) as caught:
        complete(session, settings, verified)
    return caught.value.reason


def test_complete__user__has_a_session_of_the_account(session: Session) -> None:
    login = complete(session, BY_NAME, identity())
    assert isinstance(login, UserLogin)
    assert (login.user.name, login.target) == ("alice", "/t")
    found = find_session(session, RING, login.handle, NOON)
    assert found is not None
    assert found.provenance is not None
    assert (found.provenance.provider_arn, found.mfa_present) == (PROVIDER, False)


@pytest.mark.parametrize(
    ("claims", "proved"),
    [
        ({"acr": "gold", "auth_time": int(NOON.timestamp()) - 60}, True),
        ({"amr": ["pwd", "otp"], "auth_time": int(NOON.timestamp()) - 60}, True),
        ({"amr": "pwd", "auth_time": int(NOON.timestamp()) - 60}, False),
    ],
)
def test_complete__second_factor__counts_as_the_account_says(
    session: Session, claims: dict[str, Any], proved: bool
) -> None:
    login = complete(session, replace(BY_NAME, second_factors=("gold", "otp")), identity(**claims))
    assert isinstance(login, UserLogin)
    found = find_session(session, RING, login.handle, NOON)
    assert found is not None
    assert found.mfa_present is proved
    assert found.mfa_at == (NOON - timedelta(minutes=1) if proved else None)


def test_complete__role_that_wants_a_second_factor__takes_the_providers_word_for_it(session: Session) -> None:
    settings = replace(BY_CLAIM, second_factors=("otp",))
    auth_time = int(NOON.timestamp()) - 60
    fresh = identity(roles="careful", amr=["otp"], auth_time=auth_time)
    stale = identity(roles="careful", amr=["otp"], auth_time=auth_time - 600)
    assert isinstance(complete(session, settings, fresh), RoleSignedIn)
    assert isinstance(complete(session, settings, identity(roles="careful", amr=["pwd"])), StepUp)
    assert isinstance(complete(session, settings, stale), StepUp)
    assert reason(session, BY_CLAIM, identity(roles="careful", amr=["pwd", "kba"])) is Reason.STEP_UP_IMPOSSIBLE


def test_complete__one_role__is_taken_under_the_name_that_the_template_makes(session: Session) -> None:
    login = complete(session, BY_CLAIM, identity(roles="reader"))
    assert isinstance(login, RoleSignedIn)
    assert login.grant.token.principal.session_name == "alice"


def test_complete__claim_and_rules__are_offered_together_and_each_once(session: Session) -> None:
    roles = tuple(f"acs:ram::{ACCOUNT}:role/{name}" for name in ("Reader", "writer"))
    content = RuleContent('{"StringEquals": {"oidc:claim/team": ["lab"]}}', roles, "${oidc:sub}", 900)
    create_rule(session, ACCOUNT, key(session), "lab", content, now=NOON)
    offer = complete(session, BY_CLAIM, identity(roles="reader", team="lab"))
    assert isinstance(offer, RoleOffer)
    assert [(choice.role_name, choice.session_name) for choice in offer.mapping.allowed] == [
        ("reader", "alice"),
        ("writer", "248289761001"),
    ]
    alone = complete(session, None, identity(roles="reader"))
    assert isinstance(alone, RoleSignedIn)


def test_complete__nothing_is_met__says_why_each_rule_is_not(session: Session) -> None:
    content = RuleContent('{"StringEquals": {"oidc:claim/team": ["lab"]}}', (f"acs:ram::{ACCOUNT}:role/reader",), "abc")
    create_rule(session, ACCOUNT, key(session), "lab", content, now=NOON)
    set_login_settings(session, ACCOUNT, key(session), BY_CLAIM, now=NOON)
    with pytest.raises(GatewayError) as caught:
        complete(session, None, identity(team="Lab"))
    assert caught.value.reason is Reason.ROLE_NONE_ALLOWED
    assert caught.value.detail is not None
    assert "lab" in caught.value.detail
    assert "case" in caught.value.detail


def test_complete__both__falls_back_to_roles_for_whoever_is_no_user(session: Session) -> None:
    assert isinstance(complete(session, BOTH, identity(roles="reader")), UserLogin)
    stranger = identity(preferred_username="ghost", sub="77", roles="reader")
    assert isinstance(complete(session, None, stranger), RoleSignedIn)


def test_complete__both_and_name_of_somebody_else__is_refused_and_gets_no_role(session: Session) -> None:
    """Whoever claims to be a user that another person is must not end up anywhere."""
    assert isinstance(complete(session, BOTH, identity()), UserLogin)
    assert reason(session, None, identity(sub="7", roles="reader")) is Reason.USER_LINKED_ELSEWHERE


@pytest.mark.parametrize("settings", [None, LoginSettings()])
def test_complete__provider_for_exchange_only__is_refused(session: Session, settings: LoginSettings | None) -> None:
    assert reason(session, settings, identity()) is Reason.SSO_DISABLED


@pytest.mark.parametrize(
    "provider", [f"acs:ram::{ACCOUNT}:oidc-provider/ghost", PROVIDER.replace("123456", "654321", 1)]
)
def test_complete__provider_that_is_not_there__is_refused(session: Session, provider: str) -> None:
    assert reason(session, BY_NAME, replace(identity(), provider=provider)) is Reason.SSO_DISABLED


def test_complete__network_that_is_not_allowed__is_refused(session: Session) -> None:
    set_security_preference(session, ACCOUNT, SecurityChange(login_network_masks="198.51.100.0/24"))
    assert reason(session, BY_NAME, identity()) is Reason.LOGIN_NETWORK


@pytest.mark.parametrize(
    ("kind", "value", "sid", "ended"),
    [
        ("subject", "248289761001", "one", True),
        ("idp-session", "one", "one", True),
        ("idp-session", "two", "one", False),
        ("unnamed-session", "248289761001", None, True),
        ("unnamed-session", "248289761001", "one", False),
        ("subject", "somebody-else", "one", False),
    ],
)
def test_complete__signed_out_there_meanwhile__is_refused(
    session: Session, kind: str, value: str, sid: str | None, ended: bool
) -> None:
    revoke(session, kind, provider_value(PROVIDER, value), NOON + timedelta(seconds=1))
    set_login_settings(session, ACCOUNT, key(session), BY_NAME, now=NOON)
    if ended:
        assert reason(session, None, identity(sid=sid)) is Reason.TOKEN_REVOKED
    else:
        assert isinstance(complete(session, None, identity(sid=sid)), UserLogin)


def test_exchange__token_of_before_the_person_signed_out__is_refused(session: Session) -> None:
    wanted = Wanted(parse_ram_arn(f"acs:ram::{ACCOUNT}:role/reader", "role"), "alice", None, None)
    exchange_oidc_for_role(session, RING, identity=identity(), wanted=wanted, occasion=occasion())
    revoke(session, "subject", provider_value(PROVIDER, "248289761001"), NOON + timedelta(seconds=1))
    later = occasion(NOON + timedelta(seconds=2))
    with pytest.raises(GatewayError) as caught:
        exchange_oidc_for_role(session, RING, identity=identity(), wanted=wanted, occasion=later)
    assert caught.value.reason is Reason.TOKEN_REVOKED
