"""A federation vouches within its own account, and what one tenant registers is nobody else's."""

from collections.abc import Iterator

import pytest

from gateway.directory.adoptions import adopt_entity
from gateway.directory.federations import (
    FederationKind,
    create_federation,
    find_federation,
    get_federation_by_id,
    list_federations,
)
from gateway.directory.saml_providers import find_saml_provider, list_saml_providers, trusted_certificates
from gateway.errors import GatewayError, Reason
from gateway.store.engine import Store
from tests.fake_clock import NOON, FakeClock
from tests.federation_world import FederationWorld, entity_id, federation_world
from tests.in_process import bare_account
from tests.signed_metadata import ANCHOR
from tests.unit.directory.world import ACCOUNT, OTHER_ACCOUNT


@pytest.fixture
def world(sqlite_store: Store, clock: FakeClock) -> Iterator[FederationWorld]:
    with sqlite_store.transaction() as session:
        session.add_all([bare_account(ACCOUNT, "company"), bare_account(OTHER_ACCOUNT, "other")])
    with federation_world(sqlite_store, clock) as made:
        made.publish(1)
        made.refresh()
        yield made


def test_federation__of_another_account__is_not_there(world: FederationWorld) -> None:
    with world.store.reading() as session:
        assert find_federation(session, OTHER_ACCOUNT, "edu") is None
        assert list_federations(session, OTHER_ACCOUNT) == []


def test_adopt__entity__registers_in_the_account_of_the_federation_only(world: FederationWorld) -> None:
    world.adopt(1)

    with world.store.reading() as session:
        assert find_saml_provider(session, ACCOUNT, "corp") is not None
        assert list_saml_providers(session, OTHER_ACCOUNT) == []


def test_federation__not_adopted__is_trusted_for_nothing(world: FederationWorld) -> None:
    with world.store.reading() as session:
        assert trusted_certificates(session, entity_id(1)) == ()


def test_federation__same_name_in_two_accounts__does_not_mix_entities(world: FederationWorld) -> None:
    with world.store.transaction() as session:
        mine = create_federation(
            session,
            OTHER_ACCOUNT,
            "edu",
            kind=FederationKind.AGGREGATE,
            url="",
            anchors_pem=ANCHOR.certificate_pem,
            now=NOON,
        )
        number = mine.id

    with pytest.raises(GatewayError) as caught, world.store.transaction() as session:
        adopt_entity(session, get_federation_by_id(session, number), entity_id(1), "uni", by="a test", now=NOON)

    assert caught.value.reason is Reason.NOT_FOUND


def test_federation__aggregate_that_ran_out__lets_nobody_be_adopted(world: FederationWorld) -> None:
    world.clock.advance(15 * 86_400)

    with pytest.raises(GatewayError) as caught:
        world.adopt(1)

    assert caught.value.reason is Reason.METADATA_EXPIRED


def test_federations__more_than_ten__are_refused(world: FederationWorld) -> None:
    def another(number: int) -> None:
        with world.store.transaction() as session:
            create_federation(
                session,
                ACCOUNT,
                f"edu{number}",
                kind=FederationKind.AGGREGATE,
                url="",
                anchors_pem=ANCHOR.certificate_pem,
                now=NOON,
            )

    for number in range(9):
        another(number)
    with pytest.raises(GatewayError) as caught:
        another(9)
    assert caught.value.reason is Reason.LIMIT_EXCEEDED
