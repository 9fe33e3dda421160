"""A gateway that is killed in the middle of its work: every call that was answered has its record."""

import os
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from gateway.audit.batches import find_decisions
from gateway.audit.notary import notary_of
from gateway.audit.packing import pack
from gateway.audit.receipts import list_receipts
from gateway.audit.stored import verify_database
from gateway.audit.why import find_out
from gateway.clock import SystemClock
from gateway.services import Services
from tests.live_gateway import LiveGateway, live_gateway
from tests.wire.seed import Seed, seed
from tests.wire.signed import SignedCall, send

_CALLERS = 6
_BEFORE_THE_KILL = 150

READ = {"x-acs-action": "ListUsers", "x-acs-version": "2015-05-01"}
CHANGE = {"x-acs-action": "CreateGroup", "x-acs-version": "2015-05-01"}


class Callers:
    """Clients that call until the gateway is gone, and remember what they were answered."""

    def __init__(self, company: Seed) -> None:
        self._company = company
        self._enough = threading.Event()
        self.read: list[str] = []
        self.refused: list[str] = []
        self.changed: list[str] = []

    def call_until_it_is_gone(self, number: int) -> None:
        owner, user = SignedCall(self._company.owner_key), SignedCall(self._company.user_key)
        with closing(self._company.gateway.connect()) as connection:
            for turn in range(100_000):
                group = {"GroupName": f"group-{number}-{turn}"}
                for call, answered in (
                    (owner, self.read),
                    (owner.but(more=READ), self.read),
                    (user.but(more=READ), self.refused),
                    (owner.but(more=CHANGE, query=group), self.changed),
                ):
                    try:
                        answer = send(connection, call.request())
                    except (OSError, EOFError):
                        return
                    assert answer.status in ((403,) if answered is self.refused else (200,)), answer.body
                    answered.append(answer.json["RequestId"])
                if len(self.read) >= _BEFORE_THE_KILL:
                    self._enough.set()

    def wait(self) -> None:
        assert self._enough.wait(60)


def test_gateway__killed_at_work__every_answered_call_has_its_record(tmp_path: Path) -> None:
    with live_gateway(tmp_path) as gateway:
        services = gateway.services()
        callers = Callers(seed(gateway, services))
        with ThreadPoolExecutor(_CALLERS) as pool:
            calling = [pool.submit(callers.call_until_it_is_gone, number) for number in range(_CALLERS)]
            callers.wait()
            _kill(gateway)
            for each in calling:
                each.result()
        _check(services, callers)
        services.store.dispose()


def _kill(gateway: LiveGateway) -> None:
    """The master first, so that it starts no new worker; nobody gets to finish anything."""
    pid = gateway.process.pid
    workers = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    os.kill(pid, signal.SIGKILL)
    for worker in workers:
        os.kill(int(worker), signal.SIGKILL)
    gateway.process.wait()


def _check(services: Services, callers: Callers) -> None:
    pack(services.store, SystemClock())
    with services.store.reading() as session:
        for request_id in (*callers.read, *callers.refused, *callers.changed):
            assert find_decisions(session, request_id), request_id
        for request_id in callers.changed:
            assert list_receipts(session, request_id=request_id), request_id
        for request_id in callers.refused:
            assert find_decisions(session, request_id)[0].outcome == "ImplicitDeny"
        report = verify_database(session, notary_of(session))
    assert report.sound, report.breaks
    assert report.decisions >= len(callers.read) + len(callers.refused) + len(callers.changed)


@pytest.mark.parametrize("operation", ["GetCallerIdentity", "ListUsers"])
def test_call__that_only_reads__is_told_of_by_its_request(company: Seed, operation: str) -> None:
    version = "2015-04-01" if operation == "GetCallerIdentity" else "2015-05-01"
    call = SignedCall(company.owner_key, more={"x-acs-action": operation, "x-acs-version": version})
    with closing(company.gateway.connect()) as connection:
        answer = send(connection, call.request())
    with company.services.store.reading() as session:
        (decision,) = find_out(session, answer.json["RequestId"]).decisions
    assert (decision.operation, decision.outcome) == (operation, "Allow")
