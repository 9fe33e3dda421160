"""What an aggregate of eduGAIN's size takes to become rows: 60 MB, 8,000 entities.

Each step in a process of its own, whose peak of memory is the system's word: verifying by the stream; all of
it into a new SQLite database; the same again with one entity in a hundred changed; and, to compare with, a tree of the
whole document and its canonical form in memory.

Run: python benchmarks/aggregate.py [--megabytes 60] [--entities 8000]
"""

import argparse
import multiprocessing
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from lxml import etree

from gateway.directory.federation_entities import search_entities
from gateway.directory.federation_intake import Held, take_aggregate
from gateway.directory.federations import FederationKind, create_federation, take_refresh
from gateway.directory.metadata_sources import read_anchors
from gateway.saml.aggregate import verify_aggregate
from gateway.store.engine import Store
from gateway.store.migrate import upgrade
from gateway.store.paging import Page
from tests.aggregates import aggregate, federation_entity
from tests.fake_clock import NOON, FakeClock
from tests.in_process import bare_account
from tests.signed_metadata import ANCHOR

ACCOUNT = "1234567890123456"


def main() -> None:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--megabytes", type=int, default=60)
    arguments.add_argument("--entities", type=int, default=8000)
    chosen = arguments.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        folder = Path(directory)
        url = f"sqlite:///{folder / 'bench.sqlite3'}"
        _alone(make, folder, chosen.megabytes, chosen.entities)
        size = (folder / "first.xml").stat().st_size
        print(f"{size / 1e6:.1f} MB, {chosen.entities} entities")
        pem = (folder / "anchor.pem").read_text()
        _alone(verified, folder, pem)
        _alone(into_rows, folder, url, pem, "first.xml")
        _alone(into_rows, folder, url, pem, "second.xml")
        _alone(searched, url)
        _alone(as_a_tree, folder)


def make(folder: Path, megabytes: int, entities: int) -> None:
    """The aggregates: signed here, with the key of this process."""
    filler = max(megabytes * 1_000_000 // entities - len(federation_entity(1)), 100)
    text = f"<md:Extensions>{'<md:x>Some words about it, as metadata has them</md:x>' * (filler // 55)}</md:Extensions>"
    for name, changed in (("first.xml", 0), ("second.xml", 1)):
        documents = [
            federation_entity(number, extra=text.replace("Some", f"Some {changed}") if number % 100 == 0 else text)
            for number in range(entities)
        ]
        (folder / name).write_bytes(aggregate(documents))
    (folder / "anchor.pem").write_text(ANCHOR.certificate_pem)


def verified(folder: Path, pem: str) -> None:
    with (folder / "first.xml").open("rb") as source, tempfile.TemporaryFile() as canonical:
        with _measured("verified as it passes by"):
            found = verify_aggregate(source, read_anchors(pem), canonical, NOON)
        with _measured("and its entities cut out, one at a time"):
            for _ in found.entities():
                pass


def into_rows(folder: Path, url: str, pem: str, name: str) -> None:
    store, clock = Store(url), FakeClock()
    upgrade(store)
    with store.transaction() as session:
        federation_id = 1
        if name == "first.xml":
            session.add(bare_account(ACCOUNT, "bench"))
            session.flush()
            made = create_federation(
                session, ACCOUNT, "edu", kind=FederationKind.AGGREGATE, url="", anchors_pem=pem, now=NOON
            )
            federation_id = made.id
        claim = take_refresh(session, federation_id, NOON, only_due=False)
    locked = _watch_transactions(store)
    with (folder / name).open("rb") as source, _measured(f"{name} into rows"):
        taken = take_aggregate(Held(store, clock, federation_id, claim), source)
    print(f"    {taken.rows_written} rows written, the write lock held for {max(locked) * 1000:.0f} ms at most")


def searched(url: str) -> None:
    store = Store(url)
    for words in ("university 77", "nothing like it", ""):
        with store.reading() as session, _measured(f"a page of a search for `{words}`"):
            search_entities(session, 1, words, Page(25))


def as_a_tree(folder: Path) -> None:
    data = (folder / "first.xml").read_bytes()
    with _measured("to compare: a tree, and its canonical form"):
        root = etree.fromstring(data, etree.XMLParser(huge_tree=True))
        etree.tostring(root, method="c14n", exclusive=True)


def _watch_transactions(store: Store) -> list[float]:
    """How long each write transaction takes from now on, in seconds."""
    taken: list[float] = []
    plain = store.transaction

    @contextmanager
    def timed() -> Iterator[Any]:
        with plain() as session:
            session.connection()
            started = time.perf_counter()
            yield session
            session.flush()
        taken.append(time.perf_counter() - started)

    store.transaction = timed  # type: ignore[method-assign]
    return taken


@contextmanager
def _measured(what: str) -> Iterator[None]:
    before, started = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.perf_counter()
    yield
    taken, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(f"{what:50} {taken:8.3f} s   peak {after / 1024:6.0f} MB, {(after - before) / 1024:.0f} MB more than before")


def _alone(work: Callable[..., None], *arguments: Any) -> None:
    child = multiprocessing.get_context("spawn").Process(target=work, args=arguments)
    child.start()
    child.join()
    assert child.exitcode == 0, f"{work.__name__} failed"


if __name__ == "__main__":
    main()
