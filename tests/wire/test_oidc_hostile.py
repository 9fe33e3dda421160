"""Hostile tokens and hostile issuers against a running gateway: each refused for its own reason, and nothing kept.

That names are resolved anew, and checked each time, is proved in process: `tests/attacks/oidc/test_hostile_provider.py`.
"""

import gzip
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from http.server import BaseHTTPRequestHandler
from itertools import islice
from typing import Any

import pytest
from sqlalchemy import select

from gateway.api.wire_codes import row_for
from gateway.audit.receipts import CHAIN_KINDS, LOGIN_REFUSED, ReceiptRow
from gateway.errors import Reason
from gateway.store.base import Base
from tests.fake_clock import NOON
from tests.live_issuer import DISCOVERY, JWKS, Answer, IssuerServer, LiveIssuer, Page, issuer_server, publish
from tests.local_servers import Authority
from tests.oidc_factory import CLIENT, OTHER_CLIENT, Spec
from tests.oidc_rows import EXCHANGE, FAILING, PASSING, Row
from tests.wire.clocked import ClockedCompany, clocked_company
from tests.wire.refusal import refusal
from tests.wire.seed import Seed
from tests.wire.workload import Workload, new_workload

# Rows whose outcome is another one, or another check's, where no login was begun.
LOGIN_ONLY = {
    "12-another-of-ours-than-the-login's",
    "12-audience-and-another-of-ours",
    "13-issued-to-another",
    "13-several-audiences-and-none-named",
}
AUDIT = "gateway.audit."
HELD_UP = 5  # threads of a worker process that wait for issuers, at most
BY_PARAMETER = {"01-too-long", "02-empty"}  # what stands in the parameter is refused before it is a token


def at_the_door(rows: tuple[Row, ...]) -> list[Row]:
    """Those that can be said without a login."""
    return [
        row
        for row in rows
        if row.expect in ({}, EXCHANGE) and int(row.name[:2]) < 19 and row.name not in LOGIN_ONLY | BY_PARAMETER
    ]


@pytest.fixture(scope="module")
def clocked(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClockedCompany]:
    with clocked_company(tmp_path_factory.mktemp("hostile"), authority) as company:
        yield company


@pytest.fixture(scope="module")
def issuers(authority: Authority) -> Iterator[IssuerServer]:
    with issuer_server(authority.server_context("127.0.0.1")) as server:
        yield server


@pytest.fixture(scope="module")
def door(clocked: ClockedCompany, issuers: IssuerServer) -> Workload:
    """For tokens as the factory makes them, but for the issuer. It is noon."""
    clocked.set(NOON)
    workload = new_workload(
        clocked.seed, issuers.new_issuer(), client_ids=(CLIENT, OTHER_CLIENT), audiences=(CLIENT, OTHER_CLIENT)
    )
    workload.exchange(OIDCToken=token_of(Row("usual"), workload))
    return workload


def token_of(row: Row, workload: Workload) -> str:
    claims = {"iss": workload.issuer.url, **row.claims}
    return row.change(Spec(claims, row.header).token())


def kept(company: Seed) -> Mapping[str, list[Any]]:
    """The whole database, but for the records of what was refused: kinds of receipts that tell of nothing else."""
    records = {mapper.local_table for mapper in Base.registry.mappers if mapper.class_.__module__.startswith(AUDIT)}
    with company.services.store.reading() as session:
        tables = [table for table in Base.metadata.sorted_tables if table not in records]
        told = select(ReceiptRow.id, ReceiptRow.kind).where(ReceiptRow.kind.not_in((LOGIN_REFUSED, *CHAIN_KINDS)))
        rows = {table.name: sorted(map(repr, session.execute(select(table)))) for table in tables}
        return rows | {"receipts": sorted(map(repr, session.execute(told)))}


@pytest.mark.parametrize("row", at_the_door(FAILING), ids=lambda row: row.name)
def test_token__one_rule_broken__refused_for_that_and_nothing_kept(
    clocked: ClockedCompany, door: Workload, row: Row
) -> None:
    clocked.set(NOON)
    clocked.advance(row.at_s)
    before = kept(clocked.seed)
    error = refusal(door.exchange, OIDCToken=token_of(row, door))
    assert row.reason is not None
    assert error.data["Reason"] == row.reason.value
    assert error.code == row_for(row.reason, "", "AssumeRoleWithOIDC").code
    assert error.status_code == 401
    assert kept(clocked.seed) == before


@pytest.mark.parametrize("row", at_the_door(PASSING), ids=lambda row: row.name)
def test_token__at_the_edge_of_a_rule__passes(clocked: ClockedCompany, door: Workload, row: Row) -> None:
    clocked.set(NOON)
    clocked.advance(row.at_s)
    assert door.exchange(OIDCToken=token_of(row, door)).oidctoken_info.verification_info == "Success"


# Issuers.


def redirect(location: str) -> Page:
    return publish(b"", 302, headers={"Location": location})


def moved(issuer: LiveIssuer) -> None:
    """To a place of the same origin, which is followed; from there to another origin, which is not."""
    path = issuer.url.removeprefix("https://").partition("/")[2]
    issuer.pages[DISCOVERY] = redirect(f"/{path}/elsewhere")
    issuer.pages["/elsewhere"] = redirect("https://example.com/.well-known/openid-configuration")


def in_circles(issuer: LiveIssuer) -> None:
    path = issuer.url.removeprefix("https://").partition("/")[2]
    issuer.pages[DISCOVERY] = redirect(f"/{path}{DISCOVERY}")


def page(where: str, what: Page) -> Callable[[LiveIssuer], None]:
    def break_it(issuer: LiveIssuer) -> None:
        issuer.pages[where] = what

    return break_it


def document(**changes: Any) -> Callable[[LiveIssuer], None]:
    def break_it(issuer: LiveIssuer) -> None:
        issuer.pages[DISCOVERY] = publish(issuer.discovery(**changes))

    return break_it


def cut_off(request: BaseHTTPRequestHandler) -> Answer | None:
    request.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{")
    return None


HOSTILE: dict[str, tuple[Callable[[LiveIssuer], None], Reason]] = {
    "redirect chain to another origin": (moved, Reason.FETCH_REDIRECT),
    "redirect chain in circles": (in_circles, Reason.FETCH_REDIRECT),
    "redirect of the keys": (page(JWKS, redirect("http://169.254.169.254/")), Reason.FETCH_REDIRECT),
    "huge document": (page(DISCOVERY, publish(b" " * 300_000 + b"{}")), Reason.FETCH_TOO_LARGE),
    "huge document when unpacked": (
        page(DISCOVERY, publish(gzip.compress(b" " * 30_000_000), headers={"Content-Encoding": "gzip"})),
        Reason.FETCH_TOO_LARGE,
    ),
    "document cut off": (page(DISCOVERY, cut_off), Reason.FETCH_PROTOCOL),
    "document nested": (page(DISCOVERY, publish(b'{"a":' * 40_000)), Reason.OIDC_TOO_DEEP),
    "document with a member twice": (
        page(DISCOVERY, publish(b'{"issuer":"a","issuer":"b"}')),
        Reason.OIDC_DUPLICATE_MEMBER,
    ),
    "document that is a page": (page(DISCOVERY, publish(b"<html>", media_type="text/html")), Reason.OIDC_UNAVAILABLE),
    "document of another issuer": (document(issuer="https://example.com"), Reason.OIDC_DISCOVERY_ISSUER),
    "keys inside of the network": (document(jwks_uri="https://10.0.0.1/"), Reason.FETCH_ADDRESS),
    "keys at the metadata service": (document(jwks_uri="https://100.100.100.200/latest"), Reason.FETCH_ADDRESS),
    "keys without TLS": (document(jwks_uri="http://example.com/"), Reason.OIDC_DISCOVERY_ENDPOINT),
    "only HMAC": (document(id_token_signing_alg_values_supported=["HS256", "none"]), Reason.OIDC_UNSUPPORTED),
    "no keys": (page(JWKS, publish(b'{"keys": []}')), Reason.OIDC_KEY_SET),
    "too many keys": (page(JWKS, publish(json.dumps({"keys": [{"kty": "RSA"}] * 5000}).encode())), Reason.OIDC_KEY_SET),
    "huge key set": (page(JWKS, publish(b"x" * 600_000)), Reason.FETCH_TOO_LARGE),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_issuer__hostile__refused_and_nothing_kept(clocked: ClockedCompany, issuers: IssuerServer, name: str) -> None:
    break_it, reason = HOSTILE[name]
    workload = new_workload(clocked.seed, issuers.new_issuer())
    break_it(workload.issuer)
    before = kept(clocked.seed)
    error = refusal(workload.exchange)
    assert error.data["Reason"] == reason.value
    assert (error.status_code, error.code) == (401, "AuthenticationFail.OIDCToken.IssuerConfigurationBroken")
    assert workload.issuer.url in error.message
    assert kept(clocked.seed) == before


def test_issuer__whose_name_leads_inside__is_not_connected_to(clocked: ClockedCompany) -> None:
    """The name is a plain one; what it resolves to counts."""
    for url in ("https://10.1.2.3/x", "https://[fd00:ec2::254]/x", "https://169.254.169.254"):
        error = refusal(new_workload(clocked.seed, LiveIssuer(url)).exchange)
        assert error.data["Reason"] == "FetchAddress"


class Held:
    """Pages that answer when they are let go, and tell how many callers wait."""

    def __init__(self) -> None:
        self.released = threading.Event()
        self.entered = threading.Semaphore(0)

    def page(self, _request: BaseHTTPRequestHandler) -> Answer:
        self.entered.release()
        self.released.wait(20)
        return Answer(b"{}", 503)


@pytest.mark.parametrize(("slow", "callers"), [(1, 10), (4, 3), (12, 1)])
def test_issuers__that_never_answer__leave_room_for_others(
    clocked: ClockedCompany, issuers: IssuerServer, slow: int, callers: int
) -> None:
    """One worker process of eight threads: whoever has nothing to do with these issuers is answered meanwhile."""
    clocked.set(NOON)
    company = clocked.seed
    held = Held()
    quick = new_workload(company, issuers.new_issuer())
    quick.exchange(OIDCToken=noon_token(quick))
    workloads = [new_workload(company, issuers.new_issuer()) for _ in range(slow)]
    for workload in workloads:
        workload.issuer.pages[DISCOVERY] = held.page
    with ThreadPoolExecutor(slow * callers) as pool:
        waiting = [pool.submit(refusal, workload.exchange) for workload in workloads for _ in range(callers)]
        assert held.entered.acquire(timeout=10)
        assert (
            len(list(islice(as_completed(waiting, timeout=10), slow * callers - HELD_UP))) == slow * callers - HELD_UP
        )
        begun = time.monotonic()
        for _ in range(5):
            with socket.create_connection((company.gateway.settings.host, company.gateway.settings.port), 10) as line:
                line.sendall(b"GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n")
                assert line.recv(100).startswith(b"HTTP/1.1 200")
            assert quick.exchange(OIDCToken=noon_token(quick)).credentials.access_key_id
        took = time.monotonic() - begun
        held.released.set()
        reasons = {future.result().data["Reason"] for future in waiting}
    assert took < 2.0, "the issuers are given five seconds, and others wait for less"
    assert reasons == {"OidcUnavailable"}


def noon_token(workload: Workload) -> str:
    noon = int(NOON.timestamp())
    return workload.issuer.token(iat=noon, exp=noon + 600)


def test_helpers__rows__are_not_forgotten() -> None:
    assert len(at_the_door(FAILING)) > 70
    assert {row.name for row in FAILING if row.name in LOGIN_ONLY | BY_PARAMETER} | {
        "12-audience-and-another-of-ours"
    } == LOGIN_ONLY | BY_PARAMETER
