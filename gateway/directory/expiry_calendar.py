"""The calendar of things that lapse: an all-day event per thing, with reminders 30, 7 and 1 day before.

The same things always give the same bytes. An event keeps its UID while it is the same thing, and its SEQUENCE grows
when its date is changed, so that calendars move it instead of showing it twice. Texts are escaped and lines folded by
the library; `DatedThing` holds no line breaks in the first place. Rule: RFC 5545 §3.1, §3.3.11, §3.8.7.4.
"""

import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from icalendar import Alarm, Calendar, Event, vText

from gateway.directory.expiry import DatedThing, plain_text

AHEAD = timedelta(days=400)
_REMINDERS = (timedelta(days=30), timedelta(days=7), timedelta(days=1))
_REFRESH = timedelta(hours=6)
_EPOCH = datetime(2020, 1, 1, tzinfo=UTC)
_HOST = "ramgate"


def expiry_calendar(things: Iterable[DatedThing], account_name: str, base_url: str) -> bytes:
    """The calendar as a file, `text/calendar` in UTF-8."""
    calendar = Calendar()
    calendar.add("prodid", "-//ramgate//expiry//EN")
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    # A name that the library does not know has no type, and would be written as it is.
    calendar.add("x-wr-calname", vText(plain_text(f"Things that lapse: {account_name}")))
    calendar.add("refresh-interval", _REFRESH, parameters={"VALUE": "DURATION"})
    calendar.add("x-published-ttl", "PT6H")
    for thing in things:
        calendar.add_component(_event(thing, base_url))
    rendered: bytes = calendar.to_ical()
    return rendered


def _event(thing: DatedThing, base_url: str) -> Event:
    event = Event()
    day = thing.expires_at.astimezone(UTC).date()
    link = base_url + (thing.path or "/admin/expiry")
    text = f"{thing.stops}\n\n{thing.what_to_do}\n\n{thing.expires_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC\n{link}"
    event.add("uid", _uid(thing))
    event.add("dtstamp", thing.changed_at)
    event.add("last-modified", thing.changed_at)
    event.add("sequence", max(0, int((thing.changed_at - _EPOCH).total_seconds()) // 60))
    event.add("dtstart", day)
    event.add("dtend", day + timedelta(days=1))
    event.add("summary", f"{thing.what} lapses")
    event.add("description", text)
    event.add("url", link)
    event.add("transp", "TRANSPARENT")
    event.add("class", "CONFIDENTIAL")
    for before in _REMINDERS:
        event.add_component(_reminder(thing, before))
    return event


def _reminder(thing: DatedThing, before: timedelta) -> Alarm:
    alarm = Alarm()
    alarm.add("action", "DISPLAY")
    alarm.add("trigger", -before)
    alarm.add("description", f"{thing.what} lapses in {before.days} day{'' if before.days == 1 else 's'}")
    return alarm


def _uid(thing: DatedThing) -> str:
    named = f"{thing.kind}/{thing.account_id}/{thing.key}"
    return f"{hashlib.sha256(named.encode()).hexdigest()[:32]}@{_HOST}"
