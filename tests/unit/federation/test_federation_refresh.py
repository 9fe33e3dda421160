"""An aggregate becomes rows, and the next one follows it: incrementally, whole for every reader, after any kill."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from gateway.audit.receipts import list_receipts
from gateway.directory import federation_intake
from gateway.directory.federation_entities import (
    FederationDocument,
    FederationEntity,
    search_entities,
    stage_entries,
)
from gateway.directory.federations import (
    change_federation,
    due_federations,
    get_federation_by_id,
    hold_claim,
    take_refresh,
)
from gateway.errors import Reason
from gateway.federation.federation_refresh import (
    REFRESHED,
    refresh_due_federations,
    refresh_federation,
)
from gateway.store.engine import Store
from gateway.store.paging import Page
from tests.aggregates import VALID, aggregate, federation_entity, service
from tests.fake_clock import NOON, FakeClock
from tests.federation_world import FederationWorld, entity_id, federation_world
from tests.saml_factory import instant, signing_key
from tests.saml_metadata_document import SECOND_CERTIFICATE
from tests.unit.directory.world import ACCOUNT

pytestmark = pytest.mark.usefixtures("account")


@pytest.fixture
def world(store: Store, clock: FakeClock, account: str) -> Iterator[FederationWorld]:
    with federation_world(store, clock) as made:
        yield made


def rows(world: FederationWorld) -> tuple[int, int]:
    """How many rows of entities and of documents there are, seen or not."""
    with world.store.reading() as session:
        entities = session.scalar(select(func.count()).select_from(FederationEntity)) or 0
        return entities, session.scalar(select(func.count()).select_from(FederationDocument)) or 0


def test_refresh__first_aggregate__is_found_by_name_entity_id_and_registrar(world: FederationWorld) -> None:
    world.entities = [*map(federation_entity, range(1, 13)), service(99)]

    assert world.refresh().outcome == "Refreshed"

    assert len(world.seen()) == 12
    assert world.seen("UNIVERSITE 7") == ["University 7"]
    assert world.seen("idp3.example.org university") == ["University 3"]
    assert len(world.seen("registrar.example")) == 12
    assert world.seen("sp99") == []
    assert world.seen("%") == world.seen("_") == []
    row = world.row()
    assert (row.providers, row.entities, row.broken, row.generation) == (12, 13, 0, 1)
    with world.store.reading() as session:
        (receipt,) = list_receipts(session, account_id=ACCOUNT)
    assert (receipt.kind, receipt.details["entities"]) == (REFRESHED, 13)


def test_search__pages__follow_each_other(world: FederationWorld) -> None:
    world.publish(*range(10, 35))
    world.refresh()

    found, after = [], ""
    with world.store.reading() as session:
        while True:
            page = search_entities(session, world.id, "university", Page(10, after))
            found += [row.display_name for row in page.rows]
            if page.next_after is None:
                break
            after = page.next_after

    assert found == [f"University {number}" for number in range(10, 35)]


def test_refresh__next_aggregate__writes_only_what_changed(world: FederationWorld) -> None:
    world.publish(1, 2, 3, 4)
    world.refresh()
    kept = world.digest(1)
    world.publish(1, 2, 3, 5)
    world.entities = [*world.entities[:1], federation_entity(2, certificate=SECOND_CERTIFICATE), *world.entities[2:]]

    done = world.refresh()

    assert "4 rows were written" in done.text  # the second anew, its old row ended, the fourth ended, the fifth
    assert world.seen() == ["University 1", "University 2", "University 3", "University 5"]
    assert world.digest(1) == kept
    assert rows(world) == (4, 4)


def test_refresh__same_document__writes_nothing(world: FederationWorld) -> None:
    world.publish(1, 2)
    world.refresh()

    assert world.refresh().outcome == "Unchanged"
    assert world.row().generation == 1


def test_refresh__longer_validity_alone__extends_it_and_touches_no_row(world: FederationWorld) -> None:
    world.publish(1, 2)
    world.refresh()
    world.publish(1, 2, attributes=f'validUntil="{instant(NOON + timedelta(days=20))}"')

    assert "; 0 rows were written" in world.refresh().text
    assert world.row().valid_until == NOON + timedelta(days=20)


def test_refresh__not_modified__is_not_read_again(world: FederationWorld) -> None:
    world.etag = '"v1"'
    world.publish(1)
    world.refresh()
    world.publish(1, 2)

    assert world.refresh().outcome == "Unchanged"
    assert world.asked == ["", '"v1"']
    assert world.seen() == ["University 1"]


class Killed(BaseException):
    pass


@pytest.mark.parametrize("transaction", [2, 3, 4, 5, 6, 7])
def test_refresh__killed_in_any_transaction__shows_one_aggregate_whole_and_is_finished_later(
    world: FederationWorld, monkeypatch: pytest.MonkeyPatch, transaction: int
) -> None:
    monkeypatch.setattr(federation_intake, "BATCH", 3)
    world.publish(*range(1, 8))
    world.refresh()
    before = world.seen()
    world.publish(*range(5, 13))
    after = [f"University {number}" for number in (10, 11, 12, 5, 6, 7, 8, 9)]
    hold, calls = hold_claim, []

    def dying(*arguments: object) -> object:
        calls.append(arguments)
        if len(calls) == transaction:
            raise Killed
        return hold(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(federation_intake, "hold_claim", dying)
    with pytest.raises(Killed):
        world.refresh()
    monkeypatch.setattr(federation_intake, "hold_claim", hold)

    assert world.seen() in (before, after)
    world.clock.advance(16 * 60)
    assert refresh_due_federations(world.store, world.fetcher, world.clock, lambda: True) == 1
    assert world.seen() == after
    assert rows(world) == (8, 8)


def test_refresh__killed_and_then_another_document__leaves_nothing_of_the_first(
    world: FederationWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.publish(1, 2, 3)
    world.refresh()
    world.publish(4, 5)
    world.entities = [*world.entities, federation_entity(1, certificate=SECOND_CERTIFICATE)]
    with monkeypatch.context() as patch:
        patch.setattr(federation_intake, "_switch", lambda *_: (_ for _ in ()).throw(Killed))
        with pytest.raises(Killed):
            world.refresh()
    assert world.seen() == ["University 1", "University 2", "University 3"]
    world.publish(1, 3, 5)

    world.refresh()

    assert world.seen() == ["University 1", "University 3", "University 5"]
    assert rows(world) == (3, 3)


def test_refresh__another_process_takes_over__the_first_stops(
    world: FederationWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.publish(1, 2)
    stage = stage_entries

    def overtaken(*arguments: object) -> int:
        monkeypatch.setattr(federation_intake, "stage_entries", stage)
        session = arguments[0]
        take_refresh(session, world.id, world.clock.now(), only_due=False)  # type: ignore[arg-type]
        return stage(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(federation_intake, "stage_entries", overtaken)

    assert refresh_federation(world.store, world.fetcher, world.clock, world.id, only_due=False) is None
    assert world.seen() == []


def test_take_refresh__two_processes__one_gets_it(world: FederationWorld) -> None:
    with world.store.transaction() as session:
        assert take_refresh(session, world.id, NOON)
    with world.store.transaction() as session:
        assert take_refresh(session, world.id, NOON) == ""
        assert due_federations(session, NOON + timedelta(minutes=16), 10) == [world.id]


@pytest.mark.parametrize(
    ("body", "status", "reason"),
    [
        (aggregate([federation_entity(666)], key=signing_key("stranger")), 200, Reason.METADATA_SIGNATURE),
        (b"<html>", 200, Reason.METADATA_MALFORMED),
        (b"", 200, Reason.FETCH_PROTOCOL),
        (b"gone", 404, Reason.FETCH_PROTOCOL),
        (aggregate([federation_entity(666)], ""), 200, Reason.METADATA_EXPIRED),
    ],
)
def test_refresh__unusable_answer__changes_nothing_and_is_tried_sooner(
    world: FederationWorld, body: bytes, status: int, reason: Reason
) -> None:
    world.publish(1)
    world.refresh()
    world.body, world.status = body, status

    assert world.refresh().outcome == reason

    row = world.row()
    assert (row.outcome, row.failures, row.generation) == (reason, 1, 1)
    assert row.next_refresh_at is not None
    assert row.next_refresh_at <= NOON + timedelta(minutes=5)
    assert world.seen() == ["University 1"]


@pytest.mark.parametrize("published", [True, False])
def test_refresh__older_copy__is_refused(world: FederationWorld, published: bool) -> None:
    def publication(minutes: int) -> str:
        when = instant(NOON + timedelta(minutes=minutes))
        info = f'<mdrpi:PublicationInfo publisher="x" creationInstant="{when}"/>'
        return f"<md:Extensions>{info}</md:Extensions>" if published else ""

    world.body = aggregate([publication(0), federation_entity(1)])
    world.refresh()
    earlier = f'validUntil="{instant(NOON + timedelta(days=13))}"'
    world.body = aggregate(
        [publication(-1), federation_entity(1), federation_entity(2)], VALID if published else earlier
    )

    assert world.refresh().outcome == Reason.METADATA_EXPIRED
    assert world.seen() == ["University 1"]


def test_refresh__broken_entity__is_listed_with_its_reason(world: FederationWorld) -> None:
    world.entities = [federation_entity(1), federation_entity(2).replace("entityID", 'validUntil="soon" entityID')]
    world.refresh()

    with world.store.reading() as session:
        (broken,) = search_entities(session, world.id, "", Page(10), broken=True).rows
    assert "validUntil" in broken.problem
    assert broken.entity_id == f"{entity_id(2)} (number 2)"
    assert world.row().broken == 1
    assert world.seen() == ["University 1"]


def test_refresh__anchor_replaced__the_old_key_vouches_for_nothing_any_more(world: FederationWorld) -> None:
    world.publish(1)
    world.refresh()
    new = signing_key("federation-next")
    with world.store.transaction() as session:
        change_federation(session, get_federation_by_id(session, world.id), anchors_pem=new.certificate_pem, now=NOON)
    world.publish(1, 2)

    assert world.refresh().outcome == Reason.METADATA_SIGNATURE
    world.body = aggregate(world.entities, key=new)
    assert world.refresh().outcome == "Refreshed"
    assert len(world.seen()) == 2
