"""AssumeRoleWithOIDC after verification: what changed since then counts."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session

from gateway.arn import parse_ram_arn
from gateway.directory.oidc_providers import create_oidc_provider, delete_oidc_provider, get_oidc_provider
from gateway.directory.provider_keys import oidc_provider_key
from gateway.directory.provider_logins import LoginSettings, set_login_settings
from gateway.directory.roles import create_role
from gateway.errors import GatewayError, Reason
from gateway.federation.oidc_exchange import OidcExchange, Wanted, exchange_oidc_for_role
from gateway.federation.trust_document import oidc_trust_document
from gateway.identity import VerifiedIdentity
from gateway.oidc.id_token import verify_id_token
from gateway.store.engine import Store
from tests.company import RING, occasion
from tests.fake_clock import NOON
from tests.oidc_factory import CLIENT, ISSUER, NOW_S, OTHER_CLIENT, PROVIDER, Spec, expectation, key_set
from tests.unit.directory.world import ACCOUNT

pytestmark = pytest.mark.usefixtures("account")


@pytest.fixture
def session(store: Store) -> Iterator[Session]:
    with store.transaction() as opened:
        create_oidc_provider(opened, ACCOUNT, "company", ISSUER, client_ids=(CLIENT,), now=NOON)
        trust = oidc_trust_document(PROVIDER, ISSUER, (CLIENT,))
        create_role(opened, ACCOUNT, "Deployer", trust_document=trust, max_session_duration_s=7200, now=NOON)
        careful = json.loads(trust)
        careful["Statement"][0]["Condition"]["Bool"] = {"acs:MFAPresent": "true"}
        create_role(opened, ACCOUNT, "careful", trust_document=json.dumps(careful), now=NOON)
        yield opened


def identity(**claims: Any) -> VerifiedIdentity:
    return verify_id_token(Spec(claims).token(), expectation(login=None), key_set(), NOON)


def exchange(session: Session, verified: VerifiedIdentity, role: str = "deployer", **wanted: Any) -> OidcExchange:
    asked = {"session_name": "ci", "duration_s": None, "session_policy": None, **wanted}
    arn = parse_ram_arn(f"acs:ram::{ACCOUNT}:role/{role}", "role")
    return exchange_oidc_for_role(
        session, RING, identity=verified, wanted=Wanted(arn, **asked), occasion=occasion(NOON)
    )


def reason(session: Session, verified: VerifiedIdentity, role: str = "deployer", **wanted: Any) -> Reason:
    with pytest.raises(GatewayError) as caught:
        exchange(session, verified, role, **wanted)
    return caught.value.reason


def test_exchange__role_in_another_case__is_the_role(session: Session) -> None:
    done = exchange(session, identity())
    token = done.grant.token
    assert (token.principal.role_name, token.principal.session_name) == ("Deployer", "ci")
    assert (done.subject, done.issuer, done.client_ids) == ("248289761001", ISSUER, (CLIENT,))
    assert (done.issued_at, done.expires_at) == (NOON, NOON + timedelta(seconds=300))
    assert token.provenance is not None
    assert (token.provenance.provider_arn, token.provenance.subject) == (PROVIDER, "248289761001")


def test_exchange__ends_later_than_the_id_token__as_the_role_allows(session: Session) -> None:
    """What is bought lasts as asked for, however short the token's own life. Rule: sts-contract §2.3."""
    assert exchange(session, identity(), duration_s=7200).grant.token.expires_at == NOON + timedelta(seconds=7200)
    assert reason(session, identity(), duration_s=7201) is Reason.PARAMETER_INVALID
    assert reason(session, identity(), duration_s=899) is Reason.PARAMETER_INVALID


def test_exchange__provider_deleted_since__refused(session: Session) -> None:
    verified = identity()
    delete_oidc_provider(session, ACCOUNT, "company")
    assert reason(session, verified) is Reason.OIDC_ISSUER


def test_exchange__name_given_to_another_issuer_since__refused(session: Session) -> None:
    verified = identity()
    delete_oidc_provider(session, ACCOUNT, "company")
    create_oidc_provider(session, ACCOUNT, "company", "https://other.example", client_ids=(CLIENT,), now=NOON)
    assert reason(session, verified) is Reason.OIDC_ISSUER


def test_exchange__audience_that_the_role_does_not_name__refused(session: Session) -> None:
    assert reason(session, identity(aud=OTHER_CLIENT)) is Reason.TRUST_POLICY_DENIED


def test_exchange__unknown_role__not_found(session: Session) -> None:
    assert reason(session, identity(), "nobody") is Reason.NOT_FOUND


@pytest.mark.parametrize(
    ("claims", "passes"),
    [
        ({"amr": ["pwd", "hwk"], "auth_time": NOW_S}, True),
        ({"acr": "gold", "auth_time": NOW_S}, True),
        ({"amr": ["pwd"], "auth_time": NOW_S}, False),
        ({"amr": "HWK"}, False),
        ({"mfa": "true", "acs:MFAPresent": "true"}, False),  # a claim never speaks for the gateway
    ],
)
def test_exchange__second_factor__as_the_account_says(session: Session, claims: dict[str, Any], passes: bool) -> None:
    key = oidc_provider_key(get_oidc_provider(session, ACCOUNT, "company").id)
    set_login_settings(session, ACCOUNT, key, LoginSettings(second_factors=("gold", "hwk")), now=NOON)
    if passes:
        assert exchange(session, identity(**claims), "careful").grant.decision.allowed
    else:
        assert reason(session, identity(**claims), "careful") is Reason.TRUST_POLICY_DENIED
