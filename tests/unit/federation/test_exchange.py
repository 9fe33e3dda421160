"""AssumeRoleWithSAML after verification."""

from datetime import timedelta
from typing import Any

import pytest

from gateway.errors import Denied, GatewayError, NotFound, Reason
from gateway.federation.exchange import SamlExchange, exchange_saml_for_role
from gateway.identity import VerifiedIdentity
from gateway.store.engine import Store
from gateway.sts.duration import DEFAULT, IDP_SESSION_END, REQUESTED
from tests.company import RING, Company, make_company, occasion
from tests.fake_clock import NOON
from tests.identities import ENTITY_ID, ROLE_RECIPIENT, fingerprint, make_identity, role_attributes

NARROW = '{"Version":"1","Statement":[{"Effect":"Allow","Action":"oss:GetObject","Resource":"*"}]}'


@pytest.fixture
def store(sqlite_store: Store) -> Store:
    """What is written here is tested on both databases in test_replay.py."""
    return sqlite_store


@pytest.fixture
def acme(store: Store) -> Company:
    with store.transaction() as session:
        company = make_company(session)
        company.role("reader")
        company.role("writer", max_s=7200)
    return company


def offered(acme: Company, *names: str, **changes: Any) -> VerifiedIdentity:
    values = [acme.value(name) for name in names or ("reader", "writer")]
    return make_identity(attributes=role_attributes(*values), **changes)


def exchange(
    store: Store,
    acme: Company,
    identity: VerifiedIdentity,
    name: str = "reader",
    *,
    duration_s: int | None = None,
    session_policy: str | None = None,
) -> SamlExchange:
    with store.transaction() as session:
        return exchange_saml_for_role(
            session,
            RING,
            identity=identity,
            provider=acme.provider,
            role_arn=acme.value(name).partition(",")[0],
            duration_s=duration_s,
            session_policy=session_policy,
            occasion=occasion(),
        )


def refused(store: Store, acme: Company, identity: VerifiedIdentity, name: str = "reader") -> GatewayError:
    with pytest.raises(GatewayError) as caught:
        exchange(store, acme, identity, name)
    return caught.value


def test_exchange__offered_role__gives_credentials_and_the_assertions_own_words(store: Store, acme: Company) -> None:
    done = exchange(store, acme, offered(acme))
    assert (done.subject_type, done.subject, done.issuer, done.recipient) == (
        "persistent",
        "alice@example.com",
        ENTITY_ID,
        ROLE_RECIPIENT,
    )
    token = done.grant.token
    assert token.principal.role_id == acme.roles["reader"].id
    assert token.principal.session_name == "alice"
    assert token.expires_at == NOON + timedelta(seconds=3600)
    assert done.grant.duration_cap == DEFAULT


def test_exchange__name_id_format_of_saml_1__stays_verbatim(store: Store, acme: Company) -> None:
    kind = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"
    assert exchange(store, acme, offered(acme, subject_type=kind)).subject_type == kind


def test_exchange__role_arn_in_another_case__is_the_same_role(store: Store, acme: Company) -> None:
    assert exchange(store, acme, offered(acme), "READER").grant.token.principal.role_name == "reader"


def test_exchange__session_policy__travels_in_the_token(store: Store, acme: Company) -> None:
    done = exchange(store, acme, offered(acme), session_policy=NARROW)
    assert done.grant.token.principal.session_policy == NARROW


def test_exchange__malformed_session_policy__refused_and_assertion_unused(store: Store, acme: Company) -> None:
    identity = offered(acme)
    with pytest.raises(GatewayError) as caught:
        exchange(store, acme, identity, session_policy="{}")
    assert caught.value.reason is Reason.POLICY_MALFORMED
    exchange(store, acme, identity)


@pytest.mark.parametrize(("duration_s", "end_s", "seconds", "cap"), [
    (900, None, 900, REQUESTED),
    (7200, None, 7200, REQUESTED),
    (None, 600, 600, IDP_SESSION_END),
    (7200, 1000, 1000, IDP_SESSION_END),
])  # fmt: skip
def test_exchange__duration__least_of_request_and_idp_session(  # noqa: PLR0917 - a row of the table
    store: Store, acme: Company, duration_s: int | None, end_s: int | None, seconds: int, cap: str
) -> None:
    end = None if end_s is None else NOON + timedelta(seconds=end_s)
    done = exchange(store, acme, offered(acme, session_not_on_or_after=end), "writer", duration_s=duration_s)
    assert done.grant.token.expires_at == NOON + timedelta(seconds=seconds)
    assert done.grant.duration_cap == cap


def test_exchange__session_duration_attribute__is_ignored_even_malformed(store: Store, acme: Company) -> None:
    attributes = role_attributes(acme.value("reader"), duration="soon")
    done = exchange(store, acme, make_identity(attributes=attributes))
    assert done.grant.token.expires_at == NOON + timedelta(seconds=3600)


@pytest.mark.parametrize("duration_s", [0, 899, 3601])
def test_exchange__duration_out_of_range__refused(store: Store, acme: Company, duration_s: int) -> None:
    with pytest.raises(GatewayError) as caught:
        exchange(store, acme, offered(acme), duration_s=duration_s)
    assert (caught.value.reason, caught.value.subject) == (Reason.PARAMETER_INVALID, "DurationSeconds")


def test_exchange__role_that_trusts_the_provider_but_was_not_offered__refused(store: Store, acme: Company) -> None:
    assert refused(store, acme, offered(acme, "reader"), "writer").reason is Reason.ROLE_ATTRIBUTE


def test_exchange__offered_through_another_provider__refused(store: Store, acme: Company) -> None:
    with store.transaction() as session:
        globex = make_company(session, "globex")
    value = acme.value("reader", provider_arn=globex.provider_arn)
    identity = make_identity(attributes=role_attributes(value))
    assert refused(store, acme, identity).reason is Reason.ROLE_ATTRIBUTE


@pytest.mark.parametrize("changes", [{"certificate_fingerprint": fingerprint("mallory-key")}, {"issuer": "https://x/"}])
def test_exchange__not_this_providers_assertion__refused(
    store: Store, acme: Company, changes: dict[str, object]
) -> None:
    assert refused(store, acme, offered(acme, **changes)).reason is Reason.SAML_UNKNOWN_ISSUER


def test_exchange__offered_role_that_does_not_exist__not_found(store: Store, acme: Company) -> None:
    error = refused(store, acme, offered(acme, "nobody"), "nobody")
    assert isinstance(error, NotFound)
    assert error.subject == "RoleArn"


def test_exchange__trust_policy_refuses__denied_with_the_decision(store: Store, acme: Company) -> None:
    error = refused(store, acme, offered(acme, recipient="https://elsewhere.example/"))
    assert error.reason is Reason.TRUST_POLICY_DENIED
    assert isinstance(error, Denied)


def test_exchange__role_arn_malformed__refused(store: Store, acme: Company) -> None:
    with pytest.raises(GatewayError) as caught, store.transaction() as session:
        exchange_saml_for_role(
            session,
            RING,
            identity=offered(acme),
            provider=acme.provider,
            role_arn="reader",
            duration_s=None,
            session_policy=None,
            occasion=occasion(),
        )
    assert caught.value.reason is Reason.ARN_MALFORMED
