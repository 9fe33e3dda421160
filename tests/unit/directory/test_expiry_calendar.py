"""The calendar, read by an independent reader of ours and by the library."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from icalendar import Calendar

from gateway.directory.expiry import DatedThing, ThingKind, plain_text
from gateway.directory.expiry_calendar import expiry_calendar
from tests.fake_clock import NOON

BASE = "https://sso.example.com"
THING = DatedThing(
    kind=ThingKind.CLIENT_SECRET,
    account_id="1000000000000001",
    key="oidc:1",
    name="login",
    expires_at=datetime(2026, 5, 1, 23, 59, tzinfo=UTC),
    changed_at=NOON,
    what="Client secret at the OpenID Provider login",
    stops="Nobody signs in.",
    what_to_do="Make a new one.",
    path="/admin/oidc/login",
)


def lines(body: bytes) -> list[tuple[str, str]]:
    """Names and values of the content lines, unfolded by the rule of RFC 5545 §3.1 alone."""
    text = body.decode().replace("\r\n ", "").replace("\r\n\t", "")
    assert text.endswith("\r\n")
    found = [line.partition(":") for line in text.removesuffix("\r\n").split("\r\n")]
    return [(name.partition(";")[0], value) for name, _, value in found]


def test_expiry_calendar__one_thing__is_an_event_of_its_day_with_reminders() -> None:
    body = expiry_calendar([THING], "Acme", BASE)
    (event,) = Calendar.from_ical(body).walk("VEVENT")
    assert event.decoded("dtstart") == date(2026, 5, 1)
    assert event.decoded("dtend") == date(2026, 5, 2)
    assert str(event["summary"]) == "Client secret at the OpenID Provider login lapses"
    assert event["url"] == f"{BASE}/admin/oidc/login"
    assert [alarm.decoded("trigger") for alarm in event.walk("VALARM")] == [
        -timedelta(days=30),
        -timedelta(days=7),
        -timedelta(days=1),
    ]
    assert event.decoded("dtstamp") == NOON
    names = [name for name, _ in lines(body)]
    for required in ("PRODID", "VERSION", "UID", "DTSTAMP", "DTSTART", "SEQUENCE"):
        assert names.count(required) == 1


def test_expiry_calendar__same_things__same_bytes() -> None:
    assert expiry_calendar([THING], "Acme", BASE) == expiry_calendar([THING], "Acme", BASE)


def test_expiry_calendar__no_things__is_a_calendar_all_the_same() -> None:
    assert Calendar.from_ical(expiry_calendar([], "Acme", BASE)).walk("VEVENT") == []


def test_expiry_calendar__date_changed__same_event_with_a_higher_sequence() -> None:
    moved = replace(THING, expires_at=NOON, changed_at=NOON + timedelta(minutes=1), name="renamed")
    before, after = (
        Calendar.from_ical(expiry_calendar([each], "Acme", BASE)).walk("VEVENT")[0] for each in (THING, moved)
    )
    assert before["uid"] == after["uid"]
    assert int(str(after["sequence"])) == int(str(before["sequence"])) + 1
    assert 0 < int(str(after["sequence"])) < 2**31


def test_expiry_calendar__other_things__other_uids() -> None:
    others = [
        THING,
        replace(THING, key="oidc:2"),
        replace(THING, account_id="1000000000000002"),
        replace(THING, kind=ThingKind.METADATA),
    ]
    events = Calendar.from_ical(expiry_calendar(others, "Acme", BASE)).walk("VEVENT")
    assert len({event["uid"] for event in events}) == 4


@pytest.mark.parametrize(
    "hostile",
    [
        "x\r\nATTENDEE:mailto:a@evil.example",
        "x\nBEGIN:VALARM\nACTION:AUDIO",
        "x\rURL:https://evil.example",
        "x;VALUE=URI:https://evil.example,y\\nURL:z",
        "x\u2028ATTENDEE:y\u2029z\x85w\x0bv\x0cu\x1ct",
        "END:VEVENT",
        "\\",
        "€" * 200,
        '"; X-A="b',
    ],
)
def test_expiry_calendar__hostile_texts__stay_texts(hostile: str) -> None:
    """Even without `plain_text` before it: names of properties are those of a harmless calendar."""
    harmless = expiry_calendar([THING], "Acme", BASE)
    thing = replace(THING, name=hostile, what=hostile, stops=hostile, what_to_do=hostile)
    body = expiry_calendar([thing], hostile, BASE)
    assert [name for name, _ in lines(body)] == [name for name, _ in lines(harmless)]
    assert all(len(line) <= 75 for line in body.split(b"\r\n"))
    assert b"\n" not in body.replace(b"\r\n", b"")
    (event,) = Calendar.from_ical(body).walk("VEVENT")
    assert event["url"] == f"{BASE}/admin/oidc/login"
    assert len(event.walk("VALARM")) == 3


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("a\r\n b\t\tc ", "a b c"),
        ("a\u202eb\u200bc\x00d", "a b c d"),
        ("\ud800x", "x"),
        ("é 数据 €", "é 数据 €"),
        ("x" * 300, "x" * 199 + "…"),
        ("", ""),
    ],
)
def test_plain_text__foreign_text__is_one_visible_line(text: str, plain: str) -> None:
    assert plain_text(text) == plain
