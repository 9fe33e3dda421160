"""How many refusals leave a record, and that none is told of twice or forgotten."""

from datetime import datetime, timedelta

import pytest

from gateway.audit.tally import Share, Tally, Told
from tests.fake_clock import NOON

SHARE = Share("sign-in of nobody", 3)
MINUTE = timedelta(minutes=1)


class Book:
    def __init__(self) -> None:
        self.tally = Tally()
        self.told: list[tuple[str, Told]] = []

    def refuse(self, alike: str, now: datetime = NOON, share: Share = SHARE) -> None:
        self.tally.note(share, alike, now, lambda told: self.told.append((alike, told)))

    @property
    def total(self) -> int:
        return sum(told.times + told.others for _, told in self.told)


def test_note__alike_within_a_minute__one_record_and_a_count() -> None:
    book = Book()
    for _ in range(5):
        book.refuse("alice")
    book.refuse("bob")
    assert book.told == [("alice", Told(1, 0)), ("bob", Told(1, 0))]
    book.refuse("alice", NOON + MINUTE)
    assert book.told[2:] == [("alice", Told(5, 0))]


def test_tell_rest__minute_over__tells_what_was_counted_once() -> None:
    book = Book()
    for _ in range(4):
        book.refuse("alice")
    book.tally.tell_rest(NOON + MINUTE / 2)
    assert len(book.told) == 1
    book.tally.tell_rest(NOON + MINUTE)
    book.tally.tell_rest(NOON + MINUTE)
    assert book.told[1:] == [("alice", Told(3, 0))]


def test_note__flood_of_names__bounded_and_all_counted() -> None:
    book = Book()
    for number in range(1000):
        book.refuse(f"name {number}")
    assert len(book.told) == SHARE.most
    book.tally.tell_rest(NOON + timedelta(hours=1))
    assert len(book.told) == SHARE.most + 1
    assert book.total == 1000


def test_note__flood__keeps_nothing_in_memory_of_what_is_over() -> None:
    book = Book()
    for number in range(1000):
        book.refuse(f"name {number}", share=Share(f"share {number}", 1))
    book.tally.tell_rest(NOON + timedelta(hours=1))
    assert book.tally._used == {}


def test_note__one_share_used_up__others_are_not() -> None:
    book = Book()
    for number in range(10):
        book.refuse(f"name {number}")
    book.refuse("alice", share=Share("sign-in", 3))
    assert book.told[-1] == ("alice", Told(1, 0))


def test_note__next_hour__has_room_again_and_tells_of_the_others() -> None:
    book = Book()
    for number in range(5):
        book.refuse(f"name {number}")
    book.refuse("late", NOON + timedelta(hours=1))
    assert book.told[-1] == ("late", Told(1, 2))
    assert book.total == 6


def test_tell_rest__record_fails__others_are_told_all_the_same(caplog: pytest.LogCaptureFixture) -> None:
    book = Book()

    def fail(_told: Told) -> None:
        raise OSError

    book.refuse("alice")
    book.tally.note(SHARE, "alice", NOON, fail)
    book.refuse("bob")
    book.refuse("bob")
    book.tally.tell_rest(NOON + MINUTE)
    assert book.told[-1] == ("bob", Told(1, 0))
    assert "can't be recorded" in caplog.text
