"""`--dry-run`: what a change would flip, of what was decided lately. Nothing is saved."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import cast

import click
from sqlalchemy.orm import Session

from gateway.cli.desk import Desk
from gateway.cli.frame import Decorated
from gateway.cli.printing import Row
from gateway.simulation.changes import Change
from gateway.simulation.dry_run import Window, dry_run
from gateway.simulation.flips import DryRun, Turn, as_json

_AGE = re.compile(r"([0-9]{1,4})([mhd])")
_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}
_TURNS = {Turn.TO_DENY: "allow -> deny", Turn.TO_ALLOW: "deny -> allow"}


class Age(click.ParamType[timedelta]):
    """`30d`, `12h`, `90m`."""

    name = "age"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        if isinstance(value, timedelta):
            return value
        read = _AGE.fullmatch(str(value))
        if read is None:
            self.fail(f"'{value}' is no age: write 30d, 12h or 90m", param, ctx)
        return int(read[1]) * _UNITS[read[2]]


def dry_run_options(function: Decorated) -> Decorated:
    since = click.option("--since", type=Age(), default="30d", show_default=True, metavar="AGE", help="For --dry-run.")
    flag = click.option("--dry-run", "dry", is_flag=True, help="Save nothing; tell what it would have flipped.")
    return flag(since(function))


def show_dry_run(desk: Desk, make: Callable[[Session, str], Change], since: timedelta) -> None:
    """`make` gets the session and the account's id. Raises: as the change itself would."""
    with desk.reading() as session:
        account_id = desk.account(session).id
        now = desk.now()
        run = dry_run(session, account_id, make(session, account_id), Window(since=now - since), now).run
    if desk.out.as_json:
        desk.out.record(cast("Row", as_json(run)))
        return
    _tell(run)


def _tell(run: DryRun) -> None:
    lost, won = run.flips.totals[Turn.TO_DENY], run.flips.totals[Turn.TO_ALLOW]
    click.echo(f"{run.told}: nothing was saved")
    click.echo(f"{run.decided} of {run.records} decisions were asked again: {lost} would be denied, {won} allowed")
    for each in run.flips.ordered():
        click.echo(f"  {_TURNS[each.turn]}  {each.count} x {each.principal_arn} {each.action} on {each.pattern}")
        click.echo(f"    such as {each.example.request_id} at {each.example.at.isoformat()}")
        click.echo(f"    now:  {each.example.before}")
        click.echo(f"    then: {each.example.after}")
    for count, what in (
        (run.flips.ungrouped, "more flips are of further kinds, and not listed"),
        (run.other_statement, "get the same answer from another statement"),
        (run.differ_from_record, "are answered otherwise today than when they were recorded, without the change"),
        (run.principal_gone, "are of users and roles that are gone"),
        (run.not_replayable, "were up to trust policies elsewhere, or gone"),
        (run.logins.asked, "logins were asked again"),
        (run.logins.not_replayable, f"logins can't be asked again: too little is kept of {_keys(run)}"),
    ):
        if count:
            click.echo(f"  {count} {what}")


def _keys(run: DryRun) -> str:
    return ", ".join(sorted(run.logins.unknown_keys))
