"""`ramgate role`: roles and who may take them."""

from datetime import timedelta

import click

from gateway.cli.desk import Desk, pass_desk
from gateway.cli.dry_run import dry_run_options, show_dry_run
from gateway.cli.frame import DeskGroup, TextFile
from gateway.cli.printing import Row
from gateway.directory import attachments, revocations, roles, saml_providers
from gateway.directory.roles import Role
from gateway.federation.trust_document import saml_trust_document
from gateway.saml.names import role_sso_recipient
from gateway.simulation.changes import change_trust


@click.group("role", cls=DeskGroup)
def role() -> None:
    """Roles and who may take them."""


@role.command("create")
@click.argument("name")
@click.option("--provider", metavar="PROVIDER", help="Trust the people whom this SAML provider vouches for.")
@click.option("--trust", type=TextFile(), metavar="FILE", help="Trust policy for anything else (- is standard input).")
@click.option("--description", default="")
@click.option("--max-session", type=int, default=3600, show_default=True, help="Longest session in seconds.")
@pass_desk
def create(
    desk: Desk, name: str, *, provider: str | None, trust: str | None, description: str, max_session: int
) -> None:
    """Add a role."""
    if (provider is None) == (trust is None):
        raise click.UsageError("Who may take the role? Give --provider or --trust.")
    with desk.transaction() as session:
        account_id = desk.account(session).id
        if provider is not None:
            known = saml_providers.get_saml_provider(session, account_id, provider)
            document = saml_trust_document(known.arn, role_sso_recipient(desk.settings.base_url))
        else:
            assert trust is not None
            document = trust
        made = roles.create_role(
            session,
            account_id,
            name,
            trust_document=document,
            description=description,
            max_session_duration_s=max_session,
            now=desk.now(),
        )
    desk.out.record(_record(made))


@role.command("list")
@pass_desk
def list_all(desk: Desk) -> None:
    """List the roles of an account."""
    with desk.reading() as session:
        rows = [_record(found) for found in roles.list_roles(session, desk.account(session).id)]
    desk.out.rows(rows, ("name", "description", "max_session_seconds", "arn"))


@role.command("show")
@click.argument("name")
@pass_desk
def show(desk: Desk, name: str) -> None:
    """Show a role, its policies and its trust policy."""
    with desk.reading() as session:
        found = roles.get_role(session, desk.account(session).id, name)
        record = {
            **_record(found),
            "policies": [attached.policy_name for attached in attachments.policies_of(session, found)],
            "trust_policy": found.trust_document,
        }
    desk.out.record(record)


@role.command("update")
@click.argument("name")
@click.option("--trust", type=TextFile(), metavar="FILE", help="New trust policy; - is standard input.")
@click.option("--description", default=None)
@click.option("--max-session", type=int, default=None, help="Longest session in seconds.")
@dry_run_options
@pass_desk
def update(
    desk: Desk,
    name: str,
    *,
    trust: str | None,
    description: str | None,
    max_session: int | None,
    dry: bool,
    since: timedelta,
) -> None:
    """Change a role's trust policy, description or longest session."""
    if dry:
        if trust is None:
            raise click.UsageError("Only a new trust policy can be tried: give --trust.")
        document = trust
        show_dry_run(desk, lambda session, account_id: change_trust(session, account_id, name, document), since)
        return
    with desk.transaction() as session:
        changed = roles.update_role(
            session,
            desk.account(session).id,
            name,
            trust_document=trust,
            description=description,
            max_session_duration_s=max_session,
            now=desk.now(),
        )
    desk.out.record(_record(changed))


@role.command("delete")
@click.argument("name")
@pass_desk
def delete(desk: Desk, name: str) -> None:
    """Delete a role that has no policy any more, and end its sessions."""
    with desk.transaction() as session:
        roles.delete_role(session, desk.account(session).id, name)
    desk.out.done(f"deleted role {name}")


@role.command("sign-out")
@click.argument("name")
@pass_desk
def sign_out(desk: Desk, name: str) -> None:
    """End every session that somebody has now as this role; its credentials stop working."""
    with desk.transaction() as session:
        found = roles.get_role(session, desk.account(session).id, name)
        revocations.revoke(session, "role", found.id, desk.now())
    desk.out.done(f"every session of role {found.name} has ended")


def _record(found: Role) -> Row:
    return {
        "name": found.name,
        "role_id": found.id,
        "arn": found.arn,
        "description": found.description,
        "max_session_seconds": found.max_session_duration_s,
        "created_at": found.created_at,
        "updated_at": found.updated_at,
    }
