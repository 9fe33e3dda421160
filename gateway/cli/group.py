"""`ramgate group`: groups and their members."""

import click

from gateway.cli.desk import Desk, pass_desk
from gateway.cli.frame import DeskGroup
from gateway.cli.printing import Row
from gateway.directory import attachments, groups, users
from gateway.directory.groups import Group


@click.group("group", cls=DeskGroup)
def group() -> None:
    """Groups and their members."""


@group.command("create")
@click.argument("name")
@click.option("--comments", default="")
@pass_desk
def create(desk: Desk, name: str, comments: str) -> None:
    """Add a group."""
    with desk.transaction() as session:
        made = groups.create_group(session, desk.account(session).id, name, comments=comments, now=desk.now())
    desk.out.record(_record(made))


@group.command("list")
@pass_desk
def list_all(desk: Desk) -> None:
    """List the groups of an account."""
    with desk.reading() as session:
        rows = [_record(found) for found in groups.list_groups(session, desk.account(session).id)]
    desk.out.rows(rows, ("name", "comments"))


@group.command("show")
@click.argument("name")
@pass_desk
def show(desk: Desk, name: str) -> None:
    """Show a group, its members and its policies."""
    with desk.reading() as session:
        found = groups.get_group(session, desk.account(session).id, name)
        record = {
            **_record(found),
            "members": [member.name for member in groups.members_of(session, found)],
            "policies": [attached.policy_name for attached in attachments.policies_of(session, found)],
        }
    desk.out.record(record)


@group.command("delete")
@click.argument("name")
@pass_desk
def delete(desk: Desk, name: str) -> None:
    """Delete a group that has no member and no policy any more."""
    with desk.transaction() as session:
        groups.delete_group(session, desk.account(session).id, name)
    desk.out.done(f"deleted group {name}")


@group.command("add-user")
@click.argument("name")
@click.argument("user_name")
@pass_desk
def add_user(desk: Desk, name: str, user_name: str) -> None:
    """Put a user into a group."""
    with desk.transaction() as session:
        account_id = desk.account(session).id
        groups.add_user(
            session,
            groups.get_group(session, account_id, name),
            users.get_user(session, account_id, user_name),
            desk.now(),
        )
    desk.out.done(f"user {user_name} is in group {name}")


@group.command("remove-user")
@click.argument("name")
@click.argument("user_name")
@pass_desk
def remove_user(desk: Desk, name: str, user_name: str) -> None:
    """Take a user out of a group."""
    with desk.transaction() as session:
        account_id = desk.account(session).id
        groups.remove_user(
            session, groups.get_group(session, account_id, name), users.get_user(session, account_id, user_name)
        )
    desk.out.done(f"user {user_name} is not in group {name} any more")


def _record(found: Group) -> Row:
    return {"name": found.name, "comments": found.comments, "created_at": found.created_at}
