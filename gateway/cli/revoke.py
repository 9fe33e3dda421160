"""`ramgate revoke`: end sessions by what they came from."""

import click

from gateway.cli.desk import Desk, pass_desk
from gateway.cli.frame import DeskCommand
from gateway.federation.recall import RecallKind, parse_recall, recall_sessions


@click.command("revoke", cls=DeskCommand)
@click.argument("kind", type=click.Choice([kind.value for kind in RecallKind]))
@click.argument("value")
@pass_desk
def revoke(desk: Desk, kind: str, value: str) -> None:
    """End every session and token that came from VALUE; each is refused at its next use.

    VALUE is the ID of a session; the name or ARN of a user or role; the ARN of a provider; the SHA-256 fingerprint of a
    certificate; ISSUER#ID of an assertion; PROVIDER-ARN#NAMEID of a subject; or the ID of an access key, for the roles
    that were assumed with it.
    """
    wanted = parse_recall(RecallKind(kind), value)
    with desk.transaction() as session:
        account_id = desk.account(session).id
        name = recall_sessions(session, account_id, wanted, desk.now())
    desk.out.done(f"every session that came from {kind} {name} has ended")
