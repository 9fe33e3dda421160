"""Entities that were adopted follow what their federation says of them, and lapse when it says no more."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from gateway.audit.receipts import list_receipts
from gateway.directory.adoptions import lapse_gone, remove_federation
from gateway.directory.federation_entities import (
    FederationDocument,
    FederationEntity,
)
from gateway.directory.federations import (
    get_federation_by_id,
    list_federations,
)
from gateway.directory.metadata_documents import DocumentState, find_document
from gateway.directory.metadata_sources import find_source, lock_source, set_pasted_source
from gateway.directory.saml_providers import delete_saml_provider, get_saml_provider, trusted_certificates
from gateway.errors import GatewayError, Reason
from gateway.federation.federation_refresh import (
    ENTITY_GONE,
    lapse_entities,
    refresh_due_federations,
)
from gateway.store.engine import Store
from tests.aggregates import federation_entity
from tests.fake_clock import NOON, FakeClock
from tests.federation_world import FederationWorld, entity_id, federation_world
from tests.saml_factory import instant
from tests.saml_metadata_document import SECOND_CERTIFICATE
from tests.unit.directory.world import ACCOUNT

pytestmark = pytest.mark.usefixtures("account")


@pytest.fixture
def world(store: Store, clock: FakeClock, account: str) -> Iterator[FederationWorld]:
    with federation_world(store, clock) as made:
        yield made


def test_adopt__entity__is_a_provider_whose_certificates_are_trusted(world: FederationWorld) -> None:
    world.publish(1, 2)
    world.refresh()

    key = world.adopt(1)

    with world.store.reading() as session:
        provider = get_saml_provider(session, ACCOUNT, "corp")
        assert provider.entity_id == entity_id(1)
        assert provider.description == "From the federation edu"
        assert len(trusted_certificates(session, entity_id(1))) == 1
        source = find_source(session, key)
        assert source is not None
        assert (source.kind, source.valid_until) == ("federation", NOON + timedelta(days=14))
        assert trusted_certificates(session, entity_id(2)) == ()


@pytest.mark.parametrize(
    ("number", "reason"), [(1, Reason.ALREADY_EXISTS), (7, Reason.NOT_FOUND), (3, Reason.METADATA_ENDPOINT)]
)
def test_adopt__twice_unknown_or_unusable__is_refused_and_leaves_nothing(
    world: FederationWorld, number: int, reason: Reason
) -> None:
    unusable = federation_entity(3).replace("https://idp3.example.org/sso", "ftp://idp3.example.org/sso")
    world.entities = [federation_entity(1), unusable]
    world.refresh()
    world.adopt(1)

    with pytest.raises(GatewayError) as caught:
        world.adopt(number, "second")

    assert caught.value.reason is reason
    assert len(world.adoptions()) == 1


def test_refresh__adopted_entity_changed__is_staged_under_the_federations_signature(world: FederationWorld) -> None:
    world.publish(1)
    world.refresh()
    key = world.adopt(1)
    world.entities = [federation_entity(1, certificate=SECOND_CERTIFICATE)]

    world.refresh()

    with world.store.reading() as session:
        assert find_document(session, key, DocumentState.STAGED) is not None
        assert len(trusted_certificates(session, entity_id(1))) == 2
        kinds = [receipt.kind for receipt in list_receipts(session, account_id=ACCOUNT)]
    assert "MetadataStaged" in kinds


def test_refresh__adopted_entity_unchanged__holds_as_long_as_the_new_aggregate(world: FederationWorld) -> None:
    world.publish(1)
    world.refresh()
    key = world.adopt(1)
    world.publish(1, attributes=f'validUntil="{instant(NOON + timedelta(days=20))}"')

    world.refresh()

    with world.store.reading() as session:
        source = find_source(session, key)
        assert source is not None
        assert (source.valid_until, source.outcome) == (NOON + timedelta(days=20), "Unchanged")


def test_refresh__adopted_entity_gone__is_shown_and_lapses_after_three_days(world: FederationWorld) -> None:
    world.publish(1, 2)
    world.refresh()
    key = world.adopt(1)
    world.publish(2)
    world.refresh()

    with world.store.reading() as session:
        source = find_source(session, key)
        assert source is not None
        assert (source.gone_since, source.outcome) == (NOON, "Gone")
        assert [receipt.kind for receipt in list_receipts(session, account_id=ACCOUNT)].count(ENTITY_GONE) == 1
    world.clock.advance(3 * 86_400 - 1)
    lapse_entities(world.store, world.clock)
    with world.store.reading() as session:
        assert len(trusted_certificates(session, entity_id(1))) == 1
    world.clock.advance(1)
    lapse_entities(world.store, world.clock)
    with world.store.reading() as session:
        assert trusted_certificates(session, entity_id(1)) == ()
        assert lapse_gone(session, world.clock.now()) == ()


def test_refresh__gone_entity_comes_back__is_trusted_again(world: FederationWorld) -> None:
    world.publish(1, 2)
    world.refresh()
    key = world.adopt(1)
    world.publish(2)
    world.refresh()
    world.clock.advance(4 * 86_400)
    lapse_entities(world.store, world.clock)
    world.publish(1, 2)

    world.refresh()

    with world.store.reading() as session:
        source = find_source(session, key)
        assert source is not None
        assert source.gone_since is None
        assert len(trusted_certificates(session, entity_id(1))) == 1


def test_refresh__provider_with_another_source__no_longer_follows_and_lets_the_federation_go(
    world: FederationWorld,
) -> None:
    world.publish(1)
    world.refresh()
    key = world.adopt(1)
    with world.store.transaction() as session:
        set_pasted_source(lock_source(session, key, ACCOUNT, NOON))
    world.entities = [federation_entity(1, certificate=SECOND_CERTIFICATE)]

    world.refresh()

    assert world.adoptions() == []
    with world.store.transaction() as session:
        assert find_document(session, key, DocumentState.STAGED) is None
        remove_federation(session, get_federation_by_id(session, world.id), NOON)


def test_remove__with_adopted_providers__is_refused_until_they_are_deleted(world: FederationWorld) -> None:
    world.publish(1, 2)
    world.refresh()
    world.adopt(1)
    with pytest.raises(GatewayError) as caught, world.store.transaction() as session:
        remove_federation(session, get_federation_by_id(session, world.id), NOON)
    assert caught.value.reason is Reason.DELETE_CONFLICT
    with world.store.transaction() as session:
        delete_saml_provider(session, ACCOUNT, "corp")
        remove_federation(session, get_federation_by_id(session, world.id), NOON)
        assert list_federations(session, ACCOUNT) == []

    refresh_due_federations(world.store, world.fetcher, world.clock, lambda: True)

    with world.store.reading() as session:
        assert session.scalar(select(func.count()).select_from(FederationEntity)) == 0
        assert session.scalar(select(func.count()).select_from(FederationDocument)) == 0
    assert world.asked == [""]
