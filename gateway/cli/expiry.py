"""`ramgate expiry`: what lapses before long, and where else that is told: a calendar address, a webhook."""

import click

from gateway.cli.desk import Desk, pass_desk
from gateway.cli.frame import DeskGroup
from gateway.cli.printing import Row
from gateway.directory import expiry_settings
from gateway.directory.expiry_delivery import Teller, send_test
from gateway.directory.expiry_radar import read_radar
from gateway.directory.expiry_settings import ROTATION_DAYS


@click.group("expiry", cls=DeskGroup)
def expiry() -> None:
    """What lapses before long, and who is told."""


@expiry.command("list")
@pass_desk
def list_all(desk: Desk) -> None:
    """List what has lapsed, and what will within three months, with what to do about it."""
    now = desk.now()
    own = desk.own_keys.states(now)
    with desk.reading() as session:
        radar = read_radar(session, desk.account(session).id, own, now)
    rows: list[Row] = [
        {
            "urgency": thing.urgency(now).value,
            "expires_at": thing.expires_at,
            "days_left": thing.days_left(now),
            "kind": thing.kind.value,
            "name": thing.name,
            "what": thing.what,
            "stops": thing.stops,
            "what_to_do": thing.what_to_do,
        }
        for thing in radar.things
    ]
    desk.out.rows(rows, ("urgency", "expires_at", "days_left", "what", "what_to_do"))


@expiry.command("rotation")
@click.argument("days", type=click.Choice([str(days) for days in ROTATION_DAYS]))
@pass_desk
def rotation(desk: Desk, days: str) -> None:
    """Say after how many DAYS an AccessKey is to be replaced; 0 for never."""
    with desk.transaction() as session:
        expiry_settings.set_rotation_days(session, desk.account(session).id, int(days), desk.now())
    desk.out.done(f"AccessKeys are to be replaced after {days} days" if days != "0" else "AccessKeys may get old")


@expiry.group("calendar", cls=DeskGroup)
def calendar() -> None:
    """The secret calendar address of an account."""


@calendar.command("make")
@pass_desk
def make_calendar(desk: Desk) -> None:
    """Make a calendar address, shown once. One there was before is void."""
    with desk.transaction() as session:
        handle = expiry_settings.make_calendar(session, desk.account(session).id, desk.now())
    desk.out.record({"calendar_url": f"{desk.settings.base_url}/calendar/expiry.ics?key={handle}"})


@calendar.command("remove")
@pass_desk
def remove_calendar(desk: Desk) -> None:
    """Make the calendar address void."""
    with desk.transaction() as session:
        expiry_settings.drop_calendar(session, desk.account(session).id, desk.now())
    desk.out.done("the calendar address is void")


@expiry.group("webhook", cls=DeskGroup)
def webhook() -> None:
    """Where an account is told by signed messages."""


@webhook.command("show")
@pass_desk
def show_webhook(desk: Desk) -> None:
    """Show the webhook, and how the last message went."""
    with desk.reading() as session:
        found = expiry_settings.get_expiry_settings(session, desk.account(session).id).webhook
    desk.out.record(
        {
            "url": found.url if found else None,
            "last_message_at": found.tried_at if found else None,
            "outcome": found.outcome if found else None,
            "failures": found.failures if found else 0,
        }
    )


@webhook.command("set")
@click.argument("url")
@pass_desk
def set_webhook(desk: Desk, url: str) -> None:
    """Send messages to URL from now on. The secret that they are signed with is shown once."""
    desk.fetcher.check_url(url)
    with desk.transaction() as session:
        secret = expiry_settings.set_webhook(session, desk.ring, desk.account(session).id, url, desk.now())
    desk.out.record({"url": url, "secret": secret.reveal()})


@webhook.command("test")
@pass_desk
def test_webhook(desk: Desk) -> None:
    """Send a test message now, and say how it went."""
    with desk.reading() as session:
        account_id = desk.account(session).id
    own = desk.own_keys.states
    delivery = send_test(
        Teller(desk.store, desk.ring, desk.fetcher, desk.clock, desk.settings.base_url, own), account_id
    )
    desk.leave_receipt()
    desk.out.done(delivery.outcome, {"taken": delivery.taken, "outcome": delivery.outcome})


@webhook.command("remove")
@pass_desk
def remove_webhook(desk: Desk) -> None:
    """Send nothing any more."""
    with desk.transaction() as session:
        expiry_settings.drop_webhook(session, desk.account(session).id, desk.now())
    desk.out.done("nothing is sent any more")
