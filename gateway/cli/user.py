"""`ramgate user`: RAM users and their passwords."""

import click

from gateway.cli.desk import Desk, pass_desk
from gateway.cli.frame import DeskGroup, password_options, read_password
from gateway.cli.printing import Row
from gateway.directory import attachments, groups, login_profiles, recycle_bin, revocations, users
from gateway.directory.users import User
from gateway.sts.sessions import end_sessions_of_user


@click.group("user", cls=DeskGroup)
def user() -> None:
    """RAM users and their passwords."""


@user.command("create")
@click.argument("name")
@click.option("--display-name", default="", help="How people call this user.")
@click.option("--comments", default="")
@pass_desk
def create(desk: Desk, name: str, display_name: str, comments: str) -> None:
    """Add a user. It can sign in once it has a password, or once user SSO is on."""
    with desk.transaction() as session:
        made = users.create_user(
            session, desk.account(session).id, name, display_name=display_name, comments=comments, now=desk.now()
        )
    desk.out.record(_record(made))


@user.command("list")
@pass_desk
def list_all(desk: Desk) -> None:
    """List the users of an account."""
    with desk.reading() as session:
        rows = [_record(found) for found in users.list_users(session, desk.account(session).id)]
    desk.out.rows(rows, ("name", "display_name", "user_id", "last_login_at"))


@user.command("show")
@click.argument("name")
@pass_desk
def show(desk: Desk, name: str) -> None:
    """Show a user, its groups and its own policies."""
    with desk.reading() as session:
        found = users.get_user(session, desk.account(session).id, name)
        record = {
            **_record(found),
            "groups": [group.name for group in groups.groups_of(session, found)],
            "policies": [attached.policy_name for attached in attachments.policies_of(session, found)],
            "has_password": login_profiles.find_login_profile(session, found) is not None,
        }
    desk.out.record(record)


@user.command("update")
@click.argument("name")
@click.option("--name", "new_name", default=None, help="A new name; what is attached to the user follows.")
@click.option("--display-name", default=None)
@click.option("--comments", default=None)
@pass_desk
def update(desk: Desk, name: str, new_name: str | None, display_name: str | None, comments: str | None) -> None:
    """Change a user's name, display name or comments."""
    with desk.transaction() as session:
        changed = users.update_user(
            session,
            desk.account(session).id,
            name,
            new_name=new_name,
            display_name=display_name,
            comments=comments,
            now=desk.now(),
        )
    desk.out.record(_record(changed))


@user.command("delete")
@click.argument("name")
@pass_desk
def delete(desk: Desk, name: str) -> None:
    """Delete a user that has no password, access key, group and policy any more. It can be restored for 30 days."""
    with desk.transaction() as session:
        recycle_bin.delete_user(session, desk.account(session).id, name, desk.now())
    desk.out.done(f"deleted user {name}")


@user.command("set-password")
@click.argument("name")
@password_options
@pass_desk
def set_password(desk: Desk, name: str, *, from_stdin: bool, generate: bool) -> None:
    """Give a user a password, or a new one, and sign it out of its browsers. While user SSO is on, the password is kept
    but not asked for.
    """
    password = read_password(from_stdin=from_stdin, generate=generate)
    with desk.reading() as session:
        found = users.get_user(session, desk.account(session).id, name)
        prepared = login_profiles.prepare_password(session, found, password)
    with desk.transaction() as session:
        found = users.get_user(session, desk.account(session).id, name)
        if login_profiles.find_login_profile(session, found) is None:
            login_profiles.add_login_profile(session, found, prepared, now=desk.now())
        else:
            login_profiles.update_login_profile(session, found, password=prepared, now=desk.now())
        end_sessions_of_user(session, found.id, desk.now())
    record: dict[str, str] = {"user": found.name}
    if generate:
        record["password"] = password.reveal()
    desk.out.record(record)


@user.command("remove-password")
@click.argument("name")
@pass_desk
def remove_password(desk: Desk, name: str) -> None:
    """Take a user's password away, and sign it out of its browsers."""
    with desk.transaction() as session:
        found = users.get_user(session, desk.account(session).id, name)
        login_profiles.delete_login_profile(session, found)
        end_sessions_of_user(session, found.id, desk.now())
    desk.out.done(f"user {name} has no password any more")


@user.command("sign-out")
@click.argument("name")
@pass_desk
def sign_out(desk: Desk, name: str) -> None:
    """End every session that a user has now."""
    with desk.transaction() as session:
        found = users.get_user(session, desk.account(session).id, name)
        revocations.revoke(session, "user", found.id, desk.now())
    desk.out.done(f"every session of user {found.name} has ended")


def _record(found: User) -> Row:
    return {
        "name": found.name,
        "user_id": found.id,
        "display_name": found.display_name,
        "comments": found.comments,
        "created_at": found.created_at,
        "updated_at": found.updated_at,
        "last_login_at": found.last_login_at,
    }
