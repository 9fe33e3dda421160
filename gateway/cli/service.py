"""`ramgate service`: resource services that may ask about the principals of every account."""

import click

from gateway.cli.desk import Desk, pass_desk
from gateway.cli.frame import DeskGroup
from gateway.cli.printing import Row
from gateway.directory.resource_services import list_services, register_service, remove_service


@click.group("service", cls=DeskGroup)
def service() -> None:
    """Resource services that may ask about the principals of every account."""


@service.command("add")
@click.argument("arn")
@click.argument("codes", nargs=-1, required=True, metavar="CODE...")
@pass_desk
def add(desk: Desk, arn: str, codes: tuple[str, ...]) -> None:
    """Let the user or role ARN ask about these services (CODE such as oss) in every account.

    It still needs the permission of its own account: ram:Authorize or ram:VerifyRequest on
    acs:ram:*:<account>:service/<code>. What it might ask about before is replaced.
    """
    with desk.transaction() as session:
        made = register_service(session, arn, codes, desk.now())
    desk.out.done(f"{made.arn} may ask about {', '.join(made.codes)} in every account")


@service.command("list")
@pass_desk
def list_all(desk: Desk) -> None:
    """List them all."""
    with desk.reading() as session:
        rows: list[Row] = [
            {
                "arn": found.arn or "(gone)",
                "codes": list(found.codes),
                "account_id": found.account_id,
                "principal_id": found.principal_id,
                "created_at": found.created_at,
            }
            for found in list_services(session)
        ]
    desk.out.rows(rows, ("arn", "codes", "created_at"))


@service.command("remove")
@click.argument("named", metavar="ARN-OR-ID")
@pass_desk
def remove(desk: Desk, named: str) -> None:
    """Let a user or role, by its ARN or its id, ask about its own account only."""
    with desk.transaction() as session:
        remove_service(session, named)
    desk.out.done(f"{named} may ask about its own account only")
