"""`ramgate directory` and `ramgate control`: accounts in a tree of folders, and what they may do at most."""

import click
from sqlalchemy.orm import Session

from gateway.cli.desk import Desk, pass_desk
from gateway.cli.frame import DeskGroup, TextFile
from gateway.cli.printing import Row
from gateway.directory import control_policies, resource_directory
from gateway.directory.control_attachments import attachments_of
from gateway.directory.domains import find_account
from gateway.directory.resource_directory import ResourceDirectory
from gateway.errors import NotFound, Reason


@click.group("directory", cls=DeskGroup)
def directory() -> None:
    """A resource directory: accounts under the control policies of the account that manages it."""


@directory.command("create")
@pass_desk
def create(desk: Desk) -> None:
    """Make the account the management account of a new directory."""
    with desk.transaction() as session:
        made = resource_directory.create_directory(session, desk.account(session).id, desk.now())
        desk.out.record({"id": made.id, "root_id": made.root_id, "controls_enabled": made.controls_enabled})


@directory.command("show")
@pass_desk
def show(desk: Desk) -> None:
    """Print the tree: folders and member accounts, each with the control policies on it."""
    with desk.reading() as session:
        found = _looked_at(desk, session)
        folders = resource_directory.list_folders(session, found)
        members = resource_directory.list_members(session, found)
        rows: list[Row] = [
            _node(session, found.root_id, "Root", "", found.root_id),
            *(_node(session, each.id, "Folder", each.parent_id, each.name) for each in folders),
            *(_node(session, each.account_id, "Account", each.folder_id, each.account_id) for each in members),
        ]
    desk.out.rows(rows, ("id", "kind", "parent", "name", "control_policies"))


def _node(session: Session, node_id: str, kind: str, parent: str, name: str) -> Row:
    policies = [each.policy_key for each in attachments_of(session, node_id)]
    return {"id": node_id, "kind": kind, "parent": parent, "name": name, "control_policies": policies}


@directory.command("add-folder")
@click.argument("name")
@click.option("--under", metavar="FOLDER", help="The id of a folder; the root if it is left out.")
@pass_desk
def add_folder(desk: Desk, name: str, under: str | None) -> None:
    """Add a folder."""
    with desk.transaction() as session:
        found = _directory(desk, session)
        made = resource_directory.add_folder(session, found, name, under or found.root_id, desk.now())
        desk.out.record({"id": made.id, "name": made.name, "parent": made.parent_id})


@directory.command("delete-folder")
@click.argument("folder")
@pass_desk
def delete_folder(desk: Desk, folder: str) -> None:
    """Delete a folder in which nothing is."""
    with desk.transaction() as session:
        resource_directory.delete_folder(session, _directory(desk, session), folder)
    desk.out.done(f"deleted folder {folder}")


@directory.command("add-member")
@click.argument("member")
@click.option("--folder", help="The id of a folder; the root if it is left out.")
@pass_desk
def add_member(desk: Desk, member: str, folder: str | None) -> None:
    """Put the account MEMBER (alias or id) into the directory."""
    with desk.transaction() as session:
        found = _directory(desk, session)
        account_id = _account_id(desk, session, member)
        resource_directory.add_member(session, found, account_id, folder or found.root_id, desk.now())
    desk.out.done(f"{member} is in the directory")


@directory.command("move-member")
@click.argument("member")
@click.argument("folder")
@pass_desk
def move_member(desk: Desk, member: str, folder: str) -> None:
    """Move the account MEMBER into another FOLDER."""
    with desk.transaction() as session:
        found = _directory(desk, session)
        resource_directory.move_member(session, found, _account_id(desk, session, member), folder)
    desk.out.done(f"{member} is in {folder}")


@directory.command("remove-member")
@click.argument("member")
@pass_desk
def remove_member(desk: Desk, member: str) -> None:
    """Take the account MEMBER out of the directory, and so from under its control policies."""
    with desk.transaction() as session:
        resource_directory.remove_member(session, _directory(desk, session), _account_id(desk, session, member))
    desk.out.done(f"{member} is in no directory")


@click.group("control", cls=DeskGroup)
def control() -> None:
    """Control policies: what accounts may do at most. They never grant anything."""


@control.command("on")
@pass_desk
def on(desk: Desk) -> None:
    """Put the control policies of the directory in force."""
    with desk.transaction() as session:
        resource_directory.enable_controls(session, _directory(desk, session), enabled=True)
    desk.out.done("control policies are in force")


@control.command("off")
@pass_desk
def off(desk: Desk) -> None:
    """Put none of them in force."""
    with desk.transaction() as session:
        resource_directory.enable_controls(session, _directory(desk, session), enabled=False)
    desk.out.done("control policies are not in force")


@control.command("create")
@click.argument("name")
@click.argument("document", type=TextFile(), metavar="FILE")
@click.option("--description", default="")
@pass_desk
def create_policy(desk: Desk, name: str, document: str, description: str) -> None:
    """Add a control policy from a FILE (- is standard input)."""
    with desk.transaction() as session:
        made = control_policies.create_control_policy(
            session, _directory(desk, session), name, document, description=description, now=desk.now()
        )
        desk.out.record({"id": made.id, "name": made.name})


@control.command("update")
@click.argument("name")
@click.argument("document", type=TextFile(), metavar="FILE")
@pass_desk
def update_policy(desk: Desk, name: str, document: str) -> None:
    """Replace the document of a control policy, wherever it is attached."""
    with desk.transaction() as session:
        control_policies.update_control_policy(session, _directory(desk, session), name, document, desk.now())
    desk.out.done(f"changed control policy {name}")


@control.command("list")
@pass_desk
def list_policies(desk: Desk) -> None:
    """List the control policies of the directory."""
    with desk.reading() as session:
        found = control_policies.list_control_policies(session, _looked_at(desk, session))
        rows: list[Row] = [{"id": each.id, "name": each.name, "description": each.description} for each in found]
    desk.out.rows(rows, ("id", "name", "description"))


@control.command("show")
@click.argument("name")
@pass_desk
def show_policy(desk: Desk, name: str) -> None:
    """Print the document of a control policy."""
    with desk.reading() as session:
        document = control_policies.get_control_policy(session, _looked_at(desk, session), name).document
    desk.out.document(document, "document")


@control.command("delete")
@click.argument("name")
@pass_desk
def delete_policy(desk: Desk, name: str) -> None:
    """Delete a control policy that is attached nowhere."""
    with desk.transaction() as session:
        control_policies.delete_control_policy(session, _directory(desk, session), name)
    desk.out.done(f"deleted control policy {name}")


@control.command("attach")
@click.argument("name")
@click.argument("node")
@pass_desk
def attach(desk: Desk, name: str, node: str) -> None:
    """Put a control policy on a NODE: the root's or a folder's id, or a member account."""
    with desk.transaction() as session:
        found = _directory(desk, session)
        control_policies.attach_control_policy(session, found, name, _node_id(desk, session, node), desk.now())
    desk.out.done(f"attached control policy {name} to {node}")


@control.command("detach")
@click.argument("name")
@click.argument("node")
@pass_desk
def detach(desk: Desk, name: str, node: str) -> None:
    """Take a control policy off a NODE. The last one stays: without any, nothing could be done there."""
    with desk.transaction() as session:
        found = _directory(desk, session)
        control_policies.detach_control_policy(session, found, name, _node_id(desk, session, node))
    desk.out.done(f"detached control policy {name} from {node}")


def _directory(desk: Desk, session: Session) -> ResourceDirectory:
    return resource_directory.get_directory(session, desk.account(session).id)


def _looked_at(desk: Desk, session: Session) -> ResourceDirectory:
    return resource_directory.look_at_directory(session, desk.account(session).id)


def _account_id(desk: Desk, session: Session, text: str) -> str:
    """Raises: NotFound, subject "Account"."""
    found = find_account(session, text, desk.settings.domain_suffix)
    if found is None:
        raise NotFound(Reason.NOT_FOUND, f"there is no account `{text}`", subject="Account")
    return found.id


def _node_id(desk: Desk, session: Session, text: str) -> str:
    return text if text.startswith(("r-", "fd-")) else _account_id(desk, session, text)
