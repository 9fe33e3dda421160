"""`ramgate why`: the story of a request."""

import click

from gateway.audit.why import as_json, find_out
from gateway.cli.desk import Desk, pass_desk
from gateway.cli.frame import DeskCommand
from gateway.errors import NotFound, Reason


@click.command("why", cls=DeskCommand)
@click.argument("request_id")
@pass_desk
def why(desk: Desk, request_id: str) -> None:
    """Tell in plain words what came of a request: who came, what was checked, what decided, and what would help.

    The request ID stands in every answer and on every error page. Personal values are shown by their type.
    """
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
