"""A federation's server on loopback, plain as development allows, and an account that knows the federation."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler

from gateway.directory.adoptions import FederationAdoption, adopt_entity, adoptions_of
from gateway.directory.federation_entities import find_entity, search_entities
from gateway.directory.federations import Federation, FederationKind, create_federation, get_federation_by_id
from gateway.directory.provider_keys import saml_provider_key
from gateway.federation.federation_refresh import Refreshed, refresh_federation
from gateway.fetch import Fetcher
from gateway.outbound import OutboundRules
from gateway.store.engine import Store
from gateway.store.paging import Page
from tests.aggregates import VALID, aggregate, federation_entity
from tests.fake_clock import FakeClock
from tests.live_issuer import Answer, LiveIssuer, issuer_server
from tests.signed_metadata import ANCHOR
from tests.unit.directory.world import ACCOUNT

EVERYTHING = Page(1000)


@dataclass
class FederationWorld:
    """`entities` is what the next aggregate holds, by number; `body` replaces it; `pages` answers queries by path."""

    store: Store
    clock: FakeClock
    server: LiveIssuer
    fetcher: Fetcher
    id: int = 0
    entities: Sequence[str] = ()
    attributes: str = VALID
    body: bytes | None = None
    status: int = 200
    etag: str = ""
    asked: list[str] = field(default_factory=list)

    def publish(self, *numbers: int, attributes: str = VALID) -> None:
        self.entities, self.attributes, self.body = [federation_entity(each) for each in numbers], attributes, None

    def answer(self, request: BaseHTTPRequestHandler) -> Answer:
        self.asked.append(request.headers.get("If-None-Match", ""))
        if self.etag and self.asked[-1] == self.etag:
            return Answer(b"", 304, {}, "application/samlmetadata+xml")
        body = aggregate(self.entities, self.attributes) if self.body is None else self.body
        return Answer(body, self.status, {"ETag": self.etag} if self.etag else {}, "application/samlmetadata+xml")

    def refresh(self) -> Refreshed:
        done = refresh_federation(self.store, self.fetcher, self.clock, self.id, only_due=False)
        assert done is not None
        return done

    def row(self) -> Federation:
        with self.store.reading() as session:
            return get_federation_by_id(session, self.id)

    def seen(self, text: str = "") -> list[str]:
        """The names of the providers that are found."""
        with self.store.reading() as session:
            return [row.display_name for row in search_entities(session, self.id, text, EVERYTHING).rows]

    def digest(self, number: int) -> str | None:
        with self.store.reading() as session:
            found = find_entity(session, self.id, entity_id(number))
            return found.digest if found else None

    def adopt(self, number: int, name: str = "corp") -> str:
        """The provider's key."""
        with self.store.transaction() as session:
            federation = get_federation_by_id(session, self.id)
            made = adopt_entity(session, federation, entity_id(number), name, by="a test", now=self.clock.now())
            return saml_provider_key(made.id)

    def adoptions(self) -> Sequence[FederationAdoption]:
        with self.store.reading() as session:
            return adoptions_of(session, self.id)


def entity_id(number: int) -> str:
    return f"https://idp{number}.example.org/idp"


@contextmanager
def federation_world(
    store: Store, clock: FakeClock, kind: FederationKind = FederationKind.AGGREGATE
) -> Iterator[FederationWorld]:
    with issuer_server() as server:
        issuer = server.new_issuer()
        world = FederationWorld(store, clock, issuer, Fetcher(OutboundRules(development=True)))
        issuer.pages["/aggregate"] = world.answer
        path = "/aggregate" if kind is FederationKind.AGGREGATE else ""
        with store.transaction() as session:
            made = create_federation(
                session,
                ACCOUNT,
                "edu",
                kind=kind,
                url=issuer.url + path,
                anchors_pem=ANCHOR.certificate_pem,
                now=clock.now(),
            )
            world.id = made.id
        yield world
