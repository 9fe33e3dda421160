"""`ramgate policy`: policies, their versions, and whom they are attached to."""

from datetime import timedelta

import click
from sqlalchemy.orm import Session

from gateway.cli.desk import Desk, pass_desk
from gateway.cli.dry_run import dry_run_options, show_dry_run
from gateway.cli.frame import Decorated, DeskGroup, TextFile
from gateway.cli.policy_check import check, import_aws
from gateway.cli.printing import Row
from gateway.directory import attachments, groups, policies, roles, users
from gateway.directory.groups import Group
from gateway.directory.roles import Role
from gateway.directory.users import User
from gateway.errors import NotFound, Reason
from gateway.policy import SYSTEM_POLICIES, SystemPolicy
from gateway.simulation.changes import Change, change_attached, change_detached, change_policy


@click.group("policy", cls=DeskGroup)
def policy() -> None:
    """Policies, their versions, and whom they are attached to."""


policy.add_command(check)
policy.add_command(import_aws)


@policy.command("create")
@click.argument("name")
@click.argument("document", type=TextFile(), metavar="FILE")
@click.option("--description", default="")
@pass_desk
def create(desk: Desk, name: str, document: str, description: str) -> None:
    """Add a policy from a FILE (- is standard input); it becomes version v1."""
    with desk.transaction() as session:
        policies.create_policy(
            session, desk.account(session).id, name, document, description=description, now=desk.now()
        )
    desk.out.done(f"created policy {name}")


@policy.command("list")
@click.option("--system", is_flag=True, help="List what comes with the gateway instead.")
@pass_desk
def list_all(desk: Desk, *, system: bool) -> None:
    """List the policies of an account."""
    if system:
        rows: list[Row] = [{"name": found.name, "description": found.description} for found in SYSTEM_POLICIES.values()]
        desk.out.rows(rows, ("name", "description"))
        return
    with desk.reading() as session:
        found_here = policies.list_policies(session, desk.account(session).id)
        custom: list[Row] = [
            {"name": found.name, "description": found.description, "default_version": found.default_version_id}
            for found in found_here
        ]
    desk.out.rows(custom, ("name", "default_version", "description"))


@policy.command("show")
@click.argument("name")
@click.option("--system", is_flag=True, help="It comes with the gateway.")
@click.option("--version", "version_id", help="Another version than the default one.")
@pass_desk
def show(desk: Desk, name: str, version_id: str | None, *, system: bool) -> None:
    """Print a policy's document."""
    if system:
        desk.out.document(_system_policy(name).document_text, "document")
        return
    with desk.reading() as session:
        found = policies.get_policy(session, desk.account(session).id, name)
        version = policies.get_version(session, found, version_id or found.default_version_id)
    desk.out.document(version.document, "document")


@policy.command("delete")
@click.argument("name")
@pass_desk
def delete(desk: Desk, name: str) -> None:
    """Delete a policy that is attached to nobody and has no version besides the default one."""
    with desk.transaction() as session:
        policies.delete_policy(session, desk.account(session).id, name)
    desk.out.done(f"deleted policy {name}")


@policy.command("versions")
@click.argument("name")
@pass_desk
def versions(desk: Desk, name: str) -> None:
    """List the versions of a policy."""
    with desk.reading() as session:
        found_policy = policies.get_policy(session, desk.account(session).id, name)
        rows: list[Row] = [
            {
                "version": found.version_id,
                "default": found.number == found_policy.default_version,
                "created_at": found.created_at,
            }
            for found in policies.list_versions(session, found_policy)
        ]
    desk.out.rows(rows, ("version", "default", "created_at"))


@policy.command("add-version")
@click.argument("name")
@click.argument("document", type=TextFile(), metavar="FILE")
@click.option("--default", "as_default", is_flag=True, help="Use it from now on.")
@click.option("--rotate", is_flag=True, help="If there are five already, drop the oldest that is not in use.")
@dry_run_options
@pass_desk
def add_version(
    desk: Desk, name: str, document: str, *, as_default: bool, rotate: bool, dry: bool, since: timedelta
) -> None:
    """Add a version to a policy from a FILE (- is standard input)."""
    if dry:
        show_dry_run(desk, lambda session, account_id: change_policy(session, account_id, name, document), since)
        return
    with desk.transaction() as session:
        made = policies.create_policy_version(
            session,
            desk.account(session).id,
            name,
            document,
            set_as_default=as_default,
            rotate=rotate,
            now=desk.now(),
        )
    desk.out.done(f"policy {name} has a version {made.version_id}", {"name": name, "version": made.version_id})


@policy.command("set-default")
@click.argument("name")
@click.argument("version_id")
@pass_desk
def set_default(desk: Desk, name: str, version_id: str) -> None:
    """Choose the version that is in force."""
    with desk.transaction() as session:
        policies.set_default_version(session, desk.account(session).id, name, version_id, now=desk.now())
    desk.out.done(f"version {version_id} of policy {name} is in force")


@policy.command("delete-version")
@click.argument("name")
@click.argument("version_id")
@pass_desk
def delete_version(desk: Desk, name: str, version_id: str) -> None:
    """Delete a version that is not in force."""
    with desk.transaction() as session:
        policies.delete_version(session, desk.account(session).id, name, version_id)
    desk.out.done(f"deleted version {version_id} of policy {name}")


def _target_options(function: Decorated) -> Decorated:
    for option in (
        click.option("--role", "role_name", metavar="ROLE"),
        click.option("--group", "group_name", metavar="GROUP"),
        click.option("--user", "user_name", metavar="USER"),
    ):
        function = option(function)
    return function


_SYSTEM = click.option("--system", is_flag=True, help="The policy comes with the gateway.")
_WITHIN = click.option("--resource-group", "within", default="", metavar="ID", help="It counts on its resources only.")


@policy.command("attach")
@click.argument("name")
@_SYSTEM
@_WITHIN
@_target_options
@dry_run_options
@pass_desk
def attach(
    desk: Desk,
    name: str,
    user_name: str | None,
    group_name: str | None,
    role_name: str | None,
    *,
    system: bool,
    within: str,
    dry: bool,
    since: timedelta,
) -> None:
    """Attach a policy to a user, a group or a role."""
    if dry:

        def make(session: Session, account_id: str) -> Change:
            target = _target(session, account_id, user_name, group_name, role_name)
            return change_attached(session, account_id, _type(system=system), name, target, group=within)

        show_dry_run(desk, make, since)
        return
    with desk.transaction() as session:
        account_id = desk.account(session).id
        target = _target(session, account_id, user_name, group_name, role_name)
        attachments.attach_policy(session, account_id, _type(system=system), name, target, desk.now(), group=within)
    desk.out.done(f"attached policy {name} to {target.name}")


@policy.command("detach")
@click.argument("name")
@_SYSTEM
@_WITHIN
@_target_options
@dry_run_options
@pass_desk
def detach(
    desk: Desk,
    name: str,
    user_name: str | None,
    group_name: str | None,
    role_name: str | None,
    *,
    system: bool,
    within: str,
    dry: bool,
    since: timedelta,
) -> None:
    """Detach a policy from a user, a group or a role."""
    if dry:

        def make(session: Session, account_id: str) -> Change:
            target = _target(session, account_id, user_name, group_name, role_name)
            return change_detached(session, _type(system=system), name, target, group=within)

        show_dry_run(desk, make, since)
        return
    with desk.transaction() as session:
        account_id = desk.account(session).id
        target = _target(session, account_id, user_name, group_name, role_name)
        attachments.detach_policy(session, account_id, _type(system=system), name, target, group=within)
    desk.out.done(f"detached policy {name} from {target.name}")


@policy.command("attached")
@_target_options
@pass_desk
def attached(desk: Desk, user_name: str | None, group_name: str | None, role_name: str | None) -> None:
    """List what is attached to a user, a group or a role."""
    with desk.reading() as session:
        target = _target(session, desk.account(session).id, user_name, group_name, role_name)
        rows: list[Row] = [
            {
                "name": found.policy_name,
                "type": str(found.policy_type),
                "resource_group": found.resource_group_id,
                "attached_at": found.attached_at,
            }
            for found in attachments.policies_of(session, target)
        ]
    desk.out.rows(rows, ("name", "type", "resource_group", "attached_at"))


def _system_policy(name: str) -> SystemPolicy:
    """Raises: NotFound, subject "Policy"."""
    found = SYSTEM_POLICIES.get(name)
    if found is None:
        raise NotFound(Reason.NOT_FOUND, f"no policy `{name}` comes with the gateway", subject="Policy")
    return found


def _type(*, system: bool) -> str:
    return "System" if system else "Custom"


def _target(
    session: Session, account_id: str, user_name: str | None, group_name: str | None, role_name: str | None
) -> User | Group | Role:
    if sum(name is not None for name in (user_name, group_name, role_name)) != 1:
        raise click.UsageError("To whom? Give one of --user, --group and --role.")
    if user_name is not None:
        return users.get_user(session, account_id, user_name)
    if group_name is not None:
        return groups.get_group(session, account_id, group_name)
    assert role_name is not None
    return roles.get_role(session, account_id, role_name)
