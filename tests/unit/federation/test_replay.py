"""One assertion, one session: through the role page, the API, or several of them at once."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from gateway.errors import GatewayError, Reason, SamlError
from gateway.federation.exchange import exchange_saml_for_role
from gateway.federation.login import RoleOffer, begin_role_login, take_role
from gateway.identity import VerifiedIdentity
from gateway.store.engine import Store
from tests.company import BROWSER, RING, Company, make_company, occasion
from tests.identities import make_identity, role_attributes


@pytest.fixture
def acme(store: Store) -> Company:
    with store.transaction() as session:
        company = make_company(session)
        company.role("reader")
        company.role("writer")
    return company


def offered(acme: Company) -> VerifiedIdentity:
    return make_identity(attributes=role_attributes(acme.value("reader"), acme.value("writer")))


def exchange(store: Store, acme: Company, identity: VerifiedIdentity, name: str = "reader") -> None:
    with store.transaction() as session:
        exchange_saml_for_role(
            session,
            RING,
            identity=identity,
            provider=acme.provider,
            role_arn=acme.value(name).partition(",")[0],
            duration_s=None,
            session_policy=None,
            occasion=occasion(),
        )


def refused(store: Store, acme: Company, identity: VerifiedIdentity, name: str = "reader") -> Reason:
    with pytest.raises(SamlError) as caught:
        exchange(store, acme, identity, name)
    return caught.value.reason


def test_exchange__same_assertion_twice__second_refused(store: Store, acme: Company) -> None:
    identity = offered(acme)
    exchange(store, acme, identity)
    assert refused(store, acme, identity, "writer") is Reason.SAML_REPLAYED


def test_exchange__two_at_once__one_wins(store: Store, acme: Company) -> None:
    identity, gate = offered(acme), Barrier(2)

    def attempt(name: str) -> str:
        gate.wait()
        try:
            exchange(store, acme, identity, name)
        except GatewayError as error:
            return error.reason
        return "in"

    with ThreadPoolExecutor(2) as threads:
        assert sorted(threads.map(attempt, ["reader", "writer"])) == [Reason.SAML_REPLAYED, "in"]


def show_roles(store: Store, identity: VerifiedIdentity) -> RoleOffer:
    with store.transaction() as session:
        offer = begin_role_login(
            session, RING, identity=identity, browser=BROWSER, relay_target="/", occasion=occasion()
        )
    assert isinstance(offer, RoleOffer)
    return offer


def pick(store: Store, acme: Company, offer: RoleOffer) -> None:
    role, _, provider = acme.value("reader").partition(",")
    with store.transaction() as session:
        take_role(
            session,
            RING,
            offer_id=offer.offer_id,
            browser=BROWSER,
            role_arn=role,
            provider_arn=provider,
            occasion=occasion(),
        )


def test_exchange__after_the_role_page_was_shown__is_the_one_session(store: Store, acme: Company) -> None:
    identity = offered(acme)
    offer = show_roles(store, identity)
    exchange(store, acme, identity)
    with pytest.raises(GatewayError) as caught:
        pick(store, acme, offer)
    assert caught.value.reason is Reason.SAML_REPLAYED


def test_exchange__after_a_role_was_picked__refused(store: Store, acme: Company) -> None:
    identity = offered(acme)
    pick(store, acme, show_roles(store, identity))
    assert refused(store, acme, identity) is Reason.SAML_REPLAYED
