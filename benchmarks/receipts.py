"""What records cost: calls and logins in process, each in turn with and without, and how fast chains are proven.

    python -m benchmarks.receipts [--calls 2000] [--logins 300] [--entries 100000]

Without: nothing is handed to the chain of receipts or to the journal; only this script can do that. Calls of both kinds
take turns, so that a busy machine is busy for both; the packing thread runs as it does in a worker. p95 is compared.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from statistics import quantiles
from threading import Event
from typing import Any

from sqlalchemy.orm import Session

import gateway.federation.receipts as login_receipts
from benchmarks.api_calls import Caller, make_callers, signed
from benchmarks.call_budget import environ_of
from gateway.api import pipeline
from gateway.api.front import WireFront
from gateway.app import build_services
from gateway.audit.batches import iterate_decisions
from gateway.audit.decisions import record_decision
from gateway.audit.journal import Journal
from gateway.audit.log import set_up_log
from gateway.audit.notary import notary_of
from gateway.audit.packing import pack, start_packing
from gateway.audit.receipts import record
from gateway.audit.stored import verify_database
from gateway.clock import SystemClock
from gateway.directory.attachments import attach_policy
from gateway.directory.users import User
from gateway.policy import AccessRequest
from gateway.services import Services
from gateway.settings import load_settings
from gateway.store.engine import Store
from tests.receipt_world import ACCOUNT, DECISION, RECEIPT
from tests.unit.web.site import Site, make_site, role_spec
from tests.unit.web.site import signed as signed_response
from tests.wire.signed import SignedCall


class NoJournal(Journal):
    def append(self, text: bytes) -> None:
        """Keeps nothing."""


@contextmanager
def without_records(store: Store) -> Iterator[None]:
    kept, stamps = store.stamps.journal, store.stamps
    stamps.journal = NoJournal(kept.directory, kept.notary)
    modules: tuple[Any, ...] = (pipeline, login_receipts)
    for module in modules:
        module.record = _record_nothing
    try:
        yield
    finally:
        stamps.journal = kept
        for module in modules:
            module.record = record


def _record_nothing(_source: object, _receipt: object) -> None:
    pass


def compare(name: str, store: Store, acts: list[Callable[[], None]]) -> None:
    """Every other act without records."""
    with_, without = [], []
    for number, act in enumerate(acts):
        if number % 2:
            started = time.perf_counter()
            act()
            with_.append(time.perf_counter() - started)
        else:
            with without_records(store):
                started = time.perf_counter()
                act()
                without.append(time.perf_counter() - started)
    p95, bare = (quantiles(times[20:], n=20)[18] * 1e6 for times in (with_, without))
    p50, bare50 = (quantiles(times[20:], n=2)[0] * 1e6 for times in (with_, without))
    print(f"{name:20} p95 {bare:7.0f} -> {p95:7.0f} us ({p95 / bare - 1:+.1%}), p50 {bare50:6.0f} -> {p50:6.0f} us")


def measure_calls(services: Services, calls: int) -> None:
    front = WireFront(lambda *_: (), services)
    callers = make_callers(services)
    with services.store.transaction() as session:
        for caller in callers:
            _let_list(session, caller.user_id)
    for action in ("GetCallerIdentity", "ListUsers", "AssumeRole"):
        requests = _listing(callers, calls) if action == "ListUsers" else signed(callers, action, calls)
        compare(action, services.store, [_call(front, environ_of(request)) for request in requests])


def _let_list(session: Session, user_id: str) -> None:
    user = session.get_one(User, user_id)
    attach_policy(session, user.account_id, "System", "AliyunRAMReadOnlyAccess", user, datetime.now(UTC))


def _listing(callers: list[Caller], count: int) -> list[bytes]:
    more = {"x-acs-action": "ListUsers", "x-acs-version": "2015-05-01"}
    return [SignedCall(callers[number % len(callers)].key, more=more).request() for number in range(count)]


def _call(front: WireFront, environ: dict[str, Any]) -> Callable[[], None]:
    def start(status: str, *_rest: Any) -> Callable[[bytes], object]:
        assert status == "200 OK", status
        return len

    def act() -> None:
        b"".join(front(environ, start))

    return act


def measure_logins(site: Site, logins: int) -> None:
    (value,) = site.roles("reader")
    acts = []
    for number in range(logins):
        response = signed_response(role_spec(value, assertion_id=f"_a{number}", response_id=f"_r{number}"))
        acts.append(_login(site, response))
    compare("role login", site.services.store, acts)


def _login(site: Site, response: str) -> Callable[[], None]:
    browser = site.browser()

    def act() -> None:
        answer = browser.post("/saml-role/sso", data={"SAMLResponse": response})
        assert answer.status_code == 303, answer.text

    return act


def measure_proof(store: Store, entries: int) -> None:
    for _ in range(0, entries, 1000):
        with store.transaction() as session:
            for _ in range(1000):
                record(session, RECEIPT)
    for number in range(entries):
        record_decision(store, replace(DECISION, request_id=f"7B5A0F0E-0000-4000-8000-{number:012}"))
    started = time.perf_counter()
    pack(store, SystemClock())
    packed = time.perf_counter()
    with store.reading() as session:
        report = verify_database(session, notary_of(session))
        verified = time.perf_counter()
        assert report.sound, report.breaks
        read = sum(
            bool(AccessRequest(each.action, each.resource, each.context))
            for _, records in iterate_decisions(session, ACCOUNT)
            for each in records
        )
    done = time.perf_counter()
    assert read == entries
    print(f"packing a decision: {(packed - started) / entries * 1e6:.1f} us")
    print(f"verifying a receipt: {(verified - packed) / entries * 1e6:.1f} us")
    print(f"reading a decision back and asking it again: {(done - verified) / entries * 1e6:.1f} us")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--calls", type=int, default=2000)
    parser.add_argument("--logins", type=int, default=300)
    parser.add_argument("--entries", type=int, default=100_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        settings = load_settings({"RAMGATE_VAR_DIR": str(place / "var"), "RAMGATE_CERTS_DIR": str(place / "certs")})
        sys.stderr = Path(os.devnull).open("w")  # noqa: SIM115 - each call writes its line, and nobody reads it
        set_up_log("INFO")
        services, stop = build_services(settings, SystemClock()), Event()
        start_packing(services.store, services.clock, stop)
        measure_calls(services, options.calls)
        stop.set()
        site = make_site(f"sqlite:///{place / 'site.sqlite3'}", place / "certs")
        measure_logins(site, options.logins)
        measure_proof(site.services.store, options.entries)


if __name__ == "__main__":
    main()
