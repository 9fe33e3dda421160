"""What a guard in a service's own process decides is recorded as the gateway's own decisions are."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.audit.batches import read_decisions
from gateway.audit.decisions import DecisionRecord
from gateway.audit.journal import Journal
from gateway.audit.packing import pack
from gateway.directory.access_keys import set_status
from gateway.guard.guard import Guard
from gateway.guard.questions import read_context, read_question
from gateway.keyring import KeyRing, new_master_key
from gateway.store.engine import Store
from tests.fake_clock import FakeClock
from tests.guarded_service import ACCOUNT, ISSUER, Service

ARN = f"acs:ram::{ACCOUNT}:user/alice"


@pytest.fixture
def service(store: Store, clock: FakeClock) -> Iterator[Service]:
    made = Service(store, KeyRing((new_master_key(),)), clock)
    yield made
    made.guard.close()


def kept(service: Service) -> list[DecisionRecord]:
    pack(service.store, service.clock)
    with service.store.reading() as session:
        return list(read_decisions(session, ACCOUNT).records)


def test_authorize__any_answer__is_recorded_under_the_request_id(service: Service) -> None:
    for action, request_id in (("notes:Use", "R-1"), ("notes:Burn", "R-2")):
        question = read_question(action, f"acs:notes:*:{ACCOUNT}:note/a", read_context(None))
        service.guard.authorize(question, principal_arn=ARN, request_id=request_id)
    found = {each.request_id: each for each in kept(service)}
    assert (found["R-1"].outcome, found["R-2"].outcome) == ("Allow", "ImplicitDeny")
    assert (found["R-1"].operation, found["R-1"].principal_arn) == ("Guard.authorize", ARN)


def test_middleware__signed__is_recorded(service: Service) -> None:
    assert service.send(service.signed("/notes/a", method="PUT")).status == 200
    (record,) = kept(service)
    assert (record.operation, record.outcome, record.principal_id) == ("Guard.verify", "Allow", service.user_id)


def test_middleware__disabled_key__is_recorded_as_not_proven(service: Service) -> None:
    with service.store.transaction() as session:
        set_status(
            session,
            account_id=ACCOUNT,
            user_id=service.user_id,
            access_key_id=service.key.access_key_id,
            status="Inactive",
            now=service.clock.now(),
        )
    for _ in range(5):
        assert service.send(service.signed("/notes/a", method="PUT")).status == 401
    (record,) = kept(service)
    assert (record.principal_kind, record.reason) == ("Unproven", "AccessKeyInactive")


def test_middleware__journal_can_not_be_written__nobody_reaches_the_application(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_journal: Journal, *_texts: bytes) -> None:
        raise OSError

    monkeypatch.setattr(Journal, "append", full)
    with pytest.raises(OSError):  # noqa: PT011 - whatever the system says
        service.send(service.signed("/notes/a", method="PUT"))
    assert service.reached == []


def test_guard__store_that_nobody_keeps_records_of__keeps_them_itself(tmp_path: Path, clock: FakeClock) -> None:
    store = Store(f"sqlite:///{tmp_path / 'x.sqlite3'}")
    guard = Guard(store, KeyRing((new_master_key(),)), clock, issuer=ISSUER)
    assert isinstance(store.stamps.journal, Journal)
    guard.close()
    store.dispose()


def test_guard__records_of_a_database_elsewhere__need_a_folder(clock: FakeClock) -> None:
    store = Store("postgresql://nobody@127.0.0.1:1/nothing")  # nothing is asked of it
    with pytest.raises(ValueError, match="folder"):
        Guard(store, KeyRing((new_master_key(),)), clock, issuer=ISSUER)


def test_verify__key_that_nobody_has__leaves_nothing(service: Service) -> None:
    stranger = service.signed_v1("/", AccessKeyId="LTAInobody")
    assert service.send(stranger).status == 401
    assert kept(service) == []
