"""Strangers who are refused as often as they like: the disk does not fill, real people's records have room, and what was
typed is nowhere.
"""

from dataclasses import replace

import pytest

from gateway.audit.packing import pack
from gateway.audit.receipts import Receipt, list_receipts
from gateway.audit.why import find_out
from gateway.errors import Reason
from gateway.keyring import KeyRing, new_master_key
from gateway.services import Services
from gateway.store.engine import Store
from gateway.web.refused_sign_ins import (
    MOST_OF_ACCOUNT,
    MOST_OF_NOBODY,
    PASSWORD,
    RefusedSignIn,
    remember_refused_sign_in,
)
from tests.fake_clock import NOON, FakeClock
from tests.in_process import make_services
from tests.receipt_world import ACCOUNT

GUESS = RefusedSignIn(PASSWORD, ACCOUNT, "nobody", "", Reason.LOGIN_FAILED, "R-1", "192.0.2.7", NOON)


@pytest.fixture
def services(sqlite_store: Store, clock: FakeClock) -> Services:
    return make_services(sqlite_store, clock, KeyRing((new_master_key(),)))


def kept(services: Services) -> list[Receipt]:
    with services.store.reading() as session:
        return list(list_receipts(session, limit=10_000))


def test_flood__made_up_names__bounded_and_counted(services: Services, clock: FakeClock) -> None:
    for number in range(1000):
        remember_refused_sign_in(services, replace(GUESS, typed=f"name-{number}", request_id=f"R-{number}"))
    assert len(kept(services)) == MOST_OF_NOBODY
    clock.advance(3600)
    pack(services.store, clock)
    told = [(int(str(each.details["times"])), int(str(each.details["others"]))) for each in kept(services)]
    assert sum(times + others for times, others in told) == 1000


def test_flood__made_up_names__somebody_has_room_all_the_same(services: Services) -> None:
    for number in range(MOST_OF_NOBODY + MOST_OF_ACCOUNT):
        remember_refused_sign_in(services, replace(GUESS, typed=f"name-{number}"))
    remember_refused_sign_in(services, replace(GUESS, holder_id="alice-id", request_id="R-ALICE"))
    assert kept(services)[0].request_id == "R-ALICE"


@pytest.mark.parametrize(
    "typed",
    ["hunter2-typed-as-a-name", "\x1b[31mred", "a\x00b", "\ud800", "x" * 320, "' OR 1=1 --", "line\nforged: yes"],
    ids=["password", "escape", "nul", "surrogate", "long", "sql", "line"],
)
def test_name__whatever_is_typed__is_in_no_row_and_no_story(services: Services, typed: str) -> None:
    remember_refused_sign_in(services, replace(GUESS, typed=typed))
    (receipt,) = kept(services)
    with services.store.reading() as session:
        story = find_out(session, "R-1").story.lines
    assert typed not in str(receipt.details) + "\n".join(story)
    assert all(line.isprintable() for line in story)


def test_mark__same_name_in_two_spellings__is_the_same(services: Services, clock: FakeClock) -> None:
    remember_refused_sign_in(services, GUESS)
    remember_refused_sign_in(services, replace(GUESS, typed="NOBODY", at=clock.now()))
    assert len(kept(services)) == 1


def test_record__database_is_busy__refusal_stands(
    services: Services, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def busy() -> None:
        raise OSError

    monkeypatch.setattr(services.store, "transaction", busy)
    remember_refused_sign_in(services, GUESS)
    assert "can't be recorded" in caplog.text
