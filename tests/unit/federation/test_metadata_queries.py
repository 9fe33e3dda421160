"""A metadata query service: one entity is asked for, believed under the anchor only, and asked for again by schedule."""

import hashlib
from collections.abc import Iterator
from datetime import timedelta
from urllib.parse import quote

import pytest

from gateway.directory.federations import FederationKind, get_federation_by_id
from gateway.directory.metadata_documents import DocumentState, find_document
from gateway.directory.metadata_sources import find_source
from gateway.directory.provider_keys import saml_provider_key
from gateway.directory.saml_providers import delete_saml_provider, trusted_certificates
from gateway.errors import GatewayError, Reason
from gateway.federation.metadata_queries import adopt, ask_again, ask_for, get_answer
from gateway.store.engine import Store
from tests.fake_clock import NOON, FakeClock
from tests.federation_world import FederationWorld, entity_id, federation_world
from tests.live_issuer import publish
from tests.saml_factory import instant, signing_key
from tests.saml_metadata_document import CERTIFICATE, SECOND_CERTIFICATE, Document, group
from tests.signed_metadata import signed
from tests.unit.directory.world import ACCOUNT

pytestmark = pytest.mark.usefixtures("account")
ONE = entity_id(1)


@pytest.fixture
def world(store: Store, clock: FakeClock, account: str) -> Iterator[FederationWorld]:
    with federation_world(store, clock, FederationKind.MDQ) as made:
        yield made


def document(*certificates: str, entity: str = ONE, days: float | None = 7, attributes: str = "") -> bytes:
    limit = "" if days is None else f'validUntil="{instant(NOON + timedelta(days=days))}" '
    made = Document(
        entity_id=entity,
        certificates=certificates or (CERTIFICATE,),
        entity_attributes=f'{limit}cacheDuration="PT2H" {attributes}',
    )
    return made.xml()


def serve(world: FederationWorld, body: bytes, entity: str = ONE, status: int = 200) -> None:
    world.server.pages["/entities/" + quote(entity, safe="")] = publish(body, status)


def adopted(world: FederationWorld, entity: str = ONE) -> str:
    federation = world.row()
    answer = get_answer(world.fetcher, federation, entity, world.clock)
    with world.store.transaction() as session:
        live = get_federation_by_id(session, world.id)
        made = adopt(session, live, entity, "corp", answer, by="a test", clock=world.clock)
        return saml_provider_key(made.id)


def ask(world: FederationWorld) -> int:
    return ask_again(world.store, world.fetcher, world.clock, lambda: True)


def refused(world: FederationWorld, entity: str = ONE) -> Reason:
    with pytest.raises(GatewayError) as caught:
        get_answer(world.fetcher, world.row(), entity, world.clock)
    return caught.value.reason


def test_adopt__signed_answer__is_a_provider_and_is_asked_for_again(world: FederationWorld) -> None:
    serve(world, signed(document()))

    key = adopted(world)

    assert world.server.heard == ["/entities/" + quote(ONE, safe="")]
    (adoption,) = world.adoptions()
    assert adoption.next_query_at is not None
    assert NOON + timedelta(minutes=100) < adoption.next_query_at <= NOON + timedelta(hours=2)
    with world.store.reading() as session:
        source = find_source(session, key)
        assert source is not None
        assert (source.kind, source.valid_until) == ("federation", NOON + timedelta(days=7))
    assert ask(world) == 0
    world.clock.advance(7200)
    assert ask(world) == 1
    assert ask(world) == 0


def test_get_answer__long_entity_id__is_asked_for_by_its_digest(world: FederationWorld) -> None:
    entity = "https://idp.example.org/" + "x" * 900
    name = "/entities/%7Bsha1%7D" + hashlib.sha1(entity.encode()).hexdigest()
    world.server.pages[name] = publish(signed(document(entity=entity)))

    assert get_answer(world.fetcher, world.row(), entity, world.clock).document


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (document(), Reason.METADATA_SIGNATURE),
        (signed(document(), signing_key("stranger")), Reason.METADATA_SIGNATURE),
        (signed(document(entity=entity_id(2))), Reason.METADATA_SIGNATURE),
        (signed(group(document().decode())), Reason.METADATA_SIGNATURE),
        (signed(document(days=None)), Reason.METADATA_EXPIRED),
        (signed(document(days=0)), Reason.METADATA_EXPIRED),
        (b"<html>", Reason.METADATA_MALFORMED),
        (signed(document()) + b" " * 1024 * 1024, Reason.FETCH_TOO_LARGE),
    ],
)
def test_get_answer__not_the_one_entity_under_the_anchor__is_refused(
    world: FederationWorld, body: bytes, reason: Reason
) -> None:
    serve(world, body)

    assert refused(world) is reason


@pytest.mark.parametrize(("status", "reason"), [(404, Reason.NOT_FOUND), (500, Reason.FETCH_PROTOCOL)])
def test_get_answer__no_answer__says_why(world: FederationWorld, status: int, reason: Reason) -> None:
    serve(world, b"", status=status)

    assert refused(world) is reason


@pytest.mark.parametrize("entity", ["", " x", "x\n", "x" * 1025, "\ud800", "a\0"])
def test_get_answer__what_is_no_entity_id__is_not_asked_for(world: FederationWorld, entity: str) -> None:
    assert refused(world, entity) in {Reason.PARAMETER_INVALID, Reason.PARAMETER_TOO_LONG}
    assert world.server.heard == []


def test_get_answer__entity_id_with_odd_characters__stays_one_segment(world: FederationWorld) -> None:
    odd = "https://idp.example.org/../?a=b#c%2F é"
    serve(world, signed(document(entity=odd)), odd)

    assert get_answer(world.fetcher, world.row(), odd, world.clock).document


def test_ask_again__changed_entity__is_staged(world: FederationWorld) -> None:
    serve(world, signed(document()))
    key = adopted(world)
    serve(world, signed(document(SECOND_CERTIFICATE)))
    world.clock.advance(7200)

    ask(world)

    with world.store.reading() as session:
        assert find_document(session, key, DocumentState.STAGED) is not None
        assert len(trusted_certificates(session, ONE)) == 2


def test_ask_again__forged_answer__changes_nothing_and_is_shown(world: FederationWorld) -> None:
    serve(world, signed(document()))
    key = adopted(world)
    serve(world, signed(document(SECOND_CERTIFICATE), signing_key("stranger")))
    world.clock.advance(7200)

    ask(world)

    with world.store.reading() as session:
        source = find_source(session, key)
        assert source is not None
        assert source.outcome == Reason.METADATA_SIGNATURE
        assert find_document(session, key, DocumentState.STAGED) is None
        assert len(trusted_certificates(session, ONE)) == 1
    (adoption,) = world.adoptions()
    assert adoption.failures == 1


def test_ask_again__entity_gone__lapses_unless_it_comes_back(world: FederationWorld) -> None:
    serve(world, signed(document()))
    adopted(world)
    serve(world, b"", status=404)
    world.clock.advance(7200)
    ask(world)
    (adoption,) = world.adoptions()
    assert adoption.lapses_at == NOON + timedelta(days=3, hours=2)
    serve(world, signed(document()))
    world.clock.advance(6 * 3600)

    ask(world)

    (adoption,) = world.adoptions()
    assert adoption.lapses_at is None


def test_ask_again__server_down__keeps_the_provider_and_waits_longer_each_time(world: FederationWorld) -> None:
    serve(world, signed(document()))
    adopted(world)
    serve(world, b"", status=503)
    waits = []
    for _ in range(3):
        world.clock.advance(7200)
        ask(world)
        (adoption,) = world.adoptions()
        assert adoption.next_query_at is not None
        waits.append(adoption.next_query_at - world.clock.now())

    assert waits == sorted(waits)
    assert adoption.lapses_at is None


def test_ask_for__provider_deleted_meanwhile__ends_quietly(world: FederationWorld) -> None:
    serve(world, signed(document()))
    key = adopted(world)
    world.clock.advance(7200)

    def deleting(request: object) -> None:
        with world.store.transaction() as session:
            delete_saml_provider(session, ACCOUNT, "corp")

    world.server.pages["/entities/" + quote(ONE, safe="")] = deleting

    assert ask_for(world.store, world.fetcher, world.clock, key)
    assert world.adoptions() == []
