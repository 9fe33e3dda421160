"""Metadata is fetched again when it is due, from a real HTTPS server, by one process at a time."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta

import pytest

from gateway.audit.receipts import list_receipts
from gateway.directory.metadata_sources import (
    MetadataSource,
    due_sources,
    find_source,
    lock_source,
    next_interval,
    set_url_source,
)
from gateway.directory.saml_providers import delete_saml_provider, trusted_certificates
from gateway.errors import Reason
from gateway.federation.metadata_refresh import Refreshed, keep_house, refresh_due, refresh_source
from gateway.fetch import Fetcher
from gateway.store.engine import Store
from tests.fake_clock import NOON, FakeClock
from tests.in_process import bare_account
from tests.metadata_documents import ACTIVE, LAPSED, NEW, OLD, STAGED, document, make_provider, print_of, states
from tests.metadata_publisher import ANCHOR, Publisher, publisher, signed_metadata
from tests.saml_factory import IDP, signing_key
from tests.unit.directory.world import ACCOUNT


@dataclass(slots=True)
class World:
    store: Store
    clock: FakeClock
    source: Publisher
    fetcher: Fetcher
    key: str

    def set_source(self, *, anchor: str | None = None, trust_tls: bool = False, url: str | None = None) -> None:
        with self.store.transaction() as session:
            row = lock_source(session, self.key, ACCOUNT, self.clock.now())
            pem = "" if anchor is None else signing_key(anchor).certificate_pem
            set_url_source(row, url=url or self.source.url, anchors_pem=pem, trust_tls=trust_tls, now=self.clock.now())

    def refresh(self, *, only_due: bool = False) -> Refreshed:
        done = refresh_source(self.store, self.fetcher, self.clock, self.key, only_due=only_due)
        assert done is not None
        return done

    def row(self) -> MetadataSource:
        with self.store.reading() as session:
            found = find_source(session, self.key)
        assert found is not None
        return found

    def states(self) -> dict[str, str]:
        with self.store.reading() as session:
            return states(session, self.key)

    def kinds(self) -> list[str]:
        with self.store.reading() as session:
            return [receipt.kind for receipt in list_receipts(session, account_id=ACCOUNT)]


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Publisher, Fetcher]]:
    with publisher(tmp_path_factory.mktemp("publisher")) as made:
        yield made


def make_world(store: Store, live: tuple[Publisher, Fetcher]) -> World:
    source, fetcher = live
    source.body, source.status, source.etag, source.asked = document(), 200, "", []
    source.before = lambda: None
    with store.transaction() as session:
        session.add(bare_account(ACCOUNT, "company"))
        session.flush()
        key = make_provider(session, ACCOUNT)
    return World(store, FakeClock(), source, fetcher, key)


@pytest.fixture
def world(sqlite_store: Store, live: tuple[Publisher, Fetcher]) -> World:
    return make_world(sqlite_store, live)


@pytest.fixture
def everywhere(store: Store, live: tuple[Publisher, Fetcher]) -> World:
    """On both databases."""
    return make_world(store, live)


def test_refresh_source__signed_by_the_anchor__is_staged_by_itself(everywhere: World) -> None:
    everywhere.set_source(anchor=ANCHOR)
    everywhere.source.body = signed_metadata(document(NEW, days=9, entity_attributes='cacheDuration="PT1H"'))
    assert everywhere.refresh().outcome == "Staged"
    assert everywhere.states() == {OLD: ACTIVE, NEW: STAGED}
    assert everywhere.kinds() == ["MetadataStaged"]
    row = everywhere.row()
    assert (row.failures, row.outcome, row.refreshed_at) == (0, "Staged", NOON)
    assert row.next_refresh_at is not None
    assert timedelta(minutes=54) <= row.next_refresh_at - NOON <= timedelta(hours=1)
    with everywhere.store.reading() as session:
        assert {each.fingerprint for each in trusted_certificates(session, IDP)} == {print_of(OLD), print_of(NEW)}


@pytest.mark.parametrize("body", [document(NEW), signed_metadata(document(NEW), "somebody")], ids=["unsigned", "other"])
def test_refresh_source__not_signed_by_the_anchor__is_refused(world: World, body: bytes) -> None:
    world.set_source(anchor=ANCHOR)
    world.source.body = body
    assert world.refresh().outcome == Reason.METADATA_SIGNATURE
    assert world.states() == {OLD: ACTIVE}
    assert (world.row().failures, world.kinds()) == (1, [])


def test_refresh_source__without_an_anchor__waits_unless_tls_is_trusted(world: World) -> None:
    world.set_source()
    world.source.body = document(NEW)
    assert world.refresh().outcome == "Waiting"
    assert world.states() == {OLD: ACTIVE}
    world.set_source(trust_tls=True)
    world.source.body = document(OLD, NEW)
    assert world.refresh().outcome == "Staged"
    assert world.kinds() == ["MetadataStaged", "MetadataWaiting"]


def test_refresh_source__unchanged__asks_with_its_etag(world: World) -> None:
    world.set_source()
    world.source.etag = '"v1"'
    for _ in range(2):
        assert world.refresh().outcome == "Unchanged"
    assert world.source.asked == ["", '"v1"']
    world.set_source()
    world.refresh()
    assert world.source.asked[-1] == "", "another source knows no ETag of this one"


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (404, b"", Reason.FETCH_PROTOCOL),
        (304, b"", Reason.FETCH_PROTOCOL),
        (500, document(NEW), Reason.FETCH_PROTOCOL),
        (200, b"<html/>", Reason.METADATA_MALFORMED),
        (200, b"", Reason.METADATA_MALFORMED),
        (200, b" " * (1024 * 1024 + 1), Reason.FETCH_TOO_LARGE),
        (200, document(NEW, days=-1), Reason.METADATA_EXPIRED),
    ],
)
def test_refresh_source__no_usable_document__tries_later_and_later(
    world: World, status: int, body: bytes, reason: Reason
) -> None:
    world.set_source(trust_tls=True)
    world.source.status, world.source.body = status, body
    waits = []
    for number in range(3):
        assert world.refresh().outcome == reason
        row = world.row()
        assert row.failures == number + 1
        assert row.next_refresh_at is not None
        waits.append(row.next_refresh_at - NOON)
    assert waits[0] < waits[1] < waits[2]
    assert world.states() == {OLD: ACTIVE}


def test_refresh_source__server_that_tls_does_not_vouch_for__refused(world: World) -> None:
    stranger = Fetcher(world.fetcher._rules)  # the system's authorities, which do not know this server's
    world.set_source(trust_tls=True)
    world.source.body = document(NEW)
    done = refresh_source(world.store, stranger, world.clock, world.key, only_due=False)
    assert done is not None
    assert (done.outcome, world.states()) == (Reason.FETCH_TLS, {OLD: ACTIVE})


def test_refresh_source__source_changed_while_fetching__what_came_does_not_count(world: World) -> None:
    world.set_source(trust_tls=True)
    world.source.body = document(NEW)
    world.source.before = lambda: world.set_source(url="https://elsewhere.example.com/metadata")
    assert world.refresh().outcome == "Unchanged"
    assert world.states() == {OLD: ACTIVE}
    assert world.row().next_refresh_at == NOON, "the new source is due"


def test_refresh_source__provider_deleted_while_fetching__nothing_comes_back(world: World) -> None:
    def delete() -> None:
        with world.store.transaction() as session:
            delete_saml_provider(session, ACCOUNT, "corp")

    world.set_source(trust_tls=True)
    world.source.body = document(NEW)
    world.source.before = delete
    assert refresh_source(world.store, world.fetcher, world.clock, world.key) is None
    with world.store.reading() as session:
        assert find_source(session, world.key) is None
        assert trusted_certificates(session, IDP) == ()


def test_refresh_source__no_transaction_is_open_while_fetching(world: World) -> None:
    def write() -> None:
        with world.store.transaction() as session:
            lock_source(session, "saml:999", ACCOUNT, NOON)

    world.set_source(trust_tls=True)
    world.source.before = write  # would wait for the lock and fail
    assert world.refresh().outcome == "Unchanged"


def test_refresh_due__two_processes_at_once__each_source_is_fetched_once(everywhere: World) -> None:
    everywhere.set_source(trust_tls=True)
    both = threading.Barrier(2, timeout=10)

    def run(_: int) -> int:
        both.wait()
        return refresh_due(everywhere.store, everywhere.fetcher, everywhere.clock, lambda: True)

    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(run, range(2)))
    assert sorted(done) == [0, 1]
    assert len(everywhere.source.asked) == 1
    assert refresh_due(everywhere.store, everywhere.fetcher, everywhere.clock, lambda: True) == 0


def test_refresh_due__killed_while_fetching__is_due_again_after_five_minutes(world: World) -> None:
    def die() -> None:
        raise KeyboardInterrupt

    class Dying(Fetcher):
        def download(self, *_: object, **__: object) -> None:  # type: ignore[override]
            die()

    world.set_source()
    with pytest.raises(KeyboardInterrupt):
        refresh_due(world.store, Dying(world.fetcher._rules), world.clock, lambda: True)
    with world.store.reading() as session:
        assert due_sources(session, NOON + timedelta(minutes=5, seconds=-1), 9) == []
        assert due_sources(session, NOON + timedelta(minutes=5), 9) == [world.key]


def test_refresh_due__time_is_up__leaves_the_rest(world: World) -> None:
    world.set_source()
    assert refresh_due(world.store, world.fetcher, world.clock, lambda: False) == 0
    assert world.source.asked == []


def test_keep_house__source_that_stays_away__lapses_after_its_grace_and_says_so(world: World) -> None:
    world.source.body = document(days=1)
    world.set_source()
    world.refresh()
    world.source.status = 500
    world.clock.advance(timedelta(days=4).total_seconds() - 1)
    keep_house(world.store, world.clock)
    assert world.states() == {OLD: ACTIVE}
    world.clock.advance(1)
    keep_house(world.store, world.clock)
    assert (world.states(), world.kinds()) == ({OLD: LAPSED}, ["MetadataLapsed"])
    world.source.status, world.source.body = 200, document(days=30)
    world.refresh()
    assert world.states() == {OLD: ACTIVE}


@pytest.mark.parametrize(
    ("cache", "valid", "failures", "expected"),
    [
        (None, None, 0, timedelta(hours=6)),
        (timedelta(hours=1), None, 0, timedelta(hours=1)),
        (timedelta(days=7), None, 0, timedelta(hours=6)),
        (timedelta(0), None, 0, timedelta(minutes=5)),
        (None, timedelta(hours=2), 0, timedelta(hours=1)),
        (None, timedelta(days=-1), 0, timedelta(minutes=5)),
        (None, None, 1, timedelta(minutes=5)),
        (timedelta(hours=1), None, 3, timedelta(minutes=20)),
        (None, None, 10_000, timedelta(hours=6)),
    ],
)
def test_next_interval__by_what_is_known__within_bounds(
    cache: timedelta | None, valid: timedelta | None, failures: int, expected: timedelta
) -> None:
    found = next_interval(cache_duration=cache, valid_for=valid, failures=failures, chance=0)
    assert found == expected
    sooner = next_interval(cache_duration=cache, valid_for=valid, failures=failures, chance=1)
    assert timedelta(minutes=5) <= sooner <= expected
