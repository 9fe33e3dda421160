"""`ramgate resource-group`: resources put together, so that rights can be given on them alone."""

import click

from gateway.cli.desk import Desk, pass_desk
from gateway.cli.frame import DeskGroup
from gateway.cli.printing import Row
from gateway.directory import resource_groups, resources
from gateway.store.paging import Page

_ALL = Page(1000)


@click.group("resource-group", cls=DeskGroup)
def resource_group() -> None:
    """Resource groups. `ramgate policy attach --resource-group ID` gives rights within one."""


@resource_group.command("create")
@click.argument("name")
@click.option("--display-name", default="")
@pass_desk
def create(desk: Desk, name: str, display_name: str) -> None:
    """Add a resource group."""
    with desk.transaction() as session:
        made = resource_groups.create_resource_group(
            session, desk.account(session).id, name, display_name=display_name, now=desk.now()
        )
        desk.out.record({"id": made.id, "name": made.name})


@resource_group.command("list")
@pass_desk
def list_all(desk: Desk) -> None:
    """List the resource groups of an account."""
    with desk.reading() as session:
        found = resource_groups.page_resource_groups(session, desk.account(session).id, _ALL)
        rows: list[Row] = [{"id": each.id, "name": each.name, "display_name": each.display_name} for each in found.rows]
    desk.out.rows(rows, ("id", "name", "display_name"))


@resource_group.command("put")
@click.argument("arn")
@click.argument("group_id", metavar="GROUP")
@pass_desk
def put(desk: Desk, arn: str, group_id: str) -> None:
    """Put the registered resource ARN, with all that lies below it, into a GROUP."""
    with desk.transaction() as session:
        resources.update_resource(session, desk.account(session).id, arn, resource_group_id=group_id, now=desk.now())
    desk.out.done(f"{arn} is in {group_id}")


@resource_group.command("take-out")
@click.argument("arn")
@pass_desk
def take_out(desk: Desk, arn: str) -> None:
    """Take the resource ARN out of its group."""
    with desk.transaction() as session:
        resources.update_resource(session, desk.account(session).id, arn, resource_group_id="", now=desk.now())
    desk.out.done(f"{arn} is in no group")


@resource_group.command("delete")
@click.argument("group_id", metavar="GROUP")
@pass_desk
def delete(desk: Desk, group_id: str) -> None:
    """Delete a group that no resource is in, and within which nothing is attached."""
    with desk.transaction() as session:
        resource_groups.delete_resource_group(session, desk.account(session).id, group_id)
    desk.out.done(f"deleted resource group {group_id}")
