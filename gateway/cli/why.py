"""`ramgate why`: the story of a request."""

import click

from gateway.audit.receipts import list_receipts
from gateway.audit.why import as_json, find_out
from gateway.cli.desk import Desk, pass_desk
from gateway.cli.frame import DeskCommand
from gateway.cli.printing import Row
from gateway.errors import NotFound, Reason

_LISTED = 30


@click.command("why", cls=DeskCommand)
@click.argument("request_id", required=False)
@pass_desk
def why(desk: Desk, request_id: str | None) -> None:
    """Tell in plain words what came of a request: who came, what was checked, what decided, and what would help.

    The request ID stands in every answer and on every error page; without one the newest receipts are listed, those of
    the command line too. Personal values are shown by their type.
    """
    if request_id is None:
        _list_newest(desk)
        return
    with desk.reading() as session:
        account_id = None if desk.account_text is None else desk.account(session).id
        found = find_out(session, request_id, account_id=account_id)
    if not found.story.known:
        message = f"nothing is kept of a request `{request_id[:100]}`: decisions are kept for 30 days"
        raise NotFound(Reason.NOT_FOUND, message, subject="Request")
    if desk.out.as_json:
        desk.out.record(as_json(found))
        return
    for line in found.story.lines:
        click.echo(line)


def _list_newest(desk: Desk) -> None:
    with desk.reading() as session:
        account_id = None if desk.account_text is None else desk.account(session).id
        found = list_receipts(session, account_id=account_id, limit=_LISTED)
    rows: list[Row] = [
        {
            "at": each.at,
            "kind": each.kind,
            "outcome": each.outcome,
            "reason": each.reason,
            "request_id": each.request_id,
        }
        for each in found
    ]
    desk.out.rows(rows, ("at", "kind", "outcome", "request_id"))
